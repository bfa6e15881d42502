package sim

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"ipvsadm/vrrp"
)

// verb is something a step can do. Its arguments are kinds of words: n a node,
// r a router by its VRID, d a duration, i a number, and "a|b" one of these words;
// a kind that ends in * may be repeated, or left out.
type verb struct {
	args []string
	do   func(*world, []string)
}

// verbs is the menu of faults.
func verbs() map[string]verb {
	return map[string]verb{
		// Processes and hosts.
		"start": {[]string{"n"}, func(w *world, a []string) { w.node(a[0]).start() }},
		"stop":  {[]string{"n"}, func(w *world, a []string) { w.node(a[0]).stop(true, false) }},
		"crash": {[]string{"n", "keep|lose"}, func(w *world, a []string) { w.node(a[0]).stop(false, a[1] == "keep") }},
		"pause": {[]string{"n", "d", "process|machine"}, func(w *world, a []string) {
			w.node(a[0]).pause(duration(a[1]), a[2] == "machine")
		}},
		// Links. cut is one way.
		"cut":     {[]string{"n", "n"}, func(w *world, a []string) { w.setCut(w.index(a[0]), w.index(a[1]), true) }},
		"join":    {[]string{"n", "n"}, func(w *world, a []string) { w.setCut(w.index(a[0]), w.index(a[1]), false) }},
		"isolate": {[]string{"n"}, func(w *world, a []string) { w.isolate(w.index(a[0]), true) }},
		"rejoin":  {[]string{"n"}, func(w *world, a []string) { w.isolate(w.index(a[0]), false) }},
		"split":   {[]string{"n*"}, func(w *world, a []string) { w.split(a) }},
		"heal":    {nil, func(w *world, _ []string) { w.heal() }},
		"link": {[]string{"d", "d", "i", "i", "i", "i"}, func(w *world, a []string) {
			w.link = Link{duration(a[0]), duration(a[1]), number(a[2]), number(a[3]), number(a[4]), number(a[5])}
			w.disturb(0)
		}},
		"spoof": {[]string{"r", "i", "i"}, func(w *world, a []string) {
			w.disturb(0)
			w.spoof(w.router(a[0]), uint8(number(a[1])), number(a[2]))
		}},
		// One node's interface, addresses, trackers, configuration.
		"down": {[]string{"n", "r"}, func(w *world, a []string) { w.setLink(a, true) }},
		"up":   {[]string{"n", "r"}, func(w *world, a []string) { w.setLink(a, false) }},
		"fail": {[]string{"n", "r"}, func(w *world, a []string) { w.setCause(a, script, true) }},
		"fix":  {[]string{"n", "r"}, func(w *world, a []string) { w.setCause(a, script, false) }},
		"lose": {[]string{"n", "r"}, func(w *world, a []string) { w.loseAddresses(a) }},
		"weigh": {[]string{"n", "r", "i"}, func(w *world, a []string) {
			n, in := w.instance(a)
			n.tell(in, func() vrrp.Event {
				in.weight = number(a[2])
				return vrrp.Weighed{Weight: in.weight}
			})
		}},
		"priority": {[]string{"n", "r", "i"}, func(w *world, a []string) {
			w.reload(a, func(p *vrrp.Params) { p.Priority = uint8(min(max(number(a[2]), 1), 255)) })
		}},
		"interval": {[]string{"n", "r", "d"}, func(w *world, a []string) {
			w.reload(a, func(p *vrrp.Params) { p.AdvertisementInterval = duration(a[2]) })
		}},
		"preempt": {[]string{"n", "r", "on|off"}, func(w *world, a []string) {
			w.reload(a, func(p *vrrp.Params) { p.NoPreempt = a[2] == "off" })
		}},
		"addresses": {[]string{"n", "r", "i"}, func(w *world, a []string) {
			r := w.router(a[1])
			w.reload(a, func(p *vrrp.Params) {
				p.Addresses = virtualAddresses(&w.sc.Routers[r], r, min(max(number(a[2]), 1), 20))
			})
		}},
		"reload": {[]string{"n", "r"}, func(w *world, a []string) { w.reload(a, func(*vrrp.Params) {}) }},
	}
}

var script = vrrp.Cause{Kind: vrrp.CauseScript, Name: "chk"}

// checkStep tells whether a step has the arguments its verb wants.
func (sc *Scenario) checkStep(s Step) error {
	v, ok := verbs()[s.Verb]
	if !ok {
		return fmt.Errorf("unknown verb %q", s.Verb)
	}
	if len(v.args) == 1 && v.args[0] == "n*" {
		for _, a := range s.Args {
			if a != "/" && !slices.ContainsFunc(sc.Nodes, func(n Node) bool { return n.Name == a }) {
				return fmt.Errorf("no node %q", a)
			}
		}
		return nil
	}
	if len(s.Args) != len(v.args) {
		return fmt.Errorf("%d arguments, want %v", len(s.Args), v.args)
	}
	for i, kind := range v.args {
		if !sc.fits(kind, s.Args[i]) {
			return fmt.Errorf("%q is not %s", s.Args[i], kind)
		}
	}
	if s.Verb == "interval" {
		return sc.checkInterval(s)
	}
	return nil
}

