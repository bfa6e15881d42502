package sim

import (
	"bytes"
	"iter"
	"slices"
	"strconv"
	"time"

	"ipvsadm/vrrp"
)

// This file checks what can be seen on one node at a time.

// tally counts what a machine should have counted (I15).
type tally struct {
	handed                 int // datagrams while it listened
	accepted               uint64
	sent, zeroes           uint64
	becameActive, released uint64
	reported               int
}

// oracle measures silence on its own (I4).
type oracle struct {
	since    time.Time // last advertisement that had to be obeyed, or begin of Backup
	zero     time.Time // priority 0 since then
	interval time.Duration
	learned  bool
	delay    time.Time // when preempt_delay ends
	delaying bool
	doubted  bool // the machine said that it listens once more

	sentAt   time.Time // last advertisement of ours, while Active
	promised time.Duration
	replyAt  time.Time
	paused   bool // since the last batch

	hearing       *packet   // the packet being handled
	listenFrom    time.Time // end of the startup delay
	first, gaveUp int       // advertisements before Active, and of priority 0, in this batch
}

func itoa(i int) string { return strconv.Itoa(i) }

func sortedCauses(m map[vrrp.Cause]bool) iter.Seq[vrrp.Cause] {
	all := make([]vrrp.Cause, 0, len(m))
	for c := range m {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b vrrp.Cause) int { return int(a.Kind) - int(b.Kind) })
	return slices.Values(all)
}

// priority is the effective priority, by arithmetic of our own.
func (in *instance) priority() int {
	if in.params.Priority == 255 {
		return 255
	}
	p := int(in.params.Priority) + in.weight
	if p < 1 {
		return 1
	}
	if p > 254 {
		return 254
	}
	return p
}

// owner tells whether the instance becomes Active without waiting.
func (in *instance) owner() bool { return in.params.Priority == 255 && !in.params.StartBackup }

// skew and down are RFC 9568 §6.1 in half nanoseconds per 256th, not in the way
// package vrrp computes them.
func (in *instance) skew(interval time.Duration) time.Duration {
	if in.params.Version == vrrp.V2 {
		interval = time.Second
	}
	rest := int64(256 - in.priority())
	return time.Duration(int64(interval)/256*rest + int64(interval)%256*rest/256)
}

func (in *instance) adverts() int {
	if in.params.DownAdverts == 0 {
		return 3
	}
	return in.params.DownAdverts
}

func (in *instance) down(interval time.Duration) time.Duration {
	return time.Duration(in.adverts())*interval + in.skew(interval)
}

// countBatch is half of I8: no instant lasts for ever.
func (n *node) countBatch() {
	if n.batchAt != n.w.now {
		n.batchAt, n.batches = n.w.now, 0
	}
	received := len(n.inbox)
	if n.batches++; n.batches > 8+received+len(n.w.nodes)*len(n.instances)*4 {
		n.w.fail("I8", "node %s handles batch %d at one instant", n.spec.Name, n.batches)
	}
}

// receive hands over a packet and checks what that does.
func (n *node) receive(pkt *packet) {
	w, in := n.w, n.instances[pkt.router]
	d, r := w.datagram(pkt)
	if r != vrrp.Accepted {
		if !pkt.damaged {
			w.fail("codec", "%s cannot read the header of a packet from host %d", n.label(in), pkt.src)
		}
		return
	}
	listens := (in.state == vrrp.Backup || in.state == vrrp.Active) && !n.clock().Before(in.oracle.listenFrom)
	before := in.m.AppendState(nil, n.clock())
	accepted := in.m.Counters().RcvdAdvertisements
	overslept := in.m.Counters().Overslept
	wasActive, sent, replyAt := in.state == vrrp.Active, in.tally.sent, in.oracle.replyAt
	in.oracle.hearing = pkt
	n.hand(pkt.router, vrrp.Packet{Datagram: d})
	in.oracle.hearing = nil
	took := in.m.Counters().RcvdAdvertisements != accepted
	if listens {
		in.tally.handed++
	}
	switch {
	case took && pkt.damaged:
		w.fail("I11", "%s accepts a packet that must be refused", n.label(in))
	case took:
		in.tally.accepted++
		n.obey(in, pkt)
		capped := !replyAt.IsZero() && n.clock().Sub(replyAt) < 10*time.Millisecond
		if wasActive && in.state == vrrp.Active && !capped && n.mustAnswer(in, pkt) && in.tally.sent == sent {
			w.fail("I9", "%s does not answer priority %d", n.label(in), pkt.priority)
		}
	case in.m.Counters().Overslept == overslept && !bytes.Equal(before, in.m.AppendState(nil, n.clock())):
		w.fail("I11", "%s refuses a packet and changes", n.label(in))
	case listens && !pkt.damaged && n.understands(in, pkt):
		w.fail("I11", "%s refuses a right packet from host %d", n.label(in), pkt.src)
	}
}

