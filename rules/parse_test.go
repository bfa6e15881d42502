package rules

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ipvsadm/ipvs"
)

// fewNames knows a few hosts and ports.
type fewNames struct{ *portTable }

func newFewNames() fewNames {
	return fewNames{parseServices(strings.NewReader(`
		ssh     22/tcp
		domain  53/tcp
		domain  53/udp
		http    80/tcp  www
		m3ua    2905/sctp
	`))}
}

func (fewNames) LookupHost(name string) (netip.Addr, error) {
	if name == "localhost" || name == "LOCALHOST" {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	return netip.Addr{}, errNoName
}

func (n fewNames) LookupPort(name string, p ipvs.Protocol) (uint16, error) {
	if port, ok := n.numbers[portName{name, p}]; ok {
		return port, nil
	}
	return 0, errNoName
}

func (fewNames) HostName(netip.Addr) (string, bool)            { return "", false }
func (fewNames) PortName(uint16, ipvs.Protocol) (string, bool) { return "", false }

func noEnv(string) (string, bool) { return "", false }

// parseLine parses a line of words; _ is an empty word.
func parseLine(line string) (Command, error) {
	return newParser("ipvsadm", newFewNames(), noEnv).parse(wordsOf(line))
}

// accepted is a test of a line that makes a Command.
type accepted struct {
	about, line string
	want        Command
}

func testAccepted(t *testing.T, tests []accepted) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.about, func(t *testing.T) {
			got, err := parseLine(tt.line)
			if err != nil || got != tt.want {
				t.Errorf("%s\n got %+v, %v\nwant %+v", tt.line, got, err, tt.want)
			}
		})
	}
}

func key(p ipvs.Protocol, addr string) ipvs.ServiceKey {
	a := netip.MustParseAddrPort(addr)
	return ipvs.ServiceKey{Family: ipvs.FamilyOf(a.Addr()), Protocol: p, Addr: a}
}

func fwmark(f ipvs.Family, n uint32) ipvs.ServiceKey { return ipvs.ServiceKey{Family: f, FWMark: n} }

// web is the service most tests are about, as -A makes it without options.
func web(change func(*ipvs.Service)) ipvs.Service {
	s := ipvs.Service{ServiceKey: key(ipvs.TCP, "10.0.0.1:80"), Scheduler: "wlc", Netmask: 0xffffffff}
	if change != nil {
		change(&s)
	}
	return s
}

