package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"ipvsadm/testdata/lab/compat"
	"ipvsadm/testdata/lab/uml"
)

// directorTable is that of a director between a client, 192.168.1.2, and a real server,
// 192.168.2.2, with services of every kind of connection.
const directorTable = `
-A -t 192.168.1.1:80 -s rr
-a -t 192.168.1.1:80 -r 192.168.2.2:8001 -m -x 100 -y 10
-a -t 192.168.1.1:80 -r 192.168.2.2:8002 -m -w 3
-A -t 192.168.1.1:81 -s wlc -p 300
-a -t 192.168.1.1:81 -r 192.168.2.2:8001 -m
-A -t 192.168.1.1:82 -s wlc -p 300 -M 255.255.255.0
-a -t 192.168.1.1:82 -r 192.168.2.2:8002 -m
-A -t 192.168.1.1:83 -s rr
-a -t 192.168.1.1:83 -r 192.168.2.9:83 -m
-A -u 192.168.1.1:53 -s rr
-a -u 192.168.1.1:53 -r 192.168.2.2:8053 -m
-A -u 192.168.1.1:54 -s rr -o
-a -u 192.168.1.1:54 -r 192.168.2.2:8053 -m
-A -u 192.168.1.1:5060 -s rr -p 60 --pe sip
-a -u 192.168.1.1:5060 -r 192.168.2.2:8053 -m
-A -t [2001:db8:1::1]:80 -s rr -p 77
-a -t [2001:db8:1::1]:80 -r [2001:db8:2::2]:8001 -m
`

// TestListingsUnderTraffic compares our listings with those of ipvsadm 1.31 on
// one director that has counters and connections.
func TestListingsUnderTraffic(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		if _, err := os.Stat(referenceDir + "/ipvsadm"); err != nil {
			t.Skip("needs the original to compare with: install Debian package ipvsadm")
		}
		director := busyDirector(t)
		original, ours := compat.Processes(referenceDir), compat.Processes(os.Getenv(programsVar))
		for _, args := range []string{
			"-L -n -c", "-L -c", "-Lnc --persistent-conn", "-L -n", "-L", "-L -n --persistent-conn", "-L -n --thresholds",
			"-L -n --stats", "-L -n --stats --exact", "-L -n --rate", "-L -n -t 192.168.1.1:80 --stats", "-S -n",
		} {
			t.Run(args, func(t *testing.T) {
				inv := compat.Invocation{Argv: append([]string{"ipvsadm"}, strings.Fields(args)...)}
				director.Do(func() { compareStill(t, original, ours, inv) })
			})
		}
	})
}

// compareStill compares two tools on a table whose clocks tick: ours must print
// what the original prints just before and just after, but for seconds of
// connections that lie between those of the two.
func compareStill(t *testing.T, original, ours compat.Tool, inv compat.Invocation) {
	for range 30 {
		before, got, after := original(inv), ours(inv), original(inv)
		if before != after && (before.Stderr != after.Stderr || !between(before.Stdout, after.Stdout, after.Stdout)) {
			continue // something has come or gone
		}
		if got.Stderr != before.Stderr || got.Exit != before.Exit || !between(before.Stdout, got.Stdout, after.Stdout) {
			t.Error(compat.Diff("the original", before, "ours", got))
		}
		if strings.Count(before.Stdout, "\n") < 10 && !strings.Contains(inv.String(), " -t ") {
			t.Errorf("there is nothing to compare:\n%s", before.Stdout)
		}
		return
	}
	t.Error("the listing never stands still")
}

// between reports whether three listings are the same, but for connections
// whose time falls from the first to the last.
func between(first, middle, last string) bool {
	a, b, c := strings.Split(first, "\n"), strings.Split(middle, "\n"), strings.Split(last, "\n")
	if len(a) != len(b) || len(b) != len(c) {
		return false
	}
	for i := range a {
		if a[i] == b[i] && b[i] == c[i] {
			continue
		}
		x, y, z := connectionRow.FindStringSubmatch(a[i]), connectionRow.FindStringSubmatch(b[i]), connectionRow.FindStringSubmatch(c[i])
		if x == nil || y == nil || z == nil || x[1]+x[3] != y[1]+y[3] || y[1]+y[3] != z[1]+z[3] || x[2] < y[2] || y[2] < z[2] {
			return false
		}
	}
	return true
}

