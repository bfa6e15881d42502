package sim

import (
	"time"

	"ipvsadm/vrrp"
)

// node is a host: the driver's loop, a clock, and what the kernel holds.
type node struct {
	w     *world
	index int
	spec  Node

	up     bool // the process runs
	paused bool // it runs, but gets no time
	deaf   bool // and the whole machine is stopped: packets are lost

	instances []*instance
	group     *vrrp.Group
	inbox     []*packet
	untold    []func() // what happened while it was paused
	wakeID    uint64
	packetID  uint16

	batchAt time.Duration // of the last batch
	batches int           // at that instant
}

// instance is a virtual router on a node.
type instance struct {
	index  int
	m      *vrrp.Machine // nil while the process does not run
	params vrrp.Params   // configured now
	weight int
	causes map[vrrp.Cause]bool

	linkDown bool // the node's interface to this router's link

	state   vrrp.State // as told by Transition
	holding bool       // the kernel has the addresses
	oracle  oracle
	tally   tally
}

func newNode(w *world, i int) *node {
	n := &node{w: w, index: i, spec: w.sc.Nodes[i]}
	for r := range w.sc.Routers {
		n.instances = append(n.instances, &instance{
			index: r, params: w.sc.params(i, r), causes: map[vrrp.Cause]bool{}, holding: n.spec.Stale,
		})
	}
	return n
}

// clock is what the node's clock shows.
func (n *node) clock() time.Time { return epoch.Add(n.local(n.w.now)) }

func (n *node) local(t time.Duration) time.Duration {
	return t + time.Duration(int64(t)/1_000_000*int64(n.spec.Clock)+int64(t)%1_000_000*int64(n.spec.Clock)/1_000_000)
}

// global is when the node's clock will show t, or just after.
func (n *node) global(t time.Time) time.Duration {
	local := t.Sub(epoch)
	at := time.Duration(float64(local) / (1 + float64(n.spec.Clock)/1e6))
	for n.local(at) < local {
		at++
	}
	return at
}

// quantum is how late a timer fires at most: hosts are busy.
func (n *node) quantum() time.Duration { return n.w.quantum }

// start starts the process.
func (n *node) start() {
	if n.up {
		return
	}
	n.up, n.paused, n.deaf = true, false, false
	n.inbox, n.untold = n.inbox[:0], nil
	n.w.disturb(n.w.now + n.spec.Startup)
	var ms []*vrrp.Machine
	for _, in := range n.instances {
		in.m, in.state, in.tally = vrrp.New(in.params), vrrp.Initialize, tally{}
		in.oracle = oracle{listenFrom: n.clock().Add(n.spec.Startup)}
		if in.holding {
			n.w.seen[StaleRemoved]++
		}
		ms = append(ms, in.m)
	}
	if n.w.sc.Sync {
		n.group = vrrp.NewGroup("VG", ms...)
	}
	for r, in := range n.instances {
		for c := range sortedCauses(in.causes) {
			n.hand(r, vrrp.Failed{Cause: c})
		}
		n.hand(r, vrrp.Weighed{Weight: in.weight})
	}
	n.handAll(vrrp.Startup{Delay: n.spec.Startup})
	for _, in := range n.instances {
		if in.holding != (in.state == vrrp.Active) {
			n.w.fail("I12", "node %s started and holds stale addresses", n.spec.Name)
		}
	}
	n.checkBatch()
	n.sleep()
}

// stop ends the process. A crash leaves the kernel as it is.
func (n *node) stop(graceful, keep bool) {
	if !n.up {
		return
	}
	if graceful && !n.paused {
		n.handAll(vrrp.Shutdown{})
	}
	for _, in := range n.instances {
		n.w.checkTally(n, in)
		in.m, in.state = nil, vrrp.Initialize
		if !keep {
			in.holding = false
		}
	}
	late := n.untold
	n.up, n.paused, n.deaf, n.group, n.untold = false, false, false, nil, nil
	for _, tell := range late {
		tell()
	}
	n.wakeID++
	n.inbox = n.inbox[:0]
	n.w.disturb(0)
}

// pause takes the processor away for a while, and the network too if deaf.
func (n *node) pause(d time.Duration, deaf bool) {
	if !n.up || n.paused {
		return
	}
	n.paused, n.deaf = true, deaf
	n.w.disturb(n.w.now + d)
	n.w.queue.push(item{at: n.w.now + d, kind: itemResume, n: n.index})
	for _, in := range n.instances {
		if in.state == vrrp.Active && d > 3*in.params.AdvertisementInterval {
			n.w.seen[LongPause]++
		}
		in.oracle.paused = true
	}
}