func TestServicesAreAddedAsTheOptionsSay(t *testing.T) {
	add := func(s ipvs.Service) Command { return Change{ipvs.AddService{Service: s}} }
	marked := func(f ipvs.Family, change func(*ipvs.Service)) Command {
		s := ipvs.Service{ServiceKey: fwmark(f, 5), Scheduler: "wlc", Netmask: ipvs.HostMask(f)}
		if change != nil {
			change(&s)
		}
		return add(s)
	}
	with := func(change func(*ipvs.Service)) Command { return add(web(change)) }
	persistent := func(seconds int) func(*ipvs.Service) {
		return func(s *ipvs.Service) {
			s.Flags, s.Timeout = ipvs.Persistent, time.Duration(seconds)*time.Second
		}
	}
	testAccepted(t, []accepted{
		{"by default wlc, each client by itself", "-A -t 10.0.0.1:80", with(nil)},
		{"over UDP", "-A -u 10.0.0.1:80", with(func(s *ipvs.Service) { s.Protocol = ipvs.UDP })},
		{"over SCTP", "-A --sctp-service 10.0.0.1:80", with(func(s *ipvs.Service) { s.Protocol = ipvs.SCTP })},
		{"a firewall mark", "-A -f 5", marked(ipvs.IPv4, nil)},
		{"a firewall mark on IPv6", "-A -f 5 -6", marked(ipvs.IPv6, nil)},
		{"-6 as often as you like", "-A -f 5 -6 -6s wlc", marked(ipvs.IPv6, nil)},
		{"a scheduler", "-A -t 10.0.0.1:80 -s rr", with(func(s *ipvs.Service) { s.Scheduler = "rr" })},
		{"an empty scheduler is wlc", "-A -t 10.0.0.1:80 -s _", with(nil)},
		{"a scheduler is cut to 15 bytes", "-A -t 10.0.0.1:80 -s abcdefghijklmnopqr",
			with(func(s *ipvs.Service) { s.Scheduler = "abcdefghijklmno" })},
		{"a persistence engine", "-A -u 10.0.0.1:80 --pe sip",
			with(func(s *ipvs.Service) { s.Protocol, s.PE = ipvs.UDP, "sip" })},
		{"an engine is cut to 16 bytes", "-A -t 10.0.0.1:80 --pe abcdefghijklmnopqr",
			with(func(s *ipvs.Service) { s.PE = "abcdefghijklmnop" })},
		{"an empty engine is none", "-A -t 10.0.0.1:80 --pe _", with(nil)},
		{"persistent for 360 seconds", "-A -t 10.0.0.1:80 -p", with(persistent(360))},
		{"persistent for one", "-A -t 10.0.0.1:80 -p 1", with(persistent(1))},
		{"persistent for 31 days", "-A -t 10.0.0.1:80 -p2678400", with(persistent(2678400))},
		{"one packet at a time", "-A -u 10.0.0.1:80 -o",
			with(func(s *ipvs.Service) { s.Protocol, s.Flags = ipvs.UDP, ipvs.OnePacket })},
		{"one packet at a time by mark", "-A -f 5 -o", marked(ipvs.IPv4, func(s *ipvs.Service) { s.Flags = ipvs.OnePacket })},
		{"port 0 if persistent", "-A -t 10.0.0.1 -p", with(func(s *ipvs.Service) {
			persistent(360)(s)
			s.Addr = netip.MustParseAddrPort("10.0.0.1:0")
		})},
		{"-p may come first", "-A -p -t 10.0.0.1:80", with(persistent(360))},
		{"a netmask", "-A -t 10.0.0.1:80 -M 255.255.255.0", with(func(s *ipvs.Service) { s.Netmask = 0xffffff00 })},
		{"a netmask before the service", "-A -M 255.255.255.0 -t 10.0.0.1:80", with(func(s *ipvs.Service) { s.Netmask = 0xffffff00 })},
		{"a netmask with holes", "-A -t 10.0.0.1:80 -M 255.0.255.0", with(func(s *ipvs.Service) { s.Netmask = 0xff00ff00 })},
		{"a mask of one number is an address", "-A -t 10.0.0.1:80 -M 24", with(func(s *ipvs.Service) { s.Netmask = 24 })},
		{"so is one of three", "-A -t 10.0.0.1:80 -M 255.255.255", with(func(s *ipvs.Service) { s.Netmask = 0xffff00ff })},
		{"a mask may be a host", "-A -t 10.0.0.1:80 -M localhost", with(func(s *ipvs.Service) { s.Netmask = 0x7f000001 })},
		{"a prefix length", "-A -t 10.0.0.1:80 -M /24", with(func(s *ipvs.Service) { s.Netmask = 0xffffff00 })},
		{"the shortest prefix", "-A -t 10.0.0.1:80 -M /0", with(func(s *ipvs.Service) { s.Netmask = 0 })},
		{"the longest prefix", "-A -t 10.0.0.1:80 -M /32", with(nil)},
		{"an IPv6 prefix length", "-A -f 5 -6 -M 64", marked(ipvs.IPv6, func(s *ipvs.Service) { s.Netmask = 64 })},
		{"an IPv6 prefix length with a slash", "-A -f 5 -6 -M /64", marked(ipvs.IPv6, func(s *ipvs.Service) { s.Netmask = 64 })},
		{"-6 undoes a -M before it", "-A -f 5 -M 255.0.0.0 -6", marked(ipvs.IPv6, nil)},
		{"so does an IPv6 address", "-A -M 64 -t [::1]:80", with(func(s *ipvs.Service) {
			s.ServiceKey, s.Netmask = key(ipvs.TCP, "[::1]:80"), 128
		})},
		{"--sort goes with everything", "-A --sort -t 10.0.0.1:80 --sort", with(nil)},
	})
}

