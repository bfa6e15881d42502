package vrrp

import (
	"net/netip"
	"slices"
	"time"
)

// packet verifies a datagram and hands it to the state. A refused one changes
// nothing but counters (RFC 9568 §7.1). As keepalived, we hear nothing before
// startup, during its delay, and in Fault.
func (m *Machine) packet(now time.Time, d *Datagram) {
	if m.state != Backup && m.state != Active || now.Before(m.listenAt) {
		return
	}
	v := Check(d, &m.params, m.peers.sequence(d.Source))
	if v.Reason == Accepted && m.state == Active && m.params.Owner() && m.params.OwnerIgnoreAdverts {
		v.Reason = ReasonOwner
	}
	if v.Reason != Accepted {
		m.refuse(now, &v)
		return
	}
	m.counters.RcvdAdvertisements++
	if v.Advertisement.Priority == PriorityStop {
		m.counters.RcvdPriZeroPackets++
	}
	m.noteOddities(now, &v)
	m.peers.saw(sighting(now, &v))
	m.sequence = max(m.sequence, v.Sequence)
	if m.state == Active {
		m.hearActive(now, &v)
	} else {
		m.hearBackup(now, &v)
	}
}

// noteOddities reports what is strange about an accepted advertisement.
func (m *Machine) noteOddities(now time.Time, v *Verdict) {
	ours := effectiveForm(m.params.Version, m.params.IPv6, m.params.Checksum)
	if v.Checksum != ours && (m.noted.from != v.Source || m.noted.form != v.Checksum) {
		m.noted.from, m.noted.form = v.Source, v.Checksum
		m.say(now, Log{Note: NoteOtherChecksum, Source: v.Source, New: int64(v.Checksum)})
	}
	if v.Checksum == OldUnicast && !m.oldPeers {
		m.oldPeers = true
		m.box()
	}
	if !v.OtherAddresses {
		return
	}
	m.counters.AddressListErrors++
	if m.params.SkipAddressCheck && v.Source == m.master.Source {
		return
	}
	l := Log{Note: NoteAddressList, Source: v.Source, Old: int64(len(m.params.Addresses)), New: int64(len(v.Advertisement.Addresses))}
	if l.Old != l.New {
		l.Note = NoteAddressCount
	}
	m.say(now, l)
}

// say logs something that a packet caused, unless it has just been said: honest
// routers do not make us talkative, and spoofed packets must not.
func (m *Machine) say(now time.Time, l Log) {
	if suppressed, ok := m.said[l.Note].allow(now, noteGap); ok {
		l.Suppressed = suppressed
		m.emit(l)
	}
}

// refuse counts a refused datagram, and reports it if none was reported for the
// same reason within the last second.
func (m *Machine) refuse(now time.Time, v *Verdict) {
	m.counters.Refused[v.Reason]++
	if suppressed, ok := m.reported[v.Reason].allow(now, reportGap); ok {
		m.emit(Refuse{Verdict: *v, Version: m.params.Version, Suppressed: suppressed})
	}
}

// limiter lets one line through in a time. Nothing resets it, so that a flood
// cannot either.
type limiter struct {
	from       time.Time
	suppressed uint64
}

const (
	// reportGap is between two reports of datagrams refused for the same Reason.
	reportGap = time.Second
	// noteGap is between two logs of the same Note, where packets cause them. It
	// is shorter than the usual interval, so that each of an honest router's
	// advertisements can be told, as keepalived does.
	noteGap = 500 * time.Millisecond
)

func (l *limiter) allow(now time.Time, gap time.Duration) (suppressed uint64, ok bool) {
	if now.Before(l.from) {
		l.suppressed++
		return 0, false
	}
	suppressed, l.suppressed, l.from = l.suppressed, 0, now.Add(gap)
	return suppressed, true
}

// Sighting is what was last heard of another router.
type Sighting struct {
	Source   netip.Addr
	Priority uint8
	Interval time.Duration
	At       time.Time // on the machine's clock
	// Sequence is the number in the authentication header, if there was one.
	Sequence uint32
}

func sighting(now time.Time, v *Verdict) Sighting {
	a := &v.Advertisement
	return Sighting{v.Source, a.Priority, a.MaxAdvertiseInterval, now, v.Sequence}
}

// peerTable remembers the routers heard of, the latest last. It is small: who
// spoofs sources can push out others, not fill memory.
type peerTable []Sighting

const maxSightings = 16

func (t *peerTable) saw(s Sighting) {
	i := slices.IndexFunc(*t, func(o Sighting) bool { return o.Source == s.Source })
	if i < 0 && len(*t) == maxSightings {
		i = 0
	}
	if i >= 0 {
		copy((*t)[i:], (*t)[i+1:])
		(*t)[len(*t)-1] = s
		return
	}
	*t = append(*t, s)
}

// sequence is the last number heard from a router. keepalived has one window for
// all, so that two Active Routers that count alike refuse each other's packets;
// RFC 2402 §3.4.3 has one for each sender.
func (t peerTable) sequence(source netip.Addr) uint32 {
	for i := range t {
		if t[i].Source == source {
			return t[i].Sequence
		}
	}
	return 0
}

func (t peerTable) clone() peerTable { return slices.Clone(t) }
