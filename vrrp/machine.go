package vrrp

import (
	"net/netip"
	"slices"
	"time"
)

// replyGap is the least time between two advertisements sent in answer to
// received ones. RFC 9568 §6.4.3 asks for an answer to each; without a cap a
// flood of spoofed packets would make us send as many.
const replyGap = 10 * time.Millisecond

// Machine is the state machine of one virtual router (RFC 9568 §6.4). It is pure:
// it knows no clock, no socket and no goroutine, and the same events at the same
// times give the same actions. It is not safe for concurrent use.
//
// The times handed to Handle must come from one monotonic clock and never go
// back; only differences between them matter.
type Machine struct {
	params Params
	state  State
	group  *Group // nil outside a sync group

	priority uint8   // effective, 1-255
	weight   int     // sum of the trackers
	causes   []Cause // of fault, in the order they came up
	wants    State   // Backup or Active: what a sync group's member would be alone

	// In Backup.
	activeInterval time.Duration // Active_Adver_Interval
	silenceFrom    time.Time     // since when silence is counted
	silence        silence       // how much of it is believed
	doubted        bool          // it was late once for this silence
	ignoring       bool          // lower priorities were discarded since then
	preemptAt      time.Time     // end of preempt_delay, zero when not started
	master         Sighting      // the Active Router followed

	// In Active.
	advertAt time.Time     // Adver_Timer
	sentAt   time.Time     // last advertisement of ours
	promised time.Duration // the interval it told
	replyAt  time.Time     // when the next answer may be sent
	announcer

	listenAt time.Time // end of the startup delay
	sequence uint32    // highest one seen or sent with AuthAH
	oldPeers bool      // a peer sent OldUnicast checksums

	counters Counters
	reported [reasons]limiter
	said     [notes]limiter
	peers    peerTable
	noted    struct { // what NoteOtherChecksum said last
		from netip.Addr
		form ChecksumForm
	}

	periodic Action // the next periodic advertisement, made once
	out      []Action
}

// silence is how long a Backup Router waits, from silenceFrom on. Lengths are
// computed when asked for, so that a new priority or interval counts at once.
type silence uint8

const (
	// silenceFull is Active_Down_Interval.
	silenceFull silence = iota
	// silenceSkew is Skew_Time, after priority 0.
	silenceSkew
	// silenceShort is one interval and Skew_Time: enough to hear a live Active
	// Router, when we have reason to become Active but want to be sure.
	silenceShort
	// silenceNone is for an owner that waits for the startup delay only.
	silenceNone
)

// New returns a machine in Initialize. The parameters must be valid, see
// Params.Validate.
func New(p Params) *Machine {
	m := &Machine{}
	m.adopt(p.clone())
	m.syncSource()
	return m
}

// Handle tells the machine what happened and returns what to do, in order. The
// slice is valid until the next call.
func (m *Machine) Handle(now time.Time, ev Event) []Action {
	m.out = m.out[:0]
	m.handle(now, ev)
	return m.out
}

func (m *Machine) handle(now time.Time, ev Event) {
	if m.state == Active {
		m.checkOverslept(now)
	}
	switch ev := ev.(type) {
	case Startup:
		m.startup(now, ev.Delay)
	case Shutdown:
		m.shutdown()
	case Tick:
		m.tick(now)
	case Packet:
		m.packet(now, &ev.Datagram)
	case Failed:
		m.fail(ev.Cause)
	case Healed:
		m.heal(now, ev.Cause)
	case Weighed:
		m.weight = ev.Weight
		m.updatePriority()
	case SourceChanged:
		m.changeSource(now, ev.Source)
	case AddressesLost:
		m.restoreAddresses()
	case Reload:
		m.reload(now, ev.Params.clone())
	}
}

// Deadline is when the machine wants a Tick, the zero time when it does not.
func (m *Machine) Deadline() time.Time {
	switch m.state {
	case Backup:
		return m.downAt()
	case Active:
		return earliest(m.advertAt, m.announcer.deadline())
	}
	return time.Time{}
}

func (m *Machine) tick(now time.Time) {
	switch m.state {
	case Backup:
		m.tickBackup(now)
	case Active:
		m.tickActive(now)
	}
}

func (m *Machine) emit(a Action) { m.out = append(m.out, a) }

// adopt makes p the parameters, and recomputes what follows from them alone.
func (m *Machine) adopt(p Params) {
	m.params = p
	m.priority = m.effective()
	m.box()
}

// box makes the periodic advertisement. It is made here and not at each sending,
// so that sending allocates nothing; whoever changes the parameters or the
// priority calls it.
func (m *Machine) box() {
	m.periodic = m.sending(m.priority)
}

// sending is the action that sends an advertisement of a priority.
func (m *Machine) sending(priority uint8) SendAdvertisement {
	a := SendAdvertisement{Advertisement: m.params.advertisement(priority), Checksum: m.params.Checksum}
	if m.oldPeers && m.params.DetectOldUnicast {
		a.Checksum = OldUnicast
	}
	return a
}

