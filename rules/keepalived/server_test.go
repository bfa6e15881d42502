package keepalived

import (
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ipvsadm/check"
	"ipvsadm/ipvs"
	"ipvsadm/vrrp"
)

func itoa(n int) string { return strconv.Itoa(n) }

// serverOf reads a virtual server with a real server that has the given checker.
func serverOf(t *testing.T, name, lines, real string) check.ServerConfig {
	t.Helper()
	text := "virtual_server " + name + " {\n" + lines + "\nreal_server " + real + "\n}\n"
	c, ds := loadText(text)
	if c == nil {
		t.Fatalf("%s is refused: %v", text, ds)
	}
	return c.Check.Servers[0]
}

func TestDefaultsOfAVirtualServer(t *testing.T) {
	got := serverOf(t, "10.0.0.1 80", "", "10.0.0.9 80 {\n}")
	want := check.ServerConfig{
		Service: ipvs.Service{
			ServiceKey: ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.UDP, Addr: netip.MustParseAddrPort("10.0.0.1:80")},
			Scheduler:  "wlc", Netmask: 0xffffffff,
		},
		Quorum: 1,
		Reals:  []check.RealConfig{{Destination: ipvs.Destination{Addr: netip.MustParseAddrPort("10.0.0.9:80"), Weight: 1}, Mail: true}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("differs in %s", differs("", reflect.ValueOf(got), reflect.ValueOf(want)))
	}
}

// The defaults of keepalived.conf(5), for each kind of checker.
func TestDefaultsOfCheckers(t *testing.T) {
	const s = time.Second
	endpoint := check.Endpoint{Addr: netip.MustParseAddrPort("10.0.0.9:80"), Timeout: 5 * s}
	timing := check.CheckerConfig{Interval: 60 * s, Warmup: 60 * s, Retries: 1, RetryDelay: s}
	with := func(change func(*check.CheckerConfig), p check.ProbeConfig) check.CheckerConfig {
		c := timing
		if change != nil {
			change(&c)
		}
		c.Probe = p
		return c
	}
	http := func(c *check.CheckerConfig) { c.RetryDelay = 3 * s }
	ok := []check.StatusRange{{First: 200, Last: 299}}
	for _, c := range []struct {
		block string
		want  check.CheckerConfig
	}{
		{"TCP_CHECK {\n}", with(nil, check.TCPConfig{Endpoint: endpoint})},
		{"PING_CHECK {\n}", with(nil, check.PingConfig{Endpoint: endpoint})},
		{"HTTP_GET {\nurl {\npath /\n}\n}", with(http, check.HTTPConfig{Endpoint: endpoint, URLs: []check.URLConfig{{Path: "/", Status: ok}}})},
		{"SSL_GET {\nurl {\npath /\n}\n}", with(http, check.HTTPConfig{Endpoint: endpoint, TLS: true, URLs: []check.URLConfig{{Path: "/", Status: ok}}})},
		{"SMTP_CHECK {\n}", with(nil, check.SMTPConfig{Endpoint: endpoint, Helo: "smtpchecker.keepalived.org"})},
		{"DNS_CHECK {\n}", with(func(c *check.CheckerConfig) { c.Retries, c.RetryDelay = 3, 60*s }, check.DNSConfig{Endpoint: endpoint, Type: check.DNSSOA, Name: "."})},
		{"UDP_CHECK {\n}", with(nil, check.UDPConfig{Endpoint: endpoint, MaxReply: 255})},
		{"MISC_CHECK {\nmisc_path /bin/x\n}", with(func(c *check.CheckerConfig) { c.Retries = 0 }, check.MiscConfig{Command: check.Command{Argv: []string{"/bin/x"}}, Timeout: 60 * s})},
	} {
		got := serverOf(t, "10.0.0.1 80", "protocol TCP", "10.0.0.9 80 {\n"+c.block+"\n}").Reals[0].Checkers
		if len(got) != 1 || !reflect.DeepEqual(got[0], c.want) {
			t.Errorf("%s: differs in %s", c.block, differs("", reflect.ValueOf(got[0]), reflect.ValueOf(c.want)))
		}
	}
}

