package sched

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestWeightsChangeWithinARound gives weights a common divisor in the middle of
// a cycle: the round is moved to one that the divisor has.
func TestWeightsChangeWithinARound(t *testing.T) {
	s := service(t, "wrr", Options{}, weights(5, 3)...)
	if got := sequence(s, 3); got != "111" { // rounds 5, 4 and 3
		t.Fatalf("began with %s", got)
	}
	if err := s.Update(Server{Addr: addr(1), Weight: 6}); err != nil {
		t.Fatal(err)
	}
	if got := sequence(s, 6); got != "112112" { // rounds 4 and 1
		t.Errorf("went on with %s, want 112112", got)
	}
}

// TestPlaceIsKeptWhileAllAreOverloaded searches in vain and goes on from the
// same server.
func TestPlaceIsKeptWhileAllAreOverloaded(t *testing.T) {
	for _, scheduler := range []string{"rr", "wrr"} {
		servers := weights(1, 1, 1)
		for i := range servers {
			servers[i].Upper = 2
		}
		s := service(t, scheduler, Options{}, servers...)
		if got := sequence(s, 1); got != "1" {
			t.Fatalf("%s: began with %s", scheduler, got)
		}
		for _, one := range servers {
			s.Opened(one.Addr, true)
			s.Opened(one.Addr, true)
		}
		if got := sequence(s, 2); got != ".." {
			t.Errorf("%s: overloaded servers get connections: %s", scheduler, got)
		}
		for _, one := range servers {
			s.Closed(one.Addr, true)
		}
		if got := sequence(s, 3); got != "231" {
			t.Errorf("%s: went on with %s, want 231", scheduler, got)
		}
	}
}

// TestBrokenBondStaysBroken lets a client come while its server is away and
// nobody else can take it: the bond is gone when the server is back.
func TestBrokenBondStaysBroken(t *testing.T) {
	s := service(t, "fo", Options{Persistent: time.Hour}, weights(1, 5)...)
	c := Connection{Client: netip.MustParseAddrPort("192.0.2.1:1"), Virtual: addr(9)}
	if got := s.Next(c); got != addr(2) {
		t.Fatalf("began with %s", got)
	}
	steps := []error{s.Remove(addr(2)), s.Update(Server{Addr: addr(1)})}
	if got := s.Next(c); got.IsValid() {
		t.Errorf("%s may have no connection", got)
	}
	steps = append(steps, s.Update(Server{Addr: addr(1), Weight: 9}), s.Add(Server{Addr: addr(2), Weight: 5}))
	for _, err := range steps {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Next(c); got != addr(1) {
		t.Errorf("went on with %s, want %s", got, addr(1))
	}
}

// TestLastOne is told whose turn it was.
func TestLastOne(t *testing.T) {
	for last, want := range map[int]string{1: "231", 3: "123", 9: "123"} {
		s := service(t, "rr", Options{}, weights(1, 1, 1)...)
		s.Last(addr(last))
		if got := sequence(s, 3); got != want {
			t.Errorf("after server %d: %s, want %s", last, got, want)
		}
	}
	s := service(t, "fo", Options{}, weights(1, 2)...)
	if s.Last(addr(2)); sequence(s, 2) != "22" {
		t.Error("fo takes turns")
	}
}

// everyRound is wrr with all the rounds that the kernel goes through.
type everyRound struct{ weightedRoundRobin }

func (w *everyRound) choose(s *Service, _ Connection, _ *reasons) *server {
	if w.max == 0 {
		return nil
	}
	began, stop := w.at, -1
	lastRound, again := false, false
	for i := began; ; {
		for i++; i < len(s.servers); i++ {
			if one := s.servers[i]; !one.Overloaded && one.Weight >= w.current {
				w.at = i
				return one
			}
			if i == stop {
				w.at = i
				return nil
			}
		}
		i = -1
		if w.current -= w.step; w.current <= 0 {
			w.current = w.max
			if lastRound || began < 0 {
				w.at = -1
				return nil
			}
			again = true
		}
		if lastRound = w.current <= w.step; lastRound && again {
			stop = began
		}
	}
}

// TestSkippedRoundsDoNotMatter lets services with overloaded servers live through
// the same, one of which goes through all rounds.
func TestSkippedRoundsDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := make([]Server, rapid.IntRange(0, 5).Draw(t, "servers"))
		for i := range list {
			list[i] = drawRound(t, i)
		}
		quick, err := New("wrr", Options{}, list...)
		if err != nil {
			t.Fatal(err)
		}
		slow, _ := New("wrr", Options{}, list...)
		slow.algorithm = &everyRound{*quick.algorithm.(*weightedRoundRobin)}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			n := rapid.IntRange(0, 5).Draw(t, "server")
			for _, s := range []*Service{quick, slow} {
				if known := s.known[addr(n)]; known != nil && known.Active > 0 {
					s.Closed(addr(n), true)
				}
			}
			if rapid.IntRange(0, 3).Draw(t, "what") == 0 {
				to := drawRound(t, n)
				if a, b := quick.Update(to), slow.Update(to); (a == nil) != (b == nil) {
					t.Fatalf("one refuses: %v, %v", a, b)
				}
			}
			for range rapid.IntRange(1, 6).Draw(t, "connections") {
				a, b := quick.Next(Connection{}), slow.Next(Connection{})
				if a != b {
					t.Fatalf("%s, with every round %s", a, b)
				}
				quick.Opened(a, true)
				slow.Opened(b, true)
			}
		}
	})
}

func drawRound(t *rapid.T, n int) Server {
	return Server{
		Addr: addr(n), Weight: rapid.SampledFrom([]int{0, 1, 2, 3, 4, 6, 12, 100}).Draw(t, "weight"),
		Upper: rapid.SampledFrom([]int{0, 1, 2}).Draw(t, "upper"),
	}
}

// TestGreatWeightsTakeNoTime has rounds that nobody could wait for.
func TestGreatWeightsTakeNoTime(t *testing.T) {
	servers := weights(1<<31-1, 1, 1<<31-2)
	servers[0].Upper, servers[2].Upper = 1, 1
	servers[0].Active, servers[2].Active = 1, 1
	s := service(t, "wrr", Options{}, servers...)
	if got := sequence(s, 3); got != "222" {
		t.Errorf("%s, want 222", got)
	}
	if why := s.Choose(Connection{}).Why; len(why) > 4 {
		t.Errorf("%d reasons", len(why))
	}
	servers[1].Upper, servers[1].Active = 1, 1
	if got := sequence(service(t, "wrr", Options{}, servers...), 3); got != "..." {
		t.Errorf("%s, want nobody", got)
	}
}
