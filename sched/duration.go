package sched

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Distribution is how long connections last. The zero value is for ever.
type Distribution struct {
	shape shape
	a, b  time.Duration
}

type shape uint8

const (
	endless shape = iota
	fixed
	exponential
	uniform
)

// longest is more than any connection of a simulation needs to last.
const longest = 100 * 365 * 24 * time.Hour

// ParseDistribution reads "30s", every connection the same; "exp:30s",
// exponential with that mean; "uniform:10s-50s", anything between; and
// "endless". Times are Go's, not negative and a century at most.
func ParseDistribution(text string) (Distribution, error) {
	bad := fmt.Errorf("duration %q: want TIME, exp:TIME, uniform:TIME-TIME or endless, as in exp:30s", text)
	kind, value, named := strings.Cut(text, ":")
	if !named {
		kind, value = "", text
	}
	d := Distribution{}
	var err error
	switch {
	case text == "endless":
		return d, nil
	case kind == "":
		d.shape = fixed
	case kind == "exp":
		d.shape = exponential
	case kind == "uniform":
		d.shape = uniform
		low, high, found := strings.Cut(value, "-")
		if d.b, err = time.ParseDuration(high); err != nil || !found {
			return Distribution{}, bad
		}
		value = low
	default:
		return Distribution{}, bad
	}
	if d.a, err = time.ParseDuration(value); err != nil || !d.valid() {
		return Distribution{}, bad
	}
	return d, nil
}

// String is the text that ParseDistribution reads.
func (d Distribution) String() string {
	switch d.shape {
	case fixed:
		return d.a.String()
	case exponential:
		return "exp:" + d.a.String()
	case uniform:
		return "uniform:" + d.a.String() + "-" + d.b.String()
	}
	return "endless"
}

func (d Distribution) valid() bool {
	return d.a >= 0 && d.a <= longest && d.b <= longest && (d.shape != uniform || d.a <= d.b)
}

// draw returns how long a connection lasts, false if it never ends.
func (d Distribution) draw(r *rand.Rand) (time.Duration, bool) {
	switch d.shape {
	case fixed:
		return d.a, true
	case exponential:
		return min(longest, time.Duration(r.ExpFloat64()*float64(d.a))), true
	case uniform:
		return d.a + time.Duration(r.Float64()*float64(d.b-d.a)), true
	}
	return 0, false
}

// schedule is what ends when: a heap with the earliest in front.
type schedule []ending

type ending struct {
	at     time.Duration
	server *server
}

// next returns the earliest, false if that is after now.
func (s schedule) next(now time.Duration) (ending, bool) {
	if len(s) == 0 || s[0].at > now {
		return ending{}, false
	}
	return s[0], true
}

func (s *schedule) add(at time.Duration, one *server) {
	h := append(*s, ending{at, one})
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if h[up].at <= h[i].at {
			break
		}
		h[up], h[i] = h[i], h[up]
		i = up
	}
	*s = h
}

// remove takes the earliest away.
func (s *schedule) remove() {
	h := *s
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		least := i
		for down := 2*i + 1; down <= 2*i+2 && down < len(h); down++ {
			if h[down].at < h[least].at {
				least = down
			}
		}
		if least == i {
			break
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
	*s = h
}

// queue is what ends in the order in which it was added.
type queue struct {
	list []ending
	gone int // how many of the list are
}

// next returns the earliest, false if that is after now.
func (q *queue) next(now time.Duration) (ending, bool) {
	if q.gone == len(q.list) || q.list[q.gone].at > now {
		return ending{}, false
	}
	return q.list[q.gone], true
}

func (q *queue) add(e ending) {
	if q.gone > len(q.list)/2 && len(q.list) == cap(q.list) {
		q.list = q.list[:copy(q.list, q.list[q.gone:])]
		q.gone = 0
	}
	q.list = append(q.list, e)
}

// remove takes the earliest away.
func (q *queue) remove() { q.gone++ }
