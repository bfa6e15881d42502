package sim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"ipvsadm/vrrp"
)

// Result is what came of a scenario.
type Result struct {
	Violation *Violation // nil if all invariants held
	Trace     []string   // changes of state, when Options.Trace asked for it
	Hash      uint64     // of everything that was done
	Events    int        // batches of events that were handled
	Settled   int        // how often a settled network was looked at
	Seen      Seen
}

// Violation says which invariant broke, when, and how.
type Violation struct {
	Invariant string
	At        time.Duration
	What      string
}

func (v *Violation) Error() string { return fmt.Sprintf("%s at %v: %s", v.Invariant, v.At, v.What) }

// Options say what Run should keep.
type Options struct {
	Trace bool
}

// Run runs a scenario to its end, or to the first violation.
func Run(sc *Scenario, opt Options) Result {
	w := newWorld(sc, opt)
	w.run()
	return Result{w.violation, w.trace, w.hash, w.events, w.settledChecks, w.seen}
}

// world is a scenario while it runs. Time is the world's own; every node reads
// it from a clock of its own.
type world struct {
	sc    *Scenario
	rng   *rand.Rand
	now   time.Duration
	queue queue
	link  Link
	nodes []*node
	// quantum is how late timers fire at most, a fiftieth of the shortest interval.
	quantum time.Duration
	cut     [][]bool // cut[from][to]

	disturbed     time.Duration // when the last fault ended
	disturbances  int
	settledStates []vrrp.State // of all instances, since the network settled
	settledChecks int
	healed        []healing // cuts that healed and are watched

	opt       Options
	trace     []string
	hash      uint64
	events    int
	seen      Seen
	violation *Violation
}

// epoch is when the world begins, on all clocks.
var epoch = time.Unix(1_700_000_000, 0).UTC()

func newWorld(sc *Scenario, opt Options) *world {
	w := &world{
		sc:   sc,
		rng:  rand.New(rand.NewPCG(sc.Seed, 0x76727270)),
		link: sc.Link,
		opt:  opt,
		hash: 14695981039346656037,
	}
	w.cut = make([][]bool, len(sc.Nodes))
	for i := range sc.Nodes {
		w.cut[i] = make([]bool, len(sc.Nodes))
		w.nodes = append(w.nodes, newNode(w, i))
	}
	w.quantum = w.shortest() / 50
	for i := range sc.Steps {
		w.queue.push(item{at: sc.Steps[i].At, kind: itemStep, n: i})
	}
	return w
}

func (w *world) run() {
	for _, n := range w.nodes {
		if !n.spec.Off {
			n.start()
		}
	}
	for w.violation == nil && w.queue.len() > 0 {
		it := w.queue.pop()
		if it.at > w.sc.For {
			break
		}
		w.now = it.at
		switch it.kind {
		case itemStep:
			w.step(w.sc.Steps[it.n])
		case itemPacket:
			w.arrive(it.n, it.packet)
		case itemWake:
			if n := w.nodes[it.n]; n.wakeID == it.id {
				n.batch()
			}
		case itemResume:
			w.nodes[it.n].resume()
		case itemHealed:
			w.checkHealed()
		}
		if w.violation == nil {
			w.checkSettled()
		}
	}
	if w.violation == nil {
		w.now = w.sc.For
		w.checkSettled()
		w.checkCounters()
	}
}

// fail keeps the first violation.
func (w *world) fail(invariant, format string, args ...any) {
	if w.violation == nil {
		w.violation = &Violation{invariant, w.now, fmt.Sprintf(format, args...)}
	}
}

// disturb says that a fault acts until then.
func (w *world) disturb(until time.Duration) {
	w.disturbed = max(w.disturbed, w.now, until)
	w.disturbances++
}

// note adds a line to the trace.
func (w *world) note(format string, args ...any) {
	if w.opt.Trace {
		w.trace = append(w.trace, w.now.String()+" "+fmt.Sprintf(format, args...))
	}
}

// mix puts numbers into the hash (FNV-1a, a word at a time).
func (w *world) mix(values ...uint64) {
	for _, v := range values {
		w.hash = (w.hash ^ v) * 1099511628211
	}
}

// between draws a duration from low to high.
func (w *world) between(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(w.rng.Int64N(int64(high-low)+1))
}

// chance is true so many times in a thousand.
func (w *world) chance(perMille int) bool {
	return perMille > 0 && w.rng.IntN(1000) < perMille
}

// item is something that will happen.
type item struct {
	at     time.Duration
	seq    uint64 // order among those of one time
	kind   itemKind
	n      int // node or step
	id     uint64
	packet *packet
}

type itemKind uint8

const (
	itemStep itemKind = iota
	itemPacket
	itemWake
	itemResume
	itemHealed
)

// queue is a binary heap of items by time, then by the order they came in.
type queue struct {
	items []item
	seq   uint64
}

func (q *queue) len() int { return len(q.items) }

func (q *queue) less(i, j int) bool {
	a, b := &q.items[i], &q.items[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

func (q *queue) push(it item) {
	q.seq++
	it.seq = q.seq
	q.items = append(q.items, it)
	for i := len(q.items) - 1; i > 0; {
		parent := (i - 1) / 2
		if !q.less(i, parent) {
			break
		}
		q.items[i], q.items[parent] = q.items[parent], q.items[i]
		i = parent
	}
}

func (q *queue) pop() item {
	top := q.items[0]
	last := len(q.items) - 1
	q.items[0] = q.items[last]
	q.items[last] = item{}
	q.items = q.items[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && q.less(child+1, child) {
			child++
		}
		if !q.less(child, i) {
			break
		}
		q.items[i], q.items[child] = q.items[child], q.items[i]
		i = child
	}
	return top
}

// packet is one on the wire.
type packet struct {
	router   int
	from     int // node, or alien
	src      int // host number it says it is from
	dst      netip.Addr
	to       int // node, for unicast; everybody otherwise
	bytes    []byte
	damaged  bool // must be refused
	priority uint8
	interval time.Duration
	version  vrrp.Version
}

const (
	alien    = -1
	everyone = -1
)