// A checker has what it says itself, else what the real server says, else the
// virtual server.
func TestTimingIsInherited(t *testing.T) {
	for _, c := range []struct {
		word string
		at   func(check.CheckerConfig) string
		none string
	}{
		{"delay_loop", func(c check.CheckerConfig) string { return c.Interval.String() }, "1m0s"},
		{"warmup", func(c check.CheckerConfig) string { return c.Warmup.String() }, "1m0s"},
		{"delay_before_retry", func(c check.CheckerConfig) string { return c.RetryDelay.String() }, "1s"},
		{"connect_timeout", func(c check.CheckerConfig) string { return c.Probe.(check.TCPConfig).Timeout.String() }, "5s"},
		{"retry", func(c check.CheckerConfig) string { return itoa(c.Retries) + "s" }, "1s"},
	} {
		for _, row := range []struct{ server, real, checker, want string }{
			{"", "", "", c.none}, {"7", "", "", "7s"}, {"7", "8", "", "8s"}, {"7", "8", "9", "9s"}, {"7", "", "9", "9s"}, {"", "", "9", "9s"},
		} {
			line := func(n string) string {
				if n == "" {
					return ""
				}
				return c.word + " " + n
			}
			// What is behind the real server counts for it as well.
			got := serverOf(t, "10.0.0.1 80", "protocol TCP", "10.0.0.9 80 {\n"+line(row.real)+"\nTCP_CHECK {\n"+line(row.checker)+"\n}\n}\n"+line(row.server)).Reals[0].Checkers[0]
			if c.at(got) != row.want {
				t.Errorf("%s %q %q %q: %s, want %s", c.word, row.server, row.real, row.checker, c.at(got), row.want)
			}
		}
	}
	got := serverOf(t, "10.0.0.1 80", "alpha", "10.0.0.9 80 {\nTCP_CHECK {\n}\nTCP_CHECK {\nalpha off\n}\n}").Reals[0].Checkers
	if !got[0].Alpha || got[1].Alpha {
		t.Errorf("alpha is %v and %v, want true and false", got[0].Alpha, got[1].Alpha)
	}
	if got := serverOf(t, "10.0.0.1 80", "delay_loop 6", "10.0.0.9 80 {\nDNS_CHECK {\n}\n}").Reals[0].Checkers[0]; got.Warmup != 6*time.Second || got.RetryDelay != 6*time.Second {
		t.Errorf("warmup %v, delay_before_retry %v; want delay_loop", got.Warmup, got.RetryDelay)
	}
}

func TestForwarding(t *testing.T) {
	for _, c := range []struct {
		words string
		want  ipvs.Destination
	}{
		{"NAT", ipvs.Destination{Forward: ipvs.Masq}},
		{"DR", ipvs.Destination{Forward: ipvs.Route}},
		{"TUN", ipvs.Destination{Forward: ipvs.Tunnel}},
		{"TUN type ipip", ipvs.Destination{Forward: ipvs.Tunnel}},
		{"TUN type gue port 6080", ipvs.Destination{Forward: ipvs.Tunnel, Tunnel: ipvs.Encapsulation{Type: ipvs.GUE, Port: 6080}}},
		{"TUN type gue port 6080 remcsum", ipvs.Destination{Forward: ipvs.Tunnel, Tunnel: ipvs.Encapsulation{Type: ipvs.GUE, Port: 6080, Flags: ipvs.TunnelRemCsum}}},
		{"TUN type gre csum", ipvs.Destination{Forward: ipvs.Tunnel, Tunnel: ipvs.Encapsulation{Type: ipvs.GRE, Flags: ipvs.TunnelCsum}}},
		{"FNAT", ipvs.Destination{Forward: ipvs.Masq}},
	} {
		d := serverOf(t, "10.0.0.1 80", "lb_kind "+c.words, "10.0.0.9 80 {\n}").Reals[0].Destination
		c.want.Addr, c.want.Weight = netip.MustParseAddrPort("10.0.0.9:80"), 1
		if d != c.want {
			t.Errorf("lb_kind %s: %+v, want %+v", c.words, d, c.want)
		}
	}
	s := serverOf(t, "10.0.0.1 80", "lvs_method DR\nsorry_server 10.0.0.8 8080\nsorry_server_lvs_method NAT\nsorry_server_inhibit", "10.0.0.9 80 {\nlvs_method NAT\n}")
	if s.Reals[0].Forward != ipvs.Masq || s.Sorry.Forward != ipvs.Masq || s.Sorry.Addr.Port() != 8080 || !s.Sorry.Inhibit {
		t.Errorf("%+v, %+v", s.Reals[0], s.Sorry)
	}
}

