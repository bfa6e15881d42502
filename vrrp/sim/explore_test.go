package sim

import (
	"flag"
	"fmt"
	"hash/maphash"
	"net/netip"
	"testing"
	"time"

	"ipvsadm/vrrp"
)

var explore3 = flag.Int("explore3", 0, "how many states of three nodes TestExploreThreeNodes visits")

// Exploration takes every turn instead of drawing some: the real machines, time
// in quarters of the interval, and at each instant all that can happen. Every
// packet in flight is delivered or lost before time goes on. What is reached is
// known by the machines' own states and what is on the wire; two ways that meet
// are followed once.

// place is a state of the whole system.
type place struct {
	now   time.Time
	nodes []spot
	wire  []letter
	cut   uint16 // bit from*4+to
	moved bool   // something was done to the system at this instant
	how   *path  // the way here
}

// spot is one node: its machine, nil while it is down, and what its kernel holds.
type spot struct {
	m       *vrrp.Machine
	holding bool
	quiet   int // quarters since it last had to obey somebody, or became Backup
	zero    int // quarters since priority 0 after that, or noZero
}

const noZero = 0xff

// letter is a packet on its way.
type letter struct {
	from, to int
	priority uint8
	bytes    string
}

// path remembers a way, to tell of it.
type path struct {
	before *path
	move   move
	// node is whose turn it was, or whose letter; other the end that is cut off,
	// or whom the letter was for.
	node, other uint8
	priority    uint8 // of the letter
}

// move is a kind of turn.
type move uint8

const (
	moveWait move = iota
	moveDeliver
	moveLose
	moveStart
	moveStop
	moveCrash
	moveCut
)

func (s *path) String() string {
	if s == nil {
		return ""
	}
	node, other := 'a'+rune(s.node), 'a'+rune(s.other)
	what := [...]string{
		moveWait:    "wait",
		moveDeliver: fmt.Sprintf("deliver %d from %c to %c", s.priority, node, other),
		moveLose:    fmt.Sprintf("lose %d from %c to %c", s.priority, node, other),
		moveStart:   fmt.Sprintf("start %c", node),
		moveStop:    fmt.Sprintf("stop %c", node),
		moveCrash:   fmt.Sprintf("crash %c", node),
		moveCut:     fmt.Sprintf("cut or join %c to %c", node, other),
	}[s.move]
	return s.before.String() + what + "\n"
}

const quarter = 250 * time.Millisecond

// explorer walks through all places of one configuration.
type explorer struct {
	t      *testing.T
	params []vrrp.Params
	seed   maphash.Seed
	seen   map[uint64]struct{}
	good   map[uint64]struct{} // places from which healing leads to rest
	todo   []place
	limit  int
	key    []byte
	wrong  bool
}

func newExplorer(t *testing.T, priorities []uint8, nopreempt []bool, limit int) *explorer {
	e := &explorer{t: t, seed: maphash.MakeSeed(), seen: map[uint64]struct{}{}, good: map[uint64]struct{}{}, limit: limit}
	for i, priority := range priorities {
		e.params = append(e.params, vrrp.Params{
			Version: vrrp.V3, VRID: 51, Priority: priority, AdvertisementInterval: time.Second,
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 1, 1})}, Source: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}),
			NoPreempt: nopreempt[i], Accept: true, Announce: vrrp.AnnounceSchedule{MasterRepeat: 1},
		})
	}
	return e
}

// explore visits everything, and returns how many places there are.
func (e *explorer) explore() int {
	first := place{now: epoch, nodes: make([]spot, len(e.params))}
	e.visit(first)
	for len(e.todo) > 0 && !e.wrong && len(e.seen) < e.limit {
		p := e.todo[0]
		e.todo = e.todo[1:]
		e.follow(p)
	}
	return len(e.seen)
}

// visit takes a place that was not seen before into the list.
func (e *explorer) visit(p place) {
	k := e.keyOf(&p)
	if _, ok := e.seen[k]; ok {
		return
	}
	e.seen[k] = struct{}{}
	e.todo = append(e.todo, p)
	if len(p.wire) == 0 {
		e.checkHealing(p)
	}
}

func (e *explorer) keyOf(p *place) uint64 {
	b := e.key[:0]
	for i := range p.nodes {
		s := &p.nodes[i]
		b = append(b, 0xFF, bit(s.m != nil)|bit(s.holding)<<1)
		if s.m != nil {
			b = s.m.AppendState(b, p.now)
			b = append(b, byte(min(s.quiet, 20)), byte(s.zero))
		}
	}
	for _, l := range p.wire {
		b = append(b, 0xfe, byte(l.from), byte(l.to), l.priority)
	}
	b = append(b, byte(p.cut), byte(p.cut>>8), bit(p.moved))
	e.key = b
	return maphash.Bytes(e.seed, b)
}

