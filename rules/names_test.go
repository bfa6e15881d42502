package rules

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ipvsadm/ipvs"
)

func TestPortsAreNamedPerProtocol(t *testing.T) {
	table := parseServices(strings.NewReader(`# a comment
tcpmux	1/tcp	# another
domain	53/tcp
domain	53/udp nameserver
  www   80/tcp http web
http    8080/tcp
other   80/tcp
m3ua    2905/sctp
dccp-thing 9/dccp
broken
broken tcp
broken 70000/tcp
broken x/tcp
#ssh    22/tcp
`))
	n := &systemNames{ports: func() *portTable { return table }}
	ports := []struct {
		name string
		p    ipvs.Protocol
		port uint16 // 0 if there is none
	}{
		{"tcpmux", ipvs.TCP, 1},
		{"tcpmux", ipvs.UDP, 0},
		{"TCPMUX", ipvs.TCP, 0},
		{"domain", ipvs.TCP, 53},
		{"domain", ipvs.UDP, 53},
		{"nameserver", ipvs.UDP, 53},
		{"nameserver", ipvs.TCP, 0},
		{"www", ipvs.TCP, 80},
		{"web", ipvs.TCP, 80},
		{"http", ipvs.TCP, 80}, // an alias first, a name of its own later
		{"other", ipvs.TCP, 80},
		{"m3ua", ipvs.SCTP, 2905},
		{"dccp-thing", ipvs.TCP, 0},
		{"broken", ipvs.TCP, 0},
		{"ssh", ipvs.TCP, 0},
		{"#", ipvs.TCP, 0},
		{"", ipvs.TCP, 0},
	}
	for _, tt := range ports {
		port, err := n.LookupPort(tt.name, tt.p)
		if port != tt.port || (err == nil) != (tt.port != 0) {
			t.Errorf("port %q of %d is %d, %v, want %d", tt.name, tt.p, port, err, tt.port)
		}
	}
	names := []struct {
		port uint16
		p    ipvs.Protocol
		name string
	}{
		{1, ipvs.TCP, "tcpmux"},
		{80, ipvs.TCP, "www"}, // the first of two
		{8080, ipvs.TCP, "http"},
		{53, ipvs.UDP, "domain"},
		{80, ipvs.UDP, ""},
		{80, 50, ""},
		{2905, ipvs.SCTP, "m3ua"},
	}
	for _, tt := range names {
		if name, ok := n.PortName(tt.port, tt.p); name != tt.name || ok != (tt.name != "") {
			t.Errorf("port %d of %d is %q, %v, want %q", tt.port, tt.p, name, ok, tt.name)
		}
	}
}

// fakeNames are systemNames that ask host and addr instead of the machine.
func fakeNames(host func(name string) ([]netip.Addr, error), addr func(ctx context.Context, a string) ([]string, error)) *systemNames {
	n := NewSystemNames().(*systemNames)
	n.lookupHost = func(_ context.Context, network, name string) ([]netip.Addr, error) {
		if network != "ip4" {
			return nil, errors.New("asked for " + network)
		}
		return host(name)
	}
	n.lookupAddr = addr
	return n
}

var errNotFound = &net.DNSError{Err: "no such host", IsNotFound: true}