func (sc *Scenario) fits(kind, arg string) bool {
	switch kind {
	case "n":
		return slices.ContainsFunc(sc.Nodes, func(n Node) bool { return n.Name == arg })
	case "r":
		return slices.ContainsFunc(sc.Routers, func(r Router) bool { return itoa(int(r.VRID)) == arg })
	case "d":
		d, err := time.ParseDuration(arg)
		return err == nil && d >= 0 && d <= time.Hour
	case "i":
		n, err := strconv.Atoi(arg)
		return err == nil && n >= -1000 && n <= 1000
	case "keep|lose":
		return arg == "keep" || arg == "lose"
	case "process|machine":
		return arg == "process" || arg == "machine"
	case "on|off":
		return arg == "on" || arg == "off"
	}
	return false
}

// checkInterval refuses an interval that the router's version cannot express.
func (sc *Scenario) checkInterval(s Step) error {
	for i := range sc.Nodes {
		for r := range sc.Routers {
			if sc.Nodes[i].Name == s.Args[0] && itoa(int(sc.Routers[r].VRID)) == s.Args[1] {
				p := sc.params(i, r)
				p.AdvertisementInterval = duration(s.Args[2])
				return p.Validate()
			}
		}
	}
	return nil
}

// step carries out a step. validate has made sure that it can.
func (w *world) step(s Step) {
	w.note("--- %s", s)
	verbs()[s.Verb].do(w, s.Args)
}

func duration(s string) time.Duration {
	d, _ := time.ParseDuration(s)
	return d
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func (w *world) index(name string) int {
	return slices.IndexFunc(w.sc.Nodes, func(n Node) bool { return n.Name == name })
}

func (w *world) node(name string) *node { return w.nodes[w.index(name)] }

func (w *world) router(vrid string) int {
	return slices.IndexFunc(w.sc.Routers, func(r Router) bool { return itoa(int(r.VRID)) == vrid })
}

// instance is the one that the first two arguments name.
func (w *world) instance(a []string) (*node, *instance) {
	n := w.node(a[0])
	return n, n.instances[w.router(a[1])]
}

// tell changes something about an instance and hands the event to its machine,
// if that runs. A paused process notices the change when it goes on.
func (n *node) tell(in *instance, change func() vrrp.Event) {
	n.w.disturb(0)
	switch {
	case n.paused:
		n.untold = append(n.untold, func() { n.tell(in, change) })
	case n.up:
		n.hand(in.index, change())
		n.batch()
	default:
		change()
	}
}

func (w *world) reload(a []string, change func(*vrrp.Params)) {
	n, in := w.instance(a)
	n.tell(in, func() vrrp.Event {
		change(&in.params)
		if n.up && in.state == vrrp.Active {
			w.seen[ReloadInActive]++
		}
		in.oracle.reloaded(in)
		return vrrp.Reload{Params: in.params}
	})
}

// reloaded takes over what the oracle must know of a reload.
func (o *oracle) reloaded(in *instance) {
	if !o.learned || in.params.Version == vrrp.V2 {
		o.interval = in.params.AdvertisementInterval
	}
}

func (w *world) setLink(a []string, down bool) {
	_, in := w.instance(a)
	in.linkDown = down
	w.setCause(a, vrrp.Cause{Kind: vrrp.CauseInterface, Name: "eth" + itoa(in.index)}, down)
}

func (w *world) setCause(a []string, c vrrp.Cause, on bool) {
	n, in := w.instance(a)
	n.tell(in, func() vrrp.Event {
		if on {
			in.causes[c] = true
			return vrrp.Failed{Cause: c}
		}
		delete(in.causes, c)
		return vrrp.Healed{Cause: c}
	})
}

// loseAddresses is somebody else's ip addr flush.
func (w *world) loseAddresses(a []string) {
	n, in := w.instance(a)
	n.tell(in, func() vrrp.Event {
		if in.holding {
			w.seen[AddressesLost]++
		}
		in.holding = false
		return vrrp.AddressesLost{}
	})
}

func (w *world) setCut(from, to int, on bool) {
	before := w.whole()
	if w.cut[from][to] && !on && !w.cut[to][from] {
		w.seen[HealedOneWay]++
	}
	w.cut[from][to] = on
	w.disturb(0)
	if !before && w.whole() {
		w.watchHealing()
	}
}

func (w *world) isolate(i int, on bool) {
	before := w.whole()
	for j := range w.nodes {
		if i != j {
			w.cut[i][j], w.cut[j][i] = on, on
		}
	}
	w.disturb(0)
	if !before && w.whole() {
		w.watchHealing()
	}
}

// split cuts the net into the parts that slashes separate.
func (w *world) split(a []string) {
	part := make([]int, len(w.nodes))
	p := 1
	for _, name := range a {
		if name == "/" {
			p++
		} else {
			part[w.index(name)] = p
		}
	}
	for i := range w.nodes {
		for j := range w.nodes {
			w.cut[i][j] = i != j && part[i] != part[j]
		}
	}
	w.disturb(0)
}

func (w *world) heal() {
	before := w.whole()
	for i := range w.nodes {
		clear(w.cut[i])
	}
	w.disturb(0)
	if !before {
		w.watchHealing()
	}
}

// whole tells whether nothing is cut.
func (w *world) whole() bool {
	for i := range w.cut {
		if slices.Contains(w.cut[i], true) {
			return false
		}
	}
	return true
}
