package sched

// stateless is embedded by schedulers that remember nothing.
type stateless struct{}

func (stateless) start(*Service)                {}
func (stateless) changed(*Service, change, int) {}

// leastConnections is lc (ip_vs_lc.c): the smallest overhead, whatever the
// weight.
type leastConnections struct{ stateless }

func (leastConnections) choose(s *Service, _ Connection, why *reasons) *server {
	var least *server
	for _, one := range s.servers {
		if !one.usable() {
			why.unusable(one)
			continue
		}
		why.add(Load, one, one.overhead(), 1)
		if least == nil || one.overhead() < least.overhead() {
			least = one
		}
	}
	return least
}

// weightedLeast is wlc (ip_vs_wlc.c) and sed (ip_vs_sed.c): the smallest load
// for the weight, the first in the list of equals.
type weightedLeast struct{ load func(*server) int64 }

func (weightedLeast) start(*Service)                {}
func (weightedLeast) changed(*Service, change, int) {}

func (w weightedLeast) choose(s *Service, _ Connection, why *reasons) *server {
	var least *server
	for _, one := range s.servers {
		if !one.usable() {
			why.unusable(one)
			continue
		}
		why.add(Load, one, w.load(one), int64(one.Weight))
		if least == nil || heavier(least, one, w.load) {
			least = one
		}
	}
	return least
}

// heavier compares two servers by load over weight without dividing.
func heavier(a, b *server, load func(*server) int64) bool {
	return load(a)*int64(b.Weight) > load(b)*int64(a.Weight)
}

// neverQueue is nq (ip_vs_nq.c): the first idle server, or else as sed.
type neverQueue struct{ stateless }

func (neverQueue) choose(s *Service, c Connection, why *reasons) *server {
	for _, one := range s.servers {
		if one.usable() && one.Active == 0 {
			why.add(Idle, one, 0, 0)
			return one
		}
	}
	return weightedLeast{(*server).expected}.choose(s, c, why)
}

// failover is fo (ip_vs_fo.c): the greatest weight.
type failover struct{ stateless }

func (failover) choose(s *Service, _ Connection, why *reasons) *server {
	var most *server
	for _, one := range s.servers {
		if !one.usable() {
			why.unusable(one)
			continue
		}
		why.add(Weighed, one, 0, int64(one.Weight))
		if most == nil || one.Weight > most.Weight {
			most = one
		}
	}
	return most
}

// overflow is ovf (ip_vs_ovf.c): the greatest weight among the servers that
// have no more active connections than their weight.
type overflow struct{ stateless }

func (overflow) choose(s *Service, _ Connection, why *reasons) *server {
	var most *server
	for _, one := range s.servers {
		switch {
		case !one.usable():
			why.unusable(one)
			continue
		case one.Active > one.Weight:
			why.add(Full, one, int64(one.Active), int64(one.Weight))
			continue
		}
		why.add(Weighed, one, 0, int64(one.Weight))
		if most == nil || one.Weight > most.Weight {
			most = one
		}
	}
	return most
}
