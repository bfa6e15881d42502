package check

import "slices"

// maxWeight is the most that checkers can raise a weight to, as for keepalived.
const maxWeight = 65535

// realState is the state of one real server.
type realState struct {
	checkers []Health
	// held is the weight that the kernel had at the start; it stays until all
	// checkers have passed (see NewPool).
	held  uint32
	holds bool
}

// newReal is a real server before the first result.
func newReal(c *RealConfig) realState {
	r := realState{checkers: make([]Health, len(c.Checkers))}
	for i := range c.Checkers {
		r.checkers[i] = NewHealth(&c.Checkers[i])
	}
	return r
}

// set makes all checkers take the server for up or down.
func (r *realState) set(up bool) {
	for i := range r.checkers {
		r.checkers[i] = Health{Up: up}
	}
}

// hold keeps a weight until all checkers have passed. A server that is not
// checked has the configured one.
func (r *realState) hold(weight uint32) {
	r.held, r.holds = weight, len(r.checkers) > 0
}

// up says whether all checkers take the server for up.
func (r *realState) up() bool {
	return !slices.ContainsFunc(r.checkers, func(h Health) bool { return !h.Up })
}

// found says whether a checker has found it down.
func (r *realState) found() bool {
	return slices.ContainsFunc(r.checkers, func(h Health) bool { return !h.Up && !h.Fresh })
}

// weight is the server's share while it is up: the lowest that a checker set,
// else the configured one, and what checkers add; 0 to 65535.
func (r *realState) weight(c *RealConfig) uint32 {
	if r.holds {
		return r.held
	}
	base, sum, dynamic := int64(c.Weight), int64(0), false
	for _, h := range r.checkers {
		switch {
		case h.Rule == SetWeight && (!dynamic || h.Weight < base):
			base, dynamic = h.Weight, true
		case h.Rule == AddWeight:
			sum += min(max(h.Weight, -1<<32), 1<<32) // so that no sum overflows
		}
	}
	if !dynamic && sum == 0 {
		return c.Weight
	}
	return uint32(min(max(min(base, maxWeight)+sum, 0), maxWeight))
}

// settle lets go of the held weight when it is known better.
func (r *realState) settle() {
	if !slices.ContainsFunc(r.checkers, func(h Health) bool { return !h.Passed }) {
		r.held, r.holds = 0, false
	}
}