func TestSchedulerFlagsBelongToTheirScheduler(t *testing.T) {
	add := func(scheduler string, flags ipvs.ServiceFlags) Command {
		return Change{ipvs.AddService{Service: web(func(s *ipvs.Service) { s.Scheduler, s.Flags = scheduler, flags })}}
	}
	testAccepted(t, []accepted{
		{"fallback of sh", "-A -t 10.0.0.1:80 -s sh -b sh-fallback", add("sh", ipvs.SchedFlag1)},
		{"both of sh, -b first", "-A -b sh-port,sh-fallback -t 10.0.0.1:80 -s sh", add("sh", ipvs.SchedFlag1|ipvs.SchedFlag2)},
		{"both of mh", "-A -t 10.0.0.1:80 -s mh -b mh-port,mh-fallback", add("mh", ipvs.SchedFlag1|ipvs.SchedFlag2)},
		{"numbers with any", "-A -t 10.0.0.1:80 -s rr -b flag-1,flag-2,flag-3", add("rr", ipvs.SchedFlags)},
		{"numbers without a scheduler", "-A -t 10.0.0.1:80 -b flag-3", add("wlc", ipvs.SchedFlag3)},
		{"the same twice", "-A -t 10.0.0.1:80 -s rr -b flag-1,flag-1", add("rr", ipvs.SchedFlag1)},
		{"nothing between commas", "-A -t 10.0.0.1:80 -s rr -b ,flag-1,,flag-2,", add("rr", ipvs.SchedFlag1|ipvs.SchedFlag2)},
		{"nothing at all", "-A -t 10.0.0.1:80 -s rr -b _", add("rr", 0)},
		{"only commas, where 1.31 crashes", "-A -t 10.0.0.1:80 -s rr -b ,,", add("rr", 0)},
		{"what follows 127 bytes does not count",
			"-A -t 10.0.0.1:80 -s rr -b " + strings.Repeat("flag-1,", 18) + ",bogus", add("rr", ipvs.SchedFlag1)},
	})
}

func TestEditsReplaceEverything(t *testing.T) {
	testAccepted(t, []accepted{
		{"a service", "-E -t 10.0.0.1:80", Change{ipvs.EditService{Service: web(nil)}}},
		{"a server", "-e -t 10.0.0.1:80 -r 10.0.0.2", Change{ipvs.EditDestination{
			Service:     key(ipvs.TCP, "10.0.0.1:80"),
			Destination: ipvs.Destination{Addr: netip.MustParseAddrPort("10.0.0.2:80"), Forward: ipvs.Route, Weight: 1},
		}}},
	})
}

