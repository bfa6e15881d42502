package ipvstest_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

// script is a sequence of operations. It prints one to a line.
type script []ipvs.Op

func (s script) String() string {
	var b strings.Builder
	for i, op := range s {
		fmt.Fprintf(&b, "%2d %T%+v\n", i, op, op)
	}
	return b.String()
}

// gen draws the operations of one sequence, so that they meet each other often:
// mostly about what is in the table by then, and else about the first keys and
// real servers of its lists. Most values are valid, the others are on one side
// or the other of a limit.
type gen struct {
	*rand.Rand
	keys    []ipvs.ServiceKey
	servers []netip.AddrPort
	table   *ipvstest.Kernel // what the operations so far have made
}

// sequence draws a sequence of operations.
func sequence(r *rand.Rand, length int) script {
	g := gen{Rand: r, keys: serviceKeys(), servers: serverAddrs(), table: ipvstest.New(ipvstest.Options{})}
	r.Shuffle(len(g.keys), func(i, j int) { g.keys[i], g.keys[j] = g.keys[j], g.keys[i] })
	r.Shuffle(len(g.servers), func(i, j int) { g.servers[i], g.servers[j] = g.servers[j], g.servers[i] })
	ops := make(script, length)
	for i := range ops {
		ops[i] = g.op()
		g.table.Do(ops[i])
	}
	return ops
}

func serviceKeys() []ipvs.ServiceKey {
	keys := []ipvs.ServiceKey{
		{Family: 7, Protocol: ipvs.TCP, Addr: addr("10.0.0.1:80")}, mark(0, 1), {Family: ipvs.IPv6, Protocol: ipvs.UDP, Addr: addr("10.0.0.1:80")},
	}
	// Many of these share a bucket.
	for _, a := range []string{"10.0.0.1:80", "10.0.1.1:80", "10.0.0.1:20480", "0.0.0.0:0", "10.0.0.2:0", "[2001:db8::1]:80", "[::1:1]:80", "[::ffff:10.0.0.1]:80"} {
		for _, p := range []ipvs.Protocol{ipvs.TCP, ipvs.UDP, ipvs.TCP + 256} {
			keys = append(keys, key(p, a))
		}
	}
	for _, m := range []uint32{1, 2, 257, 0x80000001, 0xffffffff} {
		keys = append(keys, mark(ipvs.IPv4, m), mark(ipvs.IPv6, m))
	}
	return keys
}

func serverAddrs() []netip.AddrPort {
	var addrs []netip.AddrPort
	for _, a := range []string{
		"10.0.0.2", "10.0.0.3", "127.0.0.1", "192.168.7.1", "240.0.0.1", // taken
		"0.0.0.0", "192.168.7.255", "224.0.0.1", "255.255.255.255", // refused
		"::1", "2001:db8::2", "2001:db8::3", "fe80::1", "fec0::1", "::10.0.0.2", // taken
		"::", "fe80::2", "ff02::1", "::ffff:10.0.0.2", // refused
	} {
		for _, port := range []uint16{0, 80} {
			addrs = append(addrs, netip.AddrPortFrom(netip.MustParseAddr(a), port))
		}
	}
	return append(addrs, netip.AddrPort{})
}

// op draws an operation. The weights are parts of a hundred.
func (g gen) op() ipvs.Op {
	switch n := g.IntN(100); {
	case n < 20:
		return ipvs.AddService{Service: g.service(hot(g, g.keys))}
	case n < 30:
		return ipvs.EditService{Service: g.service(g.present())}
	case n < 34:
		return ipvs.DeleteService{Service: g.present()}
	case n < 64:
		k, d := g.server()
		return ipvs.AddDestination{Service: k, Destination: d}
	case n < 76:
		k, d := g.server()
		d.Addr = g.existing(k, d.Addr)
		return ipvs.EditDestination{Service: k, Destination: d}
	case n < 84:
		k := g.present()
		return ipvs.DeleteDestination{Service: k, Addr: g.existing(k, hot(g, g.servers))}
	case n < 85:
		return ipvs.Flush{}
	case n < 86:
		return ipvs.Zero{}
	case n < 89:
		return ipvs.Zero{Service: g.present()}
	case n < 91:
		return ipvs.SetTimeouts{Timeouts: ipvs.Timeouts{TCP: g.timeout(), TCPFin: g.timeout(), UDP: g.timeout()}}
	case n < 96:
		return ipvs.StartDaemon{Daemon: g.daemon()}
	default:
		return ipvs.StopDaemon{State: g.daemonState()}
	}
}

// hot draws one of the first of a list three times out of four.
func hot[T any](g gen, list []T) T {
	if g.IntN(4) < 3 {
		list = list[:min(3, len(list))]
	}
	return list[g.IntN(len(list))]
}

// mostly draws from usual nineteen times out of twenty, else from odd.
func mostly[T any](g gen, usual, odd []T) T {
	if g.IntN(20) == 0 {
		usual = odd
	}
	return usual[g.IntN(len(usual))]
}

// present draws a service that is there three times out of four.
func (g gen) present() ipvs.ServiceKey {
	entries, _ := g.table.Table(ipvs.Query{})
	if len(entries) == 0 || g.IntN(4) == 0 {
		return hot(g, g.keys)
	}
	return entries[g.IntN(len(entries))].ServiceKey
}

