package sched

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
)

// Traffic is the load of a simulation.
type Traffic struct {
	// Clients is the number of addresses that connections come from, each as
	// likely as any other, 1 to 2147483647; Connections how many come.
	Clients, Connections int
	// Virtual are the addresses that connections go to, each as likely as any
	// other; at least one.
	Virtual []netip.AddrPort
	// Rate is the number of connections per second, which come at equal distances.
	Rate float64
	// Duration is how long a connection lasts; the zero value is for ever.
	Duration Distribution
	// Stream says that connections are active while they last, as those of TCP
	// and SCTP are. Those of UDP never are.
	Stream bool
	// Linger is how long the kernel keeps a connection, inactive, after its end.
	Linger time.Duration
	// Seed chooses among all such loads. Equal loads are equal connection by
	// connection, whatever the service is like.
	Seed uint64
}

// Outcome is what became of a load.
type Outcome struct {
	// Tallies are the servers in the order of the list.
	Tallies []Tally
	// Refused counts connections that nobody could take.
	Refused int
	// Moves is nil if nothing was changed.
	Moves *Moves
}

// Tally is what one server had to do.
type Tally struct {
	Server      netip.AddrPort
	Weight      int
	Connections int
	// Peak is the greatest number of connections that it had at a time, those
	// that linger included.
	Peak int
}

// Moves says where clients went after a change. All of them that had a server
// come back twice, once before the change and once after it.
type Moves struct {
	// Clients is how many had a server.
	Clients int
	// Restless is how many of them got another server although nothing had
	// changed: what Moved has to be compared with.
	Restless int
	// Moved is how many got another server, or none, after the change. Of these,
	// Forced had one that the change has removed, and ToNew came to one that it
	// has added.
	Moved, Forced, ToNew int
}

// Evenness is Jain's index of the connections that servers had for each unit of
// their weight: 1 if all had the same, 1/n if one of n had all. Servers of weight
// 0 do not count. It is 0 without any connection.
func (o Outcome) Evenness() float64 {
	var sum, squares float64
	n := 0
	for _, t := range o.Tallies {
		if t.Weight > 0 {
			x := float64(t.Connections) / float64(t.Weight)
			sum, squares = sum+x, squares+x*x
			n++
		}
	}
	if squares == 0 {
		return 0
	}
	return sum * sum / (float64(n) * squares)
}

// Simulate sends a load to a service. Then, if change is not nil, it calls it to
// change the service and counts the clients that this moves.
func Simulate(s *Service, l Traffic, change func() error) (Outcome, error) {
	const most = 1<<31 - 1
	if l.Clients < 1 || l.Clients > most || l.Connections < 0 || l.Connections > most ||
		len(l.Virtual) == 0 || !(l.Rate > 0) || l.Linger < 0 || !l.Duration.valid() {
		return Outcome{}, fmt.Errorf("load of a simulation: %w", ErrOutOfRange)
	}
	r := newRun(s, l)
	for i := range l.Connections {
		r.at = time.Duration(float64(i) * float64(time.Second) / l.Rate)
		r.end(r.at)
		r.connect(r.random.IntN(l.Clients))
	}
	o := Outcome{Refused: r.refused}
	for _, one := range s.servers {
		t := r.tally(one)
		o.Tallies = append(o.Tallies, Tally{one.Addr, one.Weight, t.connections, t.peak})
	}
	if change == nil {
		return o, nil
	}
	var err error
	o.Moves, err = r.moves(change)
	return o, err
}

// run is a simulation under way.
type run struct {
	service *Service
	load    Traffic
	random  *rand.Rand
	clients []netip.Addr
	last    []int32 // the id of each client's last server, -1 for none
	tallies []tally // by the ids of servers
	refused int
	at      time.Duration
	lasting schedule // connections that will end
	lingers queue    // connections that have ended and will be gone
}

type tally struct{ connections, peak int }

func newRun(s *Service, l Traffic) *run {
	r := &run{
		service: s, load: l,
		random:  rand.New(rand.NewPCG(l.Seed, 0)),
		clients: make([]netip.Addr, l.Clients),
		last:    make([]int32, l.Clients),
	}
	for i := range r.clients {
		r.clients[i] = clientAddr(s.options.IPv6, l.Seed, i)
		r.last[i] = -1
	}
	return r
}

