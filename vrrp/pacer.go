package vrrp

import (
	"slices"
	"time"
)

// Pacer spaces announcements on one interface, or on the interfaces of one
// garp_group (vrrp_garp_interval, vrrp_gna_interval). K says what is announced:
// an address of an instance. It is pure as Machine is.
//
// keepalived forgets repetitions of what still waits; here all of them are sent,
// every address in turn.
type Pacer[K comparable] struct {
	interval time.Duration
	queue    []waiting[K]
	from     time.Time // when the next one may be sent
}

type waiting[K comparable] struct {
	what K
	left int
}

// NewPacer makes a pacer that leaves the interval between announcements; with 0
// it lets everything through at once.
func NewPacer[K comparable](interval time.Duration) *Pacer[K] {
	return &Pacer[K]{interval: interval}
}

// Push asks for n announcements of what.
func (p *Pacer[K]) Push(now time.Time, what K, n int) {
	if n <= 0 {
		return
	}
	if len(p.queue) == 0 && p.from.Before(now) {
		p.from = now
	}
	for i := range p.queue {
		if p.queue[i].what == what {
			// A second burst for what still waits adds nothing to it.
			p.queue[i].left = max(p.queue[i].left, n)
			return
		}
	}
	p.queue = append(p.queue, waiting[K]{what, n})
}

// Drop forgets what waits and matches: the instance is no longer Active.
func (p *Pacer[K]) Drop(match func(K) bool) {
	p.queue = slices.DeleteFunc(p.queue, func(w waiting[K]) bool { return match(w.what) })
}

// Pop takes the next announcement to send now, if there is one.
func (p *Pacer[K]) Pop(now time.Time) (what K, ok bool) {
	if len(p.queue) == 0 || now.Before(p.from) {
		return what, false
	}
	w := p.queue[0]
	p.queue = slices.Delete(p.queue, 0, 1)
	if w.left--; w.left > 0 {
		p.queue = append(p.queue, w)
	}
	p.from = now.Add(p.interval)
	return w.what, true
}

// Deadline is when Pop has something, the zero time when nothing waits.
func (p *Pacer[K]) Deadline() time.Time {
	if len(p.queue) == 0 {
		return time.Time{}
	}
	return p.from
}