// existing draws a real server of a service three times out of four, else
// returns other.
func (g gen) existing(k ipvs.ServiceKey, other netip.AddrPort) netip.AddrPort {
	entries, err := g.table.Table(ipvs.Query{Service: k})
	if err != nil || len(entries[0].Destinations) == 0 || g.IntN(4) == 0 {
		return other
	}
	return entries[0].Destinations[g.IntN(len(entries[0].Destinations))].Addr
}

func (g gen) service(k ipvs.ServiceKey) ipvs.Service {
	s := ipvs.Service{ServiceKey: k}
	s.Scheduler = mostly(g, []string{"rr", "wrr", "wlc", "sh", "mh", "lblcr", "dh", "none", ""}, []string{strings.Repeat("s", 16)})
	s.PE = mostly(g, []string{"", "", "", "sip"}, []string{strings.Repeat("p", 17)})
	// The kernel runs modprobe for each unknown name, which takes its time.
	switch g.IntN(100) {
	case 0:
		s.Scheduler = "nosuch"
	case 1:
		s.PE = "nosuch"
	}
	s.Flags = mostly(g, []ipvs.ServiceFlags{0, ipvs.Persistent, ipvs.OnePacket, ipvs.Persistent | ipvs.SchedFlag1, ipvs.SchedFlags},
		[]ipvs.ServiceFlags{ipvs.Hashed, 0xffff, 0xffffffff, 1 << 31})
	s.Timeout = time.Second * mostly(g, []time.Duration{0, 1, 360, 2678400},
		[]time.Duration{42949672, 42949673, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, -1})
	usual, odd := []uint32{0xffffffff, 0xffffff00, 0}, []uint32{1, 64, 0xff00ff00}
	if s.Family == ipvs.IPv6 {
		usual, odd = []uint32{128, 64, 1}, []uint32{0, 129, 0xffffffff}
	}
	s.Netmask = mostly(g, usual, odd)
	return s
}

// server draws a service and a real server, of one family unless it is a tunnel
// or an oddity.
func (g gen) server() (ipvs.ServiceKey, ipvs.Destination) {
	k := g.present()
	d := ipvs.Destination{
		Forward: mostly(g, []ipvs.Forward{ipvs.Masq, ipvs.Tunnel, ipvs.Tunnel, ipvs.Route}, []ipvs.Forward{ipvs.LocalNode, 4, 5, 6, 7, 8, 10, 1 << 31}),
		Weight:  mostly(g, []uint32{1, 0, 100, 1<<31 - 1}, []uint32{1 << 31, 1<<32 - 1}),
		Upper:   mostly(g, []uint32{0, 10, 20}, []uint32{1<<31 - 1, 1 << 31, 1<<32 - 1}),
		Tunnel: ipvs.Encapsulation{
			Type:  mostly(g, []ipvs.TunnelType{ipvs.IPIP, ipvs.GUE, ipvs.GRE}, []ipvs.TunnelType{3, 255}),
			Port:  mostly(g, []uint16{6080, 6081}, []uint16{0, 65535}),
			Flags: mostly(g, []ipvs.TunnelFlags{0, ipvs.TunnelCsum, ipvs.TunnelRemCsum}, []ipvs.TunnelFlags{3, 0xffff}),
		},
	}
	d.Lower = mostly(g, []uint32{0, d.Upper / 2, d.Upper}, []uint32{d.Upper + 1, 1<<31 - 1, 1 << 31, 1<<32 - 1})
	servers := g.servers
	if d.Forward != ipvs.Tunnel && g.IntN(10) > 0 {
		servers = slices.DeleteFunc(slices.Clone(servers), func(a netip.AddrPort) bool {
			return (ipvs.FamilyOf(a.Addr()) == ipvs.IPv6) != (k.Family == ipvs.IPv6)
		})
	}
	d.Addr = hot(g, servers)
	return k, d
}

func (g gen) timeout() time.Duration {
	return time.Second * mostly(g, []time.Duration{0, 0, 1, 900}, []time.Duration{21474836, 21474837, 1<<32 - 1, 1 << 32, -1})
}

func (g gen) daemonState() ipvs.DaemonState {
	return mostly(g, []ipvs.DaemonState{ipvs.Master, ipvs.Backup}, []ipvs.DaemonState{0, 3})
}

func (g gen) daemon() ipvs.Daemon {
	return ipvs.Daemon{
		State:     g.daemonState(),
		Interface: mostly(g, []string{"lo", "d0"}, []string{"", "nosuch", strings.Repeat("i", 15), strings.Repeat("i", 16)}),
		SyncID:    mostly(g, []uint32{0, 255}, []uint32{256, 1<<32 - 1}),
		MaxLen:    mostly(g, []uint16{0, 1000, 1400}, []uint16{1, 65507, 65508, 65535}),
		Group: mostly(g, []netip.Addr{{}, netip.MustParseAddr("239.1.1.1"), netip.MustParseAddr("ff02::81")},
			[]netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("::ffff:224.0.0.1")}),
		Port: mostly(g, []uint16{0, 9999}, []uint16{1, 65535}),
		TTL:  mostly(g, []uint8{0, 4}, []uint8{1, 255}),
	}
}
