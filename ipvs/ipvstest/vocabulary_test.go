package ipvstest_test

import (
	"net/netip"
	"time"

	"ipvsadm/ipvs"
)

// Short words for the values that tests are full of.

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func key(p ipvs.Protocol, s string) ipvs.ServiceKey {
	a := addr(s)
	return ipvs.ServiceKey{Family: ipvs.FamilyOf(a.Addr()), Protocol: p, Addr: a}
}

func tcp(s string) ipvs.ServiceKey { return key(ipvs.TCP, s) }

func udp(s string) ipvs.ServiceKey { return key(ipvs.UDP, s) }

func mark(f ipvs.Family, m uint32) ipvs.ServiceKey { return ipvs.ServiceKey{Family: f, FWMark: m} }

// service returns a service with the scheduler rr and the host's mask.
func service(k ipvs.ServiceKey, change ...func(*ipvs.Service)) ipvs.Service {
	s := ipvs.Service{ServiceKey: k, Scheduler: "rr", Netmask: ipvs.HostMask(k.Family)}
	for _, c := range change {
		c(&s)
	}
	return s
}

func scheduler(name string) func(*ipvs.Service) {
	return func(s *ipvs.Service) { s.Scheduler = name }
}

func engine(name string) func(*ipvs.Service) { return func(s *ipvs.Service) { s.PE = name } }

func flags(f ipvs.ServiceFlags) func(*ipvs.Service) { return func(s *ipvs.Service) { s.Flags = f } }

func netmask(m uint32) func(*ipvs.Service) { return func(s *ipvs.Service) { s.Netmask = m } }

func persistent(seconds uint32) func(*ipvs.Service) {
	return func(s *ipvs.Service) {
		s.Flags |= ipvs.Persistent
		s.Timeout = time.Duration(seconds) * time.Second
	}
}

// server returns a real server of weight 1 behind address translation.
func server(a string, change ...func(*ipvs.Destination)) ipvs.Destination {
	d := ipvs.Destination{Addr: addr(a), Forward: ipvs.Masq, Weight: 1}
	for _, c := range change {
		c(&d)
	}
	return d
}

func forward(f ipvs.Forward) func(*ipvs.Destination) {
	return func(d *ipvs.Destination) { d.Forward = f }
}

func weight(w uint32) func(*ipvs.Destination) { return func(d *ipvs.Destination) { d.Weight = w } }

func thresholds(upper, lower uint32) func(*ipvs.Destination) {
	return func(d *ipvs.Destination) { d.Upper, d.Lower = upper, lower }
}

func tunnel(t ipvs.TunnelType, port uint16, f ipvs.TunnelFlags) func(*ipvs.Destination) {
	return func(d *ipvs.Destination) {
		d.Forward = ipvs.Tunnel
		d.Tunnel = ipvs.Encapsulation{Type: t, Port: port, Flags: f}
	}
}

func add(k ipvs.ServiceKey, change ...func(*ipvs.Service)) ipvs.Op {
	return ipvs.AddService{Service: service(k, change...)}
}

func edit(k ipvs.ServiceKey, change ...func(*ipvs.Service)) ipvs.Op {
	return ipvs.EditService{Service: service(k, change...)}
}

func remove(k ipvs.ServiceKey) ipvs.Op { return ipvs.DeleteService{Service: k} }

func addServer(k ipvs.ServiceKey, a string, change ...func(*ipvs.Destination)) ipvs.Op {
	return ipvs.AddDestination{Service: k, Destination: server(a, change...)}
}

func editServer(k ipvs.ServiceKey, a string, change ...func(*ipvs.Destination)) ipvs.Op {
	return ipvs.EditDestination{Service: k, Destination: server(a, change...)}
}

func removeServer(k ipvs.ServiceKey, a string) ipvs.Op {
	return ipvs.DeleteDestination{Service: k, Addr: addr(a)}
}

func start(s ipvs.DaemonState, change ...func(*ipvs.Daemon)) ipvs.Op {
	d := ipvs.Daemon{State: s, Interface: "lo"}
	for _, c := range change {
		c(&d)
	}
	return ipvs.StartDaemon{Daemon: d}
}

func stop(s ipvs.DaemonState) ipvs.Op { return ipvs.StopDaemon{State: s} }
