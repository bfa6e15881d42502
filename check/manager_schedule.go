package check

import (
	"container/heap"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// queue is a heap of the runners that wait, the one due first in front.
type queue []*runner

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}
func (q *queue) Push(x any) {
	r := x.(*runner)
	r.place = len(*q)
	*q = append(*q, r)
}
func (q *queue) Pop() any {
	last := len(*q) - 1
	r := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	r.place = -1
	return r
}

// push has a runner wait until a time, also if it waits already.
func (q *queue) push(r *runner, due time.Time) {
	if r.due = due; r.place >= 0 {
		heap.Fix(q, r.place)
		return
	}
	heap.Push(q, r)
}

func (q *queue) remove(r *runner) {
	if r.place >= 0 {
		heap.Remove(q, r.place)
	}
}

// spread gives the first checks their times: however many there are, they are
// spread evenly. Multiples of the golden ratio, taken modulo 1, are.
type spread struct{ at float64 }

const goldenRatio = 0.6180339887498949

func (s *spread) next(within time.Duration) time.Duration {
	if s.at == 0 {
		s.at = rand.Float64() // so that two directors do not check at the same time
	}
	if s.at += goldenRatio; s.at >= 1 {
		s.at--
	}
	return time.Duration(s.at * float64(within))
}

// jitter is a time of up to a twentieth less, so that what came together by
// chance goes apart again.
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Float64()*float64(d)/20)
}

// outcome is the end of a check.
type outcome struct {
	runner  *runner
	at      time.Time
	result  Result
	trouble string // a panic, with its stack; then there is no result
}

// together is how much too early a check may begin along with another: to wake up
// takes as long as a check does.
const together = 5 * time.Millisecond

// launch begins the checks that are due, as far as there is room.
func (m *Manager) launch(now time.Time) {
	if len(m.due) == 0 || now.Before(m.due[0].due) {
		return
	}
	for soon := now.Add(together); m.running < m.options.Concurrent && len(m.due) > 0 && !soon.Before(m.due[0].due); {
		r := heap.Pop(&m.due).(*runner)
		ctx, cancel := context.WithCancel(m.ctx)
		r.cancel, r.began = cancel, now
		m.running++
		check := r.check // a reload may change it meanwhile
		go func() {
			o := perform(ctx, check)
			o.runner = r
			m.results <- o
		}()
	}
}

// lingering is how long checks may take to end once nobody wants their results.
const lingering = 3 * time.Second

// await waits, at the end, for the checks that are being done: that of a program has
// still to end the program, which would otherwise outlive us. One that hangs is not
// waited for.
func (m *Manager) await() {
	limit := time.After(lingering)
	for ; m.running > 0; m.running-- {
		select {
		case <-m.results:
		case <-limit:
			return
		}
	}
}

// perform does a check. The channel of results has room for all checks that can
// be done at a time, so that one that ends after all has nobody to wait for.
func perform(ctx context.Context, check Checker) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			o.trouble = fmt.Sprintf("%v\n%s", p, debug.Stack())
		}
		o.at = time.Now()
	}()
	o.result = check.Check(ctx)
	return o
}

// take takes the result of a check.
func (m *Manager) take(o outcome) {
	r, now := o.runner, o.at
	m.running--
	r.cancel()
	r.cancel = nil
	if r.server == nil {
		return // a reload has removed it meanwhile
	}
	s := r.server
	if s.pool.Suspended() {
		return
	}
	if o.trouble != "" {
		m.counts.Panics++
		m.log.error(fmt.Sprintf("%s of service %s for VS %s has no result: %s", r.config.Probe.Kind(), s.realName(r.real), s.name, o.trouble))
		m.due.push(r, now.Add(jitter(r.config.Interval)))
		return
	}
	m.counts.Checks++
	switch o.result.Verdict {
	case Fail:
		m.counts.Failed++
	case Pass, Partial:
		m.counts.Passed++
	case Skip:
		if r.last.Verdict != Skip {
			m.log.error(fmt.Sprintf("%s of service %s for VS %s cannot be done: %s", r.config.Probe.Kind(), s.realName(r.real), s.name, o.result.Reason))
		}
	}
	before, up := s.pool.Checker(r.real, r.checker), s.pool.Real(r.real).Up
	next, changes := s.pool.Report(r.real, r.checker, o.result)
	r.last, r.at, r.took = o.result, now, now.Sub(r.began)
	m.logResult(r, before, s.pool.Checker(r.real, r.checker), o.result, up != s.pool.Real(r.real).Up)
	if next == r.config.Interval {
		next = jitter(next)
	}
	if r.again {
		r.again, next = false, 0
	}
	m.due.push(r, now.Add(next))
	m.report(now, s, changes)
}

// takeWaiting takes what else has ended, so that the table is changed once for
// all of it.
func (m *Manager) takeWaiting() {
	for range cap(m.results) {
		select {
		case o := <-m.results:
			m.take(o)
		default:
			return
		}
	}
}

// hurry has a runner check now, or again if it is just checking.
func (m *Manager) hurry(now time.Time, r *runner) {
	switch {
	case r.cancel != nil:
		r.again = true // it may have looked already
	case !r.server.pool.Suspended():
		m.due.push(r, now)
	}
}
