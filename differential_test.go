package main

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"ipvsadm/testdata/lab/differ"
	"ipvsadm/testdata/lab/uml"
)

// The environment variables that say how much TestDifferential does, and from
// where.
const (
	differNVar       = "DIFF_N"       // invocations
	differSeedVar    = "DIFF_SEED"    // of all sessions
	differSessionVar = "DIFF_SESSION" // the only session to run
)

// sessionSteps is the number of invocations on one table.
const sessionSteps = 100

// TestDifferential carries out invocations that nobody wrote, with our tool and
// with ipvsadm 1.31 in twin network namespaces.
func TestDifferential(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		if _, err := os.Stat(referenceDir + "/ipvsadm"); err != nil {
			t.Skip("needs the original to compare with: install Debian package ipvsadm")
		}
		n := number(t, differNVar, 2000)
		seed := number(t, differSeedVar, uint64(time.Now().UnixNano()))
		first, last := uint64(0), (n+sessionSteps-1)/sessionSteps
		if s, ok := os.LookupEnv(differSessionVar); ok {
			first = number(t, differSessionVar, 0)
			last = first + 1
			t.Logf("only session %s", s)
		}
		t.Logf("%s=%d", differSeedVar, seed)
		twins := differ.NewTwins(t, referenceDir, os.Getenv(programsVar), 10)
		sum := differ.Result{Declared: map[string]int{}}
		failures := 0
		for i := first; i < last && failures < 5; i++ {
			if end, ok := t.Deadline(); ok && time.Until(end) < time.Minute {
				t.Errorf("no time left after %d invocations: give go test a longer -timeout", sum.Invocations)
				break
			}
			r, err := differ.Session{Seed: seed, Number: i, Steps: sessionSteps}.Run(twins)
			if err != nil {
				t.Fatal(err)
			}
			sum.Invocations += r.Invocations
			sum.Lines += r.Lines
			for name, times := range r.Declared {
				sum.Declared[name] += times
			}
			if r.Failure == "" {
				continue
			}
			failures++
			t.Errorf("%s=%d %s=%d: invocation %d of the session differs\n%s",
				differSeedVar, seed, differSessionVar, i, len(r.After), report(twins, r))
		}
		t.Logf("%d invocations, %d lines of restore streams", sum.Invocations, sum.Lines)
		for _, name := range slices.Sorted(maps.Keys(sum.Declared)) {
			t.Logf("declared difference %s: %d times", name, sum.Declared[name])
		}
	})
}

// report shows a failure as small as it can be made.
func report(twins *differ.Twins, r differ.Result) string {
	if c, ok := twins.Shrink(r); ok {
		return c.String()
	}
	text := "which its table alone does not show; after\n"
	for _, inv := range r.After {
		text += "    $ " + inv.String() + "\n"
	}
	return text + r.Failure
}

func number(t *testing.T, name string, otherwise uint64) uint64 {
	s, ok := os.LookupEnv(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
