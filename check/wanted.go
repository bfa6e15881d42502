package check

import (
	"net/netip"
	"sync"

	"ipvsadm/ipvs"
)

// Wanted returns the table that should be, for ipvs.Plan: the services of each
// virtual server with the real servers that its pool says. pools are in the
// order of c.Servers.
func (c *Config) Wanted(pools []*Pool) []ipvs.Wanted {
	table := make([]ipvs.Wanted, 0, len(c.Servers))
	for i := range c.Servers {
		for _, k := range c.Services(&c.Servers[i]) {
			table = append(table, pools[i].wanted(k, make([]ipvs.Destination, 0, len(pools[i].reals)+1)))
		}
	}
	return table
}

// wanted returns one service of the virtual server, with its real servers in room
// if that is large enough.
func (p *Pool) wanted(k ipvs.ServiceKey, room []ipvs.Destination) ipvs.Wanted {
	w := ipvs.Wanted{Service: p.config.Service, Destinations: room[:0]}
	if w.ServiceKey = k; k.Family != p.config.Service.Family {
		w.Netmask = ipvs.HostMask(k.Family) // a group of both families
	}
	add := func(d ipvs.Destination, weight uint32) {
		d.Addr, d.Weight = portOf(d.Addr, k), weight
		w.Destinations = append(w.Destinations, d)
	}
	sorry, alone := p.config.Sorry, p.SorryInUse()
	if alone {
		add(sorry.Destination, sorry.Weight)
	}
	for i := range p.config.Reals {
		c, r := &p.config.Reals[i], &p.reals[i]
		switch {
		case alone && portOf(c.Addr, k) == portOf(sorry.Addr, k): // has its turn as that
		case r.up() && !alone:
			add(c.Destination, r.weight(c))
		case c.Inhibit:
			add(c.Destination, 0)
		}
	}
	if sorry != nil && sorry.Inhibit && !alone && !p.has(sorry.Addr, k) {
		add(sorry.Destination, 0)
	}
	return w
}

// has says whether a real server is in the table at an address, so that an
// inhibited sorry server must not take its place.
func (p *Pool) has(addr netip.AddrPort, k ipvs.ServiceKey) bool {
	for i := range p.config.Reals {
		c := &p.config.Reals[i]
		if portOf(c.Addr, k) == portOf(addr, k) && (p.reals[i].up() || c.Inhibit) {
			return true
		}
	}
	return false
}

// portOf is the address of a server in a service: one without a port has that
// of the service, as in a group of several, or none as the service.
func portOf(addr netip.AddrPort, k ipvs.ServiceKey) netip.AddrPort {
	if addr.Port() == 0 {
		return netip.AddrPortFrom(addr.Addr(), k.Addr.Port())
	}
	return addr
}

// Owner tells ipvs.Plan what is ours to delete: services that this or an earlier
// configuration has, and in them the servers it names. All else in the kernel's
// table is somebody else's and stays. before is nil if there was
// none. The answers are worked out when the first question is asked, which is
// seldom: the configurations must not be changed.
func (c *Config) Owner(before *Config) ipvs.Owner {
	type row struct {
		service ipvs.ServiceKey
		addr    netip.AddrPort
	}
	each := func(yield func(ipvs.ServiceKey, *ServerConfig)) {
		for _, config := range []*Config{before, c} {
			if config == nil {
				continue
			}
			for i := range config.Servers {
				for _, k := range config.Services(&config.Servers[i]) {
					yield(k, &config.Servers[i])
				}
			}
		}
	}
	services := sync.OnceValue(func() map[ipvs.ServiceKey]bool {
		ours := make(map[ipvs.ServiceKey]bool)
		each(func(k ipvs.ServiceKey, _ *ServerConfig) { ours[k] = true })
		return ours
	})
	servers := sync.OnceValue(func() map[row]bool {
		ours := make(map[row]bool)
		each(func(k ipvs.ServiceKey, s *ServerConfig) {
			for j := range s.Reals {
				ours[row{k, portOf(s.Reals[j].Addr, k)}] = true
			}
			if s.Sorry != nil {
				ours[row{k, portOf(s.Sorry.Addr, k)}] = true
			}
		})
		return ours
	})
	return func(k ipvs.ServiceKey, addr netip.AddrPort) bool {
		return services()[k] && (addr == netip.AddrPort{} || servers()[row{k, addr}])
	}
}