func TestServersAreAddedAsTheOptionsSay(t *testing.T) {
	to := func(k ipvs.ServiceKey, d ipvs.Destination) Command {
		return Change{ipvs.AddDestination{Service: k, Destination: d}}
	}
	web := key(ipvs.TCP, "10.0.0.1:80")
	server := func(addr string, change func(*ipvs.Destination)) Command {
		d := ipvs.Destination{Addr: netip.MustParseAddrPort(addr), Forward: ipvs.Route, Weight: 1}
		if change != nil {
			change(&d)
		}
		return to(web, d)
	}
	masq := func(d *ipvs.Destination) { d.Forward = ipvs.Masq }
	tunnel := func(e ipvs.Encapsulation) func(*ipvs.Destination) {
		return func(d *ipvs.Destination) { d.Forward, d.Tunnel = ipvs.Tunnel, e }
	}
	testAccepted(t, []accepted{
		{"by default routed, weight 1", "-a -t 10.0.0.1:80 -r 10.0.0.2", server("10.0.0.2:80", nil)},
		{"routed", "-a -t 10.0.0.1:80 -r 10.0.0.2 -g", server("10.0.0.2:80", nil)},
		{"translated, in one bundle with the weight", "-at 10.0.0.1:80 -r10.0.0.2 -mw5",
			server("10.0.0.2:80", func(d *ipvs.Destination) { d.Forward, d.Weight = ipvs.Masq, 5 })},
		{"translated to another port", "-a -t 10.0.0.1:80 -r 10.0.0.2:8080 -m", server("10.0.0.2:8080", masq)},
		{"translated to port 0", "-a -t 10.0.0.1:80 -r 10.0.0.2:0 -m", server("10.0.0.2:0", masq)},
		{"routed to the service's port, whatever -r says", "-a -t 10.0.0.1:80 -r 10.0.0.2:8080 -g", server("10.0.0.2:80", nil)},
		{"tunnelled to the service's port too", "-a -t 10.0.0.1:80 -r 10.0.0.2:8080 -i", server("10.0.0.2:80", tunnel(ipvs.Encapsulation{}))},
		{"a port by name", "-a -t 10.0.0.1:80 -r 10.0.0.2:ssh -m", server("10.0.0.2:22", masq)},
		{"-r before -t knows no port", "-a -r 10.0.0.2 -t 10.0.0.1:80 -m", server("10.0.0.2:0", masq)},
		{"-r with a port before -t", "-a -r 10.0.0.2:81 -t 10.0.0.1:80 -m", server("10.0.0.2:81", masq)},
		{"-r before -t, routed", "-a -r 10.0.0.2 -t 10.0.0.1:80", server("10.0.0.2:80", nil)},
		{"no new connections", "-a -t 10.0.0.1:80 -r 10.0.0.2 -w 0", server("10.0.0.2:80", func(d *ipvs.Destination) { d.Weight = 0 })},
		{"the greatest weight", "-a -t 10.0.0.1:80 -r 10.0.0.2 -w 2147483647",
			server("10.0.0.2:80", func(d *ipvs.Destination) { d.Weight = 2147483647 })},
		{"thresholds", "-a -t 10.0.0.1:80 -r 10.0.0.2 -x=7 -y 3",
			server("10.0.0.2:80", func(d *ipvs.Destination) { d.Upper, d.Lower = 7, 3 })},
		{"an IPv6 server of an IPv4 service, by tunnel", "-a -t 10.0.0.1:80 -r [2001:db8::2]:80 -i",
			server("[2001:db8::2]:80", tunnel(ipvs.Encapsulation{}))},
		{"an IPv4 server of an IPv6 service, by tunnel", "-a -t [2001:db8::1]:80 -r 10.0.0.3 -i",
			to(key(ipvs.TCP, "[2001:db8::1]:80"), ipvs.Destination{Addr: netip.MustParseAddrPort("10.0.0.3:80"), Forward: ipvs.Tunnel, Weight: 1})},
		{"IPv6 brackets without a port, new here", "-a -t [2001:db8::1]:80 -r [2001:db8::2]",
			to(key(ipvs.TCP, "[2001:db8::1]:80"), ipvs.Destination{Addr: netip.MustParseAddrPort("[2001:db8::2]:80"), Forward: ipvs.Route, Weight: 1})},
		{"by mark any port", "-a -f 5 -r 10.0.0.2:81",
			to(fwmark(ipvs.IPv4, 5), ipvs.Destination{Addr: netip.MustParseAddrPort("10.0.0.2:81"), Forward: ipvs.Route, Weight: 1})},
		{"by mark without a port", "-a -f 5 -r 10.0.0.2",
			to(fwmark(ipvs.IPv4, 5), ipvs.Destination{Addr: netip.MustParseAddrPort("10.0.0.2:0"), Forward: ipvs.Route, Weight: 1})},
		{"by mark names of ports are those of TCP", "-a -f 5 -r 10.0.0.2:http -m",
			to(fwmark(ipvs.IPv4, 5), ipvs.Destination{Addr: netip.MustParseAddrPort("10.0.0.2:80"), Forward: ipvs.Masq, Weight: 1})},
		{"by mark on IPv6", "-a -f 5 -r [2001:db8::2]:81 -6 -m",
			to(fwmark(ipvs.IPv6, 5), ipvs.Destination{Addr: netip.MustParseAddrPort("[2001:db8::2]:81"), Forward: ipvs.Masq, Weight: 1})},
		{"an IPIP tunnel by name", "-a -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-type ipip", server("10.0.0.2:80", tunnel(ipvs.Encapsulation{}))},
		{"a GUE tunnel", "-a -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-type gue --tun-port 6080",
			server("10.0.0.2:80", tunnel(ipvs.Encapsulation{Type: ipvs.GUE, Port: 6080}))},
		{"a GUE tunnel without checksum", "-a -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-type gue --tun-port 6080 --tun-nocsum",
			server("10.0.0.2:80", tunnel(ipvs.Encapsulation{Type: ipvs.GUE, Port: 6080}))},
		{"a GUE tunnel with checksum", "-a -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-type gue --tun-port 65535 --tun-csum",
			server("10.0.0.2:80", tunnel(ipvs.Encapsulation{Type: ipvs.GUE, Port: 65535, Flags: ipvs.TunnelCsum}))},
		{"a GUE tunnel with remote checksum", "-a -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-type gue --tun-port 1 --tun-remcsum",
			server("10.0.0.2:80", tunnel(ipvs.Encapsulation{Type: ipvs.GUE, Port: 1, Flags: ipvs.TunnelRemCsum}))},
		{"a GRE tunnel", "-a -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-type gre", server("10.0.0.2:80", tunnel(ipvs.Encapsulation{Type: ipvs.GRE}))},
		{"a GRE tunnel with checksum", "-a -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-type gre --tun-csum",
			server("10.0.0.2:80", tunnel(ipvs.Encapsulation{Type: ipvs.GRE, Flags: ipvs.TunnelCsum}))},
	})
}

