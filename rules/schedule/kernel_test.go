package schedule

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/ipvs"
	"ipvsadm/rules"
	"ipvsadm/sched"
	"ipvsadm/testdata/lab/uml"
	"ipvsadm/testdata/lab/wire"
)

// director is a kernel whose connections are predicted and then made.
type director struct {
	t      *testing.T
	client *ipvs.Client
	wire   *wire.Wire
	ipv6   bool
	saved  string // the table
}

// TestPredictionsComeTrue predicts connections and makes them: from a saved table
// before a kernel has it, and one by one from the kernel's.
func TestPredictionsComeTrue(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		for _, ipv6 := range []bool{false, true} {
			for _, k := range kinds() {
				t.Run(fmt.Sprintf("%s,IPv6=%v", k, ipv6), func(t *testing.T) {
					uml.NewNetNS(t, "director").Do(func() { predictInKernel(t, k, ipv6) })
				})
			}
		}
	})
}

// kinds are all schedulers that the kernel of the tests has, with all flags.
func kinds() (list []kind) {
	for _, s := range sched.All() {
		flags := []sched.Flags{0}
		switch s.Name {
		case "twos":
			continue
		case "sh", "mh":
			flags = []sched.Flags{0, sched.Flag1, sched.Flag2, sched.Flag1 | sched.Flag2}
		}
		for _, f := range flags {
			list = append(list, kind{s.Name, f})
		}
	}
	return list
}

func predictInKernel(t *testing.T, k kind, ipv6 bool) {
	d := newDirector(t, ipv6)
	services := []string{"-t " + d.host(1) + ":80", "-u " + d.host(1) + ":80", "--sctp-service " + d.host(1) + ":80"}
	var saved strings.Builder
	for _, service := range services {
		fmt.Fprintf(&saved, "-A %s -s %s", service, k.name)
		if k.flags != 0 {
			fmt.Fprintf(&saved, " -b %s", strings.Join(sched.FlagNames(k.name, k.flags), ","))
		}
		saved.WriteByte('\n')
		for i, settings := range []string{"4", "2 -x 3 -y 1", "0", "6", "1"} {
			fmt.Fprintf(&saved, "-a %s -r %s:%d -m -w %s\n", service, d.host(11+i), 8000+i, settings)
		}
	}
	d.saved = saved.String()
	client := netip.AddrPortFrom(d.source(7), 20000)
	forecasts := map[string][]answer{}
	for _, service := range services {
		// An association is active when it is established, for which it takes
		// somebody who answers.
		switch k.name {
		case "lc", "wlc", "sed", "nq", "ovf", "lblc", "lblcr":
			if strings.HasPrefix(service, "--sctp") {
				continue
			}
		}
		forecasts[service] = d.predict(service, client, "--rules", "saved", "--next", "8")
	}
	d.restore()
	for service, forecast := range forecasts {
		for i, a := range forecast {
			from := netip.AddrPortFrom(client.Addr(), client.Port()+uint16(i))
			if got := d.connect(service, from); got != a.Server || !a.Certain {
				t.Errorf("%s of the saved table, connection %d: the kernel took %q, predicted was %q, certain %v: %q", service, i+1, got, a.Server, a.Certain, a.Why)
			}
		}
	}
	certain := 0
	for i := range 24 {
		service, from := services[i%3], netip.AddrPortFrom(d.source(100+7*i), uint16(30000+i))
		a := d.predict(service, from)[0]
		got := d.connect(service, from)
		if !a.Certain {
			continue
		}
		certain++
		if got != a.Server {
			t.Errorf("%s, connection %d: the kernel took %q, predicted was %q: %q", service, i+1, got, a.Server, a.Why)
		}
	}
	switch k.name {
	case "rr", "wrr", "lblc", "lblcr", "mh": // mh because of a weight of 0
		if certain > 0 {
			t.Errorf("%d of 24 are certain, which nobody can be", certain)
		}
	default:
		if certain < 12 {
			t.Errorf("only %d of 24 are certain", certain)
		}
	}
}

// TestTemplatesOfTheKernel predicts where persistence sends the clients of one
// network, for services by address, of all ports, of FTP and by mark.
func TestTemplatesOfTheKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		for _, ipv6 := range []bool{false, true} {
			for _, service := range []string{"-t %s:80", "-u %s:53", "-t %s:0", "-t %s:21", "-f 5"} {
				t.Run(fmt.Sprintf("%s,IPv6=%v", service, ipv6), func(t *testing.T) {
					uml.NewNetNS(t, "director").Do(func() { bindInKernel(t, service, ipv6) })
				})
			}
		}
	})
}

func bindInKernel(t *testing.T, service string, ipv6 bool) {
	d := newDirector(t, ipv6)
	mask, port := "255.255.255.0", service[strings.LastIndexByte(service, ':')+1:]
	if ipv6 {
		mask = "112"
	}
	if service == "-f 5" {
		port = "0"
		if ipv6 {
			service += " -6"
		}
	} else {
		service = fmt.Sprintf(service, d.host(1))
	}
	d.saved = fmt.Sprintf("-A %s -s rr -p 300 -M %s\n", service, mask)
	for i := range 4 {
		d.saved += fmt.Sprintf("-a %s -r %s:%s -m\n", service, d.host(11+i), port)
	}
	d.restore()
	for network := range 4 {
		bound := ""
		for i := range 4 {
			from := netip.AddrPortFrom(d.source(256*(network+1)+5+i), uint16(40000+i))
			a := d.predict(service, from)[0]
			// Without a template, rr does not tell.
			if a.Certain != (i > 0) {
				t.Errorf("%s: certain is %v: %q", from, a.Certain, a.Why)
			}
			if i > 0 && a.Server != bound {
				t.Errorf("%s: predicted is %s, but its network is bound to %s", from, a.Server, bound)
			}
			got := d.connect(service, from)
			// Without a port of its own, the server has the client's.
			server := netip.MustParseAddrPort(got)
			n := 0
			fmt.Sscan(port, &n)
			if bound != "" && netip.AddrPortFrom(server.Addr(), uint16(n)).String() != bound {
				t.Errorf("%s: the kernel took %s, bound to %s", from, got, bound)
			}
			bound = netip.AddrPortFrom(server.Addr(), uint16(n)).String()
		}
	}
}

