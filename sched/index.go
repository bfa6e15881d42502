package sched

// indexed takes the server that its algorithm takes. Asked for reasons, the
// algorithm asks every server; without, an index knows the answer.
type indexed struct {
	algorithm
	contest contest
}

func (i *indexed) start(s *Service) { i.contest.begin(s.servers) }

func (i *indexed) changed(s *Service, _ change, _ int) { i.contest.begin(s.servers) }

func (i *indexed) choose(s *Service, c Connection, why *reasons) *server {
	if why == nil {
		return i.contest.rounds[1]
	}
	return i.algorithm.choose(s, c, why)
}

// contest is a knock-out among the servers of a list. When the load of one has
// changed, only its own matches are played again.
type contest struct {
	// beaten says that a loses to b, which is behind it in the list. It must not
	// matter in which order servers meet.
	beaten func(a, b *server) bool
	// rounds has the winner of all in place 1, and the two whose match place i
	// was in places 2i and 2i+1: the last half is the list itself. Servers that
	// may not have a connection are nil.
	rounds []*server
}

// begin plays all matches of a list.
func (c *contest) begin(list []*server) {
	half := 1
	for half < len(list) {
		half *= 2
	}
	if len(c.rounds) != 2*half {
		c.rounds = make([]*server, 2*half)
	}
	clear(c.rounds)
	for i, one := range list {
		if one.usable() {
			c.rounds[half+i] = one
		}
	}
	for i := half - 1; i > 0; i-- {
		c.play(i)
	}
}

// update plays the matches of one server again.
func (c *contest) update(one *server) {
	i := len(c.rounds)/2 + one.at
	if c.rounds[i] = nil; one.usable() {
		c.rounds[i] = one
	}
	for i /= 2; i > 0; i /= 2 {
		c.play(i)
	}
}

func (c *contest) play(i int) {
	a, b := c.rounds[2*i], c.rounds[2*i+1]
	if a == nil || b != nil && c.beaten(a, b) {
		a = b
	}
	c.rounds[i] = a
}

// The rules of contests: those of lc, wlc, sed and nq.

func lighter(a, b *server) bool { return b.overhead() < a.overhead() }

func heavierOverhead(a, b *server) bool { return heavier(a, b, (*server).overhead) }

func heavierExpected(a, b *server) bool { return heavier(a, b, (*server).expected) }

// busier prefers idle servers, the first of them in the list.
func busier(a, b *server) bool {
	return a.Active != 0 && (b.Active == 0 || heavierExpected(a, b))
}