func TestDeletionsNameWhatTheyDelete(t *testing.T) {
	web := key(ipvs.TCP, "10.0.0.1:80")
	server := func(addr string) Command {
		return Change{ipvs.DeleteDestination{Service: web, Addr: netip.MustParseAddrPort(addr)}}
	}
	testAccepted(t, []accepted{
		{"a service", "-D -t 10.0.0.1:80", Change{ipvs.DeleteService{Service: web}}},
		{"a service of port 0", "-D -t 10.0.0.1", Change{ipvs.DeleteService{Service: key(ipvs.TCP, "10.0.0.1:0")}}},
		{"a mark", "-D -f 7 -6", Change{ipvs.DeleteService{Service: fwmark(ipvs.IPv6, 7)}}},
		{"a server on the service's port", "-d -t 10.0.0.1:80 -r 10.0.0.2", server("10.0.0.2:80")},
		{"a server on another port", "-d -t 10.0.0.1:80 -r 10.0.0.2:8080", server("10.0.0.2:8080")},
		{"a server named before the service", "-d -r 10.0.0.2 -t 10.0.0.1:80", server("10.0.0.2:0")},
		{"a server of another family", "-d -t 10.0.0.1:80 -r [2001:db8::2]:80", server("[2001:db8::2]:80")},
		{"everything", "-C", Change{ipvs.Flush{}}},
		{"everything, by name", "--clear", Change{ipvs.Flush{}}},
	})
}

func TestCountersAreResetForOneServiceOrForAll(t *testing.T) {
	all := Change{ipvs.Zero{}}
	testAccepted(t, []accepted{
		{"all", "-Z", all},
		{"one", "-Z -t 10.0.0.1:80", Change{ipvs.Zero{Service: key(ipvs.TCP, "10.0.0.1:80")}}},
		{"one by mark", "-Z -f 1", Change{ipvs.Zero{Service: fwmark(ipvs.IPv4, 1)}}},
		{"one without a port", "-Z -t 10.0.0.1", Change{ipvs.Zero{Service: key(ipvs.TCP, "10.0.0.1:0")}}},
		{"one without an address", "-Z -t 0.0.0.0:1", Change{ipvs.Zero{Service: key(ipvs.TCP, "0.0.0.0:1")}}},
		{"neither address nor port is all", "-Z -t 0.0.0.0:0", all},
		{"neither address nor port on IPv6 is all", "-Z -u ::", all},
	})
}