// mustAnswer tells whether an Active Router answers a packet with its own.
func (n *node) mustAnswer(in *instance, pkt *packet) bool {
	if pkt.priority == 0 {
		return true
	}
	ours := int(pkt.priority) == in.priority() && pkt.src == n.spec.Host
	return !n.isBetter(pkt, in) && !ours && !in.params.LowerPriorityNoAdvert
}

// understands tells whether the instance must accept an undamaged packet.
func (n *node) understands(in *instance, pkt *packet) bool {
	p := &in.params
	if pkt.version != p.Version || p.Auth == vrrp.AuthAH || p.Version == vrrp.V2 && pkt.interval != p.AdvertisementInterval {
		return false
	}
	if pkt.from == alien {
		return n.spec.Password == ""
	}
	other := n.w.nodes[pkt.from].instances[pkt.router]
	return other.params.Auth == p.Auth && other.params.Password == p.Password
}

// obey is the oracle's own reading of RFC 9568 §6.4.2.
func (n *node) obey(in *instance, pkt *packet) {
	o, now := &in.oracle, n.clock()
	if in.state != vrrp.Backup {
		return
	}
	own := in.priority()
	better := int(pkt.priority) >= own
	switch {
	case pkt.priority == 0:
		o.zero, o.doubted = now, false
	case better, in.params.NoPreempt && own != 255, in.params.PreemptDelay > 0 && (!o.delaying || now.Before(o.delay)):
		if in.params.NoPreempt && !better {
			n.w.seen[NoPreemptHeld]++
		}
		o.since, o.zero, o.doubted = now, time.Time{}, false
		if in.params.Version == vrrp.V3 {
			o.interval, o.learned = pkt.interval, true
		}
		if better {
			o.delaying = false
		} else if !o.delaying && in.params.PreemptDelay > 0 {
			o.delaying, o.delay = true, now.Add(in.params.PreemptDelay)
		}
	case o.zero.IsZero() && o.delaying && !o.doubted && o.since.Before(o.delay):
		o.since = o.delay // preempt_delay is over
	}
}

// checkTransition is I4 and I6, and keeps the oracle.
func (n *node) checkTransition(in *instance, t vrrp.Transition) {
	w, o, now := n.w, &in.oracle, n.clock()
	if t.From != in.state || t.From == t.To {
		w.fail("I2", "%s goes from %v to %v in %v", n.label(in), t.From, t.To, in.state)
	}
	if t.From == vrrp.Active {
		in.tally.released++
	}
	switch {
	case t.From != vrrp.Active:
	case t.To == vrrp.Backup:
		n.checkYield(in, t)
	case o.gaveUp != 1:
		w.fail("I3", "%s leaves Active for %v and sends priority 0 %d times", n.label(in), t.To, o.gaveUp)
	}
	switch t.To {
	case vrrp.Active:
		in.tally.becameActive++
		for _, o := range w.nodes {
			if o != n && o.up && o.instances[in.index].state == vrrp.Active {
				w.seen[DoubleActive]++
				break
			}
		}
		n.checkTakeover(in, t)
		o.sentAt, o.promised, o.replyAt = now, in.params.AdvertisementInterval, time.Time{}
		if o.first != 1 {
			w.fail("I3", "%s becomes Active with %d advertisements", n.label(in), o.first)
		}
		o.first, o.gaveUp = 0, 0
	case vrrp.Backup:
		o.since, o.zero, o.delaying, o.doubted = now, time.Time{}, false, false
		if now.Before(o.listenFrom) {
			o.since = o.listenFrom
		}
		o.interval, o.learned = in.params.AdvertisementInterval, false
		if pkt := o.hearing; pkt != nil && in.params.Version == vrrp.V3 && t.From == vrrp.Active &&
			(t.Trigger == vrrp.TriggerHigherPriority || t.Trigger == vrrp.TriggerHigherAddress) {
			o.interval, o.learned = pkt.interval, true
		}
	}
}

