package sim

import (
	"slices"
	"time"

	"ipvsadm/vrrp"
)

// This file checks what must be true of the whole network: I1 and I5.

// calm tells whether links do nothing but delay, and hardly that.
func (w *world) calm() bool {
	k := w.link
	return k.Drop+k.Duplicate+k.Corrupt+k.Truncate == 0 && k.MaxDelay-k.MinDelay <= w.shortest()/4
}

// shortest and longest are the intervals that are configured now.
func (w *world) shortest() time.Duration {
	d := time.Hour
	for _, n := range w.nodes {
		for _, in := range n.instances {
			d = min(d, in.params.AdvertisementInterval)
		}
	}
	return d
}

func (w *world) longest() time.Duration {
	d := time.Duration(0)
	for _, n := range w.nodes {
		for _, in := range n.instances {
			d = max(d, in.params.AdvertisementInterval, in.oracle.interval)
		}
	}
	return d
}

// settleTime is how long after the last fault everything must have found its
// place: the delays of preemption, then twice the longest silence (a sync group
// may have to wait for its slowest member), by the slowest clock.
func (w *world) settleTime() time.Duration {
	adverts, preempt, fast := 3, time.Duration(0), 0
	for _, n := range w.nodes {
		fast = max(fast, n.spec.Clock, -n.spec.Clock)
		for _, in := range n.instances {
			adverts = max(adverts, in.adverts())
			preempt = max(preempt, in.params.PreemptDelay)
		}
	}
	s := preempt + time.Duration(2*(adverts+2))*max(w.longest(), time.Second*time.Duration(w.versions2())) + 4*w.link.MaxDelay
	return s + s*time.Duration(fast)/1_000_000 + s/50
}

// versions2 is 1 if a router speaks version 2, whose skew is up to a second.
func (w *world) versions2() int {
	for _, n := range w.nodes {
		for _, in := range n.instances {
			if in.params.Version == vrrp.V2 {
				return 1
			}
		}
	}
	return 0
}

// checkSettled is I1: in a network that has settled there is exactly one Active
// Router wherever one is possible, and its place does not change any more.
func (w *world) checkSettled() {
	if !w.calm() || w.now < w.disturbed+w.settleTime() {
		w.settledStates = w.settledStates[:0]
		return
	}
	parts, ok := w.parts()
	if !ok || w.sc.Sync && len(parts) > 1 {
		return // a node hears some who do not hear each other
	}
	w.settledChecks++
	for r := range w.sc.Routers {
		for _, part := range parts {
			w.checkPart(r, part)
		}
	}
	w.checkQuiet()
}

// checkPart checks the nodes of a part that understand each other.
func (w *world) checkPart(r int, part []int) {
	done := make([]bool, len(part))
	for i, a := range part {
		if done[i] {
			continue
		}
		active, able := 0, 0
		best, holder := 0, 0 // priorities: of those who preempt, and of the Active Router
		for j := i; j < len(part); j++ {
			if !w.nodes[part[j]].sameLanguage(w.nodes[a], r) {
				continue
			}
			done[j] = true
			n := w.nodes[part[j]]
			if in := n.instances[r]; n.up && in.state == vrrp.Active {
				active++
				_, holder = n.claim(r)
			}
			if n.able(r) {
				able++
				claim, _ := n.claim(r)
				best = max(best, claim)
			}
		}
		if active != min(able, 1) {
			w.fail("I1", "router %d has %d Active Routers among %d able nodes", w.sc.Routers[r].VRID, active, able)
		} else if best > holder {
			w.fail("I1", "router %d is held by priority %d, and priority %d does not preempt", w.sc.Routers[r].VRID, holder, best)
		}
	}
}

// claim is the priority that a node preempts with, 0 if it does not, and the one
// that it defends itself with. A sync group is as strong as its weakest member
// when it wants something, and as its strongest when it has it.
func (n *node) claim(r int) (preempts, holds int) {
	preempts = 255
	for i, in := range n.instances {
		if i != r && n.group == nil {
			continue
		}
		p := in.priority()
		holds = max(holds, p)
		if in.params.NoPreempt && p != 255 {
			p = 0
		}
		preempts = min(preempts, p)
	}
	return preempts, holds
}

// able tells whether a node can be Active for a router.
func (n *node) able(r int) bool {
	if !n.up || n.paused {
		return false
	}
	for i, in := range n.instances {
		if (i == r || n.group != nil) && len(in.causes) > 0 {
			return false
		}
	}
	return true
}