// Only address translation can change a port.
func TestPorts(t *testing.T) {
	for _, c := range []struct {
		server, method, real string
		want                 uint16 // of the destination
		connect              uint16 // of the check
	}{
		{"10.0.0.1 80", "DR", "10.0.0.9 80", 80, 80},
		{"10.0.0.1 80", "DR", "10.0.0.9 8080", 80, 8080},
		{"10.0.0.1 80", "DR", "10.0.0.9", 80, 80},
		{"10.0.0.1 80", "NAT", "10.0.0.9 8080", 8080, 8080},
		{"10.0.0.1 80", "NAT", "10.0.0.9", 80, 80},
		{"10.0.0.1", "DR", "10.0.0.9", 0, 0},
		{"fwmark 1", "DR", "10.0.0.9 80", 0, 80},
		{"fwmark 1", "NAT", "10.0.0.9 80", 80, 80},
		{"fwmark 1", "NAT", "10.0.0.9", 0, 0},
	} {
		r := serverOf(t, c.server, "protocol TCP\nlvs_method "+c.method, c.real+" {\nTCP_CHECK {\n}\n}").Reals[0]
		if got := r.Checkers[0].Probe.(check.TCPConfig).Addr.Port(); r.Addr.Port() != c.want || got != c.connect {
			t.Errorf("%s by %s to %s: port %d, checked on %d; want %d and %d", c.server, c.method, c.real, r.Addr.Port(), got, c.want, c.connect)
		}
	}
}

func TestPersistence(t *testing.T) {
	for _, c := range []struct {
		server, lines string
		timeout       time.Duration // 0 for none
		mask          uint32
	}{
		{"10.0.0.1 80", "", 0, 0xffffffff},
		{"10.0.0.1 80", "persistence_timeout", 6 * time.Minute, 0xffffffff},
		{"10.0.0.1 80", "persistence_timeout 50", 50 * time.Second, 0xffffffff},
		{"10.0.0.1 80", "persistence_timeout 0", 0, 0xffffffff},
		{"10.0.0.1 80", "persistence_timeout 50\npersistence_granularity 255.255.0.0", 50 * time.Second, 0xffff0000},
		{"10.0.0.1 80", "persistence_timeout 50\npersistence_granularity 24", 50 * time.Second, 0xffffff00},
		{"10.0.0.1 80", "persistence_timeout 50\npersistence_granularity 33", 50 * time.Second, 0xffffffff},
		{"10.0.0.1 80", "persistence_granularity 255.255.0.0", 360 * time.Second, 0xffff0000},
		{"10.0.0.1 80", "persistence_granularity 255.255.255.255", 0, 0xffffffff},
		{"fd00::1 80", "persistence_granularity 64", 360 * time.Second, 64},
		{"10.0.0.1", "", 6 * time.Minute, 0xffffffff}, // no port: the kernel wants persistence
		{"fd00::1 80", "persistence_timeout 50\npersistence_granularity 64", 50 * time.Second, 64},
		{"fd00::1 80", "persistence_timeout 50", 50 * time.Second, 128},
	} {
		real := "10.0.0.9 80 {\n}"
		if strings.HasPrefix(c.server, "fd") {
			real = "fd00::9 80 {\n}"
		}
		s := serverOf(t, c.server, "protocol TCP\nlvs_method NAT\n"+c.lines, real).Service
		if got := s.Flags&ipvs.Persistent != 0; got != (c.timeout != 0) || s.Timeout != c.timeout || s.Netmask != c.mask {
			t.Errorf("%s, %q: persistent %v, %v, mask %#x; want %v, %#x", c.server, c.lines, got, s.Timeout, s.Netmask, c.timeout, c.mask)
		}
	}
}

func TestQuorum(t *testing.T) {
	for _, c := range []struct {
		lines              string
		quorum, hysteresis uint32
	}{
		{"weight 5", 1, 0}, {"weight 5\nquorum 3\nhysteresis 2", 3, 2}, {"weight 5\nquorum 9", 5, 0},
		{"weight 5\nquorum 0", 1, 0}, {"weight 5\nquorum 3\nhysteresis 3", 3, 0},
	} {
		if s := serverOf(t, "10.0.0.1 80", c.lines, "10.0.0.9 80 {\n}"); s.Quorum != c.quorum || s.Hysteresis != c.hysteresis {
			t.Errorf("%q: %d and %d, want %d and %d", c.lines, s.Quorum, s.Hysteresis, c.quorum, c.hysteresis)
		}
	}
	// Servers that are all drained keep their quorum: they keep their connections.
	if s := serverOf(t, "10.0.0.1 80", "", "10.0.0.9 80 {\nweight 0\n}"); s.Quorum != 0 {
		t.Errorf("quorum %d, want 0", s.Quorum)
	}
}

