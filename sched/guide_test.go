package sched

import (
	"strings"
	"testing"
)

func TestEverySchedulerIsExplained(t *testing.T) {
	for _, s := range All() {
		g := s.Guide()
		for what, text := range map[string]string{"About": g.About, "Use": g.Use, "Avoid": g.Avoid, "Formula": g.Formula} {
			if text == "" {
				t.Errorf("%s: no %s", s.Name, what)
			}
		}
		if strings.Count(g.About, ". ") != 1 || !strings.HasSuffix(g.About, ".") {
			t.Errorf("%s: not two sentences: %s", s.Name, g.About)
		}
		if _, err := New(s.Name, Options{}); err != nil {
			t.Errorf("%s: no model: %v", s.Name, err)
		}
	}
	if n := len(countingGuides()) + len(hashingGuides()); n != len(All()) {
		t.Errorf("%d guides for %d schedulers", n, len(All()))
	}
	if g := (Scheduler{Name: "none"}).Guide(); g != (Guide{}) {
		t.Errorf("there is a guide to none: %+v", g)
	}
}
