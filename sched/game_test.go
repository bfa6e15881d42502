package sched

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/ipvs"
	"ipvsadm/testdata/lab/wire"
)

// director is a model of a service, and a kernel that has the same.
type director struct {
	t       *testing.T
	client  *ipvs.Client // nil if there is no kernel
	wire    *wire.Wire
	random  *rand.Rand
	service ipvs.ServiceKey
	model   *Service
	began   time.Time
	flows   []flow
	// want is who should have got each connection, open the TCP connections
	// that have not sent a FIN.
	want map[flow]want
	open []flow
}

// flow names a connection.
type flow struct {
	tcp             bool
	client, virtual netip.AddrPort
}

// want is the server a connection should have and what the model said of it.
type want struct {
	server netip.AddrPort
	number int
	why    []Reason
}

// game is one scheduler under one set of options.
type game struct {
	name, scheduler string
	flags           Flags
	family          ipvs.Family
	persistent      time.Duration
}

// games returns all of them. The kernel of the tests has no twos.
func games() (list []game) {
	for _, family := range []ipvs.Family{ipvs.IPv4, ipvs.IPv6} {
		for _, s := range All() {
			flags := []Flags{0}
			switch s.Name {
			case "twos":
				continue
			case "sh", "mh":
				flags = []Flags{0, Flag1, Flag2, Flag1 | Flag2}
			}
			for _, f := range flags {
				name := strings.Join(append([]string{s.Name, familyName(family)}, FlagNames(s.Name, f)...), ",")
				list = append(list, game{name, s.Name, f, family, 0})
			}
		}
		for _, name := range []string{"rr", "wlc", "sh"} {
			list = append(list, game{name + "," + familyName(family) + ",persistent", name, 0, family, 300 * time.Second})
		}
	}
	return list
}

func familyName(f ipvs.Family) string {
	if f == ipvs.IPv6 {
		return "IPv6"
	}
	return "IPv4"
}

