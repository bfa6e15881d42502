package check

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"ipvsadm/ipvs"
)

// reading is a reading of the kernel's table, in a goroutine of its own: a large
// table takes longer than a verdict may.
type reading struct {
	// changed are services that we may have changed since it began. What it says of
	// them may be old.
	changed map[ipvs.ServiceKey]bool
}

// reconcile has the kernel's table read, and then mended where others have changed
// what is ours.
func (m *Manager) reconcile(now time.Time) {
	m.readAt, m.reconcileAt = now, now.Add(m.options.Reconcile)
	if m.reading != nil {
		return // it takes longer than the time between two
	}
	r := &reading{changed: make(map[ipvs.ServiceKey]bool)}
	m.reading = r
	go func() {
		defer func() {
			if p := recover(); p != nil { // for who runs the manager to recover from
				text := fmt.Sprintf("%v\n%s", p, debug.Stack())
				m.post(func(time.Time) { panic(text) })
			}
		}()
		have, err := m.options.Table.Table(ipvs.Query{Detail: ipvs.Settings})
		m.post(func(now time.Time) {
			if m.reading == r {
				m.reading = nil
				m.mend(now, r, have, err)
			}
		})
	}()
}

// mend takes what was read of the kernel's table.
func (m *Manager) mend(now time.Time, r *reading, have []ipvs.Entry, err error) {
	if err != nil {
		m.log.error(fmt.Sprintf("The kernel's table cannot be read: %v", err))
		return
	}
	have = slices.DeleteFunc(have, func(e ipvs.Entry) bool { return r.changed[e.ServiceKey] })
	for k := range r.changed {
		if s := m.known[k]; s != nil {
			have = append(have, s.Entry)
		}
	}
	if m.unsure || !m.known.are(have) {
		m.bring(now, have)
	}
}

// are says whether the kernel has all that it is known to have, and as it is known.
func (k known) are(have []ipvs.Entry) bool {
	found := 0
	for i := range have {
		s := k[have[i].ServiceKey]
		if s == nil {
			continue
		}
		if found++; !s.is(&have[i]) {
			return false
		}
	}
	return found == len(k)
}

// is compares settings, whatever the order of the real servers.
func (s *knownService) is(e *ipvs.Entry) bool {
	if s.Service != e.Service || len(s.Destinations) != len(e.Destinations) {
		return false
	}
	for i := range e.Destinations {
		d := &e.Destinations[i].Destination
		if s.Destinations[i].Destination == *d {
			continue
		}
		if j, ok := s.find(d.Addr); !ok || s.Destinations[j].Destination != *d {
			return false
		}
	}
	return true
}
