package ipvs

import "net/netip"

// Wanted is a virtual service as it should be, with its real servers.
type Wanted struct {
	Service
	Destinations []Destination
}

// Change is a step of a plan.
type Change struct {
	Op Op
	// Old is what would bring back what an edit replaces or a deletion removes: an
	// AddService, which brings back no real servers, or an AddDestination. It is
	// nil for other operations.
	Old Op
}

// Owner says what of the kernel's table may be deleted when it is not wanted:
// the real server of a service at an address, or the service itself when the
// address is the zero one. What is wanted is added and edited whoever made it.
type Owner func(k ServiceKey, addr netip.AddrPort) bool

// OwnsAll lets everything be deleted that is not wanted: the table becomes what
// is wanted and nothing else.
func OwnsAll(ServiceKey, netip.AddrPort) bool { return true }

// OwnsNamed lets only real servers of services in want be deleted. Other
// services stay as they are.
func OwnsNamed(want []Wanted) Owner {
	named := make(map[ServiceKey]bool, len(want))
	for i := range want {
		named[normalKey(want[i].ServiceKey)] = true
	}
	return func(k ServiceKey, addr netip.AddrPort) bool { return addr.IsValid() && named[k] }
}

// Ops returns the operations of a plan, for Client.Do.
func Ops(plan []Change) []Op {
	ops := make([]Op, len(plan))
	for i := range plan {
		ops[i] = plan[i].Op
	}
	return ops
}

// Plan returns the fewest changes that make want of have, the kernel's table as
// a query of detail Settings or Full shows it. Planning against what was just applied is
// empty, as far as the kernel took it.
//
// The order keeps rules from being lost: at every instant, so
// also when the process is killed between two operations, what is in both have
// and want is in the table, and nothing is that is in neither. First come
// additions, each new service followed by its real servers, then edits, then
// deletions. A service or real server in both is never deleted and added
// again, for that would cost its counters and connections: ip_vs_edit_service
// and ip_vs_edit_dest in ip_vs_ctl.c change in place everything that is not its
// key.
//
// A service that is not wanted is deleted if mine says so of it and of every
// real server it has; else it stays, and those servers go that may. If a key is
// in want several times, the last one counts; real servers of a service that is
// there several times are taken together.
//
// Additions and edits are in the order of want, deletions in that of have. An
// operation that the kernel refuses, or that another program was quicker with,
// spoils no other of the plan: read the table and plan again.
func Plan(have []Entry, want []Wanted, mine Owner) []Change {
	p := planner{mine: mine, have: make(map[ServiceKey]*Entry, len(have))}
	for i := range have {
		p.have[have[i].ServiceKey] = &have[i]
	}
	want = distinct(want)
	wanted := make(map[ServiceKey]bool, len(want))
	for i := range want {
		p.keep(&want[i])
		wanted[want[i].ServiceKey] = true
	}
	for i := range have {
		if !wanted[have[i].ServiceKey] {
			p.leave(&have[i])
		}
	}
	return append(append(p.adds, p.edits...), p.deletes...)
}

// planner gathers changes by kind.
type planner struct {
	mine                 Owner
	have                 map[ServiceKey]*Entry
	adds, edits, deletes []Change
	room                 []Destination
}

// keep plans for a service that is wanted.
func (p *planner) keep(w *Wanted) {
	k, e := w.ServiceKey, p.have[w.ServiceKey]
	switch {
	case e == nil:
		p.adds = append(p.adds, Change{Op: AddService{w.Service}})
		e = new(Entry)
	case !sameService(&e.Service, &w.Service):
		p.edits = append(p.edits, Change{Op: EditService{w.Service}, Old: AddService{e.Service}})
	}
	if sameDestinations(e, w) {
		return
	}
	has := destinationsOf(e)
	p.room = distinctDestinations(p.room[:0], w.Destinations)
	for _, d := range p.room {
		old, ok := has[d.Addr]
		switch {
		case !ok:
			p.adds = append(p.adds, Change{Op: AddDestination{k, d}})
		case *old != d:
			p.edits = append(p.edits, Change{Op: EditDestination{k, d}, Old: AddDestination{k, *old}})
		}
		delete(has, d.Addr)
	}
	if len(has) > 0 {
		p.drop(e, has)
	}
}

// sameDestinations says that a service has just the real servers that are
// wanted, in their order or the other way round, as the kernel shows those that
// were added one after the other (__ip_vs_new_dest in ip_vs_ctl.c puts each in
// front). It is there to spare most services two maps.
func sameDestinations(e *Entry, w *Wanted) bool {
	n := len(w.Destinations)
	if n != len(e.Destinations) {
		return false
	}
	along, against := true, true
	for i := range w.Destinations {
		d := normalDestination(w.Destinations[i])
		along = along && e.Destinations[i].Destination == d
		against = against && e.Destinations[n-1-i].Destination == d
		if !along && !against {
			return false
		}
	}
	return true
}

// leave plans for a service that is not wanted. Its real servers go with it.
func (p *planner) leave(e *Entry) {
	all := p.mine(e.ServiceKey, netip.AddrPort{})
	for i := 0; all && i < len(e.Destinations); i++ {
		all = p.mine(e.ServiceKey, e.Destinations[i].Addr)
	}
	if all {
		p.deletes = append(p.deletes, Change{Op: DeleteService{e.ServiceKey}, Old: AddService{e.Service}})
		return
	}
	p.drop(e, destinationsOf(e))
}

// drop plans for those real servers of a service that are not wanted.
func (p *planner) drop(e *Entry, unwanted map[netip.AddrPort]*Destination) {
	for i := range e.Destinations {
		d := e.Destinations[i].Destination
		if unwanted[d.Addr] != nil && p.mine(e.ServiceKey, d.Addr) {
			p.deletes = append(p.deletes, Change{Op: DeleteDestination{e.ServiceKey, d.Addr}, Old: AddDestination{e.ServiceKey, d}})
		}
	}
}

func destinationsOf(e *Entry) map[netip.AddrPort]*Destination {
	m := make(map[netip.AddrPort]*Destination, len(e.Destinations))
	for i := range e.Destinations {
		m[e.Destinations[i].Addr] = &e.Destinations[i].Destination
	}
	return m
}
