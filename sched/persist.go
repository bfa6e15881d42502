package sched

import (
	"net/netip"
	"time"
)

// bindings are the persistence templates of a service by client network. The
// rest of a template's key is the same for all connections of one service.
type bindings map[netip.Addr]*binding

// binding is one persistence template (ip_vs_sched_persist in ip_vs_core.c).
type binding struct {
	server *server
	until  time.Duration // when it ends if no connection comes
}

// Bind tells of a persistence template that the kernel has: the client, or its
// network, and the server, until a moment on the clock of Connection.At.
func (s *Service) Bind(client netip.Addr, addr netip.AddrPort, until time.Duration) error {
	at := s.index(addr)
	if at < 0 {
		return ErrNoServer
	}
	s.bindings[s.group(client)] = &binding{s.servers[at], until}
	return nil
}

// bound gives a client the server it is bound to, as long as the service has
// that server: overload does not end the bond, and weight 0 only does with
// ExpireQuiescent (ip_vs_check_template in ip_vs_conn.c). Another client is bound
// to the server it gets.
//
// The kernel keeps a template while it has connections, and for the timeout
// after the last packet. The model knows of no packet but the first: it counts
// the timeout from the last new connection.
func (s *Service) bound(c Connection, why *reasons) *server {
	group := s.group(c.Client.Addr())
	if b := s.binding(c); b != nil {
		b.until = c.At + s.options.Persistent
		why.add(Bound, b.server, 0, 0)
		return b.server
	}
	delete(s.bindings, group) // for good, even if the server comes back
	one := s.algorithm.choose(s, c, why)
	if one == nil {
		return nil
	}
	s.bindings[group] = &binding{one, c.At + s.options.Persistent}
	return one
}

// binding returns the bond of a client that still holds, nil if there is none.
func (s *Service) binding(c Connection) *binding {
	b := s.bindings[s.group(c.Client.Addr())]
	if b == nil || !b.server.present || c.At >= b.until || s.options.ExpireQuiescent && b.server.Weight == 0 {
		return nil
	}
	return b
}

// group returns the network that persistence takes for one client.
func (s *Service) group(client netip.Addr) netip.Addr {
	mask := s.options.Netmask
	if mask.BitLen() != client.BitLen() || !mask.IsValid() {
		return client
	}
	a, m := client.As16(), mask.As16()
	for i := range a {
		a[i] &= m[i]
	}
	if client.Is4() {
		return netip.AddrFrom4([4]byte(a[12:]))
	}
	return netip.AddrFrom16(a)
}
