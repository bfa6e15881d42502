package sched

// Scheduler is what is known of a scheduling algorithm without asking a kernel.
type Scheduler struct {
	// Name is the kernel's name, what ipvsadm's -s takes.
	Name string
	// Summary says in one line who gets the next connection.
	Summary string
}

// Module returns the kernel module that holds the scheduler; the kernel asks
// for it by this name when a service wants a scheduler it does not have
// (ip_vs_scheduler_get in net/netfilter/ipvs/ip_vs_sched.c).
func (s Scheduler) Module() string { return "ip_vs_" + s.Name }

// All returns every scheduler of the Linux kernel, the simple ones first. A
// given kernel may lack some: mh came with 4.18, twos with 5.12.
func All() []Scheduler {
	return []Scheduler{
		{"rr", "round robin: every server in turn"},
		{"wrr", "weighted round robin: in turn, as often as the weight says"},
		{"lc", "least connections: the server with the fewest"},
		{"wlc", "weighted least connections: the fewest for its weight"},
		{"lblc", "locality-based least connections: one server per destination address until it is overloaded"},
		{"lblcr", "lblc with replication: a set of servers per destination address, growing under load"},
		{"dh", "destination hashing: the server is a function of the destination address"},
		{"sh", "source hashing: the server is a function of the client address"},
		{"sed", "shortest expected delay: the fewest connections for its weight, counting the new one"},
		{"nq", "never queue: an idle server if there is one, else as sed"},
		{"fo", "weighted failover: the server with the highest weight takes all"},
		{"ovf", "weighted overflow: the server with the highest weight until its active connections exceed the weight, then the next"},
		{"mh", "Maglev hashing: a function of the client address that moves few clients when servers change"},
		{"twos", "power of two choices: the less loaded of two servers drawn at random by weight"},
	}
}

// Find returns the scheduler of that name, false if no kernel has one. Names
// are case-sensitive. "none", a service without a scheduler, is not one.
func Find(name string) (Scheduler, bool) {
	for _, s := range All() {
		if s.Name == name {
			return s, true
		}
	}
	return Scheduler{}, false
}
