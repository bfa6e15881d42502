package vrrp

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
)

// Snapshot is a machine as status shows it.
type Snapshot struct {
	State    State
	Version  Version
	VRID     uint8
	Priority uint8 // effective
	// ConfiguredPriority and Weight are what makes the effective priority.
	ConfiguredPriority uint8
	Weight             int
	// Causes are the causes of fault.
	Causes []Cause
	// AdvertisementInterval is ours, ActiveInterval the Active Router's.
	AdvertisementInterval, ActiveInterval time.Duration
	// SkewTime and ActiveDownInterval are those the machine uses now.
	SkewTime, ActiveDownInterval time.Duration
	// Deadline is when it acts next if nothing happens, zero for never.
	Deadline time.Time
	// Source is our primary address; Master the Active Router that is followed,
	// with no Source when there is none or it is us.
	Source netip.Addr
	Master Sighting
	// Peers are the routers heard of, the latest last, 16 at most.
	Peers []Sighting
	// Counters are the counters.
	Counters Counters
}

// Snapshot returns a copy of what there is to know.
func (m *Machine) Snapshot() Snapshot {
	p := &m.params
	active := m.activeInterval
	if m.state != Backup {
		active = p.AdvertisementInterval
	}
	return Snapshot{
		State:                 m.state,
		Version:               p.Version,
		VRID:                  p.VRID,
		Priority:              m.priority,
		ConfiguredPriority:    p.Priority,
		Weight:                m.weight,
		Causes:                slices.Clone(m.causes),
		AdvertisementInterval: p.AdvertisementInterval,
		ActiveInterval:        active,
		SkewTime:              SkewTime(p.Version, m.priority, active),
		ActiveDownInterval:    ActiveDownInterval(p.Version, m.priority, active, p.downAdverts()),
		Deadline:              m.Deadline(),
		Source:                p.Source,
		Master:                m.master,
		Peers:                 slices.Clone(m.peers),
		Counters:              m.counters,
	}
}

// State is the machine's state.
func (m *Machine) State() State { return m.state }

// Priority is the effective priority.
func (m *Machine) Priority() uint8 { return m.priority }

// Params are the parameters in use. The slices are not to be changed.
func (m *Machine) Params() *Params { return &m.params }

// Counters are the machine's counters, to be read only.
func (m *Machine) Counters() *Counters { return &m.counters }

// AppendState appends a form of all that decides how the machine will behave,
// with times relative to now: machines of equal parameters and equal forms behave
// alike from here on. Counters, reports and the peer table are not part of it.
// It serves tests that compare or enumerate states.
func (m *Machine) AppendState(b []byte, now time.Time) []byte {
	since := func(t time.Time) {
		if t.IsZero() {
			b = append(b, 0)
			return
		}
		b = append(b, 1)
		b = binary.AppendVarint(b, int64(t.Sub(now)))
	}
	upcoming := func(t time.Time) { // past ones are all the same
		if !now.Before(t) {
			t = time.Time{}
		}
		since(t)
	}
	b = append(b, byte(m.state), m.priority, byte(m.wants))
	b = binary.AppendVarint(b, int64(m.weight))
	b = binary.AppendUvarint(b, uint64(len(m.causes)))
	for _, c := range m.causes {
		b = append(b, byte(c.Kind))
		b = append(append(b, c.Name...), 0)
	}
	src := m.params.Source.As16()
	b = append(b, src[:]...)
	b = append(b, asByte(m.oldPeers))
	upcoming(m.listenAt)
	if m.params.Auth == AuthAH {
		b = m.appendSequences(b)
	}
	switch m.state {
	case Backup:
		b = binary.AppendVarint(b, int64(m.activeInterval))
		b = append(b, byte(m.silence), asByte(m.doubted), asByte(m.ignoring), asByte(m.master.Source.IsValid()))
		since(m.silenceFrom)
		// That preempt_delay ended is not the same as that it never began.
		b = append(b, asByte(m.preemptAt.IsZero()))
		upcoming(m.preemptAt)
	case Active:
		since(m.advertAt)
		since(m.sentAt)
		b = binary.AppendVarint(b, int64(m.promised))
		upcoming(m.replyAt)
		n := &m.announcer
		for _, t := range [...]time.Time{n.second, n.refresh, n.lower, n.extra} {
			since(t)
		}
		upcoming(n.lowerFrom)
	}
	return b
}

// appendSequences appends the numbers that decide what is refused as a replay.
func (m *Machine) appendSequences(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(m.sequence))
	peers := m.peers.clone()
	slices.SortFunc(peers, func(a, b Sighting) int { return a.Source.Compare(b.Source) })
	for _, p := range peers {
		src := p.Source.As16()
		b = append(b, src[:]...)
		b = binary.AppendUvarint(b, uint64(p.Sequence))
	}
	return b
}

func asByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
