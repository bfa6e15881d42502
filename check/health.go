package check

import "time"

// Verdict is what a check found. The set is closed.
type Verdict uint8

const (
	// Fail is a server that is not well.
	Fail Verdict = iota
	// Pass is a server that is well.
	Pass
	// Partial is a check of several parts, of which the one done was good and
	// others have to follow: the pages of HTTP_GET.
	Partial
	// Skip is a check that could not be done for a reason on this side, as when
	// there are no file descriptors left: it says nothing of the server, and
	// nothing changes.
	Skip
)

func (v Verdict) String() string {
	switch v {
	case Fail:
		return "fail"
	case Pass:
		return "pass"
	case Partial:
		return "partial"
	case Skip:
		return "skip"
	}
	return "unknown"
}

// WeightRule is what a checker does to the weight of its server. The set is
// closed.
type WeightRule uint8

const (
	// KeepWeight leaves the weight to the configuration and other checkers.
	KeepWeight WeightRule = iota
	// SetWeight takes the place of the configured weight (misc_dynamic).
	SetWeight
	// AddWeight is added to it, and may be negative (FILE_CHECK).
	AddWeight
)

func (w WeightRule) String() string {
	switch w {
	case KeepWeight:
		return "keep"
	case SetWeight:
		return "set"
	case AddWeight:
		return "add"
	}
	return "unknown"
}

// Result is the outcome of one check.
type Result struct {
	Verdict Verdict
	// Rule and Weight are what a check that passed does to the weight. After
	// another verdict what the last one that passed said holds on.
	Rule   WeightRule
	Weight int64
	// Reason tells a reader why, "" if there is nothing to tell.
	Reason string
}

// TimedOut is the Reason of a program of MISC_CHECK that took too long.
const TimedOut = "timed out"

// Health is what a checker knows of its server: the sum of all its results.
type Health struct {
	Up bool
	// Fresh says that there was no result yet: Up is what the configuration says.
	Fresh bool
	// Failures is the number of checks that failed in a row while Up, at most
	// CheckerConfig.Retries: one more, and it is down.
	Failures int
	// Passed says that a check passed since the start.
	Passed bool
	// Rule and Weight are those of the last check that passed.
	Rule   WeightRule
	Weight int64
}

// NewHealth is the health before the first result: up, with Alpha down.
func NewHealth(c *CheckerConfig) Health { return Health{Up: !c.Alpha, Fresh: true} }

// Next returns the health after a result, and how long after the end of that
// check the next is due.
//
// As with keepalived a check that fails is repeated Retries times, RetryDelay
// apart, before an up server counts as down. One that is down has no retries and
// is up again after a single success. Nor has one of which nothing is known: it
// may never have been well, and clients are sent to it. All else is Interval
// apart.
func (h Health) Next(c *CheckerConfig, r Result) (Health, time.Duration) {
	switch {
	case r.Verdict == Pass:
		return Health{Up: true, Passed: true, Rule: r.Rule, Weight: r.Weight}, c.Interval
	case r.Verdict == Skip:
		return h, c.Interval
	case r.Verdict == Partial:
		h.Failures, h.Fresh = 0, false
	case h.Up && !h.Fresh && h.Failures < c.Retries:
		h.Failures++
		return h, c.RetryDelay
	default:
		h.Up, h.Fresh, h.Failures = false, false, 0
	}
	return h, c.Interval
}
