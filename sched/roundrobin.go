package sched

import "net/netip"

// roundRobin is rr (ip_vs_rr.c): the next server in the list that may have a
// connection.
type roundRobin struct {
	at int // the last one chosen, -1 for the head of the list
}

func (r *roundRobin) start(*Service) { r.at = -1 }

// changed keeps pointing at the same server; when it is removed, at the one
// before it.
func (r *roundRobin) changed(_ *Service, how change, at int) {
	switch {
	case how == added && r.at >= 0:
		r.at++
	case how == removed && at <= r.at:
		r.at--
	}
}

// Last tells a service under rr whose turn it was last. Others have no use for it.
func (s *Service) Last(addr netip.AddrPort) {
	if r, ok := s.algorithm.(*roundRobin); ok {
		r.at = s.index(addr)
	}
}

func (r *roundRobin) choose(s *Service, _ Connection, why *reasons) *server {
	n := len(s.servers)
	for step := 1; step <= n; step++ {
		i := r.at + step
		if i >= n {
			i -= n
			if r.at < 0 {
				break
			}
		}
		one := s.servers[i]
		if one.usable() {
			r.at = i
			why.add(Turn, one, 0, 0)
			return one
		}
		why.unusable(one)
	}
	return nil
}

// weightedRoundRobin is wrr (ip_vs_wrr.c): rounds through the list, each for
// the servers whose weight has reached a number that falls from the greatest
// weight by the greatest common divisor.
type weightedRoundRobin struct {
	at      int // the last one chosen, -1 for the head of the list
	current int // what this round asks for
	max     int // what the first round asks for
	step    int // what the next round asks less
}

func (w *weightedRoundRobin) start(s *Service) {
	w.measure(s)
	w.current = w.max
}

// measure begins at the head of the list with what the weights give.
func (w *weightedRoundRobin) measure(s *Service) {
	w.at, w.step, w.max = -1, 0, 0
	for _, one := range s.servers {
		if one.Weight > 0 {
			w.step = gcd(one.Weight, w.step)
			w.max = max(w.max, one.Weight)
		}
	}
	w.step = max(w.step, 1)
	w.max -= w.step - 1
}

// changed keeps the round, as far as the new weights have it.
func (w *weightedRoundRobin) changed(s *Service, _ change, _ int) {
	w.measure(s)
	switch {
	case w.current > w.max || w.current == 0:
		w.current = w.max
	case w.step > 1:
		w.current = w.current/w.step*w.step + 1
	}
}

func (w *weightedRoundRobin) choose(s *Service, _ Connection, why *reasons) *server {
	if w.max == 0 {
		for _, one := range s.servers {
			why.unusable(one)
		}
		return nil
	}
	// All have been asked when a round for weight 1 went over the whole list:
	// from the head, or up to stop, which is where the search began.
	began, stop := w.at, -1
	lastRound, again := false, false
	for i, first := began, true; ; first = false {
		for i++; i < len(s.servers); i++ {
			one := s.servers[i]
			if !one.Overloaded && one.Weight >= w.current {
				w.at = i
				why.add(Round, one, int64(w.current), int64(one.Weight))
				return one
			}
			if one.Overloaded && first {
				why.unusable(one)
			}
			if i == stop {
				w.at = i
				return nil
			}
		}
		i = -1
		if w.current -= w.step; first {
			w.skip(s)
		}
		if w.current <= 0 {
			w.current = w.max
			if lastRound || began < 0 {
				w.at = -1
				return nil
			}
			again = true
			w.skip(s)
		}
		lastRound = w.current <= w.step
		if lastRound && again {
			stop = began
		}
	}
}

// skip leaves out rounds that ask for more weight than any server has that may
// have a connection. The kernel goes through them, up to two thousand million if
// the heavy servers are overloaded; nothing comes of it but the time they take.
func (w *weightedRoundRobin) skip(s *Service) {
	least := w.step // the last round is never left out
	for _, one := range s.servers {
		if !one.Overloaded {
			least = max(least, one.Weight)
		}
	}
	if w.current > least {
		w.current -= (w.current - least + w.step - 1) / w.step * w.step
	}
}

// gcd is the greatest common divisor; that of a number and 0 is the number.
func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
