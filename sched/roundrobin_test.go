package sched

import (
	"net/netip"
	"testing"
	"time"
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
