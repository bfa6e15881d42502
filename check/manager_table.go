package check

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ipvsadm/ipvs"
)

// known is what the kernel has of our services, as it was last read and changed
// by us since.
type known map[ipvs.ServiceKey]*knownService

// knownService is one of them. at are the places of its real servers, nil until
// somebody asks.
type knownService struct {
	ipvs.Entry
	at map[netip.AddrPort]int
}

// newKnown takes what was read.
func newKnown(have []ipvs.Entry) known {
	k := make(known, len(have))
	for i := range have {
		k[have[i].ServiceKey] = &knownService{Entry: have[i]}
	}
	return k
}

func (s *knownService) find(addr netip.AddrPort) (int, bool) {
	if s.at == nil {
		s.at = make(map[netip.AddrPort]int, len(s.Destinations))
		for i := range s.Destinations {
			s.at[s.Destinations[i].Addr] = i
		}
	}
	i, ok := s.at[addr]
	return i, ok
}

// note takes over an operation that the kernel has carried out. Those that follow
// it tell how much room a new service needs.
func (k known) note(op ipvs.Op, following []ipvs.Op) {
	switch op := op.(type) {
	case ipvs.AddService:
		n := 0
		for n < len(following) && isAddDestination(following[n]) {
			n++
		}
		k[op.Service.ServiceKey] = &knownService{Entry: ipvs.Entry{
			ServiceState: ipvs.ServiceState{Service: op.Service}, Destinations: make([]ipvs.DestinationState, 0, n),
		}}
	case ipvs.EditService:
		if s := k[op.Service.ServiceKey]; s != nil {
			s.Service = op.Service
		}
	case ipvs.DeleteService:
		delete(k, op.Service)
	case ipvs.AddDestination:
		if s := k[op.Service]; s != nil {
			if s.at != nil {
				s.at[op.Destination.Addr] = len(s.Destinations)
			}
			s.Destinations = append(s.Destinations, ipvs.DestinationState{Destination: op.Destination})
		}
	case ipvs.EditDestination:
		if s := k[op.Service]; s != nil {
			if i, ok := s.find(op.Destination.Addr); ok {
				s.Destinations[i].Destination = op.Destination
			}
		}
	case ipvs.DeleteDestination:
		if s := k[op.Service]; s != nil {
			s.remove(op.Addr)
		}
	}
}

func isAddDestination(op ipvs.Op) bool {
	_, is := op.(ipvs.AddDestination)
	return is
}

func (s *knownService) remove(addr netip.AddrPort) {
	i, ok := s.find(addr)
	if !ok {
		return
	}
	last := len(s.Destinations) - 1
	s.Destinations[i] = s.Destinations[last]
	s.at[s.Destinations[i].Addr] = i
	s.Destinations = s.Destinations[:last]
	delete(s.at, addr)
}

// narrow leaves out of what is wanted, and of what it returns, the real servers that
// are the same in both: of a thousand one has changed, most of the time, and a plan
// for all takes longer than the change.
func (s *knownService) narrow(w *ipvs.Wanted) ipvs.Entry {
	same := make([]bool, len(s.Destinations))
	for _, d := range w.Destinations {
		if i, ok := s.find(d.Addr); ok {
			same[i] = s.Destinations[i].Destination == d // the last one counts, as in a plan
		}
	}
	w.Destinations = slices.DeleteFunc(w.Destinations, func(d ipvs.Destination) bool {
		i, ok := s.find(d.Addr)
		return ok && same[i]
	})
	e := ipvs.Entry{ServiceState: s.ServiceState}
	for i := range s.Destinations {
		if !same[i] {
			e.Destinations = append(e.Destinations, s.Destinations[i])
		}
	}
	return e
}

// touch notes that the table of a server may have to be changed.
func (m *Manager) touch(s *server) {
	if !s.dirty {
		s.dirty = true
		m.dirty = append(m.dirty, s)
	}
}

