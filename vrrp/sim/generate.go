package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"ipvsadm/vrrp"
)

// Generate draws a scenario from a seed: routers and nodes, then for a while a
// few faults of the menu, then everything is healed and left alone.
func Generate(seed uint64) *Scenario {
	g := &generator{rng: rand.New(rand.NewPCG(seed, 0x67656e)), sc: &Scenario{Seed: seed}}
	g.routers()
	g.nodes()
	g.faults()
	g.heal()
	if err := g.sc.validate(); err != nil {
		panic(fmt.Sprintf("seed %d makes a scenario that cannot be run: %v\n%v", seed, err, g.sc))
	}
	return g.sc
}

type generator struct {
	rng  *rand.Rand
	sc   *Scenario
	menu []func(time.Duration) // the faults of this seed
}

func (g *generator) one(in int) bool { return g.rng.IntN(in) == 0 }

func pick[T any](g *generator, all ...T) T { return all[g.rng.IntN(len(all))] }

func (g *generator) routers() {
	n := 1
	if g.one(5) {
		n = 2
		g.sc.Sync = !g.one(4)
	}
	interval := pick(g, time.Second, time.Second, 100*time.Millisecond, 10*time.Millisecond, 2*time.Second, 370*time.Millisecond)
	for i := range n {
		r := Router{VRID: uint8(51 + i), Version: vrrp.V3, Interval: interval, Addresses: 1 + g.rng.IntN(3)}
		switch g.rng.IntN(6) {
		case 0, 1:
			r.Version, r.Interval = vrrp.V2, max(interval.Round(time.Second), time.Second)
			r.Auth = pick(g, vrrp.AuthNone, vrrp.AuthPass, vrrp.AuthAH)
		case 2:
			r.IPv6 = true
		}
		r.Unicast = g.one(6)
		if g.one(10) {
			r.Adverts = 2 + g.rng.IntN(4) // with 1 any delay makes Backup Routers flap
		}
		g.sc.Routers = append(g.sc.Routers, r)
	}
	g.sc.Link.MaxDelay = g.interval() / time.Duration(pick(g, 1000, 100, 20, 8))
	if g.one(3) {
		g.sc.Link.MinDelay = g.sc.Link.MaxDelay / 2
	}
}

// interval is the longest one of the routers, which faults are timed by.
func (g *generator) interval() (d time.Duration) {
	for _, r := range g.sc.Routers {
		d = max(d, r.Interval)
	}
	return d
}

// slowest is the longest interval that any step configures, or that is there.
func (g *generator) slowest() time.Duration {
	d := g.interval()
	for _, s := range g.sc.Steps {
		if s.Verb == "interval" {
			d = max(d, duration(s.Args[2]))
		}
	}
	return d
}

func (g *generator) nodes() {
	hosts := g.rng.Perm(250)
	n := pick(g, 2, 2, 3, 3, 4, 5)
	priorities := pick(g, []uint8{100, 150, 200}, []uint8{100, 100}, []uint8{1, 254, 255}, []uint8{255, 255, 100}, []uint8{50, 51})
	for i := range n {
		node := Node{Name: string(rune('a' + i)), Host: hosts[i] + 1, Priority: pick(g, priorities...)}
		node.NoPreempt = g.one(4)
		if g.one(6) {
			node.PreemptDelay = g.span(1, 8)
		}
		node.StartBackup = g.one(8)
		node.NoAnswer, node.LastWord = g.one(6), g.one(6)
		node.MessageOnly = g.one(8)
		node.Off, node.Stale = g.one(10), g.one(10)
		if g.one(8) {
			node.Startup = g.span(0, 5)
		}
		if g.one(3) {
			node.Clock = pick(g, 500, -500, 200_000, -200_000, 20_000)
		}
		if g.one(40) && !g.sc.Sync {
			node.Version = pick(g, vrrp.V2, vrrp.V3)
			if slices.ContainsFunc(g.sc.Routers, func(r Router) bool { return r.IPv6 }) {
				node.Version = 0
			}
		}
		if g.one(40) && !g.sc.Sync && g.sc.Routers[0].Auth != vrrp.AuthNone {
			node.Password = "wrong"
		}
		g.sc.Nodes = append(g.sc.Nodes, node)
	}
	if g.sc.Sync {
		// With reasons to yield that differ between its links a group never rests:
		// hosts have the same order on all links, and the same routers.
		g.sc.Routers[1] = g.sc.Routers[0]
		g.sc.Routers[1].VRID++
	}
}

