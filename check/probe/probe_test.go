package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/check"
)

func TestTCP(t *testing.T) {
	v4 := listen(t, func(net.Conn) {})
	v6 := listenAt(t, "[::1]:0", func(net.Conn) {})
	want(t, run(t, check.TCPConfig{Endpoint: endpoint(v4, patient)}, Options{}), check.Pass, "")
	want(t, run(t, check.TCPConfig{Endpoint: endpoint(v6, patient)}, Options{}), check.Pass, "")
	mapped := netip.AddrPortFrom(netip.AddrFrom16(v4.Addr().As16()), v4.Port())
	want(t, run(t, check.TCPConfig{Endpoint: endpoint(mapped, patient)}, Options{}), check.Pass, "")
	want(t, run(t, check.TCPConfig{Endpoint: endpoint(closedPort(t), patient)}, Options{}), check.Fail, "TCP connection failed: connection refused")
}

// full is a server whose queue of connections is full: it answers nobody.
func full(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(name.(*unix.SockaddrInet4).Port))
	for range 4 {
		if c, err := net.DialTimeout("tcp", addr.String(), 200*time.Millisecond); err == nil {
			t.Cleanup(func() { c.Close() })
		} else {
			return addr
		}
	}
	t.Fatal("the queue takes any number of connections")
	return addr
}

func TestConnectingTakesTooLong(t *testing.T) {
	addr := full(t)
	for _, c := range []struct {
		probe  check.ProbeConfig
		reason string
	}{
		{check.TCPConfig{Endpoint: endpoint(addr, hasty)}, "TCP connection timeout"},
		{check.HTTPConfig{Endpoint: endpoint(addr, hasty), URLs: []check.URLConfig{url()}}, "Timeout connecting"},
		{check.SMTPConfig{Endpoint: endpoint(addr, hasty)}, "Connection timeout to server"},
	} {
		begin := time.Now()
		want(t, run(t, c.probe, Options{}), check.Fail, c.reason)
		if took := time.Since(begin); took < hasty || took > patient {
			t.Errorf("%s took %v, with a timeout of %v", c.probe.Kind(), took, hasty)
		}
	}
}

