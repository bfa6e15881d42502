package compat

import (
	"net/netip"
	"time"

	"ipvsadm/ipvs"
)

// OddEntries makes a table of what no command line can make and the kernel
// stores all the same: unknown protocols, forwarding methods and tunnel types,
// all bits of the flags, one packet on TCP. The recording made it with raw
// requests.
func OddEntries() []ipvs.Op {
	const hostMask = 0xffffffff
	service := func(last byte, edit func(*ipvs.Service)) ipvs.Op {
		s := ipvs.Service{
			ServiceKey: ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.TCP, Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 9, 0, last}), 80)},
			Scheduler:  "rr", Netmask: hostMask,
		}
		edit(&s)
		return ipvs.AddService{Service: s}
	}
	asIs := func(*ipvs.Service) {}
	web := ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.TCP, Addr: netip.MustParseAddrPort("10.9.0.1:80")}
	server := func(last byte, port uint16, forward ipvs.Forward, edit func(*ipvs.Destination)) ipvs.Op {
		d := ipvs.Destination{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 9, 1, last}), port), Forward: forward, Weight: 1}
		if edit != nil {
			edit(&d)
		}
		return ipvs.AddDestination{Service: web, Destination: d}
	}

	ops := []ipvs.Op{service(1, asIs)}
	for method := range byte(8) {
		ops = append(ops, server(method+1, 80, ipvs.Forward(method), nil))
	}
	ops = append(ops,
		server(50, 80, ipvs.Masq, nil),
		server(52, 80, ipvs.Masq, func(d *ipvs.Destination) { d.Weight = 1<<31 - 1 }),
		server(53, 80, ipvs.Tunnel, func(d *ipvs.Destination) {
			d.Tunnel = ipvs.Encapsulation{Type: ipvs.GUE, Port: 6080, Flags: ipvs.TunnelCsum | ipvs.TunnelRemCsum}
		}),
		server(54, 80, ipvs.Tunnel, func(d *ipvs.Destination) { d.Tunnel.Type = 3 }),
		server(55, 80, ipvs.Masq, func(d *ipvs.Destination) { d.Tunnel.Type = 7 }),
		server(56, 80, ipvs.Masq, func(d *ipvs.Destination) { d.Upper, d.Lower = 1<<32-1, 1<<32-2 }),
		server(57, 0, ipvs.Route, nil),
		server(58, 81, ipvs.Route, nil),
	)
	for _, protocol := range []ipvs.Protocol{0, 1, 17, 33, 50, 51, 58, 132, 136, 255, 256, 65535} {
		ops = append(ops, service(2, func(s *ipvs.Service) { s.Protocol = protocol }))
	}
	mark := func(family ipvs.Family, n uint32, mask uint32) func(*ipvs.Service) {
		return func(s *ipvs.Service) {
			s.ServiceKey = ipvs.ServiceKey{Family: family, FWMark: n}
			s.Netmask = mask
		}
	}
	return append(ops,
		service(3, func(s *ipvs.Service) { s.Addr = netip.AddrPortFrom(s.Addr.Addr(), 0) }),
		service(4, func(s *ipvs.Service) { s.Flags = ipvs.OnePacket }),
		service(5, func(s *ipvs.Service) { s.Flags, s.Timeout = 0xffff, 100*time.Second }),
		service(7, func(s *ipvs.Service) { s.Scheduler = "none" }),
		service(9, func(s *ipvs.Service) { s.Flags = ipvs.Persistent }),
		service(10, func(s *ipvs.Service) { s.Flags, s.Timeout = ipvs.Persistent, (1<<32-1)*time.Second }),
		service(0, mark(ipvs.IPv6, 2882400001, 128)),
		service(0, mark(ipvs.IPv4, 1<<32-1, hostMask)),
		service(0, func(s *ipvs.Service) {
			mark(ipvs.IPv4, 1<<31+1, 0xffffff00)(s)
			s.Flags, s.Timeout = ipvs.Persistent, 5*time.Second
		}),
		service(12, func(s *ipvs.Service) { s.PE = "sip" }),
		service(14, asIs),
		ipvs.SetTimeouts{Timeouts: ipvs.Timeouts{TCPFin: 77 * time.Second}},
	)
}