// span draws a duration of so many intervals.
func (g *generator) span(low, high int) time.Duration {
	i := g.interval()
	return (time.Duration(low)*i + time.Duration(g.rng.Int64N(int64(time.Duration(high-low)*i)+1))).Round(time.Millisecond)
}

func (g *generator) step(at time.Duration, verb string, args ...any) {
	s := Step{At: at, Verb: verb}
	for _, a := range args {
		s.Args = append(s.Args, fmt.Sprint(a))
	}
	g.sc.Steps = append(g.sc.Steps, s)
}

func (g *generator) node() string { return g.sc.Nodes[g.rng.IntN(len(g.sc.Nodes))].Name }

func (g *generator) vrid() int { return int(g.sc.Routers[g.rng.IntN(len(g.sc.Routers))].VRID) }

// faults draws the menu of this seed, most of which is left out, and then a
// number of faults from it.
func (g *generator) faults() {
	all := []func(time.Duration){
		g.crash, g.stopAndStart, g.pause, g.cutOneWay, g.isolate, g.split, g.bridge, g.lossy, g.slow,
		g.spoof, g.flap, g.script, g.weigh, g.reload, g.lose,
	}
	for _, f := range all {
		if g.one(4) {
			g.menu = append(g.menu, f)
		}
	}
	if len(g.menu) == 0 {
		g.menu = append(g.menu, all[g.rng.IntN(len(all))])
	}
	at := g.span(2, 8)
	for range 1 + g.rng.IntN(7) {
		g.menu[g.rng.IntN(len(g.menu))](at)
		at += g.span(0, 8)
	}
}

// heal ends all faults after the last one, and leaves time to settle.
func (g *generator) heal() {
	end := time.Duration(0)
	for _, s := range g.sc.Steps {
		end = max(end, s.At)
	}
	end += g.span(1, 12)
	g.step(end, "link", g.sc.Link.MinDelay, g.sc.Link.MaxDelay, 0, 0, 0, 0)
	g.step(end, "heal")
	for _, n := range g.sc.Nodes {
		if g.one(8) {
			continue // stays as it is
		}
		g.step(end, "start", n.Name)
		for _, r := range g.sc.Routers {
			g.step(end, "up", n.Name, r.VRID)
			g.step(end, "fix", n.Name, r.VRID)
		}
	}
	slices.SortStableFunc(g.sc.Steps, func(a, b Step) int { return int(a.At - b.At) })
	w := newWorld(g.sc, Options{})
	for _, n := range w.nodes {
		for _, in := range n.instances {
			in.params.AdvertisementInterval = g.slowest() // as reloads may make it
		}
	}
	g.sc.For = (end + 2*w.settleTime() + g.span(2, 4)).Round(time.Millisecond)
}

func (g *generator) crash(at time.Duration) {
	n := g.node()
	g.step(at, "crash", n, pick(g, "keep", "lose"))
	if !g.one(4) {
		g.step(at+g.span(0, 8), "start", n)
	}
}

func (g *generator) stopAndStart(at time.Duration) {
	n := g.node()
	g.step(at, "stop", n)
	if !g.one(4) {
		g.step(at+g.span(0, 8), "start", n)
	}
}

func (g *generator) pause(at time.Duration) {
	g.step(at, "pause", g.node(), g.span(0, pick(g, 1, 5, 15))+time.Millisecond, pick(g, "process", "machine"))
}

func (g *generator) cutOneWay(at time.Duration) {
	a, b := g.node(), g.node()
	if a == b {
		return
	}
	g.step(at, "cut", a, b)
	g.step(at+g.span(0, 12), "join", a, b)
}

func (g *generator) isolate(at time.Duration) {
	n := g.node()
	g.step(at, "isolate", n)
	g.step(at+g.span(0, 12), "rejoin", n)
}

