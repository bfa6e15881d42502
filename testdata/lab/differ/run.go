package differ

import (
	"fmt"
	"strings"

	"ipvsadm/ipvs"
	"ipvsadm/testdata/lab/compat"
)

// Step has both tools carry out an invocation. It returns what differs, "" if
// nothing does, and the names of the declared differences that were met.
func (tw *Twins) Step(inv compat.Invocation) (mismatch string, declared []string, err error) {
	before, err := tw.Original.state()
	if err != nil {
		return "", nil, err
	}
	given, declared := Translate(inv)
	theirs, ours := tw.Original.Tool(given), tw.Ours.Tool(inv)
	after, err := tw.Original.state()
	if err != nil {
		return "", nil, err
	}
	a := accepter{table: append(before.table, after.table...)}
	if !a.outcome(theirs, ours) {
		mismatch = compat.Diff("the original", theirs, "ours", ours)
	}
	there, err := tw.Ours.state()
	if err != nil {
		return "", nil, err
	}
	if d := after.differs(there); d != "" {
		mismatch += "afterwards the " + d + "\n"
	}
	return mismatch, append(declared, a.names...), nil
}

// Compare has the original list both tables. It returns what differs.
func (tw *Twins) Compare() string {
	for _, args := range []string{"-S -n", "-L -n --thresholds", "-L -n --tun-info --nosort"} {
		inv := compat.Invocation{Argv: append([]string{"ipvsadm"}, strings.Fields(args)...)}
		here := tw.Original.Tool(inv)
		theirs := tw.Ours.inside(tw.original)(inv)
		if here != theirs {
			return "the original's " + inv.String() + " in both namespaces\n" + compat.Diff("the original", here, "ours", theirs)
		}
	}
	return ""
}

// A Session is a number of invocations on a table that is empty at first.
type Session struct {
	Seed, Number uint64
	// Steps is how many invocations there are.
	Steps int
}

// Result is what a session came to.
type Result struct {
	Invocations, Lines int            // lines are those of restore streams
	Declared           map[string]int // how often each declared difference was met
	// Failure tells what differed, "" if nothing did, and After the invocations
	// up to it.
	Failure string
	After   []compat.Invocation
	// Before makes the state that the last of them found.
	Before []ipvs.Op
}

// Run carries a session out, up to its first failure.
func (s Session) Run(tw *Twins) (Result, error) {
	r := Result{Declared: map[string]int{}}
	if err := tw.Reset(); err != nil {
		return r, err
	}
	g := NewGenerator(s.Seed, s.Number)
	for i := range s.Steps {
		st, err := tw.Original.state()
		if err != nil {
			return r, err
		}
		inv := g.Next(st.table)
		r.After = append(r.After, inv)
		r.Invocations++
		r.Lines += strings.Count(inv.Stdin, "\n")
		mismatch, declared, err := tw.Step(inv)
		if err != nil {
			return r, fmt.Errorf("invocation %d of session %d: %s: %w", i, s.Number, inv, err)
		}
		for _, d := range declared {
			r.Declared[d]++
		}
		if mismatch == "" && (i%25 == 24 || i == s.Steps-1) {
			mismatch = tw.Compare()
		}
		if mismatch != "" {
			r.Failure, r.Before = mismatch, st.ops()
			return r, nil
		}
	}
	return r, nil
}
