package vrrp

import (
	"slices"
	"time"
)

// pacing spaces the announcements of all instances (vrrp_garp_interval,
// vrrp_gna_interval, garp_group).
type pacing struct {
	arp, na time.Duration
	groups  []PacingConfig
	pacers  map[paced]*Pacer[announced]
}

// paced is what shares an interval: the announcements of one family on one
// interface, or on those of the garp_group of that number, from 1.
type paced struct {
	device string
	group  int
	ipv6   bool
}

// announced is an announcement and whose it is.
type announced struct {
	inst *instance
	Announcement
}

// configure takes over the intervals. What waits is sent without any.
func (p *pacing) configure(c *Config) {
	old := p.pacers
	*p = pacing{c.ARPInterval, c.NAInterval, c.Pacing, map[paced]*Pacer[announced]{}}
	for _, q := range old {
		for _, w := range q.queue {
			p.push(time.Time{}, w.what, w.left)
		}
	}
}

func (p *pacing) push(now time.Time, a announced, n int) {
	key := paced{device: a.Device, ipv6: a.Addr.Is6()}
	arp, na := p.arp, p.na
	for i := range p.groups {
		if g := &p.groups[i]; slices.Contains(g.Devices, a.Device) {
			key.device, key.group = "", i+1
			arp, na = g.ARPInterval, g.NAInterval
		}
	}
	q := p.pacers[key]
	if q == nil {
		interval := arp
		if key.ipv6 {
			interval = na
		}
		q = NewPacer[announced](interval)
		p.pacers[key] = q
	}
	q.Push(now, a, n)
}

// drop forgets what an instance still wanted to announce.
func (p *pacing) drop(inst *instance) {
	for _, q := range p.pacers {
		q.Drop(func(a announced) bool { return a.inst == inst })
	}
}

// due takes what is to be announced now.
func (p *pacing) due(now time.Time) (all []Announcement) {
	for _, q := range p.pacers {
		for {
			a, ok := q.Pop(now)
			if !ok {
				break
			}
			all = append(all, a.Announcement)
		}
	}
	return all
}

func (p *pacing) deadline() (t time.Time) {
	for _, q := range p.pacers {
		t = earliest(t, q.Deadline())
	}
	return t
}

// announce queues the announcements of an instance.
func (m *Manager) announce(now time.Time, inst *instance, a Announce) {
	seen := map[string]bool{}
	for _, x := range inst.want {
		if x.Address == nil {
			continue
		}
		device := x.Address.Device
		if a.Scope == ExtraInterfaces {
			if seen[device] || device == inst.wireDevice() || !inst.config.AnnounceAll && !m.isVMAC(device) {
				continue
			}
			seen[device] = true
		}
		what := Announcement{device, x.Address.Prefix.Addr()}
		m.detailAnnounce(now, inst, what)
		m.pacing.push(now, announced{inst, what}, a.Repeat)
	}
}
