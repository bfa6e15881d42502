package vrrp

import (
	"slices"
	"time"
)

// Group is a sync group: its members are Active together, or none of them is, and
// when one is in Fault all are. It is pure as Machine is. Events for members go
// through the group's Handle, never to the machines themselves.
//
// The rules are keepalived's. A member whose timer expires becomes Active only
// when all others want to as well, and takes them along; until then it waits. A
// member that yields makes all yield.
type Group struct {
	name    string
	members []*Machine
	state   State
	quiet   bool // Fault, and nothing has been said: only scripts are waited for
	out     []MemberAction
}

// MemberAction is an action of one member, or of the group itself.
type MemberAction struct {
	Member int // index of the member, or WholeGroup
	Action Action
}

// WholeGroup stands for all members in events, and for the group as such in
// actions: a Transition or a Notify of the group.
const WholeGroup = -1

// NewGroup makes a group of machines, in whatever state they are; Settle must be
// called next. A machine belongs to one group at most.
func NewGroup(name string, members ...*Machine) *Group {
	g := &Group{name: name, members: members}
	// A group that is Active in part gives up in Settle: as Backup, a member that
	// is not Active would be made so without a vote.
	if slices.ContainsFunc(members, func(m *Machine) bool { return m.state == Active }) {
		g.state = Active
	}
	for _, m := range members {
		m.group = g
	}
	return g
}

// Name is the group's name.
func (g *Group) Name() string { return g.name }

// State is the state that all members are in.
func (g *Group) State() State { return g.state }

// Handle hands an event to one member, or to all of them, and lets the others
// follow. The slice is valid until the next call.
func (g *Group) Handle(now time.Time, member int, ev Event) []MemberAction {
	g.out = g.out[:0]
	changed := false
	for i, m := range g.members {
		if member == i || member == WholeGroup {
			state, causes := m.state, len(m.causes)
			g.step(i, func(m *Machine) { m.handle(now, ev) })
			changed = changed || m.state != state || len(m.causes) != causes
		}
	}
	if changed {
		g.settle(now)
	}
	return g.out
}

// Settle makes members agree that do not, after NewGroup.
func (g *Group) Settle(now time.Time) []MemberAction {
	g.out = g.out[:0]
	g.settle(now)
	return g.out
}

// Dissolve sets the members free.
func (g *Group) Dissolve(now time.Time) []MemberAction {
	g.out = g.out[:0]
	for i, m := range g.members {
		m.group = nil
		g.step(i, func(m *Machine) {
			m.heal(now, g.fault())
			m.heal(now, g.pending())
		})
	}
	g.members = nil
	return g.out
}

// Deadline is when a member wants a Tick, the zero time when none does.
func (g *Group) Deadline() (t time.Time) {
	for _, m := range g.members {
		t = earliest(t, m.Deadline())
	}
	return t
}

// step does something to one member and collects its actions.
func (g *Group) step(i int, do func(*Machine)) {
	m := g.members[i]
	m.out = m.out[:0]
	do(m)
	for _, a := range m.out {
		g.out = append(g.out, MemberAction{i, a})
	}
}

// mayActivate tells whether the machine may become Active now. In a group it is
// also how a member says that it wants to.
func (m *Machine) mayActivate() bool {
	if m.group == nil {
		return true
	}
	m.wants = Active
	return m.group.state == Active ||
		!slices.ContainsFunc(m.group.members, func(o *Machine) bool { return o.wants != Active })
}

// settle makes the members follow each other until they agree.
func (g *Group) settle(now time.Time) {
	for {
		// The group's own line stands between that of the member that began and
		// those of the members that follow.
		at := len(g.out)
		g.shareFaults(now)
		to := g.target()
		from, wasQuiet := g.state, g.quiet
		g.quiet = to == Fault && !slices.ContainsFunc(g.members, func(m *Machine) bool { return !onlyPending(m.causes) })
		if to == from && g.quiet == wasQuiet {
			return
		}
		g.state = to
		trigger := TriggerGroup
		if g.quiet {
			trigger = TriggerPending
		}
		g.out = slices.Insert(g.out, at, MemberAction{WholeGroup, Transition{From: from, To: to, Trigger: trigger}})
		for i, m := range g.members {
			switch {
			case to == Active && m.state == Backup:
				g.step(i, func(m *Machine) { m.activate(now, TriggerGroup) })
			case to == Backup && m.state == Active:
				g.step(i, func(m *Machine) { m.yield(now, TriggerGroup) })
			}
		}
		if to != Initialize && !g.quiet {
			// keepalived gives groups the priority 0.
			g.out = append(g.out, MemberAction{WholeGroup, Notify{Kind: NotifyState, State: to}})
		}
	}
}

// target is the state the group should be in, given those of its members.
func (g *Group) target() State {
	some := func(s State) bool {
		return slices.ContainsFunc(g.members, func(m *Machine) bool { return m.state == s })
	}
	switch {
	case some(Initialize):
		return Initialize
	case some(Fault):
		return Fault
	case g.state == Active && some(Backup):
		return Backup // somebody yielded
	case some(Active):
		return Active // somebody won, and everybody wanted it
	}
	return Backup
}

// shareFaults gives each member a cause of fault as long as another member has
// one of its own. A wait for a script stays a wait.
func (g *Group) shareFaults(now time.Time) {
	faulty, waiting := 0, 0
	for _, m := range g.members {
		f, w := g.ownCauses(m)
		faulty, waiting = faulty+f, waiting+w
	}
	for i, m := range g.members {
		f, w := g.ownCauses(m)
		fault := faulty > f
		pending := waiting > w && !fault
		// What is new comes first, or the member would start in between.
		if pending {
			g.share(now, i, g.pending(), true)
		}
		g.share(now, i, g.fault(), fault)
		g.share(now, i, g.pending(), pending)
	}
}

// share gives member i the cause, or takes it away.
func (g *Group) share(now time.Time, i int, c Cause, on bool) {
	if slices.Contains(g.members[i].causes, c) == on {
		return
	}
	g.step(i, func(m *Machine) {
		if on {
			m.fail(c)
		} else {
			m.heal(now, c)
		}
	})
}

// ownCauses is 1 for a machine with causes that are not the group's: real faults,
// and scripts that have not ended yet.
func (g *Group) ownCauses(m *Machine) (fault, pending int) {
	for _, c := range m.causes {
		switch {
		case c == g.fault() || c == g.pending():
		case c.Kind == CauseScriptPending:
			pending = 1
		default:
			fault = 1
		}
	}
	return fault, pending
}

func (g *Group) fault() Cause   { return Cause{CauseGroup, g.name} }
func (g *Group) pending() Cause { return Cause{CauseScriptPending, "of sync group " + g.name} }