func newDirector(t *testing.T, ipv6 bool) *director {
	if err := wire.Dead(); err != nil {
		t.Fatal(err)
	}
	d := &director{t: t, ipv6: ipv6}
	var err error
	if d.client, err = ipvs.Open(ipvs.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.client.Close() })
	if d.wire, err = wire.Open(5); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.wire.Close)
	return d
}

// host is the address of a service or a server, as before a port.
func (d *director) host(n int) string {
	if d.ipv6 {
		return fmt.Sprintf("[2001:db8:77::%d]", n)
	}
	return fmt.Sprintf("10.77.0.%d", n)
}

// source is the address of a client.
func (d *director) source(n int) netip.Addr {
	if d.ipv6 {
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:88:9::%x:%x", n>>8, n&255))
	}
	return netip.AddrFrom4([4]byte{198, 18, byte(n >> 8), byte(n)})
}

// restore makes the saved table the kernel's.
func (d *director) restore() {
	d.t.Helper()
	ops, err := rules.ReadOps(strings.NewReader(d.saved), noNames{})
	if err != nil {
		d.t.Fatal(err)
	}
	for _, err := range d.client.Do(ops...) {
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

// predict runs the command.
func (d *director) predict(service string, client netip.AddrPort, more ...string) []answer {
	d.t.Helper()
	var out, complaints bytes.Buffer
	args := append([]string{"predict", "--json", "--client", client.String()}, strings.Fields(service)...)
	code := Main(Env{
		Stdout:      &out,
		Stderr:      &complaints,
		Open:        func() (rules.Kernel, error) { return d.client, nil },
		Names:       noNames{},
		Connections: func() (io.ReadCloser, error) { return d.client.Connections() },
		Root:        os.DirFS("/"),
		ReadFile:    func(string) ([]byte, error) { return []byte(d.saved), nil },
	}, append(args, more...))
	if code != 0 {
		d.t.Fatalf("%v: exit code %d: %s", args, code, complaints.String())
	}
	return answersOf(d.t, out.String())
}

// connect makes a connection and returns the server it got, "" for none.
func (d *director) connect(service string, from netip.AddrPort) string {
	d.t.Helper()
	words := strings.Fields(service)
	p := wire.Packet{Protocol: unix.IPPROTO_TCP, From: from, Flags: wire.SYN}
	word := "TCP"
	switch words[0] {
	case "-u":
		p.Protocol, word = unix.IPPROTO_UDP, "UDP"
	case "--sctp-service":
		p.Protocol, word = unix.IPPROTO_SCTP, "SCTP"
	}
	if words[0] == "-f" {
		words[1] = d.host(99) + ":80"
	}
	p.To = netip.MustParseAddrPort(words[1])
	if p.To.Port() == 0 {
		p.To = netip.AddrPortFrom(p.To.Addr(), 80)
	}
	if err := d.wire.Send(p); err != nil {
		d.t.Fatal(err)
	}
	file, err := d.client.Connections()
	if err != nil {
		d.t.Fatal(err)
	}
	defer file.Close()
	for rows := ipvs.NewConnScanner(file); rows.Scan(); {
		if row := rows.Conn(); row.Client == from && row.Virtual == p.To && row.Protocol == word {
			return row.Destination.String()
		}
	}
	return ""
}

// TestTurnsOfTheKernel predicts round robin from counters: not certain, but right
// as long as nothing disturbs the round.
func TestTurnsOfTheKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		d := newDirector(t, false)
		const service = "-t 10.77.0.1:80"
		d.saved = "-A " + service + " -s rr\n"
		for i := range 4 {
			d.saved += fmt.Sprintf("-a %s -r %s:80 -m -w %d\n", service, d.host(11+i), i%3)
		}
		d.restore()
		for i := range 4 {
			d.waitForCounters(uint64(i))
			from := netip.AddrPortFrom(d.source(i), 40000)
			a := d.predict(service, from)[0]
			if got := d.connect(service, from); a.Certain || got != a.Server {
				t.Errorf("connection %d: the kernel took %s, predicted was %s, certain %v", i+1, got, a.Server, a.Certain)
			}
		}
	})
}

// waitForCounters waits until the counters of servers, which the kernel adds up
// every two seconds, have so many connections.
func (d *director) waitForCounters(n uint64) {
	d.t.Helper()
	for range 300 {
		table, err := d.client.Table(ipvs.Query{Detail: ipvs.Full})
		if err != nil {
			d.t.Fatal(err)
		}
		sum := uint64(0)
		for _, one := range table[0].Destinations {
			sum += one.Stats.Conns
		}
		if sum == n {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	d.t.Fatalf("the counters never had %d connections", n)
}
