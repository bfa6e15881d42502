package vrrp

import "time"

// activate enters Active. The order is RFC 9568's (§6.4.2 (365)-(410)) and
// keepalived's: advertise, so that an Active Router of lower priority lets go,
// then put up the addresses, then announce them, then tell the world.
func (m *Machine) activate(now time.Time, why Trigger) {
	if m.params.Version == V3 && m.state == Backup && m.activeInterval != m.params.AdvertisementInterval {
		m.emit(Log{Note: NoteIntervalOwn, Old: m.activeInterval.Milliseconds(), New: m.params.AdvertisementInterval.Milliseconds()})
	}
	m.activeInterval = m.params.AdvertisementInterval
	m.wants = Active
	m.master = Sighting{}
	m.send(now)
	m.advertAt = now.Add(m.params.AdvertisementInterval)
	m.replyAt = time.Time{}
	m.transition(Active, why)
	m.emit(AddAddresses{Accept: m.params.accepts()})
	m.emit(m.announcer.start(now, &m.params.Announce))
	m.notify(NotifyState)
}

// tickActive sends what is due. The advertisements keep their grid, so that
// being late once does not make the next one later.
func (m *Machine) tickActive(now time.Time) {
	if !now.Before(m.advertAt) {
		m.send(now)
		m.advertAt = next(m.advertAt, m.params.AdvertisementInterval, now)
	}
	m.announcer.due(now, &m.params.Announce, m.emit)
}

// checkOverslept makes an Active Router that has been silent for so long that
// its peers must have elected another step down before it looks at anything
// else. keepalived sends on and makes two Active Routers after a pause of the
// machine; its timer_expired_backup does this, for nopreempt only.
func (m *Machine) checkOverslept(now time.Time) {
	silent := now.Sub(m.sentAt)
	// With down_timer_adverts 1 a timer that is a little late is not yet asleep.
	if silent < time.Duration(max(m.params.downAdverts(), 2))*m.promised {
		return
	}
	m.counters.Overslept++
	m.emit(Log{Note: NoteOverslept, New: silent.Milliseconds()})
	m.yield(now, TriggerOverslept)
}

// yield goes back to Backup without priority 0: somebody else is Active.
func (m *Machine) yield(now time.Time, why Trigger) {
	m.becomeBackup(now, why)
	m.emit(RemoveAddresses{})
	m.notify(NotifyState)
}

// hearActive is a verified advertisement in Active (RFC 9568 §6.4.3 (700)).
// Preempt_Mode plays no part: two Active Routers must become one.
func (m *Machine) hearActive(now time.Time, v *Verdict) {
	theirs, ours := v.Advertisement.Priority, m.priority
	if theirs == PriorityStop {
		m.say(now, Log{Note: NoteZeroHeardActive})
		m.reply(now)
		return
	}
	tie := 0
	if theirs == ours {
		tie = v.Source.Compare(m.params.Source) // unsigned, network order
		m.noteTie(now, v, tie)
	}
	switch {
	case theirs > ours || tie > 0:
		m.lose(now, v)
	case theirs < ours || tie < 0:
		m.win(now, v)
	}
	// Equal priority from our own address is a looped packet of ours or a
	// duplicate address. Neither side of it can win: nothing is done.
}

func (m *Machine) noteTie(now time.Time, v *Verdict, tie int) {
	switch {
	case tie == 0:
		m.say(now, Log{Note: NoteSameAddress, Source: v.Source})
	case m.params.Owner():
		// RFC 9568 erratum 8298: say so. The tie is broken as any other.
		m.say(now, Log{Note: NoteTwoOwners, Source: v.Source})
	}
}

// lose yields to a better Active Router.
func (m *Machine) lose(now time.Time, v *Verdict) {
	if m.params.HigherPrioritySendAdvert {
		// It tells the winner's interval: with ours, a Backup Router of the same
		// priority would soon take the winner for dead.
		a := m.sending(m.priority)
		a.Advertisement.MaxAdvertiseInterval = v.Advertisement.MaxAdvertiseInterval
		m.sendOnce(a)
	}
	why, note := TriggerHigherPriority, NoteHigherPriority
	if v.Advertisement.Priority == m.priority {
		why, note = TriggerHigherAddress, NoteHigherAddress
	}
	m.emit(Log{Note: note, Source: v.Source, Theirs: v.Advertisement.Priority, Ours: m.priority})
	m.yield(now, why)
	m.learn(now, v)
	m.listen(now, silenceFull)
	m.master = sighting(now, v)
}

// win asserts us against a worse Active Router, and repairs what it may have
// done to switches and neighbours.
func (m *Machine) win(now time.Time, v *Verdict) {
	p := &m.params
	l := Log{Note: NoteLowerPriority, Source: v.Source, Theirs: v.Advertisement.Priority, Ours: m.priority}
	if p.LowerPriorityNoAdvert {
		l.Note = NoteLowerPriorityQuiet
	}
	m.say(now, l)
	if !p.LowerPriorityNoAdvert {
		m.reply(now)
	}
	if m.announcer.lowerHeard(now, &p.Announce, p.AdvertisementInterval, m.emit) {
		m.notify(NotifyLowerPriority)
	}
}

// reply answers a received advertisement at once and restarts Adver_Timer, at
// most once per replyGap.
func (m *Machine) reply(now time.Time) {
	if now.Before(m.replyAt) {
		m.counters.RepliesSuppressed++
		return
	}
	m.replyAt = now.Add(replyGap)
	m.send(now)
	m.advertAt = now.Add(m.params.AdvertisementInterval)
}
