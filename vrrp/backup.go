package vrrp

import "time"

// becomeBackup enters Backup and starts to count silence from now, or from the
// end of the startup delay. Active_Adver_Interval is our own until somebody tells
// another (RFC 9568 §6.4.1 (150)).
func (m *Machine) becomeBackup(now time.Time, why Trigger) {
	m.transition(Backup, why)
	m.activeInterval = m.params.AdvertisementInterval
	m.preemptAt = time.Time{}
	m.master = Sighting{}
	m.wants = Backup
	m.listen(now, silenceFull)
	if now.Before(m.listenAt) {
		m.silenceFrom = m.listenAt
	}
}

// listen starts to count silence anew.
func (m *Machine) listen(now time.Time, s silence) {
	m.silenceFrom, m.silence = now, s
	m.doubted, m.ignoring = false, false
}

// downAt is when Active_Down_Timer expires.
func (m *Machine) downAt() time.Time {
	p := &m.params
	skew := SkewTime(p.Version, m.priority, m.activeInterval)
	switch m.silence {
	case silenceSkew:
		return m.silenceFrom.Add(skew)
	case silenceShort:
		return m.silenceFrom.Add(m.activeInterval + skew)
	case silenceNone:
		return m.silenceFrom
	}
	return m.silenceFrom.Add(ActiveDownInterval(p.Version, m.priority, m.activeInterval, p.downAdverts()))
}

// tickBackup is the expiry of Active_Down_Timer (RFC 9568 §6.4.2 (365)).
//
// Silence counts only while we could have heard something. A Backup Router that
// was stopped over the end of its timer, for longer than the Active Router's
// interval, finds nothing in its queue after a pause of the whole machine; it
// listens for one more interval before it takes over, once.
func (m *Machine) tickBackup(now time.Time) {
	due := m.downAt()
	if now.Before(due) {
		return
	}
	if late := now.Sub(due); late > m.activeInterval && !m.doubted && m.silence != silenceNone {
		m.counters.Overslept++
		m.emit(Log{Note: NoteDoubt, New: late.Milliseconds()})
		ignoring := m.ignoring
		m.listen(now, silenceShort)
		m.doubted, m.ignoring = true, ignoring
		return
	}
	m.emit(Log{Note: NoteTimeout})
	if !m.mayActivate() {
		// The sync group is not ready: ask again after another silence.
		m.listen(now, silenceFull)
		return
	}
	m.activate(now, m.takeover())
}

// takeover is the trigger of a takeover that is due now.
func (m *Machine) takeover() Trigger {
	switch {
	case m.silence == silenceSkew:
		return TriggerPriority
	case m.silence == silenceNone:
		return TriggerOwner
	case m.ignoring:
		return TriggerPreempt
	}
	return TriggerNoResponse
}

// hearBackup is a verified advertisement in Backup (RFC 9568 §6.4.2 (420)).
func (m *Machine) hearBackup(now time.Time, v *Verdict) {
	theirs := v.Advertisement.Priority
	switch {
	case theirs == PriorityStop:
		m.say(now, Log{Note: NoteZeroHeardBackup})
		m.listen(now, silenceSkew)
		m.wants = Backup
	case theirs >= m.priority || !m.params.preempts() || m.holdsBack(now):
		m.follow(now, v)
	default:
		// Discarded: the timer runs on, and we preempt when it ends.
		m.say(now, Log{Note: NoteDiscarded, Source: v.Source, Theirs: theirs, Ours: m.priority})
		m.ignoring = true
		m.countFromDelay()
	}
}

// countFromDelay makes preempt_delay delay preemption by all of its length: the
// silence that ends in it begins with the end of the delay, not with the last
// advertisement that was followed before (keepalived.conf(5), and measured).
func (m *Machine) countFromDelay() {
	if m.silence == silenceFull && m.silenceFrom.Before(m.preemptAt) {
		m.silenceFrom = m.preemptAt
	}
}

// holdsBack tells whether preempt_delay protects an Active Router of lower
// priority: it has not started, or not ended.
func (m *Machine) holdsBack(now time.Time) bool {
	if m.params.PreemptDelay == 0 {
		return false
	}
	return m.preemptAt.IsZero() || now.Before(m.preemptAt)
}

// follow accepts the sender as the Active Router.
func (m *Machine) follow(now time.Time, v *Verdict) {
	m.learn(now, v)
	m.listen(now, silenceFull)
	m.wants = Backup
	if m.master.Source != v.Source {
		m.say(now, Log{Note: NoteMaster, Source: v.Source})
	}
	m.master = sighting(now, v)
	if m.params.PreemptDelay == 0 {
		return
	}
	better := v.Advertisement.Priority >= m.priority
	switch {
	case better && !m.preemptAt.IsZero():
		m.preemptAt = time.Time{}
		m.say(now, Log{Note: NotePreemptDelayStopped})
	case !better && m.preemptAt.IsZero():
		m.preemptAt = now.Add(m.params.PreemptDelay)
		m.say(now, Log{Note: NotePreemptDelayStarted, New: m.params.PreemptDelay.Milliseconds()})
	}
}

// learn adopts the Active Router's interval, in version 3 only (RFC 9568 §6.4.2
// (450)). Version 2 has refused other intervals already.
func (m *Machine) learn(now time.Time, v *Verdict) {
	heard := v.Advertisement.MaxAdvertiseInterval
	if m.params.Version != V3 || heard == m.activeInterval {
		return
	}
	m.say(now, Log{Note: NoteIntervalLearned, Old: m.activeInterval.Milliseconds(), New: heard.Milliseconds()})
	m.activeInterval = heard
	m.counters.IntervalsLearned++
}
