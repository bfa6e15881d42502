package vrrp

import (
	"net/netip"
	"slices"
	"time"
)

// fail adds a cause of fault. The first one takes the router out: as Active it
// gives up with priority 0, so that the others need not wait (keepalived; the
// Shutdown event of RFC 9568 §6.4.3).
func (m *Machine) fail(c Cause) {
	if slices.Contains(m.causes, c) {
		return
	}
	quiet := onlyPending(m.causes)
	m.causes = append(m.causes, c)
	switch m.state {
	case Fault:
		// What was a wait for a script's first result is a fault now.
		if quiet && !onlyPending(m.causes) {
			m.noteFault(c)
			m.notify(NotifyState)
		}
	case Backup, Active:
		m.noteFault(c)
		active := m.state == Active
		if active {
			m.sendZero()
		}
		m.transition(Fault, faultTrigger(m.causes))
		m.wants = Fault
		if active {
			m.letGo()
		}
		if !onlyPending(m.causes) {
			m.notify(NotifyState)
		}
	}
}

// onlyPending tells whether there is nothing but scripts that have not given
// their first result, which keepalived keeps quiet about.
func onlyPending(causes []Cause) bool {
	return !slices.ContainsFunc(causes, func(c Cause) bool { return c.Kind != CauseScriptPending })
}

func faultTrigger(causes []Cause) Trigger {
	if onlyPending(causes) {
		return TriggerPending
	}
	return TriggerFault
}

func (m *Machine) noteFault(c Cause) {
	if c.Kind != CauseScriptPending {
		m.emit(Log{Note: NoteFault, Cause: c})
	}
}

// heal takes a cause away. After the last one the router starts as after
// Startup.
func (m *Machine) heal(now time.Time, c Cause) {
	i := slices.Index(m.causes, c)
	if i < 0 {
		return
	}
	m.causes = slices.Delete(m.causes, i, i+1)
	if m.state == Fault && len(m.causes) == 0 {
		m.begin(now, TriggerHealed)
	}
}

// changeSource takes over a new primary address. Advertisements need one
// (RFC 9568 §7.2), so having none is a fault.
func (m *Machine) changeSource(now time.Time, addr netip.Addr) {
	m.params.Source = addr
	if addr.IsValid() {
		m.heal(now, m.noSource())
	} else {
		m.fail(m.noSource())
	}
}

func (m *Machine) noSource() Cause {
	if m.params.IPv6 {
		return Cause{CauseNoSource, "IPv6"}
	}
	return Cause{CauseNoSource, "IPv4"}
}

// syncSource makes the causes agree with the parameters, before any state.
func (m *Machine) syncSource() {
	c := m.noSource()
	i := slices.Index(m.causes, c)
	switch {
	case i < 0 && !m.params.Source.IsValid():
		m.causes = append(m.causes, c)
	case i >= 0 && m.params.Source.IsValid():
		m.causes = slices.Delete(m.causes, i, i+1)
	}
}
