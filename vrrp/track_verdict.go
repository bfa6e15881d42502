package vrrp

import (
	"slices"
	"time"
)

// scriptVerdict turns the results of a vrrp_script into up and down. It is pure.
//
// The first result decides alone, unless init_fail was set; then rise successes
// in a row are needed. After that it takes fall failures in a row to go down and
// rise successes to come up (keepalived counts so too).
type scriptVerdict struct {
	rise, fall int
	known, up  bool
	row        int // results in a row that speak against the verdict
}

func newScriptVerdict(c *ScriptConfig) scriptVerdict {
	return scriptVerdict{rise: c.Rise, fall: c.Fall, known: c.InitFail}
}

// result takes the next result, and tells whether the verdict changed.
func (v *scriptVerdict) result(ok bool) (changed bool) {
	switch {
	case !v.known:
		v.known, v.up, v.row = true, ok, 0
		return true
	case ok == v.up:
		v.row = 0
		return false
	}
	v.row++
	need := v.rise
	if v.up {
		need = v.fall
	}
	if v.row < need {
		return false
	}
	v.up, v.row = ok, 0
	return true
}

// standing is what instances are told.
func (v *scriptVerdict) standing() Standing { return Standing{Known: v.known, Up: v.up} }

// reconfigure goes on with the verdict under other limits, after a reload.
func (v *scriptVerdict) reconfigure(c *ScriptConfig) { v.rise, v.fall = c.Rise, c.Fall }

// processVerdict turns a number of running processes into up and down. It is
// pure: the caller says what time it is.
type processVerdict struct {
	config *ProcessConfig
	known  bool
	up     bool
	enough bool      // as last counted
	since  time.Time // since when it differs from up, zero when it does not
}

// count takes the number of processes that run now, and tells whether the verdict
// changed. The first count decides at once.
func (v *processVerdict) count(now time.Time, n int) (changed bool) {
	v.enough = v.config.satisfied(n)
	switch {
	case !v.known:
		v.known, v.up = true, v.enough
		return true
	case v.enough == v.up:
		v.since = time.Time{}
		return false
	case v.since.IsZero():
		v.since = now
	}
	return v.expire(now)
}

// expire changes the verdict if its delay is over.
func (v *processVerdict) expire(now time.Time) (changed bool) {
	if due := v.due(); due.IsZero() || now.Before(due) {
		return false
	}
	v.up, v.since = v.enough, time.Time{}
	return true
}

// due is when expire will change the verdict, the zero time for never.
func (v *processVerdict) due() time.Time {
	switch {
	case v.since.IsZero():
		return time.Time{}
	case v.enough:
		return v.since.Add(v.config.ForkDelay)
	}
	return v.since.Add(v.config.TerminateDelay)
}

// satisfied tells whether n processes are as many as there should be.
func (c *ProcessConfig) satisfied(n int) bool {
	return n >= c.Quorum && (c.QuorumMax < 0 || n <= c.QuorumMax)
}

// matches tells whether a process is one of those that are tracked. Name is the
// kernel's, which ends after 15 bytes; argv is its command line.
func (c *ProcessConfig) matches(name string, argv []string) bool {
	if !c.needsArgv() {
		want := c.Command
		if len(want) > maxProcessName {
			want = want[:maxProcessName]
		}
		return name == want
	}
	if len(argv) == 0 || argv[0] != c.Command {
		return false
	}
	have, want := argv[1:], c.Args
	switch c.Match {
	case MatchExact:
		return slices.Equal(have, want)
	case MatchPartial:
		return len(have) >= len(want) && slices.Equal(have[:len(want)], want)
	case MatchInitial:
		if len(have) < len(want) || len(want) == 0 {
			return len(want) == 0
		}
		last := len(want) - 1
		return slices.Equal(have[:last], want[:last]) && len(have[last]) >= len(want[last]) &&
			have[last][:len(want[last])] == want[last]
	}
	return len(want) == 0 || slices.Equal(have, want)
}

// needsArgv tells whether the name of a process is not enough.
func (c *ProcessConfig) needsArgv() bool {
	return c.FullCommand || len(c.Args) > 0 || c.Match != MatchNone
}

// maxProcessName is TASK_COMM_LEN without the end of the string.
const maxProcessName = 15