// connectionRow is a row of -L -c: protocol, time, and all the rest. The time is
// of two digits and two, so its order is that of its text.
var connectionRow = regexp.MustCompile(`^(\w+ )(\d\d:\d\d)( .*)$`)

// busyDirector returns a director after some traffic, with connections that are
// still open.
func busyDirector(t *testing.T) *uml.NetNS {
	client, director, server := uml.NewNetNS(t, "client"), uml.NewNetNS(t, "director"), uml.NewNetNS(t, "server")
	uml.Connect(t, client, "eth0", director, "eth0")
	uml.Connect(t, server, "eth0", director, "eth1")
	for _, a := range []struct {
		ns           *uml.NetNS
		dev, address string
	}{
		{client, "eth0", "192.168.1.2/24"}, {client, "eth0", "2001:db8:1::2/64"},
		{director, "eth0", "192.168.1.1/24"}, {director, "eth0", "2001:db8:1::1/64"},
		{director, "eth1", "192.168.2.1/24"}, {director, "eth1", "2001:db8:2::1/64"},
		{server, "eth0", "192.168.2.2/24"}, {server, "eth0", "2001:db8:2::2/64"},
	} {
		a.ns.AddAddr(t, a.dev, a.address)
	}
	run(t, server, "ip route add default via 192.168.2.1")
	run(t, server, "ip -6 route add default via 2001:db8:2::1")
	run(t, director, "sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
	director.Do(func() {
		out := compat.InProcess("")(compat.Invocation{Argv: []string{"ipvsadm", "-R"}, Stdin: directorTable})
		if out != (compat.Outcome{}) {
			t.Fatal(out)
		}
	})
	serve(t, server)

	for i := range 6 {
		fetch(t, client, "192.168.1.1:80", i < 3)
	}
	for range 2 {
		fetch(t, client, "192.168.1.1:81", true)
		fetch(t, client, "192.168.1.1:82", true)
		fetch(t, client, "[2001:db8:1::1]:80", true)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if c, err := client.DialContext(ctx, "tcp", "192.168.1.1:83"); err == nil { // nobody answers: SYN_RECV
		c.Close()
		t.Error("connected to a server that does not exist")
	}
	ask(t, client, "192.168.1.1:53", "hello")
	ask(t, client, "192.168.1.1:54", "hello")
	ask(t, client, "192.168.1.1:5060", "INVITE sip:bob@example.com SIP/2.0\r\nCall-ID: a84b4c76e66710@pc33.example.com\r\n\r\n")
	return director
}

// run runs a program in a namespace.
func run(t *testing.T, ns *uml.NetNS, line string) {
	t.Helper()
	words := strings.Fields(line)
	ns.Do(func() {
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %s: %v: %s", ns.Name, line, err, out)
		}
	})
}

// serve answers on the real server: TCP 8001 and 8002 greet and wait for the end,
// UDP 8053 sends back what it gets.
func serve(t *testing.T, server *uml.NetNS) {
	for _, address := range []string{"192.168.2.2:8001", "192.168.2.2:8002", "[2001:db8:2::2]:8001"} {
		l, err := server.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					io.WriteString(c, strings.Repeat("hello ", 300)+"\n")
					io.Copy(io.Discard, c)
				}()
			}
		}()
	}
	var udp net.PacketConn
	var err error
	if server.Do(func() { udp, err = net.ListenPacket("udp", "192.168.2.2:8053") }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { udp.Close() })
	go func() {
		for buf := make([]byte, 1500); ; {
			n, from, err := udp.ReadFrom(buf)
			if err != nil {
				return
			}
			udp.WriteTo(buf[:n], from)
		}
	}()
}

// fetch reads a greeting, and keeps the connection open until the test ends or
// closes it at once.
func fetch(t *testing.T, client *uml.NetNS, address string, keep bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := client.DialContext(ctx, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var word string
	if _, err := fmt.Fscan(c, &word); err != nil || word != "hello" {
		t.Fatalf("%s says %q, %v", address, word, err)
	}
	if keep {
		t.Cleanup(func() { c.Close() })
		return
	}
	c.Close()
}

// ask sends a datagram and waits for it to come back, if it does.
func ask(t *testing.T, client *uml.NetNS, address, text string) {
	t.Helper()
	c, err := client.DialContext(context.Background(), "udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	c.Read(make([]byte, 1500)) // one-packet answers come from elsewhere
}