// send emits an advertisement of our priority.
func (m *Machine) send(now time.Time) {
	if m.params.Auth == AuthAH {
		m.sendOnce(m.sending(m.priority))
	} else {
		m.emit(m.periodic)
		m.counters.SentAdvertisements++
	}
	m.sentAt, m.promised = now, m.params.AdvertisementInterval
}

// sendOnce emits an advertisement that is not like the last one.
func (m *Machine) sendOnce(a SendAdvertisement) {
	if m.params.Auth == AuthAH {
		a.Sequence = m.nextSequence()
	}
	m.emit(a)
	m.counters.SentAdvertisements++
}

// sendZero emits the advertisement that gives up.
func (m *Machine) sendZero() {
	m.sendOnce(m.sending(PriorityStop))
	m.counters.SentPriZeroPackets++
}

// letGo is what follows sendZero and the transition, in the order of keepalived's
// lines.
func (m *Machine) letGo() {
	m.emit(Log{Note: NoteZeroSent})
	m.emit(RemoveAddresses{})
}

// nextSequence counts on from the highest number seen or sent, because in
// keepalived all senders share one replay window. At one advertisement a second
// the number lasts for 136 years.
func (m *Machine) nextSequence() uint32 {
	m.sequence++
	return m.sequence
}

// transition changes the state. Every change of state comes through here.
func (m *Machine) transition(to State, why Trigger) {
	m.emit(Transition{From: m.state, To: to, Trigger: why})
	if to == Active {
		m.counters.MasterTransitions++
	}
	if m.state == Active {
		m.counters.ReleasedMaster++
	}
	m.state = to
}

func (m *Machine) notify(kind NotifyKind) {
	m.emit(Notify{Kind: kind, State: m.state, Priority: m.priority})
}

// startup is RFC 9568 §6.4.1. Addresses that a crash left behind go before
// anything is heard or said.
func (m *Machine) startup(now time.Time, delay time.Duration) {
	if m.state != Initialize {
		return
	}
	m.listenAt = now.Add(delay)
	m.emit(RemoveAddresses{})
	if len(m.causes) > 0 {
		for _, c := range m.causes {
			m.noteFault(c)
		}
		m.transition(Fault, faultTrigger(m.causes))
		m.wants = Fault
		if !onlyPending(m.causes) {
			m.notify(NotifyState)
		}
		return
	}
	m.begin(now, TriggerStartup)
}

// begin leaves Initialize or Fault. The owner becomes Active without waiting, as
// keepalived's "state MASTER" does too; everybody else becomes Backup.
func (m *Machine) begin(now time.Time, why Trigger) {
	delayed := now.Before(m.listenAt)
	owner := m.params.startsActive()
	if owner && !delayed && m.mayActivate() {
		m.emit(Log{Note: NoteTimeout}) // keepalived says so too: its timer was 0
		m.activate(now, TriggerOwner)
		return
	}
	wants := m.wants
	m.becomeBackup(now, why)
	switch {
	case owner && delayed:
		m.silence = silenceNone
	case owner: // its sync group is not ready
		m.silence, m.wants = silenceShort, wants
	}
	m.notify(NotifyState)
}

// shutdown is the Shutdown event of RFC 9568 §6.4.2 and §6.4.3.
func (m *Machine) shutdown() {
	if m.state == Initialize {
		return
	}
	m.leave()
	m.transition(Initialize, TriggerShutdown)
	m.notify(NotifyStop)
	m.wants = Initialize
}

// leave says goodbye and lets go of the addresses, if there are any to let go.
func (m *Machine) leave() {
	if m.state == Active {
		m.sendZero()
		m.letGo()
	}
}

// updatePriority recomputes the effective priority. In Backup the down timer
// moves with it, because its length is computed when asked for.
func (m *Machine) updatePriority() {
	old := m.priority
	if m.priority = m.effective(); m.priority == old {
		return
	}
	m.box()
	m.emit(Log{Note: NotePriorityChanged, Old: int64(old), New: int64(m.priority)})
	m.notify(NotifyPriority)
}

// effective is the configured priority and the trackers' sum, kept within 1-254:
// 0 and 255 mean something else. The owner's is 255 always.
func (m *Machine) effective() uint8 {
	if m.params.Owner() {
		return PriorityOwner
	}
	return uint8(min(max(int(m.params.Priority)+m.weight, 1), PriorityOwner-1))
}

// restoreAddresses puts back what somebody else took away.
func (m *Machine) restoreAddresses() {
	if m.state != Active {
		return
	}
	m.emit(Log{Note: NoteAddressesLost})
	m.emit(AddAddresses{Accept: m.params.accepts()})
	m.emit(Announce{Repeat: m.params.Announce.MasterRepeat})
}

// Clone returns a machine that behaves as m will, and shares nothing with it
// that either changes. A clone belongs to no sync group.
func (m *Machine) Clone() *Machine {
	c := *m
	c.group = nil
	c.causes = slices.Clone(m.causes)
	c.peers = m.peers.clone()
	c.out = nil
	return &c
}