func TestTheFirstIPv4AddressOfAHostCounts(t *testing.T) {
	asked := 0
	n := fakeNames(func(name string) ([]netip.Addr, error) {
		asked++
		switch name {
		case "two.example":
			return []netip.Addr{netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.1")}, nil
		case "mapped.example":
			return []netip.Addr{netip.MustParseAddr("::ffff:10.0.0.3")}, nil
		case "none.example":
			return nil, nil
		}
		return nil, errNotFound
	}, nil)
	for range 2 {
		for name, want := range map[string]string{"two.example": "10.0.0.2", "mapped.example": "10.0.0.3"} {
			if a, err := n.LookupHost(name); err != nil || a != netip.MustParseAddr(want) {
				t.Errorf("%s is %v, %v, want %s", name, a, err, want)
			}
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times about two names", asked)
	}
	for _, name := range []string{"none.example", "unknown.example"} {
		if a, err := n.LookupHost(name); err == nil {
			t.Errorf("%s is %v", name, a)
		}
	}
	asked = 0
	for _, name := range []string{"", "256.0.0.1", "1.2.3.4.5", ".", "::", "::ffff:10.0.0.1", "[::1]"} {
		if a, err := n.LookupHost(name); err == nil {
			t.Errorf("%q is %v", name, a)
		}
	}
	if asked != 0 {
		t.Error("asked about what is no name")
	}
}

func TestEachAddressIsAskedAboutOnce(t *testing.T) {
	var asked atomic.Int32
	n := fakeNames(nil, func(_ context.Context, a string) ([]string, error) {
		asked.Add(1)
		switch a {
		case "10.0.0.1":
			return []string{"one.example.", "alias.example."}, nil
		case "2001:db8::1":
			return []string{"localname"}, nil
		}
		return nil, errNotFound
	})
	one, six, nobody := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("10.0.0.9")
	n.Prefetch([]netip.Addr{one, nobody, one})
	for range 2 {
		for a, want := range map[netip.Addr]string{one: "one.example", six: "localname", nobody: ""} {
			if name, ok := n.HostName(a); name != want || ok != (want != "") {
				t.Errorf("%s is %q, %v, want %q", a, name, ok, want)
			}
		}
	}
	if asked.Load() != 3 {
		t.Errorf("asked %d times about 3 addresses", asked.Load())
	}
	if name, ok := n.HostName(netip.IPv6Unspecified()); ok || asked.Load() != 3 {
		t.Errorf(":: is %q, asked %d times", name, asked.Load())
	}
}

// addresses are n different ones.
func addresses(n int) []netip.Addr {
	var all []netip.Addr
	for a := netip.MustParseAddr("10.0.0.0"); len(all) < n; a = a.Next() {
		all = append(all, a)
	}
	return all
}

func TestManyAddressesAreAskedAboutAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		n := fakeNames(nil, func(_ context.Context, a string) ([]string, error) {
			if c := now.Add(1); c > most.Load() {
				most.Store(c)
			}
			time.Sleep(time.Second)
			now.Add(-1)
			return []string{"name-of-" + a}, nil
		})
		start := time.Now()
		all := addresses(10 * lookupsAtOnce)
		n.Prefetch(all)
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("took %v", took)
		}
		if most.Load() != lookupsAtOnce {
			t.Errorf("%d at once, want %d", most.Load(), lookupsAtOnce)
		}
		for _, a := range all {
			if name, _ := n.HostName(a); name != "name-of-"+a.String() {
				t.Fatalf("%s is %q", a, name)
			}
		}
	})
}

func TestSilentNameServersAreGivenUpOnce(t *testing.T) {
	for _, timeout := range []time.Duration{2 * time.Second, 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			n := fakeNames(nil, func(ctx context.Context, a string) ([]string, error) {
				if a == "10.0.4.7" {
					return []string{"from-etc-hosts"}, nil
				}
				select {
				case <-ctx.Done():
				case <-time.After(timeout):
				}
				return nil, &net.DNSError{Err: "timeout", IsTimeout: true}
			})
			start := time.Now()
			n.Prefetch(addresses(1000))
			for _, a := range addresses(1100) { // the last hundred one by one
				if name, ok := n.HostName(a); ok != (a.String() == "10.0.4.7") {
					t.Errorf("%s is %q, %v", a, name, ok)
				}
			}
			if took := time.Since(start); took != silence {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestSlowNameServersAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := fakeNames(nil, func(ctx context.Context, a string) ([]string, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(silence - time.Second):
				return []string{"late"}, nil
			}
		})
		all := addresses(3 * lookupsAtOnce)
		n.Prefetch(all)
		for _, a := range all {
			if name, _ := n.HostName(a); name != "late" {
				t.Fatalf("%s is %q", a, name)
			}
		}
	})
}

// TestAQuestionIsWithdrawnWhileTheServerIsSilent asks a name server that never
// answers through the real resolver.
func TestAQuestionIsWithdrawnWhileTheServerIsSilent(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialWhile(ctx, "udp", server.LocalAddr().String())
	}}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		server.ReadFrom(make([]byte, 512))
		cancel()
	}()
	start := time.Now()
	names, err := r.LookupAddr(ctx, "192.0.2.1")
	if err == nil {
		t.Errorf("192.0.2.1 is %q", names)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("took %v, %v", took, err)
	}
}

func TestNothingIsReadBeforeANameIsAskedFor(t *testing.T) {
	n := NewSystemNames().(*systemNames)
	n.ports = func() *portTable { t.Error("read the ports"); return nil }
	n.lookupHost = func(context.Context, string, string) ([]netip.Addr, error) {
		t.Error("asked for a host")
		return nil, errNoName
	}
	p := newParser("ipvsadm", n, noEnv)
	for i := range 3 {
		if _, err := p.parse([]string{"-a", "-t", "10.0.0.1:80", "-r", fmt.Sprintf("10.0.1.%d:80", i), "-m"}); err != nil {
			t.Error(err)
		}
	}
	n.Prefetch(nil)
}
