package check

import (
	"slices"
	"testing"
	"time"
)

func TestReload(t *testing.T) {
	fail := func(real, checker int) func(*Pool) {
		return func(p *Pool) { p.Report(real, checker, Result{Verdict: Fail}) }
	}
	other := checker(0)
	other.Probe = TCPConfig{Endpoint{Timeout: 7 * time.Second}}
	slower := checker(3)
	slower.Interval = time.Hour
	for _, c := range []struct {
		name     string
		old, new *ServerConfig
		before   func(*Pool)
		changes  []string
		table    string
	}{
		{"the same again: nothing", serverOf(1, 5), serverOf(1, 5), fail(1, 0), []string{}, "0*1"},
		{"a weight", serverOf(1, 5), serverOf(1, 6), nil, []string{"weight changed #1: 5 -> 6 (reload)"}, "0*1 1*6"},
		{"a weight of a server that is down", serverOf(1, 5), serverOf(1, 6), fail(1, 0), []string{"weight changed #1: 5 -> 6 (reload)"}, "0*1"},
		{"a new server is in at once", serverOf(1, 5), serverOf(1, 5, 7), fail(1, 0), []string{"real server up #2 (reload)"}, "0*1 2*7"},
		{"a new server with alpha is not", serverOf(1), with(serverOf(1, 5), alpha), nil, []string{"real server down #1 (reload)"}, "0*1"},
		{"a server is gone", serverOf(1, 5), serverOf(1), nil, []string{}, "0*1"},
		{"the last living server is gone", serverOf(1, 5), serverOf(1), fail(0, 0), []string{"quorum lost: 0 < 1 (reload)"}, ""},
		{"other servers in another order keep their own states", serverOf(1, 5), reversed(serverOf(1, 5)), fail(0, 0), []string{}, "1*5"},
		{"alpha now: what is up stays up", serverOf(1), with(serverOf(1), alpha), nil, []string{}, "0*1"},
		{"other times of the same check: a server that is down stays down", serverOf(1, 1), with(serverOf(1, 1), checkers(1, slower)), fail(1, 0), []string{}, "0*1"},
		{"another check: a server that is down stays down", serverOf(1, 1), with(serverOf(1, 1), checkers(1, other)), fail(1, 0), []string{}, "0*1"},
		{"another check: a server that is up stays up", serverOf(1, 1), with(serverOf(1, 1), checkers(1, other)), nil, []string{}, "0*1 1*1"},
		{"the check that failed is gone, another stays", with(serverOf(1), checkers(0, checker(0), other)), with(serverOf(1), checkers(0, other)), fail(0, 0), []string{"real server up #0 (reload)", "quorum gained: 1 >= 1 (reload)"}, "0*1"},
		{"no check any more: up", serverOf(1), with(serverOf(1), checkers(0)), fail(0, 0), []string{"real server up #0 (reload)", "quorum gained: 1 >= 1 (reload)"}, "0*1"},
		{"inhibit now: a server that is down comes with weight 0", serverOf(1, 1), with(serverOf(1, 1), inhibit), fail(1, 0), []string{}, "0*1 1*0"},
		{"a quorum that is not there", serverOf(1, 1), with(serverOf(1, 1), quorum(2, 0), sorry), fail(1, 0), []string{"quorum lost: 1 < 2 (reload)"}, "sorry*1"},
		{"a sorry server for a quorum that is lost", serverOf(1), with(serverOf(1), sorry), fail(0, 0), []string{}, "sorry*1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, _ := NewPool(c.old, nil)
			if c.before != nil {
				c.before(p)
			}
			if got := changeLines(p.Reload(c.new)); !slices.Equal(got, c.changes) {
				t.Errorf("%q, want %q", got, c.changes)
			}
			if got := table(p); got != c.table {
				t.Errorf("the table is %q, want %q", got, c.table)
			}
			if again := p.Reload(c.new); again != nil {
				t.Errorf("the same again: %v", again)
			}
		})
	}
}

func reversed(s *ServerConfig) *ServerConfig {
	slices.Reverse(s.Reals)
	return s
}

func TestReloadTellsChecksAlikeApart(t *testing.T) {
	config := func() *ServerConfig { return with(serverOf(1), checkers(0, checker(0), checker(0))) }
	p, _ := NewPool(config(), nil)
	p.Report(0, 1, Result{Verdict: Fail})
	p.Reload(config())
	if !p.Checker(0, 0).Up || p.Checker(0, 1).Up {
		t.Errorf("up %t and %t, want only the first", p.Checker(0, 0).Up, p.Checker(0, 1).Up)
	}
}

func TestReloadKeepsTheCountOfRetriesAndDynamicWeights(t *testing.T) {
	config := func() *ServerConfig { return with(serverOf(5), checkers(0, checker(1))) }
	p, _ := NewPool(config(), nil)
	p.Report(0, 0, Result{Verdict: Pass, Rule: SetWeight, Weight: 9})
	p.Report(0, 0, Result{Verdict: Fail})
	if changes := p.Reload(config()); changes != nil || table(p) != "0*9" {
		t.Fatalf("reload: %v, %s", changes, table(p))
	}
	if _, changes := p.Report(0, 0, Result{Verdict: Fail}); len(changes) != 2 {
		t.Errorf("the second failure in a row, one retry: %v, want down and quorum lost", changes)
	}
}
