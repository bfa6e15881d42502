package probe

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"ipvsadm/check"
)

// patient is the timeout of checks that should not run into it, and hasty of those
// that should.
const (
	patient = 20 * time.Second
	hasty   = 300 * time.Millisecond
)

// listen runs a server that does the same with every connection.
func listen(t testing.TB, serve func(net.Conn)) netip.AddrPort {
	t.Helper()
	return listenAt(t, "127.0.0.1:0", serve)
}

func listenAt(t testing.TB, address string, serve func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { close(ended); l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				stop := make(chan struct{})
				go func() { // nothing that a server does outlives the test
					select {
					case <-ended:
						c.Close()
					case <-stop:
					}
				}()
				serve(c)
				close(stop)
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// packets runs a server of datagrams.
func packets(t testing.TB, serve func(c *net.UDPConn, from *net.UDPAddr, b []byte)) netip.AddrPort {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, from, err := c.ReadFromUDP(buf)
			if err != nil {
				return
			}
			serve(c, from, buf[:n])
		}
	}()
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// closedPort is a port of TCP and UDP where nobody listens.
func closedPort(t testing.TB) netip.AddrPort {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

func endpoint(addr netip.AddrPort, timeout time.Duration) check.Endpoint {
	return check.Endpoint{Addr: addr, Timeout: timeout}
}

// run makes a checker and does one check.
func run(t testing.TB, p check.ProbeConfig, o Options) check.Result {
	t.Helper()
	c, err := New(p, o)
	if err != nil {
		t.Fatal(err)
	}
	return c.Check(context.Background())
}

// want compares a result with what it should be: a verdict and a part of the
// reason, "" for none at all if it is good.
func want(t testing.TB, r check.Result, v check.Verdict, reason string) {
	t.Helper()
	if r.Verdict != v || !strings.Contains(r.Reason, reason) {
		t.Errorf("%v: %q, want %v: …%q…", r.Verdict, r.Reason, v, reason)
	}
	for _, c := range r.Reason {
		if c < ' ' || c > '~' && c != '…' {
			t.Errorf("the reason has %q in it: %q", c, r.Reason)
		}
	}
	if len(r.Reason) > 200 {
		t.Errorf("the reason has %d bytes: %q", len(r.Reason), r.Reason)
	}
}

// script writes an answer after the request and then goes on.
func script(answer string, then ...func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := readRequest(c); err != nil {
			return
		}
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
		for _, f := range then {
			f(c)
		}
	}
}

// readRequest reads a request to its empty line.
func readRequest(c net.Conn) (string, error) {
	r := bufio.NewReader(c)
	var request strings.Builder
	for {
		line, err := r.ReadString('\n')
		request.WriteString(line)
		if err != nil || line == "\r\n" {
			return request.String(), err
		}
	}
}

// hang does nothing until the client has gone.
func hang(c net.Conn) { io.Copy(io.Discard, c) }

// reset ends a connection without an orderly end. It waits a little, for what was
// written before to be read before.
func reset(c net.Conn) {
	time.Sleep(100 * time.Millisecond)
	c.(*net.TCPConn).SetLinger(0)
}

// openFiles counts the file descriptors of this process.
func openFiles(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