func bit(on bool) byte {
	if on {
		return 1
	}
	return 0
}

// follow takes every turn from a place.
func (e *explorer) follow(p place) {
	if len(p.wire) > 0 {
		for i, l := range p.wire {
			way := path{move: moveDeliver, node: uint8(l.from), other: uint8(l.to), priority: l.priority}
			e.visit(e.turn(p, way, func(q *place) { e.deliver(q, i) }))
			way.move = moveLose
			e.visit(e.turn(p, way, func(q *place) { q.drop(i) }))
		}
		return
	}
	e.visit(e.turn(p, path{move: moveWait}, e.wait))
	if p.moved {
		return
	}
	for i := range p.nodes {
		if p.nodes[i].m == nil {
			e.visit(e.turn(p, path{move: moveStart, node: uint8(i)}, func(q *place) { e.start(q, i) }))
		} else {
			e.visit(e.turn(p, path{move: moveStop, node: uint8(i)}, func(q *place) {
				e.handle(q, i, vrrp.Shutdown{})
				q.nodes[i].m = nil
			}))
			e.visit(e.turn(p, path{move: moveCrash, node: uint8(i)}, func(q *place) { q.nodes[i].m = nil }))
		}
		for j := range p.nodes {
			if i != j {
				e.visit(e.turn(p, path{move: moveCut, node: uint8(i), other: uint8(j)}, func(q *place) { q.cut ^= 1 << (i*4 + j) }))
			}
		}
	}
}

// turn copies a place and changes the copy. The machines are shared until one of
// them is given an event: most turns leave most of them alone.
func (e *explorer) turn(p place, way path, change func(*place)) place {
	q := p
	way.before = p.how
	q.how = &way
	q.nodes = append([]spot(nil), p.nodes...)
	q.wire = append([]letter(nil), p.wire...)
	q.moved = true
	change(&q)
	return q
}

func (p *place) drop(i int) { p.wire = append(p.wire[:i:i], p.wire[i+1:]...) }

// start starts a node.
func (e *explorer) start(p *place, i int) {
	s := &p.nodes[i]
	s.m, s.quiet, s.zero = vrrp.New(e.params[i]), 0, noZero
	e.handle(p, i, vrrp.Startup{})
}

// wait lets a quarter pass, and all timers that are due expire.
func (e *explorer) wait(p *place) {
	p.now = p.now.Add(quarter)
	p.moved = false
	for i := range p.nodes {
		s := &p.nodes[i]
		if s.m == nil {
			continue
		}
		s.quiet++
		if s.zero != noZero {
			s.zero = min(s.zero+1, 20)
		}
		if d := s.m.Deadline(); !d.IsZero() && !p.now.Before(d) {
			e.handle(p, i, vrrp.Tick{})
		}
		if d := s.m.Deadline(); !d.IsZero() && !d.After(p.now) {
			e.fail(p, "I8", "%c has a deadline in the past", 'a'+i)
		}
	}
}

// deliver hands a letter over.
func (e *explorer) deliver(p *place, i int) {
	l := p.wire[i]
	p.drop(i)
	s := &p.nodes[l.to]
	if s.m == nil {
		return
	}
	d, r := vrrp.ParseIPv4([]byte(l.bytes), 0)
	if r != vrrp.Accepted {
		e.fail(p, "codec", "%v", r)
	}
	e.handle(p, l.to, vrrp.Packet{Datagram: d})
	if s.m.State() != vrrp.Backup {
		return
	}
	own := e.params[l.to]
	switch {
	case l.priority == 0:
		s.zero = 0
	case l.priority >= own.Priority || own.NoPreempt && own.Priority != 255:
		s.quiet, s.zero = 0, noZero
	}
}

// handle gives an event to a node and does what it asks for, with checks.
func (e *explorer) handle(p *place, i int, ev vrrp.Event) {
	s := &p.nodes[i]
	s.m = s.m.Clone() // another place may have it too
	before := s.m.State()
	name := 'a' + i
	for _, a := range s.m.Handle(p.now, ev) {
		switch a := a.(type) {
		case vrrp.SendAdvertisement:
			if a.Advertisement.Priority == 0 && before != vrrp.Active {
				e.fail(p, "I3", "%c gives up in %v", name, before)
			}
			if before != vrrp.Active && s.m.State() != vrrp.Active {
				e.fail(p, "I3", "%c advertises in %v", name, s.m.State())
			}
			e.post(p, i, a)
		case vrrp.AddAddresses:
			s.holding = true
		case vrrp.RemoveAddresses:
			s.holding = false
		case vrrp.Announce:
			if !s.holding {
				e.fail(p, "I2", "%c announces what it does not hold", name)
			}
		case vrrp.Transition:
			e.checkMove(p, i, a, ev)
		}
	}
	if s.holding != (s.m.State() == vrrp.Active) {
		e.fail(p, "I2", "%c is %v and holds its addresses: %t", name, s.m.State(), s.holding)
	}
}