// A quorum that takes more than all servers have is said to be out of reach: then
// the virtual server would be without one for ever.
func TestQuorumOutOfReach(t *testing.T) {
	for lines, said := range map[string]bool{
		"weight 5\nquorum 3\nhysteresis 2": false, "weight 5\nquorum 4\nhysteresis 2": true, "weight 5\nquorum 9": false,
		"weight 5\nquorum 9\nhysteresis 1": true,
	} {
		_, ds := loadText("virtual_server 10.0.0.1 80 {\nprotocol TCP\nlvs_method NAT\nlvs_sched rr\n" + lines + "\nreal_server 10.0.0.9 80 {\n}\n}\n")
		got := slices.ContainsFunc(ds, func(d Diagnostic) bool { return strings.Contains(d.What, "cannot gain its quorum") })
		if got != said {
			t.Errorf("%q: %v", lines, ds)
		}
	}
}

func TestSchedulersAndFlags(t *testing.T) {
	for lines, want := range map[string]ipvs.ServiceFlags{
		"lvs_sched sh\nsh-port": ipvs.SchedFlag2, "sh-port\nlvs_sched sh": ipvs.SchedFlag2, "lvs_sched sh\nsh-fallback": ipvs.SchedFlag1,
		"lvs_sched mh\nmh-port\nmh-fallback": ipvs.SchedFlag1 | ipvs.SchedFlag2, "lvs_sched rr\nsh-port": 0, "lvs_sched rr\nflag-3": ipvs.SchedFlag3,
		"protocol UDP\nops": ipvs.OnePacket, "protocol TCP\nops": 0,
	} {
		if s := serverOf(t, "10.0.0.1 80", lines, "10.0.0.9 80 {\n}").Service; s.Flags != want {
			t.Errorf("%q: flags %#x, want %#x", lines, s.Flags, want)
		}
	}
}

func TestFamilyOfMarksAndGroups(t *testing.T) {
	for _, c := range []struct {
		lines, real string
		want        ipvs.Family
	}{
		{"lvs_method DR", "10.0.0.9 {\n}", ipvs.IPv4},
		{"lvs_method DR", "fd00::9 {\n}", ipvs.IPv6},
		{"lvs_method TUN", "fd00::9 {\n}", ipvs.IPv6},
		{"lvs_method TUN", "fd00::9 {\n}\nreal_server 10.0.0.9 {\n}", ipvs.IPv4},
		{"lvs_method TUN\nip_family inet6", "10.0.0.9 {\n}", ipvs.IPv6},
	} {
		if got := serverOf(t, "fwmark 1", c.lines, c.real).Service.Family; got != c.want {
			t.Errorf("%q, %q: %v, want %v", c.lines, c.real, got, c.want)
		}
	}
}

func TestAlertsOfServers(t *testing.T) {
	for globals, want := range map[string][2]bool{
		"": {false, true}, "smtp_alert": {true, true}, "smtp_alert off": {false, false},
		"smtp_alert_checker": {true, true}, "smtp_alert\nsmtp_alert_checker off": {false, false},
	} {
		c, ds := loadText("global_defs {\n" + globals + "\n}\nvirtual_server 10.0.0.1 80 {\nreal_server 10.0.0.9 80 {\n}\n}\n")
		if c == nil {
			t.Fatal(ds)
		}
		if s := c.Check.Servers[0]; s.Mail != want[0] || s.Reals[0].Mail != want[1] {
			t.Errorf("%q: %v and %v, want %v", globals, s.Mail, s.Reals[0].Mail, want)
		}
	}
}

