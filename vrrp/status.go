package vrrp

import (
	"context"
	"net/netip"
	"time"
)

// ManagerCounters count what is nobody's in particular. They only grow.
type ManagerCounters struct {
	// Malformed are packets in which there was no VRID to read, UnknownVRID
	// those for routers that are not configured where they came in.
	Malformed, UnknownVRID uint64
	// SendErrors, AnnounceErrors and HostErrors are what the kernel refused:
	// batches of packets, batches of announcements, and single changes.
	SendErrors, AnnounceErrors, HostErrors uint64
	// LostReports are reports that the Notifier had no room for, if it counts them
	// (a Messenger does).
	LostReports uint64

	unknownLog time.Time // when the next unknown VRID may be logged
}

// Status is all there is to know about a running Manager.
type Status struct {
	At        time.Time
	Instances []InstanceStatus
	Groups    []GroupStatus
	Counters  ManagerCounters
}

// InstanceStatus is one instance.
type InstanceStatus struct {
	Name string
	// Group is the sync group, "" for none.
	Group string
	// Since is when the state was entered.
	Since time.Time
	// Device holds the addresses, WireDevice the advertisements.
	Device, WireDevice string
	Virtual, Excluded  []AddressConfig
	// Held are the addresses that it holds now.
	Held         []netip.Prefix
	Destinations []netip.Addr
	// Tracked are the things tracked, with what is known of them.
	Tracked []TrackedStatus
	// SendErrors counts advertisements that could not be made or had no
	// interface to leave by.
	SendErrors uint64
	Snapshot
}

// TrackedStatus is a tracked thing.
type TrackedStatus struct {
	Tracker
	Standing
}

// GroupStatus is one sync group.
type GroupStatus struct {
	Name      string
	State     State
	Since     time.Time
	Instances []string
}

// Status returns a copy of what there is to know.
func (m *Manager) Status(ctx context.Context) (s Status, err error) {
	err = m.call(ctx, func(now time.Time) error {
		s = m.status(now)
		return nil
	})
	return s, err
}

func (m *Manager) status(now time.Time) Status {
	s := Status{At: now, Counters: m.counters}
	if n, ok := m.notifier.(interface{ Lost() uint64 }); ok {
		s.Counters.LostReports = n.Lost()
	}
	for _, u := range m.units {
		var names []string
		for _, inst := range u.members {
			names = append(names, inst.config.Name)
			s.Instances = append(s.Instances, inst.status())
		}
		if u.group != nil {
			s.Groups = append(s.Groups, GroupStatus{u.group.Name(), u.group.State(), u.since, names})
		}
	}
	return s
}

func (inst *instance) status() InstanceStatus {
	s := InstanceStatus{
		Name:         inst.config.Name,
		Since:        inst.since,
		Device:       inst.device(),
		WireDevice:   inst.wireDevice(),
		Virtual:      inst.config.Virtual,
		Excluded:     inst.config.Excluded,
		Destinations: inst.destinations,
		SendErrors:   inst.sendErrors,
		Snapshot:     inst.machine.Snapshot(),
	}
	if u := inst.unit; u.group != nil {
		s.Group = u.group.Name()
	}
	for _, x := range inst.have {
		if x.Address != nil {
			s.Held = append(s.Held, x.Address.Prefix)
		}
	}
	for i, t := range inst.trackers {
		s.Tracked = append(s.Tracked, TrackedStatus{t, inst.tracking.standings[i]})
	}
	return s
}
