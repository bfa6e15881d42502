package vrrp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func testRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x5eed)) }

// What each kind of tracker does in each standing.
func TestTrackers(t *testing.T) {
	up, down, unknown := Standing{Known: true, Up: true}, Standing{Known: true}, Standing{}
	file := func(n int) Standing { return Standing{Known: true, Value: n} }
	for _, tc := range []struct {
		tracker  Tracker
		standing Standing
		weight   int
		fault    string
	}{
		{Tracker{CauseInterface, "eth1", 0, false}, up, 0, ""},
		{Tracker{CauseInterface, "eth1", 0, false}, down, 0, "interface eth1"},
		{Tracker{CauseInterface, "eth1", 0, true}, up, 0, "interface eth1"},
		{Tracker{CauseInterface, "eth1", 0, true}, down, 0, ""},
		{Tracker{CauseInterface, "eth1", 20, false}, up, 20, ""},
		{Tracker{CauseInterface, "eth1", 20, false}, down, 0, ""},
		{Tracker{CauseInterface, "eth1", -20, false}, up, 0, ""},
		{Tracker{CauseInterface, "eth1", -20, false}, down, -20, ""},
		{Tracker{CauseInterface, "eth1", 20, true}, up, -20, ""},
		{Tracker{CauseInterface, "eth1", -20, true}, down, 20, ""},
		{Tracker{CauseScript, "chk", 0, false}, unknown, 0, "script-pending chk"},
		{Tracker{CauseScript, "chk", 0, false}, up, 0, ""},
		{Tracker{CauseScript, "chk", 0, false}, down, 0, "script chk"},
		{Tracker{CauseScript, "chk", -60, false}, unknown, 0, ""},
		{Tracker{CauseScript, "chk", -60, false}, down, -60, ""},
		{Tracker{CauseScript, "chk", 60, false}, unknown, 0, ""},
		{Tracker{CauseProcess, "p", 0, false}, down, 0, "process p"},
		{Tracker{CauseProcess, "p", 5, false}, up, 5, ""},
		{Tracker{CauseBFD, "b", 0, false}, down, 0, "bfd b"},
		{Tracker{CauseFile, "f", 0, false}, file(0), 0, ""},
		{Tracker{CauseFile, "f", 0, false}, file(1), 0, "file f"},
		{Tracker{CauseFile, "f", 0, true}, file(0), 0, "file f"},
		{Tracker{CauseFile, "f", 0, true}, file(1), 0, ""},
		{Tracker{CauseFile, "f", 2, false}, file(10), 20, ""},
		{Tracker{CauseFile, "f", 2, false}, file(-10), -20, ""},
		{Tracker{CauseFile, "f", 2, true}, file(10), -20, ""},
		{Tracker{CauseFile, "f", 1, false}, file(-253), -253, ""},
		{Tracker{CauseFile, "f", 1, false}, file(-254), 0, "file f"},
		{Tracker{CauseFile, "f", 2, false}, file(127), 253, ""},
		{Tracker{CauseFile, "f", 254, false}, file(1_000_000), 253, ""},
	} {
		weight, cause, fault := tc.tracker.judge(tc.standing)
		got := ""
		if fault {
			got = cause.String()
		}
		if weight != tc.weight || got != tc.fault {
			t.Errorf("%+v with %+v: weight %d, fault %q; want %d, %q", tc.tracker, tc.standing, weight, got, tc.weight, tc.fault)
		}
	}
}

func TestTrackingTellsChanges(t *testing.T) {
	k := NewTracking([]Tracker{
		{CauseInterface, "eth0", 0, false},
		{CauseScript, "chk", 0, false},
		{CauseScript, "soft", -30, false},
		{CauseFile, "f", 1, false},
		{CauseInterface, "eth0", 0, false}, // by the sync group as well
	})
	want := func(what string, events ...string) {
		t.Helper()
		var got []string
		for _, e := range k.Events() {
			got = append(got, e.String())
		}
		if !slices.Equal(got, events) {
			t.Errorf("%s: %q, want %q", what, got, events)
		}
	}
	want("at first", "failed interface eth0", "failed script-pending chk")
	want("nothing new")
	k.Set(0, Standing{Known: true, Up: true})
	want("one of two up")
	k.Set(4, Standing{Known: true, Up: true})
	want("both up", "healed interface eth0")
	k.Set(1, Standing{Known: true})
	want("first result is a failure", "failed script chk", "healed script-pending chk")
	k.Set(2, Standing{Known: true})
	k.Set(3, Standing{Known: true, Value: 10})
	want("two weights", "weighed -20")
	k.Set(1, Standing{Known: true, Up: true})
	k.Set(2, Standing{Known: true, Up: true})
	want("weight before healing", "weighed +10", "healed script chk")
	k.Set(3, Standing{Known: true, Value: -1000})
	want("file fault", "failed file f", "weighed +0")
}

// The machine that is fed the changes ends where one lands that is told all at
// once, whatever the order of changes.
func TestTrackingLeavesNothingBehind(t *testing.T) {
	for seed := range uint64(300) {
		rng := testRand(seed)
		trackers := make([]Tracker, 1+rng.IntN(6))
		for i := range trackers {
			trackers[i] = Tracker{
				Kind:   []CauseKind{CauseInterface, CauseScript, CauseFile, CauseProcess}[rng.IntN(4)],
				Name:   fmt.Sprint(rng.IntN(3)),
				Weight: []int{0, 0, 10, -10, 200}[rng.IntN(5)], Reverse: rng.IntN(4) == 0,
			}
		}
		k, b := NewTracking(trackers), newBench(t, nil)
		feed := func() {
			for _, e := range k.Events() {
				b.do(e)
			}
		}
		feed()
		b.do(Startup{})
		for range 30 {
			k.Set(rng.IntN(len(trackers)), Standing{Known: true, Up: rng.IntN(2) == 0, Value: rng.IntN(600) - 300})
			if rng.IntN(3) > 0 {
				feed()
			}
		}
		feed()
		var faults []Cause
		weight := 0
		for i, tr := range trackers {
			w, c, fault := tr.judge(k.standings[i])
			weight += w
			if fault {
				faults = append(faults, c)
			}
		}
		if (b.m.State() == Fault) != (len(faults) > 0) || b.m.weight != weight {
			t.Fatalf("seed %d: %v with faults %v; weight %d, want %d", seed, b.m.State(), faults, b.m.weight, weight)
		}
	}
}
