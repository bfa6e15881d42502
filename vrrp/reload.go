package vrrp

import "time"

// reload replaces the parameters of a running machine. As in keepalived the state
// stays.
func (m *Machine) reload(now time.Time, p Params) {
	if !m.params.sameRouter(&p) {
		m.replace(now, p)
		return
	}
	old, oldPriority := m.params, m.priority
	m.adopt(p)
	if m.priority != oldPriority {
		m.emit(Log{Note: NotePriorityChanged, Old: int64(oldPriority), New: int64(m.priority)})
		m.notify(NotifyPriority)
	}
	switch m.state {
	case Backup:
		m.reloadBackup(&old)
	case Active:
		m.reloadActive(now, &old)
	}
	m.changeSource(now, p.Source)
}

// reloadBackup keeps the interval learned from the Active Router. What nobody
// taught us is ours, and changes with the configuration.
func (m *Machine) reloadBackup(old *Params) {
	learned := m.master.Source.IsValid() && m.params.Version == V3 && old.Version == V3
	if !learned {
		m.activeInterval = m.params.AdvertisementInterval
	}
	if m.params.PreemptDelay == 0 {
		m.preemptAt = time.Time{}
	}
	// An owner's short wait is not for those who own nothing any more.
	if old.startsActive() && !m.params.startsActive() && !m.doubted && m.silence != silenceSkew {
		m.silence = silenceFull
	}
}

// reloadActive misses no advertisement. If the interval got shorter, the next one
// is due that much after the last one, or at once. If it got longer, the next one
// is due as the last one told, for it is that one that tells the new interval.
func (m *Machine) reloadActive(now time.Time, old *Params) {
	p := &m.params
	m.activeInterval = p.AdvertisementInterval
	if due := m.sentAt.Add(p.AdvertisementInterval); due.Before(m.advertAt) {
		m.advertAt = due
		if due.Before(now) {
			m.advertAt = now
		}
	}
	m.emit(UpdateAddresses{Accept: p.accepts()})
	if p.Announce != old.Announce {
		m.announcer.reschedule(now, &p.Announce)
	}
}

// replace ends the old virtual router and starts the new one.
func (m *Machine) replace(now time.Time, p Params) {
	running, fault := m.state != Initialize, m.noSource()
	if running {
		m.leave()
		m.transition(Initialize, TriggerReload)
	}
	m.causes = without(m.causes, fault)
	m.adopt(p)
	m.syncSource()
	m.sequence, m.peers, m.oldPeers = 0, nil, false
	m.box()
	m.wants = Initialize
	if running {
		m.startup(now, 0)
	}
}

func without(causes []Cause, c Cause) []Cause {
	kept := causes[:0]
	for _, x := range causes {
		if x != c {
			kept = append(kept, x)
		}
	}
	return kept
}
