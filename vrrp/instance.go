package vrrp

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// instance is one virtual router: its machine, and what ties it to this host.
type instance struct {
	config  InstanceConfig
	machine *Machine
	unit    *unit
	member  int // in the unit
	holder
	tracking *Tracking
	trackers []Tracker
	// raised are the causes of fault that the host is the reason of.
	raised []Cause

	port         Port
	leave        func() // closes the port, nil if it is closed
	destinations []netip.Addr
	id           uint16 // of the last IPv4 packet
	since        time.Time
	sendErrors   uint64
	deleted      bool // by a reload
}

// newInstance makes the instance for a host in the given state. The machine is
// in Initialize until it is started.
func (m *Manager) newInstance(c InstanceConfig, group *GroupConfig) *instance {
	inst := &instance{config: c}
	inst.configure(c, group)
	at := m.place(inst)
	inst.raised = at.causes
	inst.machine = New(at.params)
	inst.open(m, at)
	return inst
}

// configure takes over a configuration, without telling the machine.
func (inst *instance) configure(c InstanceConfig, group *GroupConfig) {
	inst.config = c
	inst.all = holdings(inst.device(), c.placed(slices.Concat(c.Virtual, c.Excluded)), c.Routes, c.Rules)
	params := c.Params
	if !params.accepts() {
		// Packets are dropped before there are any.
		inst.all = slices.Concat(refusals(slices.Concat(c.Virtual, c.Excluded)), inst.all)
	}
	inst.destinations = params.Destinations()
	trackers := c.Track.trackers()
	if group != nil {
		trackers = append(trackers, group.Track.trackers()...)
	}
	if !slices.Equal(trackers, inst.trackers) || inst.tracking == nil {
		old := inst.tracking
		inst.trackers, inst.tracking = trackers, NewTracking(trackers)
		if old != nil { // what the machine has been told
			inst.tracking.weight, inst.tracking.causes = old.weight, old.causes
		}
	}
}

// device is the interface that virtual addresses are put on.
func (inst *instance) device() string {
	if inst.config.VMAC != nil {
		return inst.config.VMAC.Name
	}
	return inst.config.Device
}

// wireDevice is the interface that advertisements use.
func (inst *instance) wireDevice() string {
	if v := inst.config.VMAC; v != nil && v.TransmitBase {
		return inst.config.Device
	}
	if inst.config.Device == "" {
		return inst.config.VRF
	}
	return inst.device()
}

// trackers are the trackers of all the things.
func (c *TrackConfig) trackers() (all []Tracker) {
	for _, list := range []struct {
		kind   CauseKind
		things []TrackedConfig
	}{
		{CauseInterface, c.Devices}, {CauseScript, c.Scripts}, {CauseFile, c.Files},
		{CauseProcess, c.Processes}, {CausePool, c.Pools},
	} {
		for _, t := range list.things {
			all = append(all, Tracker{Kind: list.kind, Name: t.Name, Weight: t.Weight, Reverse: t.Reverse})
		}
	}
	return all
}

// place is where an instance finds itself on the host.
type place struct {
	params Params
	port   Port
	usable bool // the interface of the port is there
	causes []Cause
}

// place looks the instance's interfaces and addresses up.
func (m *Manager) place(inst *instance) place {
	c := &inst.config
	p := place{params: c.Params}
	fault := func(k CauseKind, name string) {
		if cause := (Cause{k, name}); !slices.Contains(p.causes, cause) {
			p.causes = append(p.causes, cause)
		}
	}
	base, found := m.view.Link(c.Device)
	if c.Device != "" && (!found || c.TrackDevice && !m.up(c.Device)) {
		fault(CauseInterface, c.Device)
	}
	p.port = Port{IPv6: c.IPv6, AH: c.Auth == AuthAH}
	if name := inst.wireDevice(); name == "" {
		p.usable = true
	} else if l, ok := m.view.Link(name); ok && (c.VMAC == nil || l.Name == c.Device || l.Base == base.Index) {
		p.usable = true
		p.port.Interface, p.port.VRF = l.Index, c.Device == ""
		if !p.port.VRF {
			p.params.Interface = l.Index
		}
	} else {
		fault(CauseInterface, name)
	}
	if !p.params.Source.IsValid() {
		p.params.Source = base.primary(c.IPv6, m.isVirtual)
	} else if c.TrackSource && !m.view.HasAnywhere(p.params.Source) {
		p.params.Source = netip.Addr{}
	}
	if c.FaultWithoutPeer && len(c.Peers) == 0 {
		fault(CauseNoPeer, "")
	}
	return p
}

