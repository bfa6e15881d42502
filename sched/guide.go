package sched

// Guide explains a scheduler to whoever has to choose one.
type Guide struct {
	// About says in two sentences what the scheduler does.
	About string
	// Use and Avoid say where it fits and where it does not.
	Use, Avoid string
	// Formula is the rule in short. W is a server's weight, A its active and I
	// its inactive connections; servers with W = 0 and overloaded ones are out.
	// To kernels of generation Totals, 256 is 257.
	Formula string
}

// Guide returns the explanation of the scheduler, the zero Guide for a Scheduler
// that is none of All.
func (s Scheduler) Guide() Guide {
	if g, ok := countingGuides()[s.Name]; ok {
		return g
	}
	return hashingGuides()[s.Name]
}

// countingGuides are of the schedulers that go by turns, weights and numbers of
// connections.
func countingGuides() map[string]Guide {
	return map[string]Guide{
		"rr": {
			About:   "Every new connection goes to the next server of the list. Weights count only where they are 0.",
			Use:     "for equal servers and connections that are short and cost about the same",
			Avoid:   "with servers of different strength, or with connections that stay open for very different times",
			Formula: "next server after the last one chosen",
		},
		"wrr": {
			About:   "Servers take turns as often as their weights say. The heavy ones get a run at the beginning of a cycle, then the lighter ones join in.",
			Use:     "for short connections to servers of different strength",
			Avoid:   "with long connections: a server that is slow to finish gets no fewer",
			Formula: "rounds ask for c = max W - (g-1), then c - g, c - 2g … > 0, with g the greatest common divisor of all W; in a round, every server with W >= c gets one",
		},
		"lc": {
			About:   "The server with the fewest connections gets the next one. An active connection counts as much as 256 inactive ones, and weights count only where they are 0.",
			Use:     "for equal servers and connections of very different length",
			Avoid:   "with servers of different strength, and with a server added cold: it gets every connection until it has caught up",
			Formula: "min (256 A + I)",
		},
		"wlc": {
			About:   "The server with the fewest connections for its weight gets the next one. An active connection counts as much as 256 inactive ones.",
			Use:     "if in doubt: it is ipvsadm's choice if you make none",
			Avoid:   "where a client must come back to its server without persistence",
			Formula: "min (256 A + I) / W",
		},
		"sed": {
			About:   "The server that would have the fewest active connections for its weight, counting the new one, gets it. Inactive connections do not count.",
			Use:     "for few long TCP connections to servers of different strength",
			Avoid:   "for UDP, where no connection is ever active and the greatest weight gets everything",
			Formula: "min (A + 1) / W",
		},
		"nq": {
			About:   "The first server without an active connection gets the next one. If all have some, the choice is that of sed.",
			Use:     "where no request should wait while a server is idle",
			Avoid:   "for UDP, where every server is idle and the first of the list gets everything",
			Formula: "first with A = 0, else min (A + 1) / W",
		},
		"fo": {
			About:   "The server with the greatest weight gets every connection. The next one takes over when its weight is set to 0, it is removed, or its upper threshold is reached.",
			Use:     "for one server in charge and others in reserve",
			Avoid:   "if the load should be shared",
			Formula: "max W",
		},
		"ovf": {
			About:   "The server with the greatest weight gets every connection until it has more active ones than its weight. Then the next one gets them, until it is full too, and when all are full nobody gets any.",
			Use:     "to fill as few servers as possible, the weight being the number of connections a server can carry",
			Avoid:   "for UDP, where no server ever fills, and wherever refusing clients is worse than overload",
			Formula: "max W among servers with A <= W",
		},
		"twos": {
			About:   "Two servers are drawn at random by weight, and the less loaded of them gets the connection. The same may be drawn twice.",
			Use:     "for many servers behind many directors that do not know of each other: they do not all rush to the same idle one",
			Avoid:   "before Linux 5.12, and where a choice must be foreseeable",
			Formula: "min (256 A + I) / W of two drawn with probability W / sum W, nearly",
		},
	}
}

// hashingGuides are of the schedulers that go by addresses.
func hashingGuides() map[string]Guide {
	return map[string]Guide{
		"dh": {
			About:   "The destination address is hashed into 256 buckets which the servers own in turn. If the owner is out, so is the destination.",
			Use:     "for transparent proxies by firewall mark, so that a site is always cached by the same proxy",
			Avoid:   "for a service with one address: everything goes to one server",
			Formula: "bucket = (word of the destination address * 0x61c88647 mod 2^32) / 2^24; owner = server number bucket mod n",
		},
		"sh": {
			About:   "The client's address is hashed into 256 buckets, of which the servers own as many in turn as their weights say, and one at weight 0. A client comes back to its server as long as no server or weight changes.",
			Use:     "for stickiness without memory, as on several directors at once; with sh-fallback its clients go elsewhere while a server is out, with sh-port one client's connections are spread",
			Avoid:   "if servers come and go: most clients move; with weight 0 but without sh-fallback, for then some clients get no server; and with few clients, or many behind one address",
			Formula: "bucket = (word of the client address [+ port] * 0x61c88647 mod 2^32) / 2^24",
		},
		"mh": {
			About:   "The client's address is hashed into a table which the servers fill in orders of their own, after Google's Maglev. When a server comes or goes, few clients of the others move.",
			Use:     "for stickiness without memory where servers change; mh-fallback and mh-port are as with sh",
			Avoid:   "with many clients behind one address, and with more servers than a table of 4093 buckets shares out evenly",
			Formula: "bucket = SipHash-1-3(word of the client address [+ port]) mod 4093",
		},
		"lblc": {
			About:   "A destination address stays with one server, chosen as by wlc. It moves when that server has more active connections than its weight while another has less than half of its own.",
			Use:     "for clusters of transparent proxies by firewall mark, where hits in the cache matter",
			Avoid:   "for a service with one address: everything goes to one server until it is full",
			Formula: "cached server unless A > W and some other 2 A < W, else min (256 A + I) / W",
		},
		"lblcr": {
			About:   "A destination address has a set of servers, of which the least loaded gets the connection. The set grows by the choice of wlc when that one is full, and loses its most loaded server after a day without change.",
			Use:     "as lblc, if some destinations are too popular for one server",
			Avoid:   "for a service with one address",
			Formula: "min (256 A + I) / W in the set unless A > W and some other 2 A < W, else min (256 A + I) / W of all",
		},
	}
}