// checkMove is I4 and I6.
func (e *explorer) checkMove(p *place, i int, a vrrp.Transition, ev vrrp.Event) {
	s, own := &p.nodes[i], &e.params[i]
	if a.To == vrrp.Backup {
		if _, heard := ev.(vrrp.Packet); a.From == vrrp.Active && !heard {
			e.fail(p, "I6", "%c yields for nothing", 'a'+i)
		}
		s.quiet, s.zero = 0, noZero
	}
	if a.To != vrrp.Active || own.Priority == 255 && a.From == vrrp.Initialize {
		return
	}
	// In 256ths of a second, exactly; a quarter is 64 of them.
	skew := 256 - int(own.Priority)
	if s.quiet*64 < 3*256+skew && (s.zero == noZero || s.zero*64 < skew) {
		e.fail(p, "I4", "%c becomes Active after %d quarters", 'a'+i, s.quiet)
	}
}

// post puts an advertisement on the wire, for all who can hear it.
func (e *explorer) post(p *place, i int, a vrrp.SendAdvertisement) {
	b, err := vrrp.AppendIPv4(nil, vrrp.IPv4{Source: e.params[i].Source, Destination: vrrp.GroupIPv4(), TTL: vrrp.TTL}, a.Advertisement)
	if err != nil {
		e.fail(p, "codec", "%v", err)
	}
	for j := range p.nodes {
		if j != i && p.cut>>(i*4+j)&1 == 0 {
			p.wire = append(p.wire, letter{i, j, a.Advertisement.Priority, string(b)})
		}
	}
}

func (e *explorer) fail(p *place, invariant, format string, args ...any) {
	if !e.wrong {
		e.wrong = true
		e.t.Errorf("%s: %s\nafter\n%v", invariant, fmt.Sprintf(format, args...), p.how)
	}
}

// checkHealing is liveness: if from here on nothing is cut, lost or stopped, there
// is one Active Router before two silences have passed, and it is the right one.
func (e *explorer) checkHealing(p place) {
	q := e.turn(p, path{move: moveWait}, func(q *place) { q.cut, q.moved = 0, false })
	var way []uint64
	for range 36 {
		k := e.keyOf(&q)
		if _, ok := e.good[k]; ok {
			break
		}
		way = append(way, k)
		e.wait(&q)
		for len(q.wire) > 0 {
			e.deliver(&q, 0)
		}
	}
	if len(way) == 36 && !e.rests(&q) {
		return
	}
	for _, k := range way {
		e.good[k] = struct{}{}
	}
}

// rests checks I1 at the end of healing.
func (e *explorer) rests(p *place) bool {
	up, active, best, holder := 0, 0, uint8(0), uint8(0)
	for i, s := range p.nodes {
		if s.m == nil {
			continue
		}
		up++
		own := e.params[i]
		if s.m.State() == vrrp.Active {
			active++
			holder = own.Priority
		}
		if !own.NoPreempt || own.Priority == 255 {
			best = max(best, own.Priority)
		}
	}
	if active != min(up, 1) || up > 0 && best > holder {
		e.fail(p, "I1", "healed and at rest there are %d Active Routers of %d, priority %d for %d", active, up, holder, best)
		return false
	}
	return true
}

// TestExploreTwoNodes visits every state that two nodes can be in, whatever
// happens to them, for all kinds of pairs.
func TestExploreTwoNodes(t *testing.T) {
	pairs := [][]uint8{{1, 100}, {100, 100}, {100, 255}, {1, 255}, {255, 255}}
	if testing.Short() {
		pairs = pairs[1:2]
	}
	total := 0
	for _, priorities := range pairs {
		for modes := range 4 {
			e := newExplorer(t, priorities, []bool{modes&1 > 0, modes&2 > 0}, 1<<30)
			n := e.explore()
			total += n
			if n < 1000 || len(e.todo) > 0 && !e.wrong {
				t.Errorf("priorities %v: %d states, and %d left", priorities, n, len(e.todo))
			}
			if t.Failed() {
				t.Fatalf("priorities %v, nopreempt %v", priorities, []bool{modes&1 > 0, modes&2 > 0})
			}
		}
	}
	t.Logf("%d states, all of them", total)
}

// TestExploreThreeNodes visits states of three nodes up to a limit; with the flag
// as many as it says.
func TestExploreThreeNodes(t *testing.T) {
	limit := max(*explore3, 20_000)
	e := newExplorer(t, []uint8{1, 100, 100}, []bool{false, true, false}, limit)
	t.Logf("%d states", e.explore())
}
