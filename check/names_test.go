package check

import "testing"

func TestNamesOfTheClosedSets(t *testing.T) {
	seen := map[string]bool{}
	name := func(s string) {
		if s == "" || s == "unknown" || seen[s] {
			t.Errorf("%q is no name", s)
		}
		seen[s] = true
	}
	for v := Fail; v <= Skip; v++ {
		name(v.String())
	}
	for r := KeepWeight; r <= AddWeight; r++ {
		name(r.String())
	}
	for k := RealUp; k <= QuorumLost; k++ {
		name(k.String())
	}
	for c := CauseStart; c <= CauseStop; c++ {
		name(c.String())
	}
	for _, s := range []string{(Skip + 1).String(), (AddWeight + 1).String(), ChangeKind(0).String(), Cause(0).String()} {
		if s != "unknown" {
			t.Errorf("a value outside the set is called %q", s)
		}
	}
}
