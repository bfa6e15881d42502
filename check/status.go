package check

import (
	"context"
	"net/netip"
	"time"

	"ipvsadm/ipvs"
)

// Status is what there is to know of a running Manager.
type Status struct {
	At       time.Time
	Servers  []ServerStatus
	Counters Counters
	// Running is how many checks are being done, Waiting how many are due and have
	// to wait for room.
	Running, Waiting int
}

// ServerStatus is a virtual server.
type ServerStatus struct {
	Name string
	// Services is how many services of the kernel it is, InKernel how many of them
	// are there.
	Services, InKernel int
	Scheduler          string
	HasQuorum          bool
	Since              time.Time // of HasQuorum
	// Sum is the weight of all living servers; Quorum and Hysteresis are as
	// configured.
	Sum                uint64
	Quorum, Hysteresis uint32
	Suspended          bool
	Sorry              *SorryStatus
	Reals              []RealReport
}

// SorryStatus is a sorry server.
type SorryStatus struct {
	Addr  netip.AddrPort
	InUse bool
	// Kernel is its weight in the kernel's table, nil if it is not in it.
	Kernel *uint32
}

// RealReport is a real server.
type RealReport struct {
	Name  string
	Addr  netip.AddrPort
	Up    bool
	Since time.Time // of Up
	// Change is how long it took from the last verdict that changed something of
	// it until the kernel had answered to the change of its table. It is 0 if none
	// has.
	Change time.Duration
	// Wanted is the weight that it should have in the kernel's table, Kernel the
	// one it has; nil if it should not be in it, or is not. With several services
	// they are those of the first.
	Wanted, Kernel *uint32
	Checkers       []CheckerReport
}

// CheckerReport is a checker of it.
type CheckerReport struct {
	Kind string
	Up   bool
	// Failures in a row that were not yet enough to take the server for down.
	Failures int
	// Last is the last result, At when it was there, and Took how long the check
	// took. At is zero before the first.
	Last Result
	At   time.Time
	Took time.Duration
}

// Status returns how everything is, with the kernel's table as it is now. Verdicts
// wait only while what the manager knows is copied.
func (m *Manager) Status(ctx context.Context) (Status, error) {
	var s Status
	var keys [][]ipvs.ServiceKey
	var wanted [][]ipvs.Destination
	err := m.call(ctx, func(now time.Time) error {
		n := len(m.servers)
		s = Status{At: now, Counters: m.counts, Running: m.running, Servers: make([]ServerStatus, 0, n)}
		keys, wanted = make([][]ipvs.ServiceKey, 0, n), make([][]ipvs.Destination, 0, n)
		for _, r := range m.due {
			if !now.Before(r.due) {
				s.Waiting++
			}
		}
		for _, v := range m.servers {
			s.Servers = append(s.Servers, v.status())
			keys, wanted = append(keys, v.keys), append(wanted, v.wanted())
		}
		return nil
	})
	if err != nil {
		return Status{}, err
	}
	have, err := m.options.Table.Table(ipvs.Query{Detail: ipvs.Basic})
	if err != nil {
		return Status{}, err
	}
	at := make(map[ipvs.ServiceKey]*ipvs.Entry, len(have))
	for i := range have {
		at[have[i].ServiceKey] = &have[i]
	}
	for i := range s.Servers {
		s.Servers[i].compare(keys[i], wanted[i], at)
	}
	return s, nil
}

// wanted are the real servers of its first service.
func (s *server) wanted() []ipvs.Destination {
	if len(s.keys) == 0 {
		return nil
	}
	return s.pool.wanted(s.keys[0], nil).Destinations
}

// status is the server without what the kernel has of it, and should have.
func (s *server) status() ServerStatus {
	v := ServerStatus{
		Name: s.name, Services: len(s.keys), Scheduler: s.config.Service.Scheduler, HasQuorum: s.pool.Quorum(), Since: s.since,
		Sum: s.pool.Sum(), Quorum: s.config.Quorum, Hysteresis: s.config.Hysteresis, Suspended: s.pool.Suspended(),
		Reals: make([]RealReport, 0, len(s.reals)),
	}
	if sorry := s.config.Sorry; sorry != nil {
		v.Sorry = &SorryStatus{Addr: sorry.Addr, InUse: s.pool.SorryInUse()}
	}
	for i := range s.reals {
		addr := s.config.Reals[i].Addr
		if len(s.keys) > 0 {
			addr = portOf(addr, s.keys[0])
		}
		r := RealReport{Name: s.realName(i), Addr: addr, Up: s.pool.Real(i).Up, Since: s.reals[i].since, Change: s.reals[i].change, Checkers: make([]CheckerReport, 0, len(s.reals[i].runners))}
		for j, c := range s.reals[i].runners {
			h := s.pool.Checker(i, j)
			r.Checkers = append(r.Checkers, CheckerReport{
				Kind: c.config.Probe.Kind(), Up: h.Up, Failures: h.Failures, Last: c.last, At: c.at, Took: c.took,
			})
		}
		v.Reals = append(v.Reals, r)
	}
	return v
}

// compare adds what the kernel has, and should have.
func (v *ServerStatus) compare(keys []ipvs.ServiceKey, wanted []ipvs.Destination, at map[ipvs.ServiceKey]*ipvs.Entry) {
	should := make(map[netip.AddrPort]*uint32, len(wanted))
	for i := range wanted {
		should[wanted[i].Addr] = &wanted[i].Weight
	}
	for i := range v.Reals {
		v.Reals[i].Wanted = should[v.Reals[i].Addr]
	}
	for i, k := range keys {
		e := at[k]
		if e == nil {
			continue
		}
		if v.InKernel++; i > 0 {
			continue
		}
		weights := make(map[netip.AddrPort]*uint32, len(e.Destinations))
		for j := range e.Destinations {
			weights[e.Destinations[j].Addr] = &e.Destinations[j].Weight
		}
		for j := range v.Reals {
			v.Reals[j].Kernel = weights[v.Reals[j].Addr]
		}
		if v.Sorry != nil {
			v.Sorry.Kernel = weights[portOf(v.Sorry.Addr, k)]
		}
	}
}
