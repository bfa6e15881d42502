package vrrp

import (
	"fmt"
	"time"
)

// AnnounceSchedule says when an Active Router sends gratuitous ARP requests and
// unsolicited neighbour advertisements, beside the burst it always sends when it
// becomes Active. The names are those of keepalived.conf without "garp_".
type AnnounceSchedule struct {
	// MasterRepeat is how many of each are sent at once, at least 1 (default 5).
	MasterRepeat int
	// MasterDelay is when the burst is sent once more, 0 for never (5 s).
	MasterDelay time.Duration
	// MasterRefresh repeats MasterRefreshRepeat of each for ever, 0 for never.
	MasterRefresh       time.Duration
	MasterRefreshRepeat int
	// LowerPriorityRepeat is the size of the burst after an advertisement of
	// lower priority, 0 for none, and LowerPriorityDelay when it comes once more.
	LowerPriorityRepeat int
	LowerPriorityDelay  time.Duration
	// ExtraInterfaces announces on the interfaces that send no advertisements,
	// every so often, 0 for never (garp_extra_if).
	ExtraInterfaces time.Duration
}

// DefaultAnnounce is keepalived's schedule when nothing is configured: five of
// each, and five more after five seconds.
func DefaultAnnounce() AnnounceSchedule {
	return AnnounceSchedule{
		MasterRepeat:        5,
		MasterDelay:         5 * time.Second,
		MasterRefreshRepeat: 1,
		LowerPriorityRepeat: 5,
		LowerPriorityDelay:  5 * time.Second,
	}
}

func (s *AnnounceSchedule) validate() (errs []error) {
	if s.MasterRepeat < 1 {
		errs = append(errs, fmt.Errorf("announce %d times, want at least 1", s.MasterRepeat))
	}
	if s.MasterRefresh > 0 && s.MasterRefreshRepeat < 1 {
		errs = append(errs, fmt.Errorf("refresh announcements %d times, want at least 1", s.MasterRefreshRepeat))
	}
	if s.LowerPriorityRepeat < 0 || s.MasterDelay < 0 || s.MasterRefresh < 0 || s.LowerPriorityDelay < 0 || s.ExtraInterfaces < 0 {
		errs = append(errs, fmt.Errorf("negative value in the schedule of announcements"))
	}
	return errs
}

// announcer holds the times of an Active Router's next announcements. A zero
// time is none.
type announcer struct {
	second, refresh, lower, extra time.Time
	// lowerFrom is when the next burst for a lower priority may be sent.
	lowerFrom time.Time
}

// start announces a new Active Router.
func (n *announcer) start(now time.Time, s *AnnounceSchedule) Announce {
	*n = announcer{}
	if s.MasterDelay > 0 {
		n.second = now.Add(s.MasterDelay)
	}
	n.reschedule(now, s)
	return Announce{Repeat: s.MasterRepeat}
}

// reschedule starts what is periodic, and stops it, after a reload. What runs at
// an unchanged period must not be handed in again, or reloads would delay it.
func (n *announcer) reschedule(now time.Time, s *AnnounceSchedule) {
	n.refresh, n.extra = time.Time{}, time.Time{}
	if s.MasterRefresh > 0 {
		n.refresh = now.Add(s.MasterRefresh)
	}
	if s.ExtraInterfaces > 0 {
		n.extra = now.Add(s.ExtraInterfaces)
	}
}

// lowerHeard tells whether an advertisement of lower priority is to have
// consequences, and announces again if so: its sender may have fooled switches.
// keepalived does so for each such advertisement; we do it once per interval,
// which is all an honest sender causes, so that a flood of them is not
// multiplied.
func (n *announcer) lowerHeard(now time.Time, s *AnnounceSchedule, interval time.Duration, emit func(Action)) bool {
	if now.Before(n.lowerFrom) {
		return false
	}
	n.lowerFrom = now.Add(interval)
	if s.LowerPriorityRepeat > 0 {
		emit(Announce{Repeat: s.LowerPriorityRepeat})
		if s.LowerPriorityDelay > 0 {
			n.lower = now.Add(s.LowerPriorityDelay)
		}
	}
	return true
}

// due hands the announcements that are due by now to emit.
func (n *announcer) due(now time.Time, s *AnnounceSchedule, emit func(Action)) {
	passed := func(t time.Time) bool { return !t.IsZero() && !now.Before(t) }
	if passed(n.second) {
		n.second = time.Time{}
		emit(Announce{Repeat: s.MasterRepeat})
	}
	if passed(n.lower) {
		n.lower = time.Time{}
		if s.LowerPriorityRepeat > 0 {
			emit(Announce{Repeat: s.LowerPriorityRepeat})
		}
	}
	if passed(n.refresh) {
		n.refresh = next(n.refresh, s.MasterRefresh, now)
		emit(Announce{Repeat: s.MasterRefreshRepeat})
	}
	if passed(n.extra) {
		n.extra = next(n.extra, s.ExtraInterfaces, now)
		emit(Announce{Repeat: 1, Scope: ExtraInterfaces})
	}
}

// deadline is the time of the next announcement, zero for none.
func (n *announcer) deadline() time.Time {
	return earliest(earliest(n.second, n.refresh), earliest(n.lower, n.extra))
}

// next keeps a period's grid, unless that lies in the past already.
func next(t time.Time, period time.Duration, now time.Time) time.Time {
	if t = t.Add(period); t.After(now) {
		return t
	}
	return now.Add(period)
}

// earliest is the earlier of two times, of which zero is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
