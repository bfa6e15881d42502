package main

import (
	"os"
	"path/filepath"
	"testing"

	"ipvsadm/testdata/lab/checks"
	"ipvsadm/testdata/lab/uml"
)

// checkDifferences declares where our checks differ from keepalived's.
const checkDifferences = "testdata/check/differences.md"

// TestCheckDifferencesDeclared keeps that list true: each case that differs names
// one of it, and each has a case, of which the next test, TestCheckTold or
// TestCheckGlobals shows that it differs.
func TestCheckDifferencesDeclared(t *testing.T) {
	declared := declaredDifferences(t, checkDifferences)
	seen := map[string]bool{}
	for _, c := range checks.Cases() {
		if c.Differ == "" {
			continue
		}
		seen[c.Differ] = true
		if declared[c.Differ] == "" {
			t.Errorf("%s: %s is not declared in %s", c.Name, c.Differ, checkDifferences)
		}
		if c.Want == c.Ours {
			t.Errorf("%s does not differ", c.Name)
		}
	}
	elsewhere := []string{syncDaemonStays} // see TestCheckGlobals
	for _, r := range toldRules() {        // see TestCheckTold
		elsewhere = append(elsewhere, r.name)
	}
	for _, name := range elsewhere {
		seen[name] = true
		if declared[name] == "" {
			t.Errorf("%s is not declared in %s", name, checkDifferences)
		}
	}
	for name := range declared {
		if !seen[name] {
			t.Errorf("%s is declared, but no case shows it", name)
		}
	}
}

// TestCheckDifferential runs ipvsadm check and keepalived's checker on the same
// configuration and the same servers, and compares what becomes of the kernel's
// tables: when everything has settled, and again after servers have changed
// their ways.
func TestCheckDifferential(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		lab := checks.New(t, filepath.Join(os.Getenv(programsVar), "ipvsadm"), checks.Cases())
		forgotten := 0
		for phase, title := range []string{"first", "then"} {
			lab.Change(phase)
			for _, r := range lab.Settle(phase) {
				t.Run(r.Case.Name+"/"+title, func(t *testing.T) {
					if wrong := r.Wrong(phase); wrong != "" {
						t.Errorf("%s\n%s", wrong, lab.Logs(r))
						return
					}
					if r.Forgotten {
						forgotten++
						t.Logf("keepalived does not check it any more (%s), ours %s", r.Unchecked, r.Ours)
						return
					}
					t.Logf("keepalived %s, ours %s", r.Theirs, r.Ours)
				})
			}
		}
		if forgotten > 3 {
			t.Errorf("keepalived does not check %d servers any more: that is too many to compare", forgotten)
		}
	})
}
