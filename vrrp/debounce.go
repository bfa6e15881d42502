package vrrp

import "time"

// debouncer says which interfaces are up, and believes a change only once it has
// lasted (interface_up_down_delays).
type debouncer struct {
	delays map[string]DebounceConfig
	links  map[string]debounced
}

type debounced struct {
	up bool
	// changeAt is when the opposite is believed, zero if nothing changed.
	changeAt time.Time
}

func (d *debouncer) configure(c *Config) {
	d.delays = map[string]DebounceConfig{}
	for _, x := range c.Debounce {
		d.delays[x.Device] = x
	}
	if d.links == nil {
		d.links = map[string]debounced{}
	}
}

// see takes over what a View shows. Interfaces that were not there before count
// as they are.
func (d *debouncer) see(now time.Time, v *View) {
	for name, l := range d.links {
		if _, there := v.Link(name); !there {
			d.set(now, name, l, false)
		}
	}
	for _, l := range v.Links {
		old, known := d.links[l.Name]
		if !known {
			d.links[l.Name] = debounced{up: l.Up}
		} else {
			d.set(now, l.Name, old, l.Up)
		}
	}
}

func (d *debouncer) set(now time.Time, name string, l debounced, up bool) {
	delay := d.delays[name].Down
	if up {
		delay = d.delays[name].Up
	}
	switch {
	case l.up == up:
		l.changeAt = time.Time{}
	case delay == 0:
		l = debounced{up: up}
	case l.changeAt.IsZero():
		l.changeAt = now.Add(delay)
	}
	d.links[name] = l
}

// due believes what has lasted long enough, and tells whether there was any.
func (d *debouncer) due(now time.Time) (changed bool) {
	for name, l := range d.links {
		if !l.changeAt.IsZero() && !now.Before(l.changeAt) {
			d.links[name] = debounced{up: !l.up}
			changed = true
		}
	}
	return changed
}

func (d *debouncer) deadline() (t time.Time) {
	for _, l := range d.links {
		t = earliest(t, l.changeAt)
	}
	return t
}

// up tells whether an interface counts as up.
func (m *Manager) up(name string) bool { return m.links.links[name].up }
