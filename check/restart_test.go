package check

import (
	"math/rand/v2"
	"testing"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

// TestRestartChangesNothing starts anew, with nothing but the kernel's table, in
// the middle of 3 000 stories: not one operation follows, unless
// the table was empty, which looks like the first start.
func TestRestartChangesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(18, 1))
	sorry, empty := 0, 0
	for range 3_000 {
		w := newWorld(r)
		for range r.IntN(20) {
			res := Result{Verdict: Verdict(r.IntN(2))}
			if r.IntN(4) == 0 {
				res.Rule, res.Weight = SetWeight, int64(r.IntN(5))
			}
			w.pool.Report(r.IntN(len(w.log)), 0, res)
		}
		k := ipvstest.New(ipvstest.Options{})
		config := &Config{Servers: []ServerConfig{*w.config}}
		apply := func(p *Pool) []ipvs.Change {
			have, err := k.Table(ipvs.Query{Detail: ipvs.Full})
			if err != nil {
				t.Fatal(err)
			}
			plan := ipvs.Plan(have, config.Wanted([]*Pool{p}), config.Owner(nil))
			if errs := k.Do(ipvs.Ops(plan)...); errs != nil {
				t.Fatal(errs)
			}
			return plan
		}
		apply(w.pool)
		have, err := k.Table(ipvs.Query{Detail: ipvs.Full})
		if err != nil {
			t.Fatal(err)
		}
		if len(have[0].Destinations) == 0 {
			empty++
			continue
		}
		before := k.String()
		again, _ := NewPool(&config.Servers[0], have)
		if plan := apply(again); len(plan) > 0 {
			t.Fatalf("%+v\n%d changes of\n%sto\n%s", *w.config, len(plan), before, k)
		}
		if again.SorryInUse() {
			sorry++
		}
	}
	if sorry < 300 || empty > 1_500 {
		t.Errorf("the stories are not worth much: %d with the sorry server, %d empty", sorry, empty)
	}
}