// director returns one with the service of the game, which has no server yet.
func (g game) director(t *testing.T, client *ipvs.Client, expiry time.Duration) *director {
	key := ipvs.ServiceKey{Family: g.family, FWMark: 1}
	o := Options{Flags: g.flags, IPv6: g.family == ipvs.IPv6, Persistent: g.persistent, Expiry: expiry}
	service := ipvs.Service{ServiceKey: key, Scheduler: g.scheduler, Flags: ipvs.ServiceFlags(g.flags), Netmask: ipvs.HostMask(g.family)}
	if g.persistent > 0 {
		service.Flags |= ipvs.Persistent
		service.Timeout, service.Netmask, o.Netmask = g.persistent, 0xfffffff0, netip.MustParseAddr("255.255.255.240")
		if o.IPv6 {
			service.Netmask, o.Netmask = 124, netip.MustParseAddr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0")
		}
	}
	model, err := New(g.scheduler, o)
	if err != nil {
		t.Fatal(err)
	}
	d := &director{
		t: t, client: client, service: key, model: model,
		random: rand.New(rand.NewPCG(6, 1)), want: map[flow]want{}, began: time.Now(),
	}
	if client != nil {
		if d.wire, err = wire.Open(int(key.FWMark)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(d.wire.Close)
	}
	d.do(ipvs.AddService{Service: service})
	return d
}

// play plays a game on the model and, if there is a client, in the kernel. What
// happens in it never changes.
func (g game) play(t *testing.T, client *ipvs.Client) *director {
	d := g.director(t, client, 0)
	d.connect(3) // nobody is there

	for i, weight := range []int{4, 2, 0, 6, 1, 10, 3, 8} {
		server := Server{Addr: d.server(i + 1), Weight: weight}
		if weight == 10 {
			server.Upper, server.Lower = 5, 2
		}
		d.add(server)
	}
	d.connect(400)
	d.update(Server{Addr: d.server(1), Weight: 0}) // drained
	d.connect(240)
	d.update(Server{Addr: d.server(3), Weight: 12})
	d.connect(240)
	d.remove(d.server(4))
	d.connect(200)
	d.add(Server{Addr: d.server(9), Weight: 400, Upper: 500})
	d.update(Server{Addr: d.server(6), Weight: 10, Upper: 50, Lower: 40})
	d.connect(360)
	d.add(Server{Addr: d.server(4), Weight: 6}) // back, with its connections
	d.remove(d.server(9))
	d.update(Server{Addr: d.server(6), Weight: 10})
	d.connect(240)
	for i, s := range d.model.Servers() { // common divisors
		s.Weight = 6 + 3*i
		d.update(s)
	}
	d.connect(240)
	for _, s := range d.model.Servers() { // all but one
		if s.Addr != d.server(5) {
			s.Weight = 0
			d.update(s)
		}
	}
	d.connect(80)
	d.update(Server{Addr: d.server(5)}) // the last one
	d.connect(20)
	return d
}

// server returns the address of a real server by number.
func (d *director) server(n int) netip.AddrPort {
	if d.service.Family == ipvs.IPv6 {
		return netip.MustParseAddrPort(fmt.Sprintf("[2001:db8:5:%x::%d]:%d", n*7, n, 8000+n))
	}
	return netip.MustParseAddrPort(fmt.Sprintf("10.77.%d.%d:%d", n*7, n, 8000+n))
}

func (d *director) do(op ipvs.Op) {
	d.t.Helper()
	if d.client == nil {
		return
	}
	for _, err := range d.client.Do(op) {
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

func destination(s Server) ipvs.Destination {
	return ipvs.Destination{
		Addr: s.Addr, Forward: ipvs.Masq, Weight: uint32(s.Weight), Upper: uint32(s.Upper), Lower: uint32(s.Lower),
	}
}

func (d *director) add(s Server) {
	d.t.Helper()
	d.do(ipvs.AddDestination{Service: d.service, Destination: destination(s)})
	if err := d.model.Add(s); err != nil {
		d.t.Fatal(err)
	}
}

func (d *director) update(s Server) {
	d.t.Helper()
	d.do(ipvs.EditDestination{Service: d.service, Destination: destination(s)})
	if err := d.model.Update(s); err != nil {
		d.t.Fatal(err)
	}
}

func (d *director) remove(addr netip.AddrPort) {
	d.t.Helper()
	d.do(ipvs.DeleteDestination{Service: d.service, Addr: addr})
	if err := d.model.Remove(addr); err != nil {
		d.t.Fatal(err)
	}
}

// address returns an address of one of a number of hosts.
func (d *director) address(net, hosts int) netip.Addr {
	host := d.random.IntN(hosts)
	if d.service.Family == ipvs.IPv6 {
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:%x:%x::%x", net, host*31, host))
	}
	return netip.AddrFrom4([4]byte{198, byte(net), byte(host >> 8), byte(host)})
}

// send sends a packet if there is a kernel.
func (d *director) send(from, to netip.AddrPort, tcp bool, flags byte) {
	d.t.Helper()
	if d.wire == nil {
		return
	}
	p := wire.Packet{Protocol: unix.IPPROTO_UDP, From: from, To: to, Flags: flags}
	if tcp {
		p.Protocol = unix.IPPROTO_TCP
	}
	if err := d.wire.Send(p); err != nil {
		d.t.Fatal(err)
	}
}

// begin opens a connection and notes whose it should be.
func (d *director) begin(f flow, at time.Duration) {
	d.t.Helper()
	d.send(f.client, f.virtual, f.tcp, wire.SYN)
	d.flows = append(d.flows, f)
	choice := d.model.Choose(Connection{Client: f.client, Virtual: f.virtual, At: at})
	d.want[f] = want{choice.Server, len(d.flows), choice.Why}
	if !choice.Certain() {
		d.t.Fatalf("connection %d: the model, which saw it all, is not certain", len(d.flows))
	}
	d.model.Opened(choice.Server, f.tcp)
}

// connect opens connections, two of three by TCP, and ends some of these
// halfway, so that they are inactive.
func (d *director) connect(n int) {
	d.t.Helper()
	at := time.Since(d.began)
	for range n {
		f := flow{
			tcp:     d.random.IntN(3) > 0,
			client:  netip.AddrPortFrom(d.address(18, 2000), uint16(1024+d.random.IntN(60000))),
			virtual: netip.AddrPortFrom(d.address(19, 24), 80),
		}
		if _, again := d.want[f]; again {
			continue
		}
		if d.begin(f, at); !d.want[f].server.IsValid() {
			continue
		}
		if f.tcp {
			d.open = append(d.open, f)
		}
		if len(d.open) > 0 && d.random.IntN(3) == 0 {
			i := d.random.IntN(len(d.open))
			ended := d.open[i]
			if d.model.index(d.want[ended].server) < 0 {
				continue // IPVS drops what comes for a removed server
			}
			d.open = append(d.open[:i], d.open[i+1:]...)
			d.send(ended.client, ended.virtual, true, wire.FIN)
			d.model.Moved(d.want[ended].server, false)
		}
	}
}