func (n *node) resume() {
	if !n.up || !n.paused {
		return
	}
	n.paused, n.deaf = false, false
	// What the driver reads first after a pause, packets or netlink, is chance.
	late := n.untold
	n.untold = nil
	if n.w.chance(500) {
		n.batch()
	}
	for _, tell := range late {
		tell()
	}
	n.batch()
}

// batch is one turn of the driver's loop: first everything that was received,
// then the deadlines, then sleep.
func (n *node) batch() {
	if !n.up || n.paused || n.w.violation != nil {
		return
	}
	n.w.events++
	n.countBatch()
	for len(n.inbox) > 0 {
		pkt := n.inbox[0]
		n.inbox = n.inbox[1:]
		n.receive(pkt)
	}
	n.tick()
	n.checkBatch()
	n.sleep()
}

// tick tells the machines whose deadlines have passed.
func (n *node) tick() {
	for r, in := range n.instances {
		if d := in.m.Deadline(); !d.IsZero() && !n.clock().Before(d) {
			n.hand(r, vrrp.Tick{})
		}
	}
}

// sleep wakes the node at its next deadline, or a little later.
func (n *node) sleep() {
	n.wakeID++
	var next time.Time
	for _, in := range n.instances {
		if d := in.m.Deadline(); !d.IsZero() && (next.IsZero() || d.Before(next)) {
			next = d
		}
	}
	if next.IsZero() {
		return
	}
	at := max(n.global(next), n.w.now) + n.w.between(0, n.quantum())
	n.w.queue.push(item{at: at, kind: itemWake, n: n.index, id: n.wakeID})
}

// hand tells one router's machine something, and does what it asks for.
func (n *node) hand(r int, ev vrrp.Event) {
	if n.group == nil {
		in := n.instances[r]
		n.carryOut(in, in.m.Handle(n.clock(), ev))
		return
	}
	n.carryOutGroup(n.group.Handle(n.clock(), r, ev))
}

func (n *node) handAll(ev vrrp.Event) {
	if n.group != nil {
		n.carryOutGroup(n.group.Handle(n.clock(), vrrp.WholeGroup, ev))
		return
	}
	for r := range n.instances {
		n.hand(r, ev)
	}
}

func (n *node) carryOutGroup(actions []vrrp.MemberAction) {
	for _, a := range actions {
		if a.Member != vrrp.WholeGroup {
			n.do(n.instances[a.Member], a.Action)
		} else if t, ok := a.Action.(vrrp.Transition); ok && t.To != vrrp.Initialize {
			n.w.seen[GroupMoved]++
		}
	}
}

func (n *node) carryOut(in *instance, actions []vrrp.Action) {
	for _, a := range actions {
		n.do(in, a)
	}
}

// do is the driver: it carries out an action, and the checks watch it.
func (n *node) do(in *instance, a vrrp.Action) {
	w := n.w
	switch a := a.(type) {
	case vrrp.SendAdvertisement:
		w.mix(1, uint64(n.index), uint64(in.index), uint64(w.now), uint64(a.Advertisement.Priority))
		n.checkSend(in, a)
		w.transmit(n, in, a)
	case vrrp.AddAddresses:
		w.mix(2, uint64(n.index), uint64(in.index))
		if in.state != vrrp.Active {
			w.fail("I2", "%s puts up addresses in %v", n.label(in), in.state)
		}
		in.holding = true
	case vrrp.RemoveAddresses:
		w.mix(3, uint64(n.index), uint64(in.index))
		in.holding = false
	case vrrp.UpdateAddresses:
		if in.state != vrrp.Active {
			w.fail("I2", "%s updates addresses in %v", n.label(in), in.state)
		}
	case vrrp.Announce:
		w.mix(4, uint64(n.index), uint64(in.index), uint64(a.Repeat))
		if !in.holding {
			w.fail("I2", "%s announces addresses that it does not hold", n.label(in))
		}
	case vrrp.Transition:
		w.mix(5, uint64(n.index), uint64(in.index), uint64(a.From), uint64(a.To), uint64(a.Trigger))
		n.checkTransition(in, a)
		in.state = a.To
		w.note("%s %v", n.label(in), a)
	case vrrp.Refuse:
		w.mix(6, uint64(a.Verdict.Reason))
		in.tally.reported++
	case vrrp.Log:
		n.seeLog(in, a)
	}
}

// label names an instance in traces.
func (n *node) label(in *instance) string {
	if len(n.instances) == 1 {
		return n.spec.Name
	}
	return n.spec.Name + "/" + itoa(int(in.params.VRID))
}
