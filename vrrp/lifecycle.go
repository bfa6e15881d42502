package vrrp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// start makes the instances and starts them.
func (m *Manager) start(ctx context.Context, c Config) error {
	if err := m.awaitView(ctx); err != nil {
		return err
	}
	if err := m.check(&c); err != nil {
		return err
	}
	m.adopt(time.Now(), c)
	// Interfaces are made before instances look for them.
	m.makeVMACs(time.Now())
	m.settle(time.Now())
	for m.view.Applied < m.applied {
		if err := m.awaitView(ctx); err != nil {
			return err
		}
	}
	m.links.see(time.Now(), m.view)
	m.doPosted(time.Now())
	for _, u := range m.makeUnits() {
		m.startUnit(time.Now(), u, c.StartupDelay)
	}
	m.index()
	m.restartSync()
	m.flush(time.Now())
	return nil
}

func (m *Manager) awaitView(ctx context.Context) error {
	select {
	case v := <-m.host.Views():
		m.view = v
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// check refuses what cannot run here, with everything that is wrong.
func (m *Manager) check(c *Config) error {
	var errs []error
	for i := range c.Instances {
		inst := &c.Instances[i]
		bad := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("vrrp_instance %s: "+format, append([]any{inst.Name}, args...)...))
		}
		if err := inst.Validate(); err != nil {
			bad("%w", err)
		}
		for _, p := range inst.ForeignVMACs() {
			bad("%v cannot be on a virtual MAC interface: that is for the family of the instance", p)
		}
		if c.Dynamic != StaticInterfaces {
			continue
		}
		for _, device := range []string{inst.Device, inst.VRF} {
			if _, there := m.view.Link(device); device != "" && !there {
				bad("interface %s does not exist; write dynamic_interfaces into global_defs if it comes later", device)
			}
		}
	}
	if c.Sync != nil && m.options.Sync == nil {
		errs = append(errs, errors.New("lvs_sync_daemon: there is no connection synchronisation on this machine"))
	}
	return errors.Join(errs...)
}

// adopt takes over what is nobody's in particular.
func (m *Manager) adopt(now time.Time, c Config) {
	m.config = c
	m.links.configure(&c)
	m.links.see(now, m.view)
	m.pacing.configure(&c)
	m.virtual = map[netip.Addr]bool{}
	m.static.all = nil
	if c.NoLocalIGMP {
		m.static.all = append(m.static.all, settingHolding("net/ipv4/igmp_link_local_mcast_reports", "0"))
	}
	for i := range c.Instances {
		inst := &c.Instances[i]
		for _, a := range slices.Concat(inst.Virtual, inst.Excluded) {
			m.virtual[a.Prefix.Addr()] = true
		}
		if inst.PromoteSecondaries && inst.VMAC == nil {
			m.static.all = append(m.static.all, settingHolding("net/ipv4/conf/"+inst.Device+"/promote_secondaries", "1"))
		}
	}
	m.static.all = append(m.static.all, holdings("", c.Addresses, c.Routes, c.Rules)...)
	m.static.want, m.static.dirty = m.static.all, true
}

// isVirtual tells whether an address is one of ours that comes and goes.
func (m *Manager) isVirtual(a netip.Addr) bool { return m.virtual[a] }

// isVMAC tells whether we made the interface.
func (m *Manager) isVMAC(device string) bool { return m.vmacs[device] != nil }

// makeVMACs makes the interfaces with virtual MAC addresses that are not there,
// and deletes those that nobody needs any more. It tells whether some were made:
// the next View has them.
func (m *Manager) makeVMACs(now time.Time) (made bool) {
	var changes []Change
	needed := map[string]bool{}
	for i := range m.config.Instances {
		c := &m.config.Instances[i]
		for _, want := range c.vmacs() {
			v := &want.VMACLink
			needed[v.Name] = true
			base, ok := m.view.Link(v.Base)
			l, there := m.view.Link(v.Name)
			was := m.vmacs[v.Name]
			asked := was != nil && was.Base == v.Base && bytes.Equal(was.Addr, v.Addr)
			// What was asked for and is not to be seen may be in a View to come.
			if !ok || asked && (there && l.Base == base.Index || m.view.Applied < m.applied) {
				continue
			}
			if at := m.vmacRetry.at; now.Before(at) {
				m.lookAt = earliest(m.lookAt, at)
				continue
			}
			if want.sends && c.IPv6 {
				if v.Source = c.Params.Source; !v.Source.IsValid() {
					v.Source = base.primary(true, m.isVirtual)
				}
				if !v.Source.IsValid() {
					continue // until the interface below has its own
				}
			}
			m.vmacs[v.Name] = v
			changes = append(changes, Change{VMAC: v})
			made = true
		}
	}
	for name, v := range m.vmacs {
		if !needed[name] {
			changes = append(changes, Change{Delete: true, VMAC: v})
			delete(m.vmacs, name)
		}
	}
	if made {
		failed := m.vmacRetry
		m.vmacRetry = backoff{}
		if !m.apply(changes) {
			failed.fail(now)
			m.vmacRetry = failed
		}
	} else {
		m.apply(changes)
	}
	return made
}

// apply makes changes that belong to no holder. It tells whether all succeeded.
func (m *Manager) apply(changes []Change) (ok bool) {
	if len(changes) == 0 {
		return true
	}
	ok = true
	m.applied++
	for i, err := range m.host.Apply(changes) {
		if err == nil {
			continue
		}
		ok = false
		m.counters.HostErrors++
		m.log.Error(err.Error())
		if v := changes[i].VMAC; v != nil && !changes[i].Delete {
			delete(m.vmacs, v.Name) // to try again
		}
	}
	return ok
}

