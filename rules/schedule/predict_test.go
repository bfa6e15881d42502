package schedule

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

// answersOf reads what --json printed.
func answersOf(t *testing.T, out string) []answer {
	t.Helper()
	var list []answer
	for line := range strings.Lines(out) {
		var a answer
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&a); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		list = append(list, a)
	}
	return list
}

// TestPredictionAsJSON has the keys that programs were promised, and no others.
func TestPredictionAsJSON(t *testing.T) {
	w := newWorld(t, shop)
	w.setConnections("-t 10.9.0.1:80", "10.0.0.1:80", 1, 2)
	for line, want := range map[string]string{
		"predict -t 10.9.0.1:80 --client 192.0.2.7 --json": `{"service":"-t 10.9.0.1:80","scheduler":"wlc","client":"192.0.2.7","server":"10.0.0.3:80","certain":true,` +
			`"why":["10.0.0.4:80: weight 0","10.0.0.3:80: load 0 / weight 1","10.0.0.2:80: load 0 / weight 2","10.0.0.1:80: load 258 / weight 3"]}` + "\n",
		"predict -t 10.9.0.1:83 --client 192.0.2.7:4000 --json": `{"service":"-t 10.9.0.1:83","scheduler":"fo","client":"192.0.2.7:4000","server":"","certain":true,` +
			`"why":["no server may have it"]}` + "\n",
		"predict -f 7 --client 192.0.2.7 --dst 10.9.0.3 --json --rules saved": `{"service":"-f 7","scheduler":"dh","client":"192.0.2.7","server":"10.0.0.1:0","certain":true,` +
			`"why":["10.0.0.1:0: owns bucket 163"]}` + "\n",
	} {
		if got := w.prints(line); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

// TestPredictions follows services through connections, live and saved.
func TestPredictions(t *testing.T) {
	tests := []struct {
		about, line string
		set         func(*world)
		want        string // servers by their last number
		certain     bool
	}{
		{"the least loaded for its weight, and the next ones", "-t 10.9.0.1:80 --next 6", nil, "321121", true},
		{"connections that are there count", "-t 10.9.0.1:80 --next 3",
			func(w *world) { w.setConnections("-t 10.9.0.1:80", "10.0.0.3:80", 9, 0) }, "211", true},
		{"a saved table knows whose turn it is", "-t 10.9.0.1:81 --next 3 --rules saved", nil, "212", true},
		{"a live one does not", "-t 10.9.0.1:81", nil, "2", false},
		{"a saved round, which the last server added has changed", "-t 10.9.0.1:82 --rules saved", nil, "2", true},
		{"persistence keeps a client", "-t 10.9.0.1:82 --next 4 --rules saved", nil, "2222", true},
		{"inactive datagrams do not count for sed, and streams do", "--sctp-service 10.9.0.1:80 --next 5", nil, "21221", true},
		{"standard input is a saved table", "-t 10.9.0.5:80 --next 2 --rules -",
			func(w *world) {
				w.stdin = "-A -t 10.9.0.5:80 -s rr\n-a -t 10.9.0.5:80 -r 10.0.0.6:80 -m\n-a -t 10.9.0.5:80 -r 10.0.0.5:80 -m\n"
			}, "56", true},
		{"an edited table is what it ends as", "-t 10.9.0.5:80 --rules -",
			func(w *world) {
				w.stdin = "-A -t 10.9.0.5:80 -s rr\n-a -t 10.9.0.5:80 -r 10.0.0.6:80 -m\n-a -t 10.9.0.5:80 -r 10.0.0.5:80 -m\n" +
					"-E -t 10.9.0.5:80 -s fo\n-e -t 10.9.0.5:80 -r 10.0.0.6:80 -m -w 5\n-d -t 10.9.0.5:80 -r 10.0.0.5:80\n"
			}, "6", true},
		{"a table that begins anew", "-t 10.9.0.5:80 --next 2 --rules -",
			func(w *world) {
				w.stdin = "-A -t 10.9.0.5:80 -s rr\n-a -t 10.9.0.5:80 -r 10.0.0.6:80 -m\n-C\n-A -t 10.9.0.5:80 -s rr\n-a -t 10.9.0.5:80 -r 10.0.0.5:80 -m\n"
			}, "55", true},
	}
	for _, tt := range tests {
		w := newWorld(t, shop)
		if tt.set != nil {
			tt.set(w)
		}
		got := ""
		for _, a := range answersOf(t, w.prints("predict --client 192.0.2.7 --json "+tt.line)) {
			got += a.Server[strings.LastIndex(a.Server, ".")+1 : strings.LastIndex(a.Server, ":")]
			if a.Certain != tt.certain {
				t.Errorf("%s: certain is %v: %v", tt.about, a.Certain, a.Why)
			}
		}
		if got != tt.want {
			t.Errorf("%s: servers %s, want %s", tt.about, got, tt.want)
		}
	}
}

// TestTemplates has rows of the connection table that bind the client, or not.
func TestTemplates(t *testing.T) {
	const services = `
-A -t 10.9.0.1:82 -s fo -p 300 -M 255.255.255.0
-a -t 10.9.0.1:82 -r 10.0.0.1:80 -m -w 9
-a -t 10.9.0.1:82 -r 10.0.0.2:80 -m
-A -t 10.9.0.1:0 -s fo -p 300
-a -t 10.9.0.1:0 -r 10.0.0.1:0 -m -w 9
-a -t 10.9.0.1:0 -r 10.0.0.2:0 -m
-A -t 10.9.0.1:21 -s fo -p 300
-a -t 10.9.0.1:21 -r 10.0.0.1:21 -m -w 9
-a -t 10.9.0.1:21 -r 10.0.0.2:21 -m
-A -f 9 -s fo -p 300
-a -f 9 -r 10.0.0.1:0 -m -w 9
-a -f 9 -r 10.0.0.2:0 -m
-A -u [2001:db8::1]:53 -s fo -p 300 -M 64
-a -u [2001:db8::1]:53 -r [2001:db8::a]:53 -m -w 9
-a -u [2001:db8::1]:53 -r [2001:db8::b]:53 -m
-A -f 9 -6 -s fo -p 300
-a -f 9 -6 -r [2001:db8::a]:0 -m -w 9
-a -f 9 -6 -r [2001:db8::b]:0 -m
-A -u 10.9.0.1:5060 -s fo -p 300 --pe sip
-a -u 10.9.0.1:5060 -r 10.0.0.1:5060 -m
-a -u 10.9.0.1:5060 -r 10.0.0.2:5060 -m
`
	// The rows are those of a kernel: client, virtual server and real server as
	// address and port in hexadecimal, the state, the seconds that are left.
	row := func(protocol, client, clientPort, virtual, virtualPort, server, port, state string) string {
		return fmt.Sprintf("%s %s %s %s %s %s %s %s 55\n", protocol, client, clientPort, virtual, virtualPort, server, port, state)
	}
	const client6 = "2001:0db8:0000:00aa:0000:0000:0000:0000"
	address := row("TCP", "C0000200", "0000", "0A090001", "0052", "0A000002", "0050", "NONE")
	tests := []struct {
		about, line, rows string
		server            string
		certain           bool
	}{
		{"nothing", "-t 10.9.0.1:82 --client 192.0.2.7", "", "10.0.0.1:80", true},
		{"by address", "-t 10.9.0.1:82 --client 192.0.2.7", address, "10.0.0.2:80", true},
		{"that is sure of itself", "-t 10.9.0.1:82 --client 192.0.2.7", strings.Replace(address, "NONE", "ASSURED", 1), "10.0.0.2:80", true},
		{"of another network", "-t 10.9.0.1:82 --client 192.0.3.7", address, "10.0.0.1:80", true},
		{"of another service", "-t 10.9.0.1:82 --client 192.0.2.7", strings.Replace(address, "0052", "0053", 1), "10.0.0.1:80", true},
		{"of another protocol", "-t 10.9.0.1:82 --client 192.0.2.7", strings.Replace(address, "TCP", "UDP", 1), "10.0.0.1:80", true},
		{"a connection that has just begun", "-t 10.9.0.1:82 --client 192.0.2.7", strings.Replace(address, " 0000 ", " 9C40 ", 1), "10.0.0.1:80", true},
		{"a connection", "-t 10.9.0.1:82 --client 192.0.2.7", strings.Replace(address, "NONE", "ESTABLISHED", 1), "10.0.0.1:80", true},
		{"of a server that is gone", "-t 10.9.0.1:82 --client 192.0.2.7", strings.Replace(address, "0A000002", "0A000009", 1), "10.0.0.1:80", true},
		{"for all ports", "-t 10.9.0.1:0 --client 192.0.2.7", row("TCP", "C0000207", "0000", "0A090001", "0000", "0A000002", "0000", "NONE"), "10.0.0.2:0", true},
		{"of FTP", "-t 10.9.0.1:21 --client 192.0.2.7", row("TCP", "C0000207", "0000", "0A090001", "0000", "0A000002", "0000", "NONE"), "10.0.0.2:21", true},
		{"by mark", "-f 9 --client 192.0.2.7", row("IP", "C0000207", "0000", "00000009", "0000", "0A000002", "0000", "NONE"), "10.0.0.2:0", true},
		{"of IPv6", "-u [2001:db8::1]:53 --client 2001:db8:0:aa::7", row("UDP", client6, "0000", "2001:0db8:0000:0000:0000:0000:0000:0001", "0035",
			"2001:0db8:0000:0000:0000:0000:0000:000b", "0035", "NONE"), "[2001:db8::b]:53", true},
		{"by mark, of IPv6", "-f 9 -6 --client 2001:db8:0:aa::", row("IP", client6, "0000", "0000:0009:0000:0000:0000:0000:0000:0000", "0000",
			"2001:0db8:0000:0000:0000:0000:0000:000b", "0000", "NONE"), "[2001:db8::b]:0", true},
		{"of an engine", "-u 10.9.0.1:5060 --client 192.0.2.7", "", "10.0.0.2:5060", false},
		{"a connection from the same port", "-t 10.9.0.1:82 --client 192.0.2.7:40000",
			row("TCP", "C0000207", "9C40", "0A090001", "0052", "0A000002", "0050", "ESTABLISHED"), "10.0.0.2:80", true},
		{"that is over", "-t 10.9.0.1:82 --client 192.0.2.7:40000",
			row("TCP", "C0000207", "9C40", "0A090001", "0052", "0A000002", "0050", "TIME_WAIT"), "10.0.0.1:80", true},
		{"from another port", "-t 10.9.0.1:82 --client 192.0.2.7:40001",
			row("TCP", "C0000207", "9C40", "0A090001", "0052", "0A000002", "0050", "ESTABLISHED"), "10.0.0.1:80", true},
	}
	for _, tt := range tests {
		w := newWorld(t, services)
		w.connections = tt.rows
		a := answersOf(t, w.prints("predict --json "+tt.line))[0]
		if a.Server != tt.server || a.Certain != tt.certain {
			t.Errorf("template %s: %s, certain %v, because %q", tt.about, a.Server, a.Certain, a.Why)
		}
	}
	// With the sysctl, weight 0 ends the bond.
	for _, value := range []string{"0", "1"} {
		w := newWorld(t, strings.Replace(services, "-r 10.0.0.2:80 -m", "-r 10.0.0.2:80 -m -w 0", 1))
		w.connections = address
		w.root["proc/sys/net/ipv4/vs/expire_quiescent_template"] = &fstest.MapFile{Data: []byte(value + "\n")}
		want := map[string]string{"0": "10.0.0.2:80", "1": "10.0.0.1:80"}[value]
		if a := answersOf(t, w.prints("predict --json -t 10.9.0.1:82 --client 192.0.2.7"))[0]; a.Server != want {
			t.Errorf("expire_quiescent_template=%s: %s, want %s", value, a.Server, want)
		}
	}
}

// TestThresholdsAreDoubtful has a server between its thresholds, which may be
// overloaded, in the way of the choice and out of it.
func TestThresholdsAreDoubtful(t *testing.T) {
	const services = `
-A -t 10.9.0.1:80 -s wlc
-a -t 10.9.0.1:80 -r 10.0.0.1:80 -m -w 1 -x 10 -y 5
-a -t 10.9.0.1:80 -r 10.0.0.2:80 -m -w 1
`
	for _, tt := range []struct {
		first, second uint32 // connections
		kernel        string
		server        string
		certain       bool
	}{
		{4, 9, "6.1.176", "10.0.0.1:80", true},
		{7, 9, "6.1.176", "10.0.0.1:80", false},
		{7, 9, "6.1.192", "10.0.0.1:80", false},
		{7, 6, "6.1.176", "10.0.0.2:80", true},
		{10, 20, "6.1.176", "10.0.0.2:80", false}, // unless the threshold was set afterwards
		{10, 20, "6.1.192", "10.0.0.2:80", true},
	} {
		w := newWorld(t, services)
		w.setConnections("-t 10.9.0.1:80", "10.0.0.1:80", 0, tt.first)
		w.setConnections("-t 10.9.0.1:80", "10.0.0.2:80", 0, tt.second)
		a := answersOf(t, w.prints("predict --json -t 10.9.0.1:80 --client 192.0.2.7 --kernel "+tt.kernel))[0]
		if a.Server != tt.server || a.Certain != tt.certain {
			t.Errorf("%+v: %s, certain %v, because %q", tt, a.Server, a.Certain, a.Why)
		}
	}
}

// TestOnePacketConnectionsDoNotStay asks for several datagrams in a row.
func TestOnePacketConnectionsDoNotStay(t *testing.T) {
	w := newWorld(t, "-A -u 10.9.0.1:53 -s lc -o\n-a -u 10.9.0.1:53 -r 10.0.0.1:53 -m\n-a -u 10.9.0.1:53 -r 10.0.0.2:53 -m\n")
	for _, a := range answersOf(t, w.prints("predict --json -u 10.9.0.1:53 --client 192.0.2.7 --next 3")) {
		if a.Server != "10.0.0.2:53" {
			t.Errorf("%+v: an earlier one counts", a)
		}
	}
}

// TestTheRunningKernelChooses has a load on which generations differ.
func TestTheRunningKernelChooses(t *testing.T) {
	w := newWorld(t, shop)
	w.setConnections("-t 10.9.0.1:81", "10.0.0.1:80", 0, 0)
	w.setConnections("-t 10.9.0.1:80", "10.0.0.1:80", 3, 0) // 768/3 or 771/3
	w.setConnections("-t 10.9.0.1:80", "10.0.0.2:80", 0, 513)
	w.setConnections("-t 10.9.0.1:80", "10.0.0.3:80", 9, 0)
	for _, tt := range []struct {
		version, want string
		certain       bool
	}{{"6.1.176", "10.0.0.1:80", true}, {"6.1.192", "10.0.0.2:80", true}, {"6.18.44-x", "10.0.0.1:80", false}, {"7.3.0", "10.0.0.2:80", false}, {"", "10.0.0.1:80", false}} {
		w.root["proc/sys/kernel/osrelease"] = &fstest.MapFile{Data: []byte(tt.version + "\n")}
		list := answersOf(t, w.prints("predict --json -t 10.9.0.1:80 --client 192.0.2.7 --next 2"))
		if a := list[0]; a.Server != tt.want || a.Certain != tt.certain {
			t.Errorf("%s: %s, want %s, certain %v: %q", tt.version, a.Server, tt.want, a.Certain, a.Why)
		}
		// The second one makes up for it: it goes where the other generation sent
		// the first.
		if a := list[1]; a.Certain != tt.certain || a.Server == tt.want {
			t.Errorf("%s: then %s, certain %v: %q", tt.version, a.Server, a.Certain, a.Why)
		}
	}
	// Where both ways lead to the same server, it does not matter.
	if a := answersOf(t, w.prints("predict --json -u 10.9.0.1:53 --client 192.0.2.7:5 --kernel 6.18.44"))[0]; !a.Certain {
		t.Errorf("sh does not count: %q", a.Why)
	}
}

// TestCountersSuggestWhoseTurnItIs has counters of a round robin, and others.
func TestCountersSuggestWhoseTurnItIs(t *testing.T) {
	for _, tt := range []struct {
		counters [4]uint64 // in the order of the list; the third server has weight 0
		want     string
	}{
		{[4]uint64{0, 0, 0, 0}, "10.0.0.4:80"},
		{[4]uint64{5, 5, 0, 5}, "10.0.0.4:80"},
		{[4]uint64{6, 5, 9, 5}, "10.0.0.3:80"},
		{[4]uint64{6, 6, 0, 5}, "10.0.0.1:80"},
		{[4]uint64{7, 5, 0, 5}, "10.0.0.4:80"}, // no round robin
		{[4]uint64{6, 5, 0, 4}, "10.0.0.4:80"},
		{[4]uint64{5, 6, 0, 5}, "10.0.0.4:80"},
	} {
		w := newWorld(t, "-A -t 10.9.0.1:80 -s rr\n-a -t 10.9.0.1:80 -r 10.0.0.1:80 -m\n-a -t 10.9.0.1:80 -r 10.0.0.2:80 -m -w 0\n"+
			"-a -t 10.9.0.1:80 -r 10.0.0.3:80 -m\n-a -t 10.9.0.1:80 -r 10.0.0.4:80 -m\n")
		key := ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.TCP, Addr: netip.MustParseAddrPort("10.9.0.1:80")}
		for i, n := range tt.counters {
			addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(4 - i)}), 80)
			w.kernel.(*ipvstest.Kernel).SetDestinationStats(key, addr, ipvs.Stats{Conns: n})
		}
		a := answersOf(t, w.prints("predict --json -t 10.9.0.1:80 --client 192.0.2.7"))[0]
		if a.Server != tt.want || a.Certain {
			t.Errorf("%v: %s, certain %v, want %s", tt.counters, a.Server, a.Certain, tt.want)
		}
	}
}
