package sim

import "slices"

// Shrink makes a scenario that breaks an invariant smaller, as long as it breaks
// the same one: fewer steps, then fewer nodes, then simpler ones.
func Shrink(sc *Scenario) *Scenario {
	first := Run(sc, Options{}).Violation
	if first == nil {
		return sc
	}
	breaks := func(c *Scenario) bool {
		if c.validate() != nil {
			return false
		}
		v := Run(c, Options{}).Violation
		return v != nil && v.Invariant == first.Invariant
	}
	for smaller := true; smaller; {
		smaller = false
		for _, c := range smallerOnes(sc) {
			if breaks(c) {
				sc, smaller = c, true
				break
			}
		}
	}
	return sc
}

// smallerOnes are scenarios with one thing less.
func smallerOnes(sc *Scenario) (all []*Scenario) {
	change := func(f func(*Scenario)) {
		c := *sc
		c.Nodes, c.Routers, c.Steps = slices.Clone(sc.Nodes), slices.Clone(sc.Routers), slices.Clone(sc.Steps)
		f(&c)
		if c.String() != sc.String() {
			all = append(all, &c)
		}
	}
	if half := len(sc.Steps) / 2; half > 1 {
		change(func(c *Scenario) { c.Steps = c.Steps[:half] })
		change(func(c *Scenario) { c.Steps = c.Steps[half:] })
	}
	for i := range sc.Steps {
		change(func(c *Scenario) { c.Steps = slices.Delete(c.Steps, i, i+1) })
	}
	for i, n := range sc.Nodes {
		change(func(c *Scenario) {
			c.Nodes = slices.Delete(c.Nodes, i, i+1)
			c.Steps = slices.DeleteFunc(c.Steps, func(s Step) bool { return slices.Contains(s.Args, n.Name) })
		})
		change(func(c *Scenario) {
			c.Nodes[i] = Node{Name: n.Name, Host: n.Host, Priority: n.Priority}
		})
		for _, f := range []func(*Node){
			func(n *Node) { n.NoPreempt = false }, func(n *Node) { n.PreemptDelay = 0 }, func(n *Node) { n.StartBackup = false },
			func(n *Node) { n.NoAnswer = false }, func(n *Node) { n.LastWord = false }, func(n *Node) { n.MessageOnly = false },
			func(n *Node) { n.Off = false }, func(n *Node) { n.Stale = false }, func(n *Node) { n.Startup = 0 },
			func(n *Node) { n.Clock = 0 }, func(n *Node) { n.Version = 0 }, func(n *Node) { n.Password = "" },
		} {
			change(func(c *Scenario) { f(&c.Nodes[i]) })
		}
	}
	for i, r := range sc.Routers {
		if len(sc.Routers) > 1 {
			change(func(c *Scenario) {
				c.Routers, c.Sync = slices.Delete(c.Routers, i, i+1), false
				c.Steps = slices.DeleteFunc(c.Steps, func(s Step) bool { return slices.Contains(s.Args, itoa(int(r.VRID))) })
			})
		}
		for _, f := range []func(*Router){
			func(r *Router) { r.Unicast = false }, func(r *Router) { r.Adverts = 0 }, func(r *Router) { r.Addresses = 1 },
			func(r *Router) { r.IPv6 = false }, func(r *Router) { r.Auth = 0 },
		} {
			change(func(c *Scenario) { f(&c.Routers[i]) })
		}
	}
	change(func(c *Scenario) { c.Sync = false })
	return all
}