// checkTakeover is I4: nobody becomes Active without the silence it takes.
func (n *node) checkTakeover(in *instance, t vrrp.Transition) {
	w, o, now := n.w, &in.oracle, n.clock()
	if in.owner() && (t.Trigger == vrrp.TriggerOwner || t.Trigger == vrrp.TriggerGroup || n.group != nil) {
		if now.Before(o.listenFrom) {
			w.fail("I4", "%s, an owner, becomes Active before its startup delay is over", n.label(in))
		}
		return
	}
	if t.From != vrrp.Backup {
		w.fail("I4", "%s becomes Active from %v", n.label(in), t.From)
	}
	if len(n.inbox) > 0 {
		w.fail("I7", "%s becomes Active with %d packets unread", n.label(in), len(n.inbox))
	}
	needed := in.down(o.interval)
	if t.Trigger == vrrp.TriggerGroup {
		// It wanted to be Active before, perhaps when its priority was higher.
		needed = time.Duration(in.adverts()) * o.interval
	}
	silence := now.Sub(o.since) >= needed
	if !o.zero.IsZero() && now.Sub(o.zero) >= in.skew(o.interval) {
		silence = true
		if t.Trigger == vrrp.TriggerPriority {
			w.seen[ZeroHandOver]++
		}
	}
	if !silence {
		w.fail("I4", "%s becomes Active %v after it heard an advertisement, and must wait for %v",
			n.label(in), now.Sub(o.since), needed)
	}
	// After a pause silence proves nothing: there was nobody to hear.
	if late := now.Sub(o.since) - needed; o.paused && late > o.interval && o.zero.IsZero() && !o.doubted && t.Trigger != vrrp.TriggerGroup {
		w.fail("I7", "%s woke up %v late and becomes Active at once", n.label(in), late)
	}
}

// checkPatience is the other side of I4: a node that runs takes over when its
// silence is over, and not later. In a sync group others have a say.
func (n *node) checkPatience(in *instance) {
	o := &in.oracle
	if n.group != nil || o.paused || o.doubted {
		return
	}
	due := o.since.Add(in.down(o.interval))
	if !o.zero.IsZero() {
		due = o.zero.Add(in.skew(o.interval))
	}
	if late := n.clock().Sub(due); late > n.local(2*n.quantum())+1 {
		n.w.fail("I4", "%s should be Active since %v", n.label(in), late)
	}
}

// checkYield is I6: nobody yields without a reason, whatever Preempt_Mode says.
func (n *node) checkYield(in *instance, t vrrp.Transition) {
	w, o := n.w, &in.oracle
	switch t.Trigger {
	case vrrp.TriggerHigherPriority, vrrp.TriggerHigherAddress:
		pkt := o.hearing
		if pkt == nil || pkt.damaged || !n.isBetter(pkt, in) {
			w.fail("I6", "%s yields without having heard a better one", n.label(in))
		}
		if t.Trigger == vrrp.TriggerHigherAddress {
			w.seen[TieBroken]++
			if in.priority() == 255 {
				w.seen[OwnerAgainstOwner]++
			}
		}
	case vrrp.TriggerOverslept:
		if n.clock().Sub(o.sentAt) < time.Duration(in.adverts())*o.promised || !o.paused && n.w.calm() {
			w.fail("I6", "%s says it overslept after %v", n.label(in), n.clock().Sub(o.sentAt))
		}
	case vrrp.TriggerGroup:
		if n.group == nil {
			w.fail("I6", "%s yields for a group that it is not in", n.label(in))
		}
	default:
		w.fail("I6", "%s yields because of %v", n.label(in), t.Trigger)
	}
}

// checkSend is I3, I9 and I12.
func (n *node) checkSend(in *instance, a vrrp.SendAdvertisement) {
	w, o, now := n.w, &in.oracle, n.clock()
	in.tally.sent++
	adv := &a.Advertisement
	if adv.Priority == vrrp.PriorityStop {
		in.tally.zeroes++
		if in.state != vrrp.Active {
			w.fail("I3", "%s sends priority 0 in %v", n.label(in), in.state)
		}
		o.gaveUp++
		if o.gaveUp > 1 {
			w.fail("I3", "%s gives up twice", n.label(in))
		}
		return
	}
	lastWord := in.state == vrrp.Active && o.hearing != nil && in.params.HigherPrioritySendAdvert && n.isBetter(o.hearing, in)
	interval := in.params.AdvertisementInterval
	if lastWord {
		interval = o.hearing.interval
	}
	if int(adv.Priority) != in.priority() || adv.MaxAdvertiseInterval != interval || len(adv.Addresses) != len(in.params.Addresses) {
		w.fail("I12", "%s advertises priority %d, interval %v, %d addresses, and is configured otherwise",
			n.label(in), adv.Priority, adv.MaxAdvertiseInterval, len(adv.Addresses))
	}
	if in.state != vrrp.Active {
		// The first advertisement comes just before the transition, which must
		// follow: see checkTransition and checkBatch.
		o.first++
		return
	}
	if lastWord {
		return
	}
	n.checkGap(in)
	if gap := now.Sub(o.sentAt); gap >= time.Duration(max(in.adverts(), 2))*o.promised {
		w.fail("I9", "%s was silent for %v and speaks as if nothing had been", n.label(in), gap)
	}
	if o.hearing != nil {
		w.seen[LowerAnswered]++
		if !o.replyAt.IsZero() && now.Sub(o.replyAt) < 10*time.Millisecond {
			w.fail("I9", "%s answers %v after its last answer", n.label(in), now.Sub(o.replyAt))
		}
		o.replyAt = now
	}
	o.sentAt, o.promised = now, adv.MaxAdvertiseInterval
}

