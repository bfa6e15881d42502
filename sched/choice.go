package sched

import (
	"fmt"
	"net/netip"
	"time"
)

// Connection is a client's new connection, as its first packet shows it.
type Connection struct {
	// Client is the source, address and port.
	Client netip.AddrPort
	// Virtual is the destination before balancing. It is the service's address,
	// but for a service by firewall mark it may be any.
	Virtual netip.AddrPort
	// At is when the packet comes, since any fixed moment, and never earlier
	// than that of the connection before. Caches and persistence grow old by it.
	At time.Duration
}

// Choice is the server a new connection gets, and why.
type Choice struct {
	// Server is the zero AddrPort if no server may have the connection.
	Server netip.AddrPort
	// Doubts are what the answer hangs on and the kernel does not show, and chance.
	Doubts []Doubt
	// Why says in the order of events what led there.
	Why []Reason
}

// Certain reports whether there is no doubt.
func (c Choice) Certain() bool { return len(c.Doubts) == 0 }

// Rule is a step on the way to a choice.
type Rule uint8

const (
	// Bound: the client has a persistence template for Server.
	Bound Rule = iota + 1
	// Hashed: the connection falls into bucket A, which belongs to Server.
	Hashed
	// Fallback: the table is tried again from place B, which leads to bucket A of Server.
	Fallback
	// Cached: Server is cached for the destination address.
	Cached
	// Replaced: the cached Server has A active connections, more than its weight B,
	// and another one has less than half its own, or Server can't take any.
	Replaced
	// Quiesced: Server has weight 0.
	Quiesced
	// Overloaded: Server has A connections and its upper threshold B.
	Overloaded
	// Full: Server has A active connections, more than its weight B.
	Full
	// Load: Server has load A and weight B; the smallest A/B wins, the first of equals.
	Load
	// Idle: Server has no active connection.
	Idle
	// Weighed: Server has weight B; the greatest wins, the first of equals.
	Weighed
	// Turn: it is the turn of Server, next in the list after the last one chosen.
	Turn
	// Round: it is the turn of Server, whose weight B has reached the round's A.
	Round
	// Drawn: Server is drawn at random with probability A in 1000000.
	Drawn
	// Nobody: no server may have the connection.
	Nobody
)

// Reason is one step: a rule, the server it is about, and its two numbers.
type Reason struct {
	Rule   Rule
	Server netip.AddrPort
	A, B   int64
}

// String says the step in words.
func (r Reason) String() string {
	switch r.Rule {
	case Bound:
		return fmt.Sprintf("%s: the client is bound to it by persistence", r.Server)
	case Hashed:
		if !r.Server.IsValid() {
			return fmt.Sprintf("bucket %d is empty", r.A)
		}
		return fmt.Sprintf("%s: owns bucket %d", r.Server, r.A)
	case Fallback:
		return fmt.Sprintf("%s: owns bucket %d, the fallback at offset %d", r.Server, r.A, r.B)
	case Cached:
		return fmt.Sprintf("%s: cached for the destination", r.Server)
	case Replaced:
		return fmt.Sprintf("%s: cached, but no longer good (%d active, weight %d)", r.Server, r.A, r.B)
	case Quiesced:
		return fmt.Sprintf("%s: weight 0", r.Server)
	case Overloaded:
		return fmt.Sprintf("%s: overloaded (%d connections, upper threshold %d)", r.Server, r.A, r.B)
	case Full:
		return fmt.Sprintf("%s: full (%d active, weight %d)", r.Server, r.A, r.B)
	case Load:
		return fmt.Sprintf("%s: load %d / weight %d", r.Server, r.A, r.B)
	case Idle:
		return fmt.Sprintf("%s: idle", r.Server)
	case Weighed:
		return fmt.Sprintf("%s: weight %d", r.Server, r.B)
	case Turn:
		return fmt.Sprintf("%s: next in turn", r.Server)
	case Round:
		return fmt.Sprintf("%s: next in turn with weight %d, this round asks for %d", r.Server, r.B, r.A)
	case Drawn:
		return fmt.Sprintf("%s: drawn with probability %d.%04d %%", r.Server, r.A/10000, r.A%10000)
	case Nobody:
		return "no server may have it"
	}
	return fmt.Sprintf("rule %d", r.Rule)
}

// reasons collects the steps of a choice; a nil one is for those who don't ask.
type reasons struct{ list []Reason }

func (r *reasons) add(rule Rule, s *server, a, b int64) {
	if r == nil {
		return
	}
	reason := Reason{Rule: rule, A: a, B: b}
	if s != nil {
		reason.Server = s.Addr
	}
	r.list = append(r.list, reason)
}

// unusable notes why a server that may not get new connections may not.
func (r *reasons) unusable(s *server) {
	if s.Weight <= 0 {
		r.add(Quiesced, s, 0, 0)
	} else {
		r.add(Overloaded, s, int64(s.total()), int64(s.Upper))
	}
}
