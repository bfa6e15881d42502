package rules

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipvsadm/ipvs"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares text with a file of testdata/listing.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("../testdata/listing", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func TestListingsOfEveryFormat(t *testing.T) {
	for _, tt := range []struct {
		name string
		list List
	}{
		{"default", List{Format: ListDefault, Numeric: true}},
		{"names", List{Format: ListDefault}},
		{"nosort", List{Format: ListDefault, Numeric: true, NoSort: true}},
		{"stats", List{Format: ListStats, Numeric: true}},
		{"stats-names", List{Format: ListStats}},
		{"stats-exact", List{Format: ListStats, Numeric: true, Exact: true}},
		{"rate", List{Format: ListRate, Numeric: true}},
		{"rate-exact", List{Format: ListRate, Numeric: true, Exact: true}},
		{"thresholds", List{Format: ListThresholds, Numeric: true}},
		{"persistent-conn", List{Format: ListPersistentConns, Numeric: true}},
		{"tun-info", List{Format: ListTunnels, Numeric: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, stdout, stderr := newSession(dump{table: showcase()})
			if code := s.run(tt.list); code != exitOK || stderr.Len() > 0 {
				t.Errorf("exit code %d, stderr %q", code, stderr)
			}
			s.out.Flush()
			golden(t, tt.name, stdout.String())
		})
	}
}