// makeUnits makes the instances that are not there yet, in the order of the
// configuration.
func (m *Manager) makeUnits() (units []*unit) {
	for i := range m.config.Instances {
		name := m.config.Instances[i].Name
		if m.instance(name) != nil {
			continue
		}
		u := &unit{config: groupOf(&m.config, name)}
		members := []string{name}
		if u.config != nil {
			members = u.config.Instances
		}
		for n, member := range members {
			inst := m.newInstance(*m.config.instance(member), u.config)
			inst.unit, inst.member = u, n
			u.members = append(u.members, inst)
		}
		m.units = append(m.units, u)
		units = append(units, u)
	}
	return units
}

// groupOf is the sync group of an instance, nil for none.
func groupOf(c *Config, instance string) *GroupConfig {
	for i := range c.Groups {
		if slices.Contains(c.Groups[i].Instances, instance) {
			return &c.Groups[i]
		}
	}
	return nil
}

// startUnit starts new instances. Addresses that a crash left behind are gone,
// and what is known of tracked things is told, before anything is heard.
func (m *Manager) startUnit(now time.Time, u *unit, delay time.Duration) {
	var machines []*Machine
	for _, inst := range u.members {
		m.prepare(now, inst)
		machines = append(machines, inst.machine)
	}
	if u.config == nil {
		m.handle(now, u.members[0], Startup{delay})
		return
	}
	u.group, u.since = NewGroup(u.config.Name, machines...), now
	m.carryAll(now, u, u.group.Settle(now))
	m.carryAll(now, u, u.group.Handle(now, WholeGroup, Startup{delay}))
}

// prepare tells a machine what is known before its Startup.
func (m *Manager) prepare(now time.Time, inst *instance) {
	for _, c := range inst.raised {
		inst.machine.Handle(now, Failed{c})
	}
	inst.stand(m)
	for _, ev := range inst.tracking.Events() {
		inst.machine.Handle(now, ev)
	}
}

// stopUnit ends instances.
func (m *Manager) stopUnit(now time.Time, u *unit) {
	if u.group != nil {
		m.carryAll(now, u, u.group.Handle(now, WholeGroup, Shutdown{}))
	} else {
		m.handle(now, u.members[0], Shutdown{})
	}
}

// instance finds an instance by its name.
func (m *Manager) instance(name string) *instance {
	for _, u := range m.units {
		for _, inst := range u.members {
			if inst.config.Name == name {
				return inst
			}
		}
	}
	return nil
}

// index says whom datagrams are for.
func (m *Manager) index() {
	m.byPort = map[address][]*instance{}
	for _, u := range m.units {
		for _, inst := range u.members {
			if inst.leave != nil {
				key := address{inst.port, inst.config.VRID}
				m.byPort[key] = append(m.byPort[key], inst)
			}
		}
	}
}

// see takes over a new View.
func (m *Manager) see(now time.Time, v *View) {
	m.noteLinks(m.view, v)
	m.view = v
	m.links.see(now, v)
	m.makeVMACs(now)
	m.observeAll(now)
	if v.Applied >= m.applied {
		m.startMissing(now)
	}
	m.index()
	m.tellStatic(now)
}

// noteLinks logs which of the interfaces that matter went up or down.
func (m *Manager) noteLinks(old, v *View) {
	for _, l := range old.Links {
		now, _ := v.Link(l.Name)
		if now.Up == l.Up || !m.matters(l.Name) {
			continue
		}
		word := "down"
		if now.Up {
			word = "up"
		}
		m.log.Info("Netlink reports " + l.Name + " " + word)
	}
}

// matters tells whether an instance uses or tracks the interface.
func (m *Manager) matters(device string) bool {
	for _, u := range m.units {
		for _, inst := range u.members {
			tracks := func(t Tracker) bool { return t.Kind == CauseInterface && t.Name == device }
			if inst.config.Device == device || slices.ContainsFunc(inst.trackers, tracks) {
				return true
			}
		}
	}
	return false
}

// tellStatic puts the instances of a track_group into Fault while static
// addresses of the group cannot be had.
func (m *Manager) tellStatic(now time.Time) {
	for _, g := range m.config.StaticGroups {
		failed := slices.ContainsFunc(m.static.all, func(x holding) bool {
			group := ""
			switch {
			case x.Address != nil:
				group = x.Address.StaticGroup
			case x.Route != nil:
				group = x.Route.StaticGroup
			case x.Rule != nil:
				group = x.Rule.StaticGroup
			}
			return group == g.Name && m.static.refused[x.key] != ""
		})
		cause := Cause{CauseAddresses, g.Name}
		for _, name := range g.Instances {
			switch inst := m.instance(name); {
			case inst == nil:
			case failed:
				m.handle(now, inst, Failed{cause})
			default:
				m.handle(now, inst, Healed{cause})
			}
		}
	}
}

// shutdown ends everything: priority 0 for all in one batch, then all addresses,
// then the interfaces.
func (m *Manager) shutdown() {
	now := time.Now()
	for _, u := range m.units {
		m.stopUnit(now, u)
	}
	m.static.hold(false)
	m.flush(now)
	var changes []Change
	for _, name := range sortedKeys(m.vmacs) {
		changes = append(changes, Change{Delete: true, VMAC: m.vmacs[name]})
	}
	m.apply(changes)
	for _, u := range m.units {
		for _, inst := range u.members {
			inst.close()
		}
	}
	m.stopSync()
}

func sortedKeys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// String names the instance, for panics and debuggers.
func (inst *instance) String() string { return strconv.Quote(inst.config.Name) }
