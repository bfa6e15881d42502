package probe

import (
	"context"
	"math"
	"strconv"

	"ipvsadm/check"
)

// miscChecker runs a program.
type miscChecker struct {
	config check.MiscConfig
	run    func(context.Context, check.Command) Exit
	turns  *Turns
}

func (c *miscChecker) Check(ctx context.Context) check.Result {
	if c.run == nil {
		return skip("programs cannot be run here")
	}
	limited, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	var e Exit
	c.turns.outside(func() { e = c.run(limited, c.config.Command) })
	switch {
	case ctx.Err() != nil:
		return skip(stopped)
	case e.Err != nil:
		return fail("could not be run: " + words(e.Err))
	case e.TimedOut:
		return fail(check.TimedOut)
	case e.Signal != 0:
		return fail("due to signal " + strconv.Itoa(int(e.Signal)))
	}
	reason := "exited with status " + strconv.Itoa(e.Code)
	switch {
	case e.Code == 0:
		return pass(reason)
	case c.config.Dynamic && e.Code >= 2 && e.Code <= 255:
		return check.Result{Verdict: check.Pass, Rule: check.SetWeight, Weight: int64(e.Code) - 2, Reason: reason}
	}
	return fail(reason)
}

// fileChecker goes by the number in a file. Its Check is for when that changed.
type fileChecker struct {
	config check.FileCheckConfig
	file   func(string) (int64, bool)
}

// Numbers of keepalived: what it adds to a weight at most, and the sum at which the
// server is down. Anything above that only takes weight away.
const (
	maxWeight  = 65535
	downWeight = math.MinInt32
)

// Check takes a file that is not there for a 0. Without a weight any other number
// is a failure, or with reverse the 0 is.
func (c *fileChecker) Check(context.Context) check.Result {
	var value int64
	if c.file != nil {
		if v, ok := c.file(c.config.File); ok {
			value = v
		}
	}
	reason := "track_file " + c.config.File + " is " + strconv.FormatInt(value, 10)
	if c.config.Weight == 0 {
		if (value != 0) != c.config.Reverse {
			return fail(reason)
		}
		return pass(reason)
	}
	weight := product(value, c.config.Weight)
	if c.config.Reverse {
		weight = -weight
	}
	if weight <= downWeight {
		return fail(reason)
	}
	return check.Result{Verdict: check.Pass, Rule: check.AddWeight, Weight: min(weight, maxWeight), Reason: reason}
}

// product is the product of two numbers, or the limit of 62 bits that it is
// beyond.
func product(a, b int64) int64 {
	const limit = 1 << 62
	p := a * b
	if a != 0 && (p/a != b || p > limit || p < -limit) {
		if (a < 0) == (b < 0) {
			return limit
		}
		return -limit
	}
	return p
}
