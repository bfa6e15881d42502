package sched

import "testing"

func TestGenerations(t *testing.T) {
	for version, want := range map[string]Generation{"6.1.176": Classic, "6.1.20-1": Classic, "6.1.192": Totals, "6.1.200-1-amd64": Totals, "6.12.117-1": Totals} {
		if got, err := GenerationOf(version); got != want || err != nil {
			t.Errorf("%s: %v, %v", version, got, err)
		}
	}
	for version, want := range map[string]Generation{
		"6.1.177": Classic, "6.1.191": Classic, "5.10.300": Classic, "6.1.0-42-amd64": Classic, "6.1": Classic, "6.12.116": Classic,
		"7.1.8": Classic, "7.2": Totals, "7.10.1": Totals, "8.0-rc1+": Totals,
	} {
		if got, err := GenerationOf(version); got != want || err != ErrUnknownKernel {
			t.Errorf("%s: %v, %v", version, got, err)
		}
	}
	for _, version := range []string{"", "6", "six.one", "6.x.1", "-6.1.1", "6..1", "6.-1"} {
		if _, err := GenerationOf(version); err != ErrNoVersion {
			t.Errorf("%q: %v", version, err)
		}
	}
	if Classic.Other() != Totals || Totals.Other() != Classic {
		t.Error("there are two generations")
	}
}

// TestTotalsOfConnections has servers for which the two generations differ.
func TestTotalsOfConnections(t *testing.T) {
	servers := []Server{{Addr: addr(1), Weight: 1, Active: 1}, {Addr: addr(2), Weight: 1, Inactive: 256}}
	for generation, want := range map[Generation]int{Classic: 1, Totals: 2} {
		if got := service(t, "wlc", Options{Generation: generation}, servers...).Next(Connection{}); got != addr(want) {
			t.Errorf("%v: %s, want server %d", generation, got, want)
		}
	}
}

// TestOverloadOfTotals changes thresholds of a server and ends its connections.
func TestOverloadOfTotals(t *testing.T) {
	type state struct{ classic, totals bool }
	servers := []Server{{Addr: addr(1), Weight: 1, Inactive: 6}}
	var models [2]*Service
	for g := range models {
		models[g] = service(t, "fo", Options{Generation: Generation(g)}, servers...)
	}
	set := func(upper, lower int) func(*Service) {
		return func(s *Service) {
			if err := s.Update(Server{Addr: addr(1), Weight: 1, Upper: upper, Lower: lower}); err != nil {
				t.Fatal(err)
			}
		}
	}
	open := func(s *Service) { s.Opened(addr(1), false) }
	closed := func(s *Service) { s.Closed(addr(1), false) }
	steps := []struct {
		about string
		do    func(*Service)
		want  state
	}{
		{"6 connections get a threshold of 5", set(5, 0), state{false, true}},
		{"a seventh comes", open, state{true, true}},
		{"the threshold is 9, and three quarters of that 7", set(9, 0), state{false, true}},
		{"an eighth comes", open, state{false, true}},
		{"it goes", closed, state{false, true}},
		{"the seventh goes", closed, state{false, false}},
		{"the threshold is 6", set(6, 2), state{false, true}},
		{"the same again", set(6, 2), state{false, true}},
		{"lower is 5", set(6, 5), state{false, true}},
		{"the sixth goes", closed, state{false, true}},
		{"the fifth goes", closed, state{false, false}},
		{"the threshold is 4", set(4, 1), state{false, true}},
		{"the threshold is 20, and 4 are fewer than three quarters of that", set(20, 0), state{false, false}},
		{"no threshold", set(0, 0), state{false, false}},
	}
	for _, step := range steps {
		var got state
		for g, flag := range []*bool{&got.classic, &got.totals} {
			step.do(models[g])
			*flag = models[g].Servers()[0].Overloaded
		}
		if got != step.want {
			t.Errorf("%s: overloaded %+v, want %+v", step.about, got, step.want)
		}
	}
}