func TestOneServiceIsListedWithoutBanner(t *testing.T) {
	s, stdout, _ := newSession(dump{table: showcase()[:1]})
	s.run(List{Service: showcase()[0].ServiceKey, Numeric: true})
	s.out.Flush()
	want := "Prot LocalAddress:Port Scheduler Flags\n" +
		"  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n" +
		"TCP  10.0.0.1:80 rr\n" +
		"  -> 192.168.0.1:8080             Masq    1      0          0         \n" +
		"  -> 192.168.0.2:80               Masq    5      1234567890 4294967295\n" +
		"  -> 192.168.0.3:80               Route   0      0          0         \n"
	if got := stdout.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestEmptyTable(t *testing.T) {
	s, stdout, _ := newSession(dump{})
	s.run(List{Format: ListThresholds})
	s.run(Save{})
	s.out.Flush()
	want := "IP Virtual Server version 1.2.1 (size=4096)\n" +
		"Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn \n" +
		"  -> RemoteAddress:Port\n"
	if got := stdout.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestEachFormatAsksForNoMoreThanItShows(t *testing.T) {
	want := map[Command]ipvs.Detail{
		List{Format: ListDefault}:         ipvs.Basic,
		List{Format: ListStats}:           ipvs.Full,
		List{Format: ListRate}:            ipvs.Full,
		List{Format: ListThresholds}:      ipvs.Full,
		List{Format: ListPersistentConns}: ipvs.Full,
		List{Format: ListTunnels}:         ipvs.WithTunnels,
		Save{}:                            ipvs.WithTunnels,
	}
	for cmd, detail := range want {
		k := &asked{}
		s, _, _ := newSession(k)
		if s.run(cmd); len(k.queries) != 1 || k.queries[0].Detail != detail {
			t.Errorf("%v asked %v, want detail %d", cmd, k.queries, detail)
		}
	}
}

// asked remembers what it was asked.
type asked struct {
	dump
	queries []ipvs.Query
}

func (a *asked) Table(q ipvs.Query) ([]ipvs.Entry, error) {
	a.queries = append(a.queries, q)
	return nil, nil
}

func TestListingsThatFail(t *testing.T) {
	noService := &ipvs.OpError{Request: ipvs.ReqGetService, Err: syscall.ESRCH}
	denied := &ipvs.OpError{Request: ipvs.ReqGetInfo, Err: syscall.EPERM}
	tests := []struct {
		name   string
		cmd    Command
		err    error
		stderr string
	}{
		{"one service that is not there", List{Service: showcase()[0].ServiceKey}, noService, "No such service\n"},
		{"the table", List{}, denied, "Permission denied (you must be root)\n"},
		{"saving", Save{}, denied, "Permission denied (you must be root)\n"},
		{"timeouts, silently", List{Format: ListTimeouts}, denied, ""},
		{"daemons, silently", List{Format: ListDaemons}, denied, ""},
	}
	for _, tt := range tests {
		s, stdout, stderr := newSession(broken{err: tt.err})
		code := s.run(tt.cmd)
		s.out.Flush()
		if code != exitListing || stdout.Len() > 0 || stderr.String() != tt.stderr {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q, want stderr %q", tt.name, code, stdout, stderr, tt.stderr)
		}
	}
}

// broken is a Kernel that can tell nothing.
type broken struct {
	Kernel
	err error
}

func (b broken) Info() (ipvs.Info, error)               { return ipvs.Info{}, b.err }
func (b broken) Table(ipvs.Query) ([]ipvs.Entry, error) { return nil, b.err }
func (b broken) Timeouts() (ipvs.Timeouts, error)       { return ipvs.Timeouts{}, b.err }
func (b broken) Daemons() ([]ipvs.Daemon, error)        { return nil, b.err }

func TestOutputThatCannotBeWrittenIsNoError(t *testing.T) {
	s, _, _ := newSession(dump{table: showcase()})
	s.out = bufio.NewWriterSize(fullDisk{}, 16)
	if code := s.run(List{}); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// newSession returns a session on a kernel and what it writes; s.out must be
// flushed.
func newSession(k Kernel) (s *session, stdout, stderr *bytes.Buffer) {
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	s = &session{
		prog:   "ipvsadm",
		kernel: k,
		out:    bufio.NewWriter(stdout),
		env: Env{
			Stdin:     strings.NewReader(""),
			Stdout:    stdout,
			Stderr:    stderr,
			LookupEnv: func(string) (string, bool) { return "", false },
			Open:      func() (Kernel, error) { return k, nil },
			Names:     newPhoneBook(),
			Connections: func() (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader(procTitle)), nil
			},
		},
	}
	return s, stdout, stderr
}

// showcase is a table, in a kernel's order, with everything listings can show.
func showcase() []ipvs.Entry {
	v4, v6 := ipvs.HostMask(ipvs.IPv4), ipvs.HostMask(ipvs.IPv6)
	service := func(p ipvs.Protocol, addr, scheduler string) ipvs.Service {
		a := netip.MustParseAddrPort(addr)
		s := ipvs.Service{Scheduler: scheduler, Flags: ipvs.Hashed}
		s.ServiceKey = ipvs.ServiceKey{Family: ipvs.FamilyOf(a.Addr()), Protocol: p, Addr: a}
		s.Netmask = ipvs.HostMask(s.Family)
		return s
	}
	mark := func(f ipvs.Family, mark uint32, scheduler string) ipvs.Service {
		return ipvs.Service{ServiceKey: ipvs.ServiceKey{Family: f, FWMark: mark}, Scheduler: scheduler, Netmask: ipvs.HostMask(f)}
	}
	persistent := func(s ipvs.Service, seconds int, mask uint32, pe string) ipvs.Service {
		s.Flags |= ipvs.Persistent
		s.Timeout, s.Netmask, s.PE = time.Duration(seconds)*time.Second, mask, pe
		return s
	}
	flags := func(s ipvs.Service, f ipvs.ServiceFlags) ipvs.Service { s.Flags |= f; return s }
	dest := func(addr string, f ipvs.Forward, weight uint32) ipvs.DestinationState {
		d := server(addr)
		d.Forward, d.Weight = f, weight
		return d
	}
	tunnel := func(addr string, e ipvs.Encapsulation) ipvs.DestinationState {
		d := dest(addr, ipvs.Tunnel, 1)
		d.Tunnel = e
		return d
	}
	entry := func(s ipvs.Service, d ...ipvs.DestinationState) ipvs.Entry {
		return ipvs.Entry{ServiceState: ipvs.ServiceState{Service: s}, Destinations: d}
	}

	busy := dest("192.168.0.2:80", ipvs.Masq, 5)
	busy.Upper, busy.Lower = 4294967295, 4294967294
	busy.Active, busy.Inactive, busy.Persistent = 1234567890, 4294967295, 12
	busy.Stats = ipvs.Stats{
		Conns: 4294967296, InPkts: 100000000000, OutPkts: 99999999, InBytes: 18446744073709551615, OutBytes: 999999999,
		CPS: 99999999, InPPS: 100000000, OutPPS: 1, InBPS: 100000000, OutBPS: 12345678901,
	}
	web := entry(service(ipvs.TCP, "10.0.0.1:80", "rr"), dest("192.168.0.3:80", ipvs.Route, 0), dest("192.168.0.1:8080", ipvs.Masq, 1), busy)
	web.Stats = busy.Stats
	web.Stats.CPS = 18446744073709551615
	return []ipvs.Entry{
		web,
		entry(flags(service(ipvs.UDP, "10.0.0.1:53", "rr"), ipvs.OnePacket), dest("192.168.0.1:5353", ipvs.Masq, 2147483647)),
		entry(service(ipvs.SCTP, "10.0.0.1:5000", "wlc"), dest("192.168.0.1:5000", ipvs.LocalNode, 1)),
		entry(persistent(service(ipvs.TCP, "255.255.255.255:65535", "lblcr"), 360, v4, ""), dest("192.168.255.254:65535", ipvs.Masq, 65535)),
		entry(persistent(service(ipvs.UDP, "10.0.0.1:5060", "rr"), 60, 0xffffff00, "sip")),
		entry(flags(persistent(service(ipvs.UDP, "10.0.0.1:5061", "rr"), 0, 0, "sip"), ipvs.OnePacket)),
		entry(service(ipvs.TCP, "[2001:db8:0:1:2:3:4:5]:65535", "wrr"),
			tunnel("[2001:db8::1]:65535", ipvs.Encapsulation{Type: ipvs.GRE, Flags: ipvs.TunnelCsum}),
			tunnel("192.168.0.9:65535", ipvs.Encapsulation{Type: ipvs.GUE, Port: 6080, Flags: ipvs.TunnelRemCsum}),
			dest("[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535", ipvs.Masq, 100)),
		entry(flags(persistent(service(ipvs.TCP, "10.0.0.1:443", "sh"), 300, v4, ""), ipvs.SchedFlag1|ipvs.SchedFlag2),
			tunnel("192.168.0.1:443", ipvs.Encapsulation{})),
		entry(flags(mark(ipvs.IPv4, 7, "mh"), ipvs.SchedFlag2), dest("192.168.0.3:8080", ipvs.Masq, 1), dest("192.168.0.1:0", ipvs.Route, 1)),
		entry(persistent(mark(ipvs.IPv6, 7, "wlc"), 10, 64, ""), dest("[2001:db8::a]:0", ipvs.Route, 1)),
		entry(persistent(mark(ipvs.IPv6, 8, "wlc"), 10, v6, "")),
		entry(mark(ipvs.IPv4, 4294967295, "none")),

		// What the command line cannot make.
		entry(flags(service(ipvs.TCP, "10.9.0.1:80", "sh"), ipvs.SchedFlag3),
			dest("10.9.1.4:80", ipvs.Bypass, 1), dest("10.9.1.7:80", 7, 1),
			tunnel("10.9.1.50:80", ipvs.Encapsulation{Type: ipvs.GUE, Port: 65535, Flags: ipvs.TunnelCsum | ipvs.TunnelRemCsum}),
			tunnel("10.9.1.51:80", ipvs.Encapsulation{Type: ipvs.GUE, Port: 1}),
			tunnel("10.9.1.52:80", ipvs.Encapsulation{Type: ipvs.GUE, Port: 1, Flags: ipvs.TunnelCsum}),
			tunnel("10.9.1.53:80", ipvs.Encapsulation{Type: ipvs.GRE}),
			tunnel("10.9.1.54:80", ipvs.Encapsulation{Type: ipvs.GRE, Flags: ipvs.TunnelRemCsum}),
			tunnel("10.9.1.55:80", ipvs.Encapsulation{Type: 3})),
		entry(flags(service(ipvs.TCP, "10.9.0.5:80", "rr"), ipvs.SchedFlags|ipvs.OnePacket)),
		entry(flags(service(ipvs.TCP, "10.9.0.6:80", "mh"), ipvs.SchedFlags)),
		entry(func() ipvs.Service { s := service(ipvs.TCP, "10.9.0.12:80", "rr"); s.PE = "sip"; return s }()),
		entry(service(58, "[::1:80]:80", "rr"), dest("[::ffff:10.0.0.1]:0", ipvs.Masq, 1), dest("[::1]:0", ipvs.Masq, 1)),
		entry(service(65535, "10.9.0.2:80", "rr"), dest("10.0.0.4:80", ipvs.Masq, 1)),

		// Names and where they are cut.
		entry(service(ipvs.TCP, "10.0.0.2:80", "rr"), dest("192.168.0.21:443", ipvs.Masq, 1), dest("192.168.0.22:443", ipvs.Masq, 1), dest("192.168.0.23:443", ipvs.Masq, 1)),
		entry(service(ipvs.TCP, "10.0.0.3:80", "rr")),
		entry(service(ipvs.TCP, "10.0.0.4:80", "rr")),
		entry(service(ipvs.TCP, "[2001:db8::1]:80", "rr"), tunnel("192.168.0.23:80", ipvs.Encapsulation{}), dest("[2001:db8::b]:443", ipvs.Masq, 1)),
	}
}