func TestURLs(t *testing.T) {
	s := serverOf(t, "10.0.0.1 80", "virtualhost a", "10.0.0.9 80 {\nvirtualhost b\nHTTP_GET {\nurl {\npath /1\n}\nurl {\npath /2\nvirtualhost d\nstatus_code 200 300-399\nregex \"x\\\\.y\" \nregex_no_match\nregex_min_offset 9\nregex_max_offset 3\n}\n}\nHTTP_GET {\nvirtualhost c\nurl {\npath /3\ndigest 00112233445566778899AABBCCDDEEFF\n}\n}\n}")
	first, second := s.Reals[0].Checkers[0].Probe.(check.HTTPConfig), s.Reals[0].Checkers[1].Probe.(check.HTTPConfig)
	want := []check.URLConfig{
		{Path: "/1", VirtualHost: "b", Status: []check.StatusRange{{First: 200, Last: 299}}},
		{Path: "/2", VirtualHost: "d", Status: []check.StatusRange{{First: 200, Last: 200}, {First: 300, Last: 399}}, Pattern: `x\.y`, NoMatch: true, MinOffset: 9},
	}
	if !reflect.DeepEqual(first.URLs, want) {
		t.Errorf("%+v, want %+v", first.URLs, want)
	}
	if u := second.URLs[0]; u.VirtualHost != "c" || !u.HasDigest || u.Digest[1] != 0x11 || u.Digest[15] != 0xff {
		t.Errorf("%+v", u)
	}
}

func TestHexadecimal(t *testing.T) {
	for _, c := range []struct {
		words       string
		bytes, mask []byte
		ok          bool
	}{
		// The example of keepalived.conf(5).
		{"Ab12f 3 456 546443123", []byte{0xab, 0x12, 0x0f, 0x03, 0x45, 0x06, 0x54, 0x64, 0x43, 0x12, 0x03}, []byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}, true},
		{"xx 1x X2", []byte{0, 0x10, 0x02}, []byte{0, 0xf0, 0x0f}, true},
		{"0g", nil, nil, false}, {"0x12", nil, nil, false},
	} {
		b, m, ok := parseHex(strings.Fields(c.words), !strings.HasPrefix(c.words, "0x"))
		if ok != c.ok || string(b) != string(c.bytes) || string(m) != string(c.mask) {
			t.Errorf("%q: %x, mask %x, %v; want %x, %x, %v", c.words, b, m, ok, c.bytes, c.mask, c.ok)
		}
	}
}

func TestOldSMTPHosts(t *testing.T) {
	s := serverOf(t, "10.0.0.1 25", "protocol TCP", "10.0.0.9 25 {\nSMTP_CHECK {\nconnect_timeout 2\nhelo_name x\nconnect_port 26\nhost {\nconnect_ip 10.0.0.7\n}\nhost {\nconnect_port 27\n}\n}\n}")
	var got []string
	for _, c := range s.Reals[0].Checkers {
		p := c.Probe.(check.SMTPConfig)
		got = append(got, p.Addr.String()+" "+p.Helo+" "+p.Timeout.String())
	}
	if want := "10.0.0.7:26 x 2s, 10.0.0.9:27 x 2s"; strings.Join(got, ", ") != want {
		t.Errorf("%s, want %s", strings.Join(got, ", "), want)
	}
}

func TestFilesAreShared(t *testing.T) {
	c, ds := loadText("track_file load {\nfile /run/load\nweight 3 reverse\n}\nvirtual_server 10.0.0.1 80 {\nreal_server 10.0.0.9 80 {\nFILE_CHECK {\ntrack_file load\n}\nFILE_CHECK {\ntrack_file load\nweight -2000\ndynamic\n}\n}\n}\n")
	if c == nil {
		t.Fatal(ds)
	}
	got := c.Check.Servers[0].Reals[0].Checkers
	if got[0].Probe != (check.FileCheckConfig{File: "load", Weight: 3, Reverse: true}) || got[1].Probe != (check.FileCheckConfig{File: "load", Weight: -2000, Dynamic: true}) {
		t.Errorf("%+v", got)
	}
	if len(c.VRRP.Files) != 1 || len(c.Check.Files) != 1 || c.VRRP.Files[0].Path != c.Check.Files[0].Path {
		t.Errorf("%+v, %+v", c.VRRP.Files, c.Check.Files)
	}
}

// The two packages cannot share a type, for neither imports the other; here they
// are taken for the same.
func TestCommandsOfBothPackagesAreTheSame(t *testing.T) {
	c := &vrrp.Command{Argv: []string{"a"}, User: "u", Group: "g"}
	if d := (*check.Command)(c); d.Argv[0] != "a" || d.User != "u" || d.Group != "g" {
		t.Errorf("%+v", d)
	}
}
