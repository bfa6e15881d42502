package check

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"ipvsadm/ipvs"
)

// story is a virtual server and what happens to it. A step is the index of a
// real server and a letter for the verdict ("0F"), ".N" for its checker N
// ("0.1F"), "=N" for a weight set and "+N" or "+-N" for one added.
type story struct {
	name   string
	server *ServerConfig
	start  string // the table
	steps  []step
}

type step struct {
	do      string
	changes []string
	table   string
}

func (s step) play(t *testing.T, p *Pool) []Change {
	t.Helper()
	word, r := s.do, Result{}
	if word, weight, ok := strings.Cut(word, "="); ok {
		r.Rule, r.Weight = SetWeight, number(t, weight)
		return s.report(t, p, word, r)
	}
	if word, weight, ok := strings.Cut(word, "+"); ok {
		r.Rule, r.Weight = AddWeight, number(t, weight)
		return s.report(t, p, word, r)
	}
	return s.report(t, p, word, r)
}

func (s step) report(t *testing.T, p *Pool, word string, r Result) []Change {
	t.Helper()
	last := len(word) - 1
	r.Verdict = letters[word[last]]
	real, of, _ := strings.Cut(word[:last], ".")
	if of == "" {
		of = "0"
	}
	_, changes := p.Report(int(number(t, real)), int(number(t, of)), r)
	return changes
}

