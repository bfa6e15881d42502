package vrrp

import (
	"reflect"
	"slices"
	"time"
)

// reload changes to another configuration: what is gone gives up, what is new
// starts, and what changed goes on in its state as far as it is the same virtual
// router. Instances that are as they were are not touched.
func (m *Manager) reload(now time.Time, c Config) error {
	if err := m.check(&c); err != nil {
		return err
	}
	old := m.config
	if !sameBase(&old, &c) {
		m.adopt(now, c)
	}
	m.config = c
	fresh := m.makeVMACs(now)
	units := m.units
	m.units = nil
	loose := map[string]*instance{}
	for _, u := range units {
		switch {
		case unchanged(u, &old, &c):
			m.units = append(m.units, u)
		case m.goesOn(u, &c):
			m.units = append(m.units, u)
			u.config = groupOf(&c, u.members[0].config.Name)
			for _, inst := range u.members {
				m.update(now, inst, u.config)
			}
		default:
			m.scatter(now, u, loose)
		}
	}
	m.regroup(now, loose)
	if !fresh {
		m.startMissing(now)
	}
	m.index()
	m.restartSync()
	m.flush(now)
	return nil
}

// sameBase tells whether all is the same that is not an instance's own. The
// virtual addresses of all instances are part of it.
func sameBase(old, c *Config) bool {
	a, b := *old, *c
	a.Instances, b.Instances, a.Groups, b.Groups = nil, nil, nil, nil
	return reflect.DeepEqual(a, b) && slices.EqualFunc(old.Instances, c.Instances, func(x, y InstanceConfig) bool {
		return x.Device == y.Device && x.PromoteSecondaries == y.PromoteSecondaries &&
			reflect.DeepEqual(x.Virtual, y.Virtual) && reflect.DeepEqual(x.Excluded, y.Excluded)
	})
}

// instance finds the configuration of an instance, nil if there is none.
func (c *Config) instance(name string) *InstanceConfig {
	i := slices.IndexFunc(c.Instances, func(x InstanceConfig) bool { return x.Name == name })
	if i < 0 {
		return nil
	}
	return &c.Instances[i]
}

// unchanged tells whether nothing changed for the unit.
func unchanged(u *unit, old, c *Config) bool {
	return !slices.ContainsFunc(u.members, func(inst *instance) bool {
		name := inst.config.Name
		return !reflect.DeepEqual(c.instance(name), old.instance(name)) || !reflect.DeepEqual(groupOf(c, name), groupOf(old, name))
	})
}

// goesOn tells whether the unit has the same members, and each of them can become
// what it should be.
func (m *Manager) goesOn(u *unit, c *Config) bool {
	g := groupOf(c, u.members[0].config.Name)
	if u.group != nil && (g == nil || g.Name != u.group.Name() || !slices.Equal(g.Instances, u.names())) || u.group == nil && g != nil {
		return false
	}
	return !slices.ContainsFunc(u.members, func(inst *instance) bool { return !inst.becomes(c) })
}

func (u *unit) names() (all []string) {
	for _, inst := range u.members {
		all = append(all, inst.config.Name)
	}
	return all
}

// becomes tells whether the instance can go on with another configuration. The
// interface under it cannot be exchanged.
func (inst *instance) becomes(c *Config) bool {
	old, now := &inst.config, c.instance(inst.config.Name)
	return now != nil && old.Device == now.Device && old.VRF == now.VRF && old.IPv6 == now.IPv6 &&
		reflect.DeepEqual(old.VMAC, now.VMAC) && (old.VMAC == nil || old.VRID == now.VRID)
}

// update tells an instance what it is from now on.
func (m *Manager) update(now time.Time, inst *instance, group *GroupConfig) {
	inst.configure(*m.config.instance(inst.config.Name), group)
	at := m.place(inst)
	inst.open(m, at)
	m.handle(now, inst, Reload{at.params})
	m.raise(now, inst, at.causes)
	m.track(now, inst)
}

// scatter takes a unit apart. Instances that can go on are kept in loose; the
// others end.
func (m *Manager) scatter(now time.Time, u *unit, loose map[string]*instance) {
	if u.group != nil {
		m.carryAll(now, u, u.group.Dissolve(now))
	}
	for _, inst := range u.members {
		inst.unit, inst.member = &unit{members: []*instance{inst}}, 0
		if inst.becomes(&m.config) {
			loose[inst.config.Name] = inst
			continue
		}
		inst.deleted = m.config.instance(inst.config.Name) == nil
		m.stopUnit(now, inst.unit)
		if inst.dirty {
			m.static.leaving = append(m.static.leaving, inst.gone()...)
			m.static.dirty = true
		}
		inst.close()
	}
}

// regroup makes units of the loose instances, with new ones where a sync group
// has such.
func (m *Manager) regroup(now time.Time, loose map[string]*instance) {
	for _, name := range sortedKeys(loose) {
		if m.instance(name) != nil {
			continue // went with another of its group
		}
		u := &unit{config: groupOf(&m.config, name), since: now}
		names := []string{name}
		if u.config != nil {
			names = u.config.Instances
		}
		var machines []*Machine
		for i, member := range names {
			inst := loose[member]
			if inst == nil {
				inst = m.newInstance(*m.config.instance(member), u.config)
				inst.unit = &unit{members: []*instance{inst}}
				m.prepare(now, inst)
			} else {
				m.update(now, inst, u.config)
			}
			inst.unit, inst.member = u, i
			u.members, machines = append(u.members, inst), append(machines, inst.machine)
		}
		m.units = append(m.units, u)
		u.deadline = u.members[0].machine.Deadline()
		if u.config != nil {
			u.group = NewGroup(u.config.Name, machines...)
			m.carryAll(now, u, u.group.Settle(now))
			m.carryAll(now, u, u.group.Handle(now, WholeGroup, Startup{}))
		}
	}
}

// startMissing makes and starts the instances that are not there yet.
func (m *Manager) startMissing(now time.Time) {
	for _, u := range m.makeUnits() {
		m.startUnit(now, u, 0)
	}
}
