package schedule

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// TestSimulationAsJSON reads the report of several schedulers.
func TestSimulationAsJSON(t *testing.T) {
	w := newWorld(t, shop)
	out := w.prints("simulate -t 10.9.0.1:80 --clients 300 --connections 12000 --sched wlc --sched mh,mh-fallback --remove 10.0.0.2:80 --seed 9 --json")
	var r reportJSON
	d := json.NewDecoder(strings.NewReader(out))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if r.Service != "-t 10.9.0.1:80" || r.Clients != 300 || r.Connections != 12000 || r.Seed != 9 || r.Rate != 1000 || r.Duration != "endless" || len(r.Schedulers) != 2 {
		t.Fatalf("%+v", r)
	}
	for i, want := range []struct {
		name   string
		flags  string
		anyway bool
	}{{"wlc", "", true}, {"mh", "mh-fallback", false}} {
		got := r.Schedulers[i]
		if got.Scheduler != want.name || strings.Join(got.Flags, ",") != want.flags || len(got.Servers) != 4 || got.Moves == nil ||
			got.Moves.Clients != 300 || (got.Moves.MoveAnyway > 0) != want.anyway || got.Evenness < 0.9 {
			t.Errorf("%+v", got)
		}
		sum, share := got.Refused, 0.0
		for _, s := range got.Servers {
			sum += s.Connections
			share += s.Share
		}
		if sum != 12000 || math.Abs(share-1) > 1e-9 {
			t.Errorf("%s: %d connections, shares of %f in all", got.Scheduler, sum, share)
		}
	}
	if strings.Contains(w.prints("simulate -t 10.9.0.1:80 --clients 3 --connections 12 --json"), "moves") {
		t.Error("moves without a change")
	}
}

// TestSimulationsAreTheSame for the same seed, live or saved, and whatever
// connections the kernel has.
func TestSimulationsAreTheSame(t *testing.T) {
	w := newWorld(t, shop)
	const line = "simulate -t 10.9.0.1:80 --clients 20 --connections 500 --sched sh --sched twos"
	live := w.prints(line)
	w.setConnections("-t 10.9.0.1:80", "10.0.0.1:80", 500, 500)
	if again := w.prints(line); again != live {
		t.Errorf("connections of the kernel count:\n%s\n%s", live, again)
	}
	if saved := w.prints(line + " --rules saved"); saved != live {
		t.Errorf("a saved table differs:\n%s\n%s", live, saved)
	}
	if other := w.prints(line + " --seed 2"); other == live {
		t.Error("the seed does not matter")
	}
}

// TestServicesKeepTheirFlags simulates a service under its own scheduler, named
// or not, and under the same without flags.
func TestServicesKeepTheirFlags(t *testing.T) {
	w := newWorld(t, shop)
	const line = "simulate -u 10.9.0.1:53 --clients 20 --connections 500 --remove 10.0.0.2:53 --json"
	own := w.prints(line)
	if named := w.prints(line + " --sched sh"); named != own || !strings.Contains(own, `"flags":["sh-port"]`) {
		t.Errorf("%s\n%s", own, named)
	}
}