func number(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPool(t *testing.T) {
	two := []string{"real server down #1 (check failed)"}
	for _, c := range []story{
		{"a server that fails is taken out, and put back by one success", serverOf(1, 5), "0*1 1*5", []step{
			{"1F", two, "0*1"},
			{"1F", nil, "0*1"},
			{"1P", []string{"real server up #1 (check passed)"}, "0*1 1*5"},
		}},
		{"inhibit_on_failure: weight 0, not taken out", with(serverOf(1, 5), inhibit), "0*1 1*5", []step{
			{"1F", two, "0*1 1*0"},
			{"1P", []string{"real server up #1 (check passed)"}, "0*1 1*5"},
		}},
		{"a retry is no change", with(serverOf(1, 1), checkers(1, checker(2))), "0*1 1*1", []step{
			{"1P", nil, "0*1 1*1"}, {"1F", nil, "0*1 1*1"}, {"1F", nil, "0*1 1*1"}, {"1F", two, "0*1"},
		}},
		{"at first nothing is repeated: it may never have been well", with(serverOf(1, 1), checkers(1, checker(2))), "0*1 1*1", []step{
			{"1F", two, "0*1"},
		}},
		{"alpha: nothing until the first success", with(serverOf(1, 1), alpha), "", []step{
			{"0F", []string{"real server down #0 (first check failed)"}, ""},
			{"0F", nil, ""},
			{"1P", []string{"real server up #1 (check passed)", "quorum gained: 1 >= 1 (check passed)"}, "1*1"},
		}},
		{"alpha, two checkers: down is told once", with(serverOf(1), checkers(0, checker(0), checker(0)), alpha), "", []step{
			{"0.1P", nil, ""},
			{"0.0F", []string{"real server down #0 (first check failed)"}, ""},
			{"0.1F", nil, ""}, {"0.1P", nil, ""},
			{"0.0P", []string{"real server up #0 (check passed)", "quorum gained: 1 >= 1 (check passed)"}, "0*1"},
		}},
		{"several checkers: up only while all are", with(serverOf(1, 1), checkers(1, checker(0), checker(0))), "0*1 1*1", []step{
			{"1.0F", two, "0*1"}, {"1.1F", nil, "0*1"}, {"1.0P", nil, "0*1"},
			{"1.1P", []string{"real server up #1 (check passed)"}, "0*1 1*1"},
		}},
		{"the last server gone, the quorum is gone, and there is nothing to take its place", serverOf(1), "0*1", []step{
			{"0F", []string{"real server down #0 (check failed)", "quorum lost: 0 < 1 (check failed)"}, ""},
			{"0P", []string{"real server up #0 (check passed)", "quorum gained: 1 >= 1 (check passed)"}, "0*1"},
		}},
		{"the sorry server comes for the last one", with(serverOf(1), sorry), "0*1", []step{
			{"0F", []string{"real server down #0 (check failed)", "quorum lost: 0 < 1 (check failed)"}, "sorry*1"},
			{"0P", []string{"real server up #0 (check passed)", "quorum gained: 1 >= 1 (check passed)"}, "0*1"},
		}},
		{"without quorum the living servers go too, if there is a sorry server", with(serverOf(1, 1, 1), quorum(2, 0), sorry), "0*1 1*1 2*1", []step{
			{"0F", []string{"real server down #0 (check failed)"}, "1*1 2*1"},
			{"1F", []string{"real server down #1 (check failed)", "quorum lost: 1 < 2 (check failed)"}, "sorry*1"},
			{"0P", []string{"real server up #0 (check passed)", "quorum gained: 2 >= 2 (check passed)"}, "0*1 2*1"},
		}},
		{"without quorum and without sorry server the living servers stay", with(serverOf(1, 1), quorum(2, 0)), "0*1 1*1", []step{
			{"1F", []string{"real server down #1 (check failed)", "quorum lost: 1 < 2 (check failed)"}, "0*1"},
		}},
		{"without quorum, inhibited servers are at weight 0 beside the sorry server", with(serverOf(1, 1), quorum(2, 0), inhibit, sorry), "0*1 1*1", []step{
			{"1F", []string{"real server down #1 (check failed)", "quorum lost: 1 < 2 (check failed)"}, "sorry*1 0*0 1*0"},
		}},
		{"sorry_server_inhibit: there all the time, at weight 0 while not needed", with(serverOf(1), sorryInhibit), "0*1 sorry*0", []step{
			{"0F", []string{"real server down #0 (check failed)", "quorum lost: 0 < 1 (check failed)"}, "sorry*1"},
		}},
		{"hysteresis: less to keep the quorum, more to gain it", with(serverOf(1, 1, 1, 1, 1), quorum(3, 1), sorry), "0*1 1*1 2*1 3*1 4*1", []step{
			{"0F", []string{"real server down #0 (check failed)"}, "1*1 2*1 3*1 4*1"},
			{"1F", two, "2*1 3*1 4*1"},
			{"2F", []string{"real server down #2 (check failed)"}, "3*1 4*1"},
			{"3F", []string{"real server down #3 (check failed)", "quorum lost: 1 < 2 (check failed)"}, "sorry*1"},
			{"3P", []string{"real server up #3 (check passed)"}, "sorry*1"},
			{"2P", []string{"real server up #2 (check passed)"}, "sorry*1"},
			{"1P", []string{"real server up #1 (check passed)", "quorum gained: 4 >= 4 (check passed)"}, "1*1 2*1 3*1 4*1"},
		}},
		{"hysteresis at the start: the quorum has to be gained, and here never can be", with(serverOf(1, 1), quorum(2, 1), sorry), "sorry*1", []step{
			{"0F", []string{"real server down #0 (check failed)"}, "sorry*1"},
			{"0P", []string{"real server up #0 (check passed)"}, "sorry*1"},
		}},
		{"the quorum counts weights, not servers", with(serverOf(1, 9), quorum(5, 0), sorry), "0*1 1*9", []step{
			{"0F", []string{"real server down #0 (check failed)"}, "1*9"},
			{"0P", []string{"real server up #0 (check passed)"}, "0*1 1*9"},
			{"1F", []string{"real server down #1 (check failed)", "quorum lost: 1 < 5 (check failed)"}, "sorry*1"},
		}},
		{"misc_dynamic: a weight set counts, a plain success brings the configured one back", serverOf(5, 1), "0*5 1*1", []step{
			{"0P=8", []string{"weight changed #0: 5 -> 8 (check passed)"}, "0*8 1*1"},
			{"0P=253", []string{"weight changed #0: 8 -> 253 (check passed)"}, "0*253 1*1"},
			{"0P=0", []string{"weight changed #0: 253 -> 0 (check passed)"}, "0*0 1*1"},
			{"0F", []string{"real server down #0 (check failed)"}, "1*1"},
			{"0P", []string{"weight changed #0: 0 -> 5 (check passed)", "real server up #0 (check passed)"}, "0*5 1*1"},
		}},
		{"a weight of 0 can cost the quorum", with(serverOf(5), sorry), "0*5", []step{
			{"0P=0", []string{"weight changed #0: 5 -> 0 (check passed)", "quorum lost: 0 < 1 (check passed)"}, "sorry*1"},
			{"0P=1", []string{"weight changed #0: 0 -> 1 (check passed)", "quorum gained: 1 >= 1 (check passed)"}, "0*1"},
		}},
		{"FILE_CHECK: added to the weight, within bounds", serverOf(5), "0*5", []step{
			{"0P+10", []string{"weight changed #0: 5 -> 15 (check passed)"}, "0*15"},
			{"0P+-3", []string{"weight changed #0: 15 -> 2 (check passed)"}, "0*2"},
			{"0P+9000000000000000000", []string{"weight changed #0: 2 -> 65535 (check passed)"}, "0*65535"},
			{"0P+-9000000000000000000", []string{"weight changed #0: 65535 -> 0 (check passed)", "quorum lost: 0 < 1 (check passed)"}, "0*0"},
		}},
		{"several weights: the lowest set, and all added", with(serverOf(5), checkers(0, checker(0), checker(0), checker(0))), "0*5", []step{
			{"0.0P=9", []string{"weight changed #0: 5 -> 9 (check passed)"}, "0*9"},
			{"0.1P=7", []string{"weight changed #0: 9 -> 7 (check passed)"}, "0*7"},
			{"0.2P+2", []string{"weight changed #0: 7 -> 9 (check passed)"}, "0*9"},
			{"0.0P=3", []string{"weight changed #0: 9 -> 5 (check passed)"}, "0*5"},
		}},
		{"weights of 0 alone are no quorum, and nothing flaps", with(serverOf(0, 0), quorum(0, 0), sorry), "sorry*1", []step{
			{"0F", []string{"real server down #0 (check failed)"}, "sorry*1"},
			{"0P", []string{"real server up #0 (check passed)"}, "sorry*1"},
		}},
		{"a server without checkers is always up", with(serverOf(1, 1), checkers(0)), "0*1 1*1", []step{{"1F", two, "0*1"}}},
		{"a sorry server that is also a real one is there once", with(serverOf(3, 1), sorryInhibit, func(s *ServerConfig) { s.Sorry.Addr = addrOf(0) }, quorum(4, 0), inhibit), "0*3 1*1", []step{
			{"1F", []string{"real server down #1 (check failed)", "quorum lost: 3 < 4 (check failed)"}, "0*1 1*0"},
			{"1P", []string{"real server up #1 (check passed)", "quorum gained: 4 >= 4 (check passed)"}, "0*3 1*1"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, _ := NewPool(c.server, nil)
			if got := table(p); got != c.start {
				t.Fatalf("at the start %q, want %q", got, c.start)
			}
			for i, s := range c.steps {
				changes := changeLines(s.play(t, p))
				if !slices.Equal(changes, s.changes) {
					t.Errorf("step %d, %s: %q, want %q", i, s.do, changes, s.changes)
				}
				if got := table(p); got != s.table {
					t.Errorf("step %d, %s: the table is %q, want %q", i, s.do, got, s.table)
				}
			}
		})
	}
}

func TestStartIsReportedAndIsNoLoss(t *testing.T) {
	_, changes := NewPool(with(serverOf(2, 1), checkers(0), alpha, quorum(3, 0)), nil)
	want := []string{"real server up #0 (start)", "real server down #1 (start)", "quorum lost: 2 < 3 (start)"}
	if got := changeLines(changes); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSuspendedChecksHaveNoEffect(t *testing.T) {
	p, _ := NewPool(serverOf(1, 1), nil)
	p.Suspend(true)
	if next, changes := p.Report(1, 0, Result{Verdict: Fail}); next != interval || changes != nil || table(p) != "0*1 1*1" {
		t.Errorf("next after %s, changes %v, table %s", next, changes, table(p))
	}
	p.Suspend(false)
	if _, changes := p.Report(1, 0, Result{Verdict: Fail}); len(changes) != 1 || table(p) != "0*1" {
		t.Errorf("resumed: changes %v, table %s", changes, table(p))
	}
}

func TestStop(t *testing.T) {
	p, _ := NewPool(with(serverOf(1, 1, 1), quorum(2, 0)), nil)
	if changes := p.Stop(); changes != nil {
		t.Errorf("without omega: %v", changes)
	}
	p, _ = NewPool(with(serverOf(1, 1, 1, 1), quorum(2, 0), omega), nil)
	p.Report(1, 0, Result{Verdict: Fail})
	want := []string{
		"real server down #0 (stop)", "real server down #2 (stop)", "quorum lost: 1 < 2 (stop)", "real server down #3 (stop)",
	}
	if got := changeLines(p.Stop()); !slices.Equal(got, want) {
		t.Errorf("with omega: %q, want %q", got, want)
	}
}

func TestAdoptTheKernelsTable(t *testing.T) {
	entry := func(dests ...ipvs.Destination) ipvs.Entry {
		e := ipvs.Entry{ServiceState: ipvs.ServiceState{Service: ipvs.Service{ServiceKey: webKey}}}
		for _, d := range dests {
			e.Destinations = append(e.Destinations, ipvs.DestinationState{Destination: d})
		}
		return e
	}
	has := func(n int, weight uint32) ipvs.Destination { return ipvs.Destination{Addr: addrOf(n), Weight: weight} }
	for _, c := range []struct {
		name   string
		server *ServerConfig
		have   []ipvs.Entry
		table  string
	}{
		{"an empty service says nothing", serverOf(1, 5), []ipvs.Entry{entry()}, "0*1 1*5"},
		{"servers of others alone say nothing", serverOf(1, 5), []ipvs.Entry{entry(has(99, 3))}, "0*1 1*5"},
		{"what is missing was down", serverOf(1, 5), []ipvs.Entry{entry(has(1, 5))}, "1*5"},
		{"weights stay as they are", serverOf(1, 5), []ipvs.Entry{entry(has(0, 1), has(1, 77))}, "0*1 1*77"},
		{"a server drained by hand stays drained", serverOf(1, 5), []ipvs.Entry{entry(has(0, 1), has(1, 0))}, "0*1 1*0"},
		{"inhibited servers at weight 0 are down", with(serverOf(1, 5), inhibit), []ipvs.Entry{entry(has(0, 1), has(1, 0))}, "0*1 1*0"},
		{"the sorry server alone: all were down", with(serverOf(1, 5), sorry), []ipvs.Entry{entry(ipvs.Destination{Addr: serverSorry(), Weight: 1})}, "sorry*1"},
		{"no sorry server there: the quorum has only to be kept", with(serverOf(1, 1), quorum(2, 1), sorry), []ipvs.Entry{entry(has(0, 1))}, "0*1"},
		{"the sorry server in use: the quorum has to be gained", with(serverOf(1, 1), quorum(2, 1), sorry), []ipvs.Entry{entry(has(0, 1), has(1, 1), ipvs.Destination{Addr: serverSorry(), Weight: 1})}, "sorry*1"},
		{"the sorry server inhibited: the quorum has only to be kept", with(serverOf(1, 1), quorum(2, 1), sorryInhibit), []ipvs.Entry{entry(has(0, 1), ipvs.Destination{Addr: serverSorry()})}, "0*1 sorry*0"},
		{"alpha is no reason to take out what is in", with(serverOf(1, 5), alpha), []ipvs.Entry{entry(has(0, 1))}, "0*1"},
		{"what is not checked is as configured", with(serverOf(1, 5), checkers(0), checkers(1)), []ipvs.Entry{entry(has(0, 9))}, "0*1 1*5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if p, _ := NewPool(c.server, c.have); table(p) != c.table {
				t.Errorf("the table is %q, want %q", table(p), c.table)
			}
		})
	}
	p, _ := NewPool(serverOf(1, 5), []ipvs.Entry{entry(has(0, 1), has(1, 77))})
	if s := p.Real(1); s != (RealStatus{Up: true, Weight: 77, Adopted: true}) {
		t.Errorf("adopted: %+v", s)
	}
	_, changes := p.Report(1, 0, Result{Verdict: Pass})
	if got := changeLines(changes); !slices.Equal(got, []string{"weight changed #1: 77 -> 5 (check passed)"}) || p.Real(1).Adopted {
		t.Errorf("after the first result: %q, %+v", got, p.Real(1))
	}
}
