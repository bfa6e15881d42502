package check

import (
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"time"

	"ipvsadm/ipvs"
)

// server is a virtual server that is being run.
type server struct {
	config *ServerConfig
	name   string
	keys   []ipvs.ServiceKey
	pool   *Pool // nil before open
	reals  []realRun
	since  time.Time // of the state of the quorum
	dirty  bool      // the table may have to be changed
}

// realRun is a real server of it.
type realRun struct {
	runners []*runner
	since   time.Time     // of its state
	change  time.Duration // see RealReport
}

// runner does the checks of one checker, one after the other.
type runner struct {
	server  *server // nil when it is gone
	real    int
	checker int
	config  *CheckerConfig
	check   Checker
	due     time.Time
	place   int       // in the queue, -1 when it is not in it
	cancel  func()    // of the check that is being done, nil if there is none
	began   time.Time // of the last check, the one that is being done included
	again   bool      // once it is done, check again at once
	last    Result
	at      time.Time // of the end of the last check, zero before the first
	took    time.Duration
}

// runners are all runners.
func (m *Manager) runners() iter.Seq[*runner] {
	return func(yield func(*runner) bool) {
		for _, s := range m.servers {
			for r := range s.runners() {
				if !yield(r) {
					return
				}
			}
		}
	}
}

