package vrrp

import (
	"fmt"
	"time"
)

// This file has the lines of a detailed log about what the driver does. The words
// are keepalived's.

// detail reports lines about an instance, which is nil for those of nobody in
// particular.
func (m *Manager) detail(now time.Time, inst *instance, lines ...string) {
	if !m.options.Detail || len(lines) == 0 {
		return
	}
	r := Report{At: now, Action: Detail{lines}}
	if inst != nil {
		r.Instance = inst.config.Name
		for i, line := range lines {
			lines[i] = "(" + r.Instance + ") " + line
		}
	}
	m.reports = append(m.reports, r)
}

// detailHold tells that addresses go up, or away.
func (m *Manager) detailHold(now time.Time, inst *instance, up bool) {
	if !m.options.Detail {
		return
	}
	c, lines := &inst.config, []string(nil)
	say := func(there int, what string) {
		switch {
		case there == 0:
		case up:
			lines = append(lines, "setting "+what)
		default:
			lines = append(lines, "removing "+what)
		}
	}
	addresses := func() {
		say(len(c.Virtual), "VIPs.")
		say(len(c.Excluded), "E-VIPs.")
	}
	if up {
		addresses()
		say(len(c.Routes), "Virtual Routes")
		say(len(c.Rules), "Virtual Rules")
	} else {
		say(len(c.Rules), "Virtual Rules")
		say(len(c.Routes), "Virtual Routes")
		addresses()
	}
	m.detail(now, inst, lines...)
}

// detailAnnounce tells what an instance is going to announce.
func (m *Manager) detailAnnounce(now time.Time, inst *instance, a Announcement) {
	if m.options.Detail {
		what := "gratuitous ARPs"
		if a.Addr.Is6() {
			what = "Unsolicited Neighbour Adverts"
		}
		m.detail(now, inst, fmt.Sprintf("Sending/queueing %s on %s for %v", what, a.Device, a.Addr))
	}
}

// detailAnnounced tells what is announced now.
func (m *Manager) detailAnnounced(now time.Time, all []Announcement) {
	if !m.options.Detail {
		return
	}
	lines := make([]string, 0, len(all))
	for _, a := range all {
		what := "gratuitous ARP"
		if a.Addr.Is6() {
			what = "unsolicited Neighbour Advert"
		}
		lines = append(lines, fmt.Sprintf("Sending %s on %s for %v", what, a.Device, a.Addr))
	}
	m.detail(now, nil, lines...)
}