func TestTimeoutsAreThreePlainWords(t *testing.T) {
	set := func(tcp, fin, udp int) Command {
		return Change{ipvs.SetTimeouts{Timeouts: ipvs.Timeouts{
			TCP: time.Duration(tcp) * time.Second, TCPFin: time.Duration(fin) * time.Second, UDP: time.Duration(udp) * time.Second,
		}}}
	}
	testAccepted(t, []accepted{
		{"after --set", "--set 900 120 300", set(900, 120, 300)},
		{"around it", "1 --set 2 --sort 3", set(1, 2, 3)},
		{"0 keeps one", "--set 2678400 0 0", set(2678400, 0, 0)},
	})
}

func TestDaemonsAreStartedAndStopped(t *testing.T) {
	start := func(d ipvs.Daemon) Command { return Change{ipvs.StartDaemon{Daemon: d}} }
	testAccepted(t, []accepted{
		{"master on eth0", "--start-daemon master", start(ipvs.Daemon{State: ipvs.Master, Interface: "eth0"})},
		{"backup", "--start-daemon=backup", start(ipvs.Daemon{State: ipvs.Backup, Interface: "eth0"})},
		{"an empty interface is eth0", "--start-daemon master --mcast-interface _", start(ipvs.Daemon{State: ipvs.Master, Interface: "eth0"})},
		{"an interface is cut to 15 bytes", "--start-daemon master --mcast-interface abcdefghijklmnopqr",
			start(ipvs.Daemon{State: ipvs.Master, Interface: "abcdefghijklmno"})},
		{"everything", "--start-daemon master --mcast-interface d0 --syncid 255 --sync-maxlen 65507 --mcast-group 239.1.1.1 --mcast-port 65535 --mcast-ttl 255",
			start(ipvs.Daemon{State: ipvs.Master, Interface: "d0", SyncID: 255, MaxLen: 65507,
				Group: netip.MustParseAddr("239.1.1.1"), Port: 65535, TTL: 255})},
		{"an IPv6 group", "--start-daemon master --mcast-group FF02::5",
			start(ipvs.Daemon{State: ipvs.Master, Interface: "eth0", Group: netip.MustParseAddr("ff02::5")})},
		{"stop master", "--stop-daemon master", Change{ipvs.StopDaemon{State: ipvs.Master}}},
		{"stop backup, the id does not matter", "--stop-daemon backup --syncid 5", Change{ipvs.StopDaemon{State: ipvs.Backup}}},
	})
}

func TestListingsTakeTheirFormFromTheOptions(t *testing.T) {
	web := key(ipvs.TCP, "10.0.0.1:80")
	testAccepted(t, []accepted{
		{"no words at all", "", List{}},
		{"everything", "-L", List{}},
		{"everything by number", "-ln", List{Numeric: true}},
		{"one service", "-Lnt 10.0.0.1:80", List{Service: web, Numeric: true}},
		{"one mark", "-L -f 5 -6", List{Service: fwmark(ipvs.IPv6, 5)}},
		{"exact, unsorted", "-LX --nosort", List{Exact: true, NoSort: true}},
		{"sorted", "-L --sort --sort", List{}},
		{"counters", "-L --stats", List{Format: ListStats}},
		{"rates", "-L --rate", List{Format: ListRate}},
		{"thresholds", "-L --thresholds", List{Format: ListThresholds}},
		{"persistent connections", "-L --persistent-conn", List{Format: ListPersistentConns, Persistent: true}},
		{"tunnels", "-L --tun-info", List{Format: ListTunnels}},
		{"counters before rates", "-L --rate --stats --thresholds --persistent-conn --tun-info", List{Format: ListStats, Persistent: true}},
		{"rates before thresholds", "-L --thresholds --rate", List{Format: ListRate}},
		{"thresholds before persistent connections", "-L --persistent-conn --thresholds", List{Format: ListThresholds, Persistent: true}},
		{"persistent connections before tunnels", "-L --tun-info --persistent-conn", List{Format: ListPersistentConns, Persistent: true}},
		{"connections", "-Lnc", List{Format: ListConnections, Numeric: true}},
		{"connections with engines", "-L -c --persistent-conn", List{Format: ListConnections, Persistent: true}},
		{"connections with what does not matter", "-L -c --exact --nosort --tun-info --syncid 5", List{Format: ListConnections, Exact: true, NoSort: true}},
		{"timeouts with what does not matter", "-L --timeout --tun-info --nosort --exact -n", List{Format: ListTimeouts, Numeric: true, Exact: true, NoSort: true}},
		{"daemons", "-L --daemon --tun-info", List{Format: ListDaemons}},
	})
}