func (s *server) runners() iter.Seq[*runner] {
	return func(yield func(*runner) bool) {
		for i := range s.reals {
			for _, r := range s.reals[i].runners {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// identity is what makes a virtual server the same after a reload.
type identity struct {
	key   ipvs.ServiceKey
	group string
}

func identityOf(s *ServerConfig) identity {
	if s.Group != "" {
		return identity{ipvs.ServiceKey{Protocol: s.Service.Protocol}, s.Group}
	}
	return identity{key: s.Service.ServiceKey}
}

// build makes the servers of a configuration, with all their checkers, and
// changes nothing. Servers of which the present configuration says the same, and
// of others the checkers, are taken from it. It returns everything that is wrong.
func (m *Manager) build(c *Config, before *Config) ([]*server, error) {
	old := make(map[identity]*server, len(m.servers))
	for _, s := range m.servers {
		old[identityOf(s.config)] = s
	}
	reuse := func(ProbeConfig) bool { return true }
	reuseAll := before != nil
	if before != nil {
		// A certificate of the same name may have been renewed.
		tls, files := before.TLS != c.TLS || c.TLS != (TLSConfig{}), !slices.Equal(before.Files, c.Files)
		reuseAll = !tls && !files
		reuse = func(p ProbeConfig) bool {
			switch p := p.(type) {
			case HTTPConfig:
				return !tls || !p.TLS
			case FileCheckConfig:
				return !files
			}
			return true
		}
	}
	var errs []error
	servers := make([]*server, len(c.Servers))
	for i := range c.Servers {
		config := &c.Servers[i]
		before := old[identityOf(config)]
		delete(old, identityOf(config))
		if reuseAll && before != nil && sameServer(before.config, config) &&
			(config.Group == "" || slices.Equal(before.keys, c.Services(config))) {
			servers[i] = before
			continue
		}
		s := &server{config: config, name: config.Name(), keys: c.Services(config), reals: make([]realRun, len(config.Reals))}
		servers[i] = s
		was := newPast(before)
		for j := range config.Reals {
			real := &config.Reals[j]
			for k := range real.Checkers {
				r := &runner{server: s, real: j, checker: k, config: &real.Checkers[k], place: -1}
				if old := was.take(real.Addr, r.config.Probe); old != nil && reuse(r.config.Probe) {
					r.check = old.check
				} else if check, err := m.options.New(c, r.config.Probe); err != nil {
					errs = append(errs, config.unusable(j, err))
				} else {
					r.check = check
				}
				s.reals[j].runners = append(s.reals[j].runners, r)
			}
		}
	}
	return servers, errors.Join(errs...)
}

// past are the runners of a server before a reload, to be found again: by the
// address of the real server and the probe, as Pool.Reload finds their states.
type past map[netip.AddrPort][]*runner

func newPast(s *server) past {
	if s == nil {
		return nil
	}
	p := make(past, len(s.reals))
	for i := range s.reals {
		p[s.config.Reals[i].Addr] = append([]*runner(nil), s.reals[i].runners...)
	}
	return p
}

// take returns the runner of a probe, which is found only once, nil for none.
func (p past) take(real netip.AddrPort, probe ProbeConfig) *runner {
	list := p[real]
	for i, r := range list {
		if r != nil && sameProbe(r.config.Probe, probe) {
			list[i] = nil
			return r
		}
	}
	return nil
}

// open starts servers that were not run before: their state is what the kernel
// has of them.
func (m *Manager) open(now time.Time, servers []*server, have []ipvs.Entry) {
	if len(servers) == 0 {
		return
	}
	at := make(map[ipvs.ServiceKey]*ipvs.Entry, len(have))
	for i := range have {
		at[have[i].ServiceKey] = &have[i]
	}
	for _, s := range servers {
		var entries []ipvs.Entry
		for _, k := range s.keys {
			if e := at[k]; e != nil {
				entries = append(entries, *e)
			}
		}
		var changes []Change
		s.pool, changes = NewPool(s.config, entries)
		s.since = now
		for i := range s.reals {
			s.reals[i].since = now
		}
		for r := range s.runners() {
			m.begin(now, r)
		}
		m.report(now, s, changes)
		m.suspend(now, s)
	}
}

// begin has a new runner wait for its first check.
func (m *Manager) begin(now time.Time, r *runner) {
	if r.server.pool.Suspended() {
		return
	}
	m.log.info("Activating healthchecker for service " + r.server.realName(r.real) + " for VS " + r.server.name)
	m.due.push(r, now.Add(m.spread.next(r.config.Warmup)))
}

// suspend stops or resumes the checks of a server whose address comes and goes.
func (m *Manager) suspend(now time.Time, s *server) {
	if s.pool == nil {
		return
	}
	off := s.config.Suspend && m.present != nil && !m.present[s.config.Service.Addr.Addr()]
	if off == s.pool.Suspended() {
		return
	}
	s.pool.Suspend(off)
	for r := range s.runners() {
		if off {
			m.due.remove(r)
			m.log.info(fmt.Sprintf("Suspending healthchecker for service %s for VS %s", s.realName(r.real), s.name))
		} else if r.cancel == nil {
			m.begin(now, r)
		}
	}
}

// reload changes to another configuration.
func (m *Manager) reload(now time.Time, c *Config) error {
	servers, err := m.build(c, m.config)
	if err != nil {
		return err
	}
	have, err := m.options.Table.Table(ipvs.Query{Detail: ipvs.Settings})
	if err != nil {
		return fmt.Errorf("read the kernel's table: %w", err)
	}
	m.setTimeouts(c.Timeouts)
	// Until the kernel has taken it all, what the old configuration had is ours.
	m.owner, m.unsure = c.Owner(m.config), true
	old := make(map[identity]*server, len(m.servers))
	for _, s := range m.servers {
		old[identityOf(s.config)] = s
	}
	var fresh []*server
	for i, s := range servers {
		id := identityOf(&c.Servers[i])
		was := old[id]
		delete(old, id)
		switch was {
		case nil:
			fresh = append(fresh, s)
		case s:
			s.follow(&c.Servers[i])
		default:
			m.replace(now, was, s)
		}
	}
	for _, s := range old {
		m.retire(s)
	}
	m.config, m.servers = c, servers
	m.open(now, fresh, have)
	m.bring(now, have)
	return nil
}

// follow has a server go by a configuration that says the same, so that the old
// one need not be kept.
func (s *server) follow(c *ServerConfig) {
	s.config, s.pool.config = c, c
	for i := range s.reals {
		for j, r := range s.reals[i].runners {
			r.config = &c.Reals[i].Checkers[j]
		}
	}
}

// replace has a server go on as another one of the same identity.
func (m *Manager) replace(now time.Time, was, s *server) {
	before := make(map[netip.AddrPort]*realRun, len(was.reals))
	for i := range was.reals {
		before[was.config.Reals[i].Addr] = &was.reals[i]
	}
	s.pool, s.since = was.pool, was.since
	old := newPast(was)
	stay := make(map[netip.AddrPort]bool, len(s.reals))
	for i := range s.reals {
		addr := s.config.Reals[i].Addr
		stay[addr] = true
		s.reals[i].since = now
		if r := before[addr]; r != nil {
			s.reals[i].since, s.reals[i].change = r.since, r.change
		}
		for j, r := range s.reals[i].runners {
			if same := old.take(addr, r.config.Probe); same != nil {
				s.reals[i].runners[j] = same.become(r)
				continue
			}
			m.begin(now, r)
		}
	}
	for _, left := range old {
		for _, r := range left {
			m.discard(r)
		}
	}
	for i := range was.reals {
		if !stay[was.config.Reals[i].Addr] {
			m.farewell(was, i)
		}
	}
	known := func(real int) bool {
		return before[s.config.Reals[real].Addr] != nil
	}
	changes := s.pool.Reload(s.config)
	m.reportReload(now, s, changes, known)
	m.suspend(now, s)
}

// become is a runner with the place and the configuration of another.
func (r *runner) become(next *runner) *runner {
	r.server, r.real, r.checker, r.config, r.check = next.server, next.real, next.checker, next.config, next.check
	return r
}

// discard ends a runner. What a check that is being done finds counts no more.
func (m *Manager) discard(r *runner) {
	if r == nil {
		return
	}
	r.server = nil
	m.due.remove(r)
	if r.cancel != nil {
		r.cancel()
	}
}

// farewell tells that the configuration has a real server no more, of which a pool
// before the reload knows. As with keepalived it goes down, if it was up.
func (m *Manager) farewell(s *server, real int) {
	if !s.pool.Real(real).Up {
		m.log.info(fmt.Sprintf("Removing service %s from VS %s", s.realName(real), s.name))
		return
	}
	m.news = append(m.news, news{server: s, change: Change{Kind: RealDown, Cause: CauseRemoved, Real: real, Checker: -1}})
}

// retire ends a server that the configuration has no more. As with keepalived all
// of it that is up goes down.
func (m *Manager) retire(s *server) {
	for r := range s.runners() {
		m.discard(r)
	}
	for _, c := range s.pool.end(CauseRemoved) {
		m.news = append(m.news, news{server: s, change: c})
	}
	m.log.info(fmt.Sprintf("Removing VS %s", s.name))
}

// realName is how the log names a real server.
func (s *server) realName(i int) string {
	return EndpointName(s.config.Service.Protocol, s.config.Reals[i].Addr)
}
