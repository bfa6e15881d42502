package check

import (
	"net/netip"
	"time"

	"ipvsadm/ipvs"
)

// Pool is the state of one virtual server. It is for one goroutine.
type Pool struct {
	config    *ServerConfig
	reals     []realState // as config.Reals
	quorum    bool
	suspended bool
}

// NewPool returns the state before the first result and what it is, as changes
// with CauseStart: one for each real server and one for the quorum. As with
// keepalived a quorum has to be gained, so it takes the hysteresis too; its
// scripts run at the start as well, but for quorum_down without a sorry server.
//
// have is what the kernel's table has of the virtual server's services, in the
// order of Config.Services, as an earlier run may have left it.
// The first service with any of its servers, the sorry server included, is
// taken for the state of all: servers in it are up and keep their weight until
// their checkers have passed, servers not in it are down. Servers with Inhibit
// and weight 0 are down. Without such a service, and for servers without
// checkers, the configuration says what is up. A quorum is only to be kept then,
// unless the sorry server was in use. Changes have CauseAdopted.
func NewPool(c *ServerConfig, have []ipvs.Entry) (*Pool, []Change) {
	p := &Pool{config: c, reals: make([]realState, len(c.Reals))}
	for i := range c.Reals {
		p.reals[i] = newReal(&c.Reals[i])
	}
	cause := CauseStart
	for i := range have {
		if p.adopt(&have[i]) {
			cause = CauseAdopted
			break
		}
	}
	changes := make([]Change, 0, len(p.reals)+1)
	for i := range p.reals {
		kind := RealDown
		if p.reals[i].up() {
			kind = RealUp
		}
		changes = append(changes, Change{Kind: kind, Cause: cause, Real: i, Checker: -1})
	}
	sum, limit := p.Sum(), c.quorumLimit(p.quorum)
	p.quorum = sum >= limit
	return p, append(changes, quorumChange(p.quorum, sum, limit, cause))
}

// adopt takes over the state from a service, that of the quorum included; false
// if it has nothing of ours.
func (p *Pool) adopt(e *ipvs.Entry) bool {
	has := make(map[netip.AddrPort]uint32, len(e.Destinations)) // weights
	for _, d := range e.Destinations {
		has[d.Addr] = d.Weight
	}
	any, quorum := false, true
	if s := p.config.Sorry; s != nil {
		var weight uint32
		weight, any = has[portOf(s.Addr, e.ServiceKey)]
		quorum = weight == 0
	}
	for i := range p.config.Reals {
		_, is := has[portOf(p.config.Reals[i].Addr, e.ServiceKey)]
		any = any || is
	}
	if !any {
		return false
	}
	p.quorum = quorum
	for i := range p.reals {
		c := &p.config.Reals[i]
		weight, is := has[portOf(c.Addr, e.ServiceKey)]
		up := is && (weight > 0 || !c.Inhibit)
		p.reals[i].set(up)
		if up {
			p.reals[i].hold(weight)
		}
	}
	return true
}

// Report takes the result of a check of a real server, by their indexes in the
// configuration. It returns how long after the end of that check the next is
// due, and what changed. While the checks are suspended a result has no effect.
func (p *Pool) Report(real, checker int, r Result) (next time.Duration, changes []Change) {
	config, state := &p.config.Reals[real], &p.reals[real]
	if p.suspended {
		return config.Checkers[checker].Interval, nil
	}
	up, weight, presumed := state.up(), state.weight(config), !state.found()
	health, next := state.checkers[checker].Next(&config.Checkers[checker], r)
	state.checkers[checker] = health
	state.settle()

	c := Change{Cause: CausePass, Real: real, Checker: checker, Reason: r.Reason}
	if r.Verdict == Fail {
		c.Cause = CauseFail
	}
	if changes = compare(nil, c, up, weight, state, config); len(changes) == 0 {
		if presumed && state.found() { // alpha was right
			c.Kind, c.Cause = RealDown, CauseConfirmed
			changes = append(changes, c)
		}
		return next, changes
	}
	return next, p.appendQuorum(changes, c)
}

// compare appends what has become of a real server, as changes like c. The
// weight comes first, as it is to be in force when the server is.
func compare(changes []Change, c Change, up bool, weight uint32, now *realState, config *RealConfig) []Change {
	if w := now.weight(config); w != weight {
		c := c
		c.Kind, c.Old, c.New = WeightChanged, weight, w
		changes = append(changes, c)
	}
	if is := now.up(); is != up {
		c.Kind = RealDown
		if is {
			c.Kind = RealUp
		}
		changes = append(changes, c)
	}
	return changes
}

// Suspend stops results from having an effect, or lets them have one again
// (ha_suspend). The state stays as it is.
func (p *Pool) Suspend(on bool) { p.suspended = on }

// Suspended says whether results have no effect.
func (p *Pool) Suspended() bool { return p.suspended }

// Stop returns what stopping changes: with Omega all that is up goes down, the
// real servers one after the other and the quorum when too few are left; else
// nothing. The pool itself stays as it is.
func (p *Pool) Stop() []Change {
	if !p.config.Omega {
		return nil
	}
	return p.end(CauseStop)
}

// end returns what going down altogether changes.
func (p *Pool) end(cause Cause) []Change {
	var changes []Change
	sum, limit, quorum := p.Sum(), p.config.quorumLimit(true), p.quorum
	for i := range p.reals {
		if !p.reals[i].up() {
			continue
		}
		changes = append(changes, Change{Kind: RealDown, Cause: cause, Real: i, Checker: -1})
		if sum -= uint64(p.reals[i].weight(&p.config.Reals[i])); quorum && sum < limit {
			quorum = false
			changes = append(changes, quorumChange(false, sum, limit, cause))
		}
	}
	return changes
}

// Config returns the configuration the pool goes by.
func (p *Pool) Config() *ServerConfig { return p.config }

// RealStatus is the state of a real server.
type RealStatus struct {
	Up bool
	// Weight is its share while it is up and there is a quorum.
	Weight uint32
	// Adopted says that the weight is still the one found in the kernel.
	Adopted bool
}

// Real returns the state of a real server by its index in the configuration.
func (p *Pool) Real(i int) RealStatus {
	r := &p.reals[i]
	return RealStatus{Up: r.up(), Weight: r.weight(&p.config.Reals[i]), Adopted: r.holds}
}

// Checker returns what a checker of a real server knows.
func (p *Pool) Checker(real, checker int) Health { return p.reals[real].checkers[checker] }