// open makes the port the one that is wanted.
func (inst *instance) open(m *Manager, at place) {
	if inst.leave != nil && at.usable && inst.port == at.port {
		return
	}
	inst.close()
	if !at.usable {
		return
	}
	var group netip.Addr
	if len(inst.config.Peers) == 0 {
		group = inst.destinations[0]
	}
	leave, err := m.wire.Join(at.port, group)
	if err != nil {
		m.log.Error(fmt.Sprintf("(%s) %v", inst.config.Name, err))
		return
	}
	inst.port, inst.leave = at.port, leave
}

func (inst *instance) close() {
	if inst.leave != nil {
		inst.leave()
		inst.leave = nil
	}
}

// observe tells the machine what changed on the host.
func (m *Manager) observe(now time.Time, inst *instance) {
	at := m.place(inst)
	inst.open(m, at)
	p := inst.machine.Params()
	if p.Interface != at.params.Interface {
		inst.restoreAt = time.Time{} // the interface was made anew: nobody fights with us
	}
	// A Reload believes that what was put up is still there, so this comes before.
	lost := inst.machine.State() == Active && m.restore(now, &inst.holder)
	if p.Interface != at.params.Interface {
		m.handle(now, inst, Reload{at.params})
	} else if p.Source != at.params.Source {
		m.handle(now, inst, SourceChanged{at.params.Source})
	}
	m.raise(now, inst, at.causes)
	m.track(now, inst)
	if lost && inst.machine.State() == Active {
		m.handle(now, inst, AddressesLost{})
	}
}

// restore has a holder put up again what somebody took away, and try again what
// the host refused. It tells whether somebody took something away that is put up.
func (m *Manager) restore(now time.Time, h *holder) bool {
	if h.dirty || m.view.Applied != m.applied {
		return false
	}
	if at := h.retry.at; !at.IsZero() {
		if h.dirty = !now.Before(at); !h.dirty {
			m.lookAt = earliest(m.lookAt, at)
		}
	}
	if !h.lost(m.view) {
		return false
	}
	if now.Before(h.restoreAt) {
		m.lookAt = earliest(m.lookAt, h.restoreAt)
		return false
	}
	h.restoreAt = now.Add(restoreGap)
	h.dirty, h.refresh = true, true
	return true
}

// raise makes the causes those that the machine knows of. New ones come first,
// so that it does not start in between.
func (m *Manager) raise(now time.Time, inst *instance, causes []Cause) {
	old := inst.raised
	inst.raised = causes
	for _, c := range causes {
		if !slices.Contains(old, c) {
			m.handle(now, inst, Failed{c})
		}
	}
	for _, c := range old {
		if !slices.Contains(causes, c) {
			m.handle(now, inst, Healed{c})
		}
	}
}

// track tells the machine how the tracked things stand.
func (m *Manager) track(now time.Time, inst *instance) {
	inst.stand(m)
	for _, ev := range inst.tracking.Events() {
		m.handle(now, inst, ev)
	}
}

// stand takes over how tracked things stand, as far as that is known.
func (inst *instance) stand(m *Manager) {
	for i, t := range inst.trackers {
		if t.Kind == CauseInterface {
			inst.tracking.Set(i, Standing{Known: true, Up: m.up(t.Name)})
		} else if s, ok := m.standings[Cause{t.Kind, t.Name}]; ok {
			inst.tracking.Set(i, s)
		}
	}
}

// restoreGap is the least time between two restorations of what somebody took
// away, so that a fight with another manager of the network stays a quiet one.
const restoreGap = time.Second

// packets appends the packets of an advertisement.
func (m *Manager) packets(inst *instance, a SendAdvertisement) error {
	if inst.leave == nil {
		return fmt.Errorf("its interface is not there")
	}
	p := inst.machine.Params()
	for _, dst := range inst.destinations {
		if inst.id++; inst.id == 0 {
			inst.id = 1
		}
		ttl := uint8(TTL)
		if len(p.Peers) > 0 {
			ttl = inst.config.UnicastTTL
		}
		from := len(m.arena)
		var err error
		if p.IPv6 {
			m.arena, err = a.Advertisement.Append(m.arena, p.Source, dst, a.Checksum)
		} else {
			m.arena, err = AppendIPv4(m.arena, IPv4{
				Source: p.Source, Destination: dst, ID: inst.id, TTL: ttl,
				Checksum: a.Checksum, Password: p.Password, Sequence: a.Sequence,
			}, a.Advertisement)
		}
		if err != nil {
			return err
		}
		m.outbox = append(m.outbox, Outgoing{
			Port: inst.port, Source: p.Source, Destination: dst, HopLimit: ttl,
			Packet: m.arena[from:len(m.arena):len(m.arena)],
		})
	}
	return nil
}
