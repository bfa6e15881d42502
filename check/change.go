package check

import "fmt"

// ChangeKind is what changed. The set is closed.
type ChangeKind uint8

const (
	RealUp ChangeKind = iota + 1
	RealDown
	WeightChanged
	QuorumGained
	QuorumLost
)

func (k ChangeKind) String() string {
	switch k {
	case RealUp:
		return "real server up"
	case RealDown:
		return "real server down"
	case WeightChanged:
		return "weight changed"
	case QuorumGained:
		return "quorum gained"
	case QuorumLost:
		return "quorum lost"
	}
	return "unknown"
}

// Cause is what made a change. The set is closed.
type Cause uint8

const (
	// CauseStart: it is so from the start, by the configuration.
	CauseStart Cause = iota + 1
	// CauseAdopted: it is so from the start, for the kernel had it so.
	CauseAdopted
	// CausePass: a check passed.
	CausePass
	// CauseFail: a check failed, and all its retries.
	CauseFail
	// CauseConfirmed: the first check failed of a server that was taken for down
	// (alpha). It is so still, but now it is known.
	CauseConfirmed
	// CauseReload: the configuration changed.
	CauseReload
	// CauseRemoved: the configuration has it no more.
	CauseRemoved
	// CauseStop: the checks come to their end.
	CauseStop
)

func (c Cause) String() string {
	switch c {
	case CauseStart:
		return "start"
	case CauseAdopted:
		return "found in the kernel"
	case CausePass:
		return "check passed"
	case CauseFail:
		return "check failed"
	case CauseConfirmed:
		return "first check failed"
	case CauseReload:
		return "reload"
	case CauseRemoved:
		return "removed"
	case CauseStop:
		return "stop"
	}
	return "unknown"
}

// last says that nothing comes after it.
func (c Cause) last() bool { return c == CauseRemoved || c == CauseStop }

// Change is one thing that changed, and why.
type Change struct {
	Kind  ChangeKind
	Cause Cause
	// Real is the index in ServerConfig.Reals, -1 for a quorum. Checker is the
	// index in its Checkers of the one that reported, -1 for none.
	Real, Checker int
	// Reason is that of the result.
	Reason string
	// Old and New are the weights of a WeightChanged.
	Old, New uint32
	// Sum is the weight of all living servers at a change of the quorum, and
	// Limit what it has reached or fallen below.
	Sum, Limit uint64
}

// String is for tests and traces; logs are in keepalived's words.
func (c Change) String() string {
	s := c.Kind.String()
	switch c.Kind {
	case QuorumGained:
		s += fmt.Sprintf(": %d >= %d", c.Sum, c.Limit)
	case QuorumLost:
		s += fmt.Sprintf(": %d < %d", c.Sum, c.Limit)
	case WeightChanged:
		s += fmt.Sprintf(" #%d: %d -> %d", c.Real, c.Old, c.New)
	default:
		s += fmt.Sprintf(" #%d", c.Real)
	}
	s += " (" + c.Cause.String()
	if c.Reason != "" {
		s += ": " + c.Reason
	}
	return s + ")"
}