// isBetter tells whether a packet's sender beats the instance.
func (n *node) isBetter(pkt *packet, in *instance) bool {
	return int(pkt.priority) > in.priority() || int(pkt.priority) == in.priority() && pkt.src > n.spec.Host
}

// checkGap is I9: an Active Router that runs is not silent for longer than its
// interval, or the one it had told before, and the time it takes to wake up.
func (n *node) checkGap(in *instance) {
	o := &in.oracle
	limit := max(o.promised, in.params.AdvertisementInterval) + n.local(2*n.quantum()) + 1
	if gap := n.clock().Sub(o.sentAt); gap > limit && !o.paused {
		n.w.fail("I9", "%s was silent for %v", n.label(in), gap)
	}
}

// checkBatch checks what must be true when a node goes to sleep.
func (n *node) checkBatch() {
	w := n.w
	for _, in := range n.instances {
		o := &in.oracle
		if got := in.m.State(); got != in.state {
			w.fail("I2", "%s is %v and said it was %v", n.label(in), got, in.state)
		}
		if in.holding != (in.state == vrrp.Active) {
			w.fail("I2", "%s is %v and holds its addresses: %t", n.label(in), in.state, in.holding)
		}
		if o.first > 0 && in.state != vrrp.Active {
			w.fail("I3", "%s advertised and is %v", n.label(in), in.state)
		}
		if o.gaveUp > 0 && in.state == vrrp.Active {
			w.fail("I3", "%s gave up and is still Active", n.label(in))
		}
		switch in.state {
		case vrrp.Active:
			n.checkGap(in)
		case vrrp.Backup:
			n.checkPatience(in)
		}
		if d := in.m.Deadline(); !d.IsZero() && !d.After(n.clock()) {
			w.fail("I8", "%s has a deadline %v ago", n.label(in), n.clock().Sub(d))
		}
		o.first, o.gaveUp, o.paused = 0, 0, false
	}
	if n.group != nil {
		for _, in := range n.instances {
			if in.state != n.instances[0].state {
				w.fail("I10", "%s is %v, %s is %v", n.label(in), in.state, n.label(n.instances[0]), n.instances[0].state)
			}
		}
	}
}

// checkTally is I15.
func (w *world) checkTally(n *node, in *instance) {
	c, t := in.m.Counters(), &in.tally
	refused := uint64(0)
	for _, r := range vrrp.Reasons() {
		refused += c.RefusedFor(r)
	}
	if c.MasterTransitions != t.becameActive || c.ReleasedMaster != t.released || c.SentAdvertisements != t.sent ||
		c.SentPriZeroPackets != t.zeroes || c.RcvdAdvertisements != t.accepted || c.RcvdAdvertisements+refused != uint64(t.handed) {
		w.fail("I15", "%s counts %+v, seen were %+v", n.label(in), *c, *t)
	}
}

func (w *world) checkCounters() {
	for _, n := range w.nodes {
		for _, in := range n.instances {
			if in.m != nil {
				w.checkTally(n, in)
			}
		}
	}
}

// seeLog counts the rare things that must happen now and then.
func (n *node) seeLog(in *instance, l vrrp.Log) {
	switch l.Note {
	case vrrp.NoteIntervalLearned:
		n.w.seen[IntervalAdopted]++
	case vrrp.NoteOverslept:
		n.w.seen[Overslept]++
	case vrrp.NoteDoubt:
		n.w.seen[Doubted]++
		in.oracle.doubted = true
	case vrrp.NotePreemptDelayStarted:
		n.w.seen[PreemptDelayed]++
	}
}