func (g *generator) split(at time.Duration) {
	var args []any
	cut := g.rng.IntN(len(g.sc.Nodes))
	for i, j := range g.rng.Perm(len(g.sc.Nodes)) {
		if i == cut && i > 0 {
			args = append(args, "/")
		}
		args = append(args, g.sc.Nodes[j].Name)
	}
	g.step(at, "split", args...)
	if !g.one(4) {
		g.step(at+g.span(0, 15), "heal")
	}
}

// bridge leaves a node in the middle that hears two who do not hear each other.
func (g *generator) bridge(at time.Duration) {
	a, b := g.node(), g.node()
	if a == b {
		return
	}
	g.step(at, "cut", a, b)
	g.step(at, "cut", b, a)
	g.step(at+g.span(0, 12), "heal")
}

func (g *generator) lossy(at time.Duration) {
	k := &g.sc.Link
	g.step(at, "link", k.MinDelay, k.MaxDelay, g.rng.IntN(600), g.rng.IntN(300), g.rng.IntN(300), g.rng.IntN(100))
	g.step(at+g.span(1, 12), "link", k.MinDelay, k.MaxDelay, 0, 0, 0, 0)
}

// slow delays packets, by more than an interval now and then.
func (g *generator) slow(at time.Duration) {
	k := &g.sc.Link
	g.step(at, "link", k.MinDelay, k.MaxDelay+g.span(0, 3), 0, pick(g, 0, 100), 0, 0)
	g.step(at+g.span(1, 12), "link", k.MinDelay, k.MaxDelay, 0, 0, 0, 0)
}

func (g *generator) spoof(at time.Duration) {
	priority, host := pick(g, 0, 0, 1, 255, int(g.sc.Nodes[0].Priority)), pick(g, 251, g.sc.Nodes[0].Host)
	for range 1 + g.rng.IntN(4) {
		g.step(at, "spoof", g.vrid(), priority, host)
		at += pick(g, g.span(0, 2), 3*time.Millisecond)
	}
}

func (g *generator) flap(at time.Duration) {
	n, r := g.node(), g.vrid()
	g.step(at, "down", n, r)
	g.step(at+g.span(0, 6), "up", n, r)
}

func (g *generator) script(at time.Duration) {
	n, r := g.node(), g.vrid()
	g.step(at, "fail", n, r)
	g.step(at+g.span(0, 6), "fix", n, r)
}

func (g *generator) weigh(at time.Duration) {
	n, weight := g.node(), pick(g, -300, -60, -1, 0, 1, 60, 300)
	for _, r := range g.sc.Routers {
		g.step(at, "weigh", n, r.VRID, weight)
	}
}

func (g *generator) reload(at time.Duration) {
	n := g.node()
	what := g.rng.IntN(5)
	for i, r := range g.sc.Routers {
		switch what {
		case 0:
			priority := pick(g, 1, 99, 100, 101, 254, 255)
			if i == 0 || !g.sc.Sync {
				g.eachRouter(at, "priority", n, priority)
			}
		case 1:
			g.step(at, "addresses", n, r.VRID, 1+g.rng.IntN(4))
		case 2:
			g.step(at, "preempt", n, r.VRID, pick(g, "on", "off"))
		case 3:
			if r.Version == vrrp.V3 && g.nodeVersion(n) != vrrp.V2 {
				g.step(at, "interval", n, r.VRID, pick(g, r.Interval, max(r.Interval/2, 10*time.Millisecond).Round(10*time.Millisecond), 2*r.Interval, min(20*r.Interval, 20*time.Second)))
			}
		default:
			g.step(at, "reload", n, r.VRID)
		}
	}
}

func (g *generator) nodeVersion(name string) vrrp.Version {
	for _, n := range g.sc.Nodes {
		if n.Name == name {
			return n.Version
		}
	}
	return 0
}

// eachRouter changes all routers of a node alike: members of a sync group with
// priorities that contradict each other never rest.
func (g *generator) eachRouter(at time.Duration, verb, node string, arg any) {
	for _, r := range g.sc.Routers {
		g.step(at, verb, node, r.VRID, arg)
	}
}

func (g *generator) lose(at time.Duration) {
	for _, n := range g.sc.Nodes {
		g.step(at, "lose", n.Name, g.vrid())
	}
}