// settle brings what has changed into the kernel's table, and tells of it. It
// goes by what the kernel is known to have, for reading a large table takes
// longer than a verdict may.
func (m *Manager) settle() {
	if len(m.dirty) > 0 {
		var have []ipvs.Entry
		var want []ipvs.Wanted
		for _, s := range m.dirty {
			s.dirty = false
			for _, k := range s.keys {
				w := s.pool.wanted(k, m.room)
				m.room = w.Destinations
				if e := m.known[k]; e != nil {
					have = append(have, e.narrow(&w))
				}
				w.Destinations = slices.Clone(w.Destinations)
				want = append(want, w)
				if m.reading != nil {
					m.reading.changed[k] = true
				}
			}
		}
		m.dirty = m.dirty[:0]
		if ops := ipvs.Ops(ipvs.Plan(have, want, m.owner)); len(ops) > 0 {
			errs := m.do(ops)
			m.measure(time.Now())
			if errs != nil {
				// Most likely somebody else was at the table. Look at it soon, but not
				// again and again if the kernel will not have what we want. A reading that
				// is under way may be older.
				m.unsure, m.reading = true, nil
				m.reconcileAt = m.readAt.Add(min(time.Second, m.options.Reconcile))
			}
		}
	}
	m.tell()
}

// measure notes how long the verdicts took to the kernel's table, which has just
// been changed.
func (m *Manager) measure(now time.Time) {
	for i := range m.news {
		n := &m.news[i]
		if n.change.Real >= 0 && (n.change.Cause == CausePass || n.change.Cause == CauseFail) {
			took := now.Sub(n.at)
			n.server.reals[n.change.Real].change = took
			m.counts.Slowest = max(m.counts.Slowest, took)
		}
	}
}

// do carries out operations, and notes what the kernel has afterwards. It returns
// nil if all succeeded.
func (m *Manager) do(ops []ipvs.Op) []error {
	errs := m.options.Table.Do(ops...)
	m.counts.Operations += uint64(len(ops))
	for i, op := range ops {
		if errs == nil || errs[i] == nil {
			m.known.note(op, ops[i+1:])
		} else {
			m.counts.Refused++
		}
	}
	return errs
}

// bring makes of the kernel's table, as it was just read, what it should be. What
// has to be mended because it is not as it was known to be is logged: somebody else
// has changed it.
func (m *Manager) bring(now time.Time, have []ipvs.Entry) {
	pools := make([]*Pool, len(m.servers))
	for i, s := range m.servers {
		pools[i] = s.pool
		s.dirty = false
	}
	m.dirty = m.dirty[:0]
	ops := ipvs.Ops(ipvs.Plan(have, m.config.Wanted(pools), m.owner))
	if len(ops) > 0 {
		m.logMended(have)
	}
	m.known = newKnown(have)
	var errs []error
	if len(ops) > 0 {
		if errs = m.do(ops); errs != nil {
			m.logErrors(ops, errs)
		}
	}
	if errs == nil && m.unsure {
		m.owner = m.config.Owner(nil)
	}
	m.unsure, m.reading = errs != nil, nil
	m.known.restrict(m.servers)
	m.readAt, m.reconcileAt = now, now.Add(m.options.Reconcile)
	m.tell()
}

// restrict forgets services that are not ours.
func (k known) restrict(servers []*server) {
	ours := make(map[ipvs.ServiceKey]bool, len(k))
	for _, s := range servers {
		for _, key := range s.keys {
			ours[key] = true
		}
	}
	for key := range k {
		if !ours[key] {
			delete(k, key)
		}
	}
}

// stop takes the services away, as the configuration says.
func (m *Manager) stop() error {
	now := time.Now()
	for _, s := range m.servers {
		m.report(now, s, s.pool.Stop())
	}
	m.tell()
	if m.options.KeepTable {
		m.log.info("All services stay in the kernel's table")
		return nil
	}
	m.setTimeouts(ipvs.Timeouts{})
	if m.config.FlushOnStop == FlushTable {
		m.log.info("Removing all services: lvs_flush_on_stop")
		return errors.Join(m.options.Table.Do(ipvs.Flush{})...)
	}
	have, err := m.options.Table.Table(ipvs.Query{Detail: ipvs.Settings})
	if err != nil {
		return fmt.Errorf("read the kernel's table: %w", err)
	}
	owner := m.owner
	if m.config.FlushOnStop == RemoveServices {
		owner = func(k ipvs.ServiceKey, a netip.AddrPort) bool { return m.owner(k, netip.AddrPort{}) }
	}
	ops := ipvs.Ops(ipvs.Plan(have, nil, owner))
	if len(ops) == 0 {
		return nil
	}
	m.log.info(fmt.Sprintf("Removing the %d virtual servers of the configuration", len(m.servers)))
	errs := m.do(ops)
	m.logErrors(ops, errs)
	return errors.Join(errs...)
}

func (m *Manager) logErrors(ops []ipvs.Op, errs []error) {
	for i, err := range errs {
		if err != nil {
			m.log.error(fmt.Sprintf("%s: %v", opLine(ops[i]), err))
		}
	}
}