// TestStopped ends the context of checks that wait for something.
func TestStopped(t *testing.T) {
	silent := listen(t, hang)
	nobody := packets(t, func(*net.UDPConn, *net.UDPAddr, []byte) {})
	for _, p := range []check.ProbeConfig{
		check.TCPConfig{Endpoint: endpoint(full(t), time.Hour)},
		check.HTTPConfig{Endpoint: endpoint(silent, time.Hour), URLs: []check.URLConfig{url()}},
		check.HTTPConfig{Endpoint: endpoint(silent, time.Hour), TLS: true, URLs: []check.URLConfig{url()}},
		check.SMTPConfig{Endpoint: endpoint(silent, time.Hour)},
		check.DNSConfig{Endpoint: endpoint(nobody, time.Hour), Type: check.DNSA},
		check.UDPConfig{Endpoint: endpoint(nobody, time.Hour)},
	} {
		c, err := New(p, Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(50*time.Millisecond, cancel)
		if r := c.Check(ctx); r.Verdict != check.Skip || r.Reason != stopped {
			t.Errorf("%s: %v", p.Kind(), r)
		}
		if r := c.Check(ctx); r.Verdict != check.Skip || r.Reason != stopped {
			t.Errorf("%s, stopped before: %v", p.Kind(), r)
		}
	}
}

// TestThisHost is about what says nothing of the server.
func TestThisHost(t *testing.T) {
	addr := listen(t, func(net.Conn) {})
	for _, c := range []struct {
		name   string
		change func(*check.Endpoint)
		reason string
	}{
		{"no such interface", func(e *check.Endpoint) { e.Device = "nonesuch0" }, "bind_if nonesuch0: "},
		{"no such address", func(e *check.Endpoint) { e.Bind = netip.MustParseAddr("192.0.2.1") }, "bindto: cannot assign requested address"},
		{"a link-local address without its interface", func(e *check.Endpoint) { e.Addr = netip.MustParseAddrPort("[fe80::1]:80") }, "connect: "},
		{"port of somebody else", func(e *check.Endpoint) { e.Bind, e.Port = addr.Addr(), addr.Port() }, "bindto: address already in use"},
	} {
		e := endpoint(addr, patient)
		c.change(&e)
		for _, p := range []check.ProbeConfig{
			check.TCPConfig{Endpoint: e}, check.HTTPConfig{Endpoint: e, URLs: []check.URLConfig{url()}}, check.SMTPConfig{Endpoint: e},
		} {
			if r := run(t, p, Options{}); r.Verdict != check.Skip || !strings.HasPrefix(r.Reason, c.reason) {
				t.Errorf("%s: %s: %v, want to skip with %q", c.name, p.Kind(), r, c.reason)
			}
		}
	}
}

// TestPing pings this host.
func TestPing(t *testing.T) {
	for _, a := range []string{"127.0.0.1", "::1"} {
		r := run(t, check.PingConfig{Endpoint: check.Endpoint{Addr: netip.AddrPortFrom(netip.MustParseAddr(a), 0), Timeout: patient}}, Options{})
		if r.Verdict == check.Skip && os.Getuid() != 0 {
			t.Skipf("needs CAP_NET_RAW or a place in net.ipv4.ping_group_range: %s", r.Reason)
		}
		want(t, r, check.Pass, "")
	}
}

func TestMisc(t *testing.T) {
	for _, c := range []struct {
		exit    Exit
		dynamic bool
		want    check.Result
	}{
		{Exit{}, false, check.Result{Verdict: check.Pass, Reason: "exited with status 0"}},
		{Exit{Code: 1}, false, check.Result{Reason: "exited with status 1"}},
		{Exit{Code: 2}, false, check.Result{Reason: "exited with status 2"}},
		{Exit{}, true, check.Result{Verdict: check.Pass, Reason: "exited with status 0"}},
		{Exit{Code: 1}, true, check.Result{Reason: "exited with status 1"}},
		{Exit{Code: 2}, true, check.Result{Verdict: check.Pass, Rule: check.SetWeight, Weight: 0, Reason: "exited with status 2"}},
		{Exit{Code: 10}, true, check.Result{Verdict: check.Pass, Rule: check.SetWeight, Weight: 8, Reason: "exited with status 10"}},
		{Exit{Code: 255}, true, check.Result{Verdict: check.Pass, Rule: check.SetWeight, Weight: 253, Reason: "exited with status 255"}},
		{Exit{Signal: syscall.SIGSEGV}, true, check.Result{Reason: "due to signal 11"}},
		{Exit{TimedOut: true, Signal: syscall.SIGKILL}, true, check.Result{Reason: "timed out"}},
		{Exit{Err: syscall.ENOENT}, false, check.Result{Reason: "could not be run: no such file or directory"}},
	} {
		var got check.Command
		o := Options{Run: func(ctx context.Context, command check.Command) Exit {
			if _, limited := ctx.Deadline(); !limited {
				t.Error("the program may run for ever")
			}
			got = command
			return c.exit
		}}
		p := check.MiscConfig{Command: check.Command{Argv: []string{"/bin/x", "a"}}, Timeout: patient, Dynamic: c.dynamic}
		if r := run(t, p, o); r != c.want {
			t.Errorf("%+v, dynamic %v: %+v, want %+v", c.exit, c.dynamic, r, c.want)
		}
		if len(got.Argv) != 2 || got.Argv[1] != "a" {
			t.Errorf("%v was run", got)
		}
	}
}

// TestFile has IPVS_WEIGHT_MAX of keepalived for the limit of weights.
func TestFile(t *testing.T) {
	for _, c := range []struct {
		value   int64
		there   bool
		weight  int64
		reverse bool
		want    check.Result
	}{
		{0, true, 0, false, check.Result{Verdict: check.Pass}},
		{1, true, 0, false, check.Result{}},
		{-1, true, 0, false, check.Result{}},
		{0, true, 0, true, check.Result{}},
		{1, true, 0, true, check.Result{Verdict: check.Pass}},
		{7, false, 0, false, check.Result{Verdict: check.Pass}},
		{3, true, 2, false, check.Result{Verdict: check.Pass, Rule: check.AddWeight, Weight: 6}},
		{3, true, 2, true, check.Result{Verdict: check.Pass, Rule: check.AddWeight, Weight: -6}},
		{-3, true, 2, false, check.Result{Verdict: check.Pass, Rule: check.AddWeight, Weight: -6}},
		{1<<31 - 1, true, -1, false, check.Result{Verdict: check.Pass, Rule: check.AddWeight, Weight: 1 - 1<<31}},
		{1 << 31, true, -1, false, check.Result{}},
		{1 << 31, true, 1, true, check.Result{}},
		{1 << 40, true, 1 << 40, false, check.Result{Verdict: check.Pass, Rule: check.AddWeight, Weight: 65535}},
		{1 << 40, true, -1 << 40, false, check.Result{}},
		{-1 << 63, true, -1, false, check.Result{Verdict: check.Pass, Rule: check.AddWeight, Weight: 65535}},
	} {
		o := Options{File: func(name string) (int64, bool) {
			if name != "f" {
				t.Errorf("file %q was asked for", name)
			}
			return c.value, c.there
		}}
		r := run(t, check.FileCheckConfig{File: "f", Weight: c.weight, Reverse: c.reverse}, o)
		if !strings.HasPrefix(r.Reason, "track_file f is ") {
			t.Errorf("reason %q", r.Reason)
		}
		if r.Reason = ""; r != c.want {
			t.Errorf("%+v: %+v, want %+v", c, r, c.want)
		}
	}
}

// TestValidate finds what New would, of the kinds that may not work and of one that
// always does.
func TestValidate(t *testing.T) {
	for _, p := range []check.ProbeConfig{
		check.TCPConfig{}, check.DNSConfig{Name: strings.Repeat("x", 300)}, check.DNSConfig{Name: "example.org"},
		check.HTTPConfig{URLs: []check.URLConfig{{Pattern: "("}}}, check.HTTPConfig{URLs: []check.URLConfig{{Pattern: "a"}}},
	} {
		_, made := New(p, Options{})
		if err := Validate(p, Options{}); fmt.Sprint(err) != fmt.Sprint(made) {
			t.Errorf("%+v: %v, New says %v", p, err, made)
		}
	}
}

// panics is a checker that does.
type panics struct{}

func (panics) Check(context.Context) check.Result { panic("oh\x1b no") }

func TestPanicIsAFailedCheck(t *testing.T) {
	var value any
	var stack string
	g := &guard{checker: panics{}, panicked: func(v any, s []byte) { value, stack = v, string(s) }}
	want(t, g.Check(context.Background()), check.Fail, `the checker itself failed: oh\x1b no`)
	if value != "oh\x1b no" || !strings.Contains(stack, "panics") {
		t.Errorf("told %v and the stack %s", value, stack)
	}
	want(t, (&guard{checker: panics{}}).Check(context.Background()), check.Fail, "the checker itself failed")
}

// TestPingSockets has both kinds of socket, and ICMP errors. TEST-NET-1 is nobody's
// address; where a router says so it is a failure at once.
func TestPingSockets(t *testing.T) {
	for _, a := range []string{"127.0.0.1", "::1"} {
		p := check.PingConfig{Endpoint: check.Endpoint{Addr: netip.AddrPortFrom(netip.MustParseAddr(a), 0), Timeout: patient}}
		for _, name := range []string{"ping", "raw"} {
			c := newPing(p, Options{})
			if name == "raw" {
				c.ping.kind = -1 // which no kernel has
			} else {
				c.raw.kind = -1
			}
			r := c.Check(t.Context())
			if r.Verdict == check.Skip {
				t.Logf("%s with a %s socket is not allowed here: %s", a, name, r.Reason)
				continue
			}
			want(t, r, check.Pass, "")
		}
	}
}

// TestMark looks at the mark of a socket.
func TestMark(t *testing.T) {
	e := endpoint(listen(t, func(net.Conn) {}), patient)
	e.Mark = 42
	target := newTarget(e, unix.SOCK_STREAM, unix.IPPROTO_TCP, Options{})
	fd, _, err := target.start()
	var local *localError
	if errors.As(err, &local) && errors.Is(err, unix.EPERM) {
		want(t, run(t, check.TCPConfig{Endpoint: e}, Options{}), check.Skip, "fwmark 42: operation not permitted")
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if mark, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK); err != nil || mark != 42 {
		t.Errorf("mark %d, %v", mark, err)
	}
}