func TestCommandsThatReadOrWriteText(t *testing.T) {
	testAccepted(t, []accepted{
		{"save", "-S", Save{}},
		{"save by number", "-Sn", Save{Numeric: true}},
		{"restore", "-R", Restore{}},
		{"help, whatever follows", "-h -L --bogus", Help{}},
		{"help in a bundle", "-hL", Help{}},
		{"version, whatever follows", "--version -t", Version{}},
	})
}

func TestInAStreamRestoreIsNoCommand(t *testing.T) {
	p := newParser("/sbin/ipvsadm", newFewNames(), noEnv)
	p.stream = true
	for line, want := range map[string]string{
		"-R":         "Try `/sbin/ipvsadm -h' or '/sbin/ipvsadm --help' for more information.",
		"-R -n":      "Illegal 'numeric' option with the 'restore' command",
		"-R foo":     "unexpected argument foo",
		"-R --bogus": "--bogus: unknown option",
	} {
		if _, err := p.parse(wordsOf(line)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
	if _, err := p.parse([]string{"-R"}); err.(*usageError).skip {
		t.Error("a -R in a stream must end it")
	}
}

func TestInAStreamANoteMayEndALine(t *testing.T) {
	p := newParser("ipvsadm", newFewNames(), noEnv)
	p.stream = true
	for _, line := range []string{"-A -t 10.0.0.1:80 # web", "-A -t 10.0.0.1:80 -p #web", "-A # -t 10.0.0.1:80"} {
		before, _, _ := strings.Cut(line, "#")
		want, wantErr := parseLine(before)
		if got, err := p.parse(wordsOf(line)); got != want || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%s: %+v, %v, want %+v, %v", line, got, err, want, wantErr)
		}
	}
	value := Change{ipvs.AddService{Service: web(func(s *ipvs.Service) { s.Scheduler = "#rr" })}}
	if got, err := p.parse(wordsOf("-A -t 10.0.0.1:80 -s #rr")); got != value {
		t.Errorf("a value may begin with #: %+v, %v", got, err)
	}
	if _, err := parseLine("-L # all"); err == nil || err.Error() != "unexpected argument #" {
		t.Errorf("outside a stream: %v", err)
	}
}

func TestTheEnvironmentSaysWhetherThePlainWordEndsTheOptions(t *testing.T) {
	for name, posix := range map[string]bool{"POSIXLY_CORRECT": true, "POSIX_ME_HARDER": true, "PATH": false} {
		set := func(asked string) (string, bool) { return "", asked == name } // empty is set
		_, err := newParser("ipvsadm", newFewNames(), set).parse(wordsOf("--set 100 20 30 -n"))
		want := "Illegal 'numeric' option with the 'set' command"
		if posix {
			want = "unexpected argument -n"
		}
		if err == nil || err.Error() != want {
			t.Errorf("with %s: %v, want %s", name, err, want)
		}
	}
}

func TestAParserForgetsTheLineBefore(t *testing.T) {
	p := newParser("ipvsadm", newFewNames(), noEnv)
	lines := []string{"-A -f 5 -6 -p -M 64 -s sh -b sh-port", "-A -t 10.0.0.1:80 -w bad", "-L --stats", "-A -t 10.0.0.1:80"}
	for _, line := range lines {
		fresh, freshErr := parseLine(line)
		again, err := p.parse(wordsOf(line))
		if fresh != again || (err == nil) != (freshErr == nil) {
			t.Errorf("%s: %+v, %v; by a new parser %+v, %v", line, again, err, fresh, freshErr)
		}
	}
}