// tally returns the tally of a server.
func (r *run) tally(one *server) *tally {
	for len(r.tallies) <= one.id {
		r.tallies = append(r.tallies, tally{})
	}
	return &r.tallies[one.id]
}

// connect opens a connection of a client and returns the id of its server, -1
// for none.
func (r *run) connect(client int) int32 {
	c, lasts, ends := r.draw(client)
	one := r.service.choose(c, nil)
	if one == nil {
		r.refused++
		r.last[client] = -1
		return -1
	}
	r.service.opened(one, r.load.Stream)
	t := r.tally(one)
	t.connections++
	t.peak = max(t.peak, one.total())
	r.last[client] = int32(one.id)
	if ends {
		r.lasting.add(r.at+lasts, one)
	}
	return int32(one.id)
}

// draw returns the next connection of a client, and how long it lasts. As many
// numbers are drawn whether or not they are needed: the load is the same for
// every service.
func (r *run) draw(client int) (c Connection, lasts time.Duration, ends bool) {
	c = Connection{
		Client:  netip.AddrPortFrom(r.clients[client], uint16(1024+r.random.IntN(1<<16-1024))),
		Virtual: r.load.Virtual[r.random.IntN(len(r.load.Virtual))],
		At:      r.at,
	}
	lasts, ends = r.load.Duration.draw(r.random)
	return c, lasts, ends
}

// end ends the connections whose time has come. All linger as long, so they are
// gone in the order in which they ended.
func (r *run) end(now time.Duration) {
	for e, due := r.lasting.next(now); due; e, due = r.lasting.next(now) {
		r.lasting.remove()
		if r.load.Stream {
			r.service.moved(e.server, false)
		}
		r.lingers.add(ending{e.at + r.load.Linger, e.server})
	}
	for e, due := r.lingers.next(now); due; e, due = r.lingers.next(now) {
		r.lingers.remove()
		r.service.closed(e.server, false)
	}
}

// moves has every client come back, once before a change and once after it.
func (r *run) moves(change func() error) (*Moves, error) {
	m := &Moves{}
	var came []int
	for client, before := range r.last {
		if before < 0 {
			continue
		}
		came = append(came, client)
		if r.connect(client) != before {
			m.Restless++
		}
	}
	m.Clients = len(came)
	old := map[int32]bool{}
	for _, one := range r.service.servers {
		old[int32(one.id)] = true
	}
	if err := change(); err != nil {
		return nil, err
	}
	present := map[int32]bool{}
	for _, one := range r.service.servers {
		present[int32(one.id)] = true
	}
	for _, client := range came {
		before := r.last[client]
		after := r.connect(client)
		if after == before {
			continue
		}
		m.Moved++
		if before >= 0 && !present[before] {
			m.Forced++
		}
		if after >= 0 && !old[after] {
			m.ToNew++
		}
	}
	return m, nil
}

// clientAddr returns the address of a client. Each number has another. They are
// scattered over the unicast addresses without those of net 10 and of the
// loopback, or over 2001:db8::/32.
func clientAddr(ipv6 bool, seed uint64, n int) netip.Addr {
	v := uint32(n) + uint32(seed)*0x9e3779b9
	if ipv6 {
		v = scatter(v)
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, byte(v >> 24), byte(v >> 16), 0, byte(v >> 8), 15: byte(v)})
	}
	// A permutation that is repeated until it comes back into a set permutes the
	// set.
	const nets = 221
	for v %= nets << 24; ; {
		if v = scatter(v); v < nets<<24 {
			break
		}
	}
	first := byte(v>>24) + 1
	if first >= 10 {
		first++
	}
	if first >= 127 {
		first++
	}
	return netip.AddrFrom4([4]byte{first, byte(v >> 16), byte(v >> 8), byte(v)})
}

// scatter is a permutation of the 32-bit numbers: the end of MurmurHash3.
func scatter(v uint32) uint32 {
	v ^= v >> 16
	v *= 0x85ebca6b
	v ^= v >> 13
	v *= 0xc2b2ae35
	return v ^ v>>16
}
