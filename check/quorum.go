package check

// quorumLimit is the total weight of living servers at which there is a quorum:
// Hysteresis more than Quorum to gain one, as much less to keep one, so that a
// weight that goes to and fro across the boundary does not flap.
// No weight at all never is a quorum.
func (s *ServerConfig) quorumLimit(has bool) uint64 {
	q, h := uint64(s.Quorum), uint64(s.Hysteresis)
	switch {
	case !has:
		return max(1, q+h)
	case h >= q:
		return 1
	}
	return q - h
}

// Sum is the weight of all real servers that are up.
func (p *Pool) Sum() uint64 {
	sum := uint64(0)
	for i := range p.reals {
		if r := &p.reals[i]; r.up() {
			sum += uint64(r.weight(&p.config.Reals[i]))
		}
	}
	return sum
}

// Quorum says whether the virtual server has its quorum.
func (p *Pool) Quorum() bool { return p.quorum }

// SorryInUse says whether the sorry server takes the place of the real ones.
func (p *Pool) SorryInUse() bool { return !p.quorum && p.config.Sorry != nil }

// appendQuorum reckons the quorum anew and appends how it changed, if it did,
// for the cause of c.
func (p *Pool) appendQuorum(changes []Change, c Change) []Change {
	sum, limit := p.Sum(), p.config.quorumLimit(p.quorum)
	if p.quorum == (sum >= limit) {
		return changes
	}
	p.quorum = !p.quorum
	q := quorumChange(p.quorum, sum, limit, c.Cause)
	q.Reason = c.Reason
	return append(changes, q)
}

func quorumChange(has bool, sum, limit uint64, cause Cause) Change {
	c := Change{Kind: QuorumLost, Cause: cause, Real: -1, Checker: -1, Sum: sum, Limit: limit}
	if has {
		c.Kind = QuorumGained
	}
	return c
}