// sameLanguage tells whether two nodes accept each other's advertisements.
func (n *node) sameLanguage(o *node, r int) bool {
	p, q := &n.instances[r].params, &o.instances[r].params
	return p.Version == q.Version && p.Auth == q.Auth && p.Password == q.Password &&
		(p.Version != vrrp.V2 || p.AdvertisementInterval == q.AdvertisementInterval)
}

// checkQuiet makes sure that in a settled network nothing moves any more.
func (w *world) checkQuiet() {
	var states []vrrp.State
	for _, n := range w.nodes {
		for _, in := range n.instances {
			states = append(states, in.state)
		}
	}
	if len(w.settledStates) > 0 && !slices.Equal(states, w.settledStates) {
		w.fail("I1", "states change in a settled network: %v, then %v", w.settledStates, states)
	}
	w.settledStates = states
}

// parts are the groups of nodes that hear each other. It fails when hearing is
// one way or does not carry on, as in a bridge A-B-C where A and C are deaf to
// each other.
func (w *world) parts() (parts [][]int, ok bool) {
	if w.whole() {
		all := make([]int, len(w.nodes))
		for i := range all {
			all[i] = i
		}
		return [][]int{all}, true
	}
	of := make([]int, len(w.nodes))
	for i := range w.nodes {
		if of[i] > 0 {
			continue
		}
		var part []int
		for j := range w.nodes {
			if !w.cut[i][j] || i == j {
				if of[j] > 0 {
					return nil, false
				}
				of[j] = len(parts) + 1
				part = append(part, j)
			}
		}
		parts = append(parts, part)
	}
	for i := range w.nodes {
		for j := range w.nodes {
			if i != j && w.cut[i][j] != (of[i] != of[j]) {
				return nil, false
			}
		}
	}
	return parts, true
}

// healing is a cut that healed: who was Active then, and when it must be over.
type healing struct {
	at           time.Duration
	disturbances int     // that there were until then
	active       [][]int // nodes by router
	best         []int
}

// watchHealing remembers who is Active when the network becomes whole again.
func (w *world) watchHealing() {
	if w.sc.Sync || !w.calm() || w.mixed() {
		return
	}
	h := healing{at: w.now, disturbances: w.disturbances}
	doubles := false
	wait := time.Duration(1)
	for r := range w.sc.Routers {
		var active []int
		best := -1
		for i, n := range w.nodes {
			in := n.instances[r]
			if !n.up || in.state != vrrp.Active {
				continue
			}
			if n.paused {
				return
			}
			active = append(active, i)
			if best < 0 || in.priority() > w.nodes[best].instances[r].priority() ||
				in.priority() == w.nodes[best].instances[r].priority() && n.spec.Host > w.nodes[best].spec.Host {
				best = i
			}
		}
		if w.sc.Routers[r].Auth == vrrp.AuthAH {
			wait = 3 // counters must meet first
		}
		doubles = doubles || len(active) > 1
		h.active, h.best = append(h.active, active), append(h.best, best)
	}
	if !doubles {
		return
	}
	w.seen[HealedDouble]++
	span := w.longest() + w.link.MaxDelay + 4*w.nodes[0].quantum()
	w.healed = append(w.healed, h)
	w.queue.push(item{at: w.now + wait*(span+span/2), kind: itemHealed})
}

// mixed tells whether nodes speak different languages.
func (w *world) mixed() bool {
	for r := range w.sc.Routers {
		for _, n := range w.nodes {
			if !n.sameLanguage(w.nodes[0], r) {
				return true
			}
		}
	}
	return false
}

// checkHealed is I5: of those who were Active when a cut healed only the best can
// still be, an interval and a delay later, if nothing else happened.
func (w *world) checkHealed() {
	h := w.healed[0]
	w.healed = w.healed[1:]
	if w.disturbances > h.disturbances || !w.calm() {
		return
	}
	for r := range w.sc.Routers {
		for _, i := range h.active[r] {
			if in := w.nodes[i].instances[r]; i != h.best[r] && in.state == vrrp.Active {
				w.fail("I5", "%s is still Active %v after the cut healed, and %s is better",
					w.nodes[i].label(in), w.now-h.at, w.nodes[h.best[r]].spec.Name)
			}
		}
	}
}
