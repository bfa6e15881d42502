package check

import (
	"cmp"
	"errors"
	"fmt"

	"ipvsadm/ipvs"
)

// setTimeouts sets the kernel's timeouts as the configuration has them, if they are
// not so (lvs_timeouts). As with keepalived those that it does not name are what they
// were before the first that did, and without any all are.
func (m *Manager) setTimeouts(want ipvs.Timeouts) {
	named := want != (ipvs.Timeouts{})
	if !named && !m.timed {
		return // they are not ours
	}
	want.TCP = cmp.Or(want.TCP, m.timeouts.TCP)
	want.TCPFin = cmp.Or(want.TCPFin, m.timeouts.TCPFin)
	want.UDP = cmp.Or(want.UDP, m.timeouts.UDP)
	m.timed = named
	if want == (ipvs.Timeouts{}) {
		return // nobody knows what they were
	}
	if m.options.Timeouts != nil {
		if have, err := m.options.Timeouts(); err == nil && have == want {
			return
		}
	}
	op := ipvs.SetTimeouts{Timeouts: want}
	if errs := m.options.Table.Do(op); errs != nil {
		m.log.error(fmt.Sprintf("%s: %v", opLine(op), errors.Join(errs...)))
	}
}

// findTimeouts notes what the kernel's timeouts are before we set any.
func (m *Manager) findTimeouts() {
	if m.options.Timeouts == nil {
		return
	}
	var err error
	if m.timeouts, err = m.options.Timeouts(); err != nil {
		m.log.error(fmt.Sprintf("The kernel's timeouts cannot be read: %v", err))
	}
}
