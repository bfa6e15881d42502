package sched

import "net/netip"

// Server is a real server of a service, as a scheduler sees it.
type Server struct {
	Addr netip.AddrPort
	// Weight is the server's share, 0 to 2147483647. 0 gives it no new
	// connections.
	Weight int
	// Active and Inactive count its connections. Every UDP connection is
	// inactive; a TCP connection is active from its SYN to its first FIN or RST.
	Active, Inactive int
	// Upper is the number of connections that makes the server overloaded, 0 for
	// none; Lower the number below which it is no longer, 0 for three quarters
	// of Upper.
	Upper, Lower int
	// Overloaded is the kernel's IP_VS_DEST_F_OVERLOAD, which no listing shows.
	// A server that has reached Upper is overloaded whatever is said here.
	Overloaded bool
}

// server is a real server with what the kernel remembers of it beyond its
// settings. It outlives its removal, as in the kernel's trash: connections and
// caches go on pointing at it, and adding it again finds it.
type server struct {
	Server
	generation Generation
	lastWeight int  // the last weight that was not 0, for mh
	present    bool // IP_VS_DEST_CF_AVAILABLE
	id         int  // how many servers the service had known before it
	at         int  // the place in the list, if it is present
}

// usable reports whether the server may get new connections under most
// schedulers.
func (s *server) usable() bool { return s.Weight > 0 && !s.Overloaded }

// total is the number of all connections.
func (s *server) total() int { return s.Active + s.Inactive }

// overhead is the load that lc, wlc, lblc, lblcr and twos reckon with: an active
// connection costs 256 times an inactive one, or 257 times
// (ip_vs_dest_conn_overhead in include/net/ip_vs.h).
func (s *server) overhead() int64 {
	return int64(s.Active)*s.generation.activeCost() + int64(s.Inactive)
}

// expected is the load of sed and nq: the active connections and the new one.
func (s *server) expected() int64 { return int64(s.Active) + 1 }

// opened counts one more connection (ip_vs_bind_dest in ip_vs_conn.c).
func (s *server) opened(active bool) {
	if active {
		s.Active++
	} else {
		s.Inactive++
	}
	if s.Upper != 0 && (s.total() == s.Upper || s.total() > s.Upper && s.generation == Classic) {
		s.Overloaded = true
	}
}

// closed counts one connection less (ip_vs_unbind_dest in ip_vs_conn.c).
func (s *server) closed(active bool) {
	if active {
		s.Active--
	} else {
		s.Inactive--
	}
	if s.belowLower() && (s.generation == Classic || s.total() == s.lower()-1) {
		s.Overloaded = false
	}
}

// belowLower reports whether so few connections are left that the server is not
// overloaded any more.
func (s *server) belowLower() bool { return s.Upper == 0 || s.total() < s.lower() }

// lower is the number of connections below which a server that has an upper
// threshold is not overloaded any more.
func (s *server) lower() int {
	if s.Lower != 0 {
		return s.Lower
	}
	return s.Upper - s.Upper/4
}

// set takes over the settings of a server (__ip_vs_update_dest in ip_vs_ctl.c).
// To a Classic kernel a lower threshold never ends the overload, and never
// begins it before the next connection.
func (s *server) set(to Server, added bool) {
	if added || to.Weight != 0 {
		s.lastWeight = to.Weight
	}
	changed := to.Upper != s.Upper || to.Lower != s.Lower
	if s.generation == Classic && (to.Upper == 0 || to.Upper > s.Upper) {
		s.Overloaded = false
	}
	s.Weight, s.Upper, s.Lower = to.Weight, to.Upper, to.Lower
	if s.generation == Totals && changed {
		s.Overloaded = s.Upper != 0 && (s.total() >= s.Upper || s.Overloaded && !s.belowLower())
	}
}

// unsure reports whether the listing of a kernel does not show if the server is
// overloaded: between its thresholds it may be either, and to a Classic kernel
// also beyond, if the threshold was set after the last connection.
func (s *server) unsure() bool {
	return s.Upper != 0 && !s.belowLower() && (s.generation == Classic || s.total() < s.Upper)
}
