package check

import "net/netip"

// Reload goes on with a new configuration of the same virtual server and
// returns what changed by it: with the same configuration nothing.
//
// A real server stays the same by its address, a checker of it by its Probe:
// both keep their state, whatever else changed. A checker that is new to a
// server that stays takes over whether the server was up, so that no server
// comes or goes before it was checked. A server that is new is as at the start,
// and reported; one that is gone is not, for it has no index any more.
func (p *Pool) Reload(c *ServerConfig) []Change {
	old := make(map[netip.AddrPort]int, len(p.reals))
	for i := range p.config.Reals {
		old[p.config.Reals[i].Addr] = i
	}
	was := *p
	p.config, p.reals = c, make([]realState, len(c.Reals))
	var changes []Change
	for i := range c.Reals {
		cause := Change{Cause: CauseReload, Real: i, Checker: -1}
		at, stays := old[c.Reals[i].Addr]
		if !stays {
			p.reals[i] = newReal(&c.Reals[i])
			cause.Kind = RealDown
			if p.reals[i].up() {
				cause.Kind = RealUp
			}
			changes = append(changes, cause)
			continue
		}
		before, config := &was.reals[at], &was.config.Reals[at]
		p.reals[i] = before.reload(config, &c.Reals[i])
		changes = compare(changes, cause, before.up(), before.weight(config), &p.reals[i], &c.Reals[i])
	}
	return p.appendQuorum(changes, Change{Cause: CauseReload})
}

// reload returns the state of a real server under a new configuration.
func (r *realState) reload(was, is *RealConfig) realState {
	next := realState{checkers: make([]Health, len(is.Checkers))}
	taken := make([]bool, len(was.Checkers))
	for i := range is.Checkers {
		next.checkers[i] = Health{Up: r.up()}
		for j := range was.Checkers {
			if !taken[j] && sameProbe(was.Checkers[j].Probe, is.Checkers[i].Probe) {
				taken[j] = true
				next.checkers[i] = r.checkers[j]
				break
			}
		}
	}
	if r.holds {
		next.hold(r.held)
		next.settle()
	}
	return next
}
