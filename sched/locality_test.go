package sched

import (
	"net/netip"
	"testing"
	"time"
)

// site is the nth destination address, in a bucket that many share or not.
func site(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, byte(n >> 16), byte(n >> 8), byte(n)}), 80)
}

func to(s *Service, n int, at time.Duration) byte {
	a := s.Next(Connection{Client: addr(1), Virtual: site(n), At: at})
	if !a.IsValid() {
		return 0
	}
	return a.Addr().As4()[3]
}

func TestLocalityKeepsToTheServer(t *testing.T) {
	for _, scheduler := range []string{"lblc", "lblcr"} {
		s := service(t, scheduler, Options{}, weights(2, 2)...)
		if got := to(s, 1, 0); got != 1 {
			t.Fatalf("%s: first to server %d", scheduler, got)
		}
		s.Opened(addr(1), true)
		s.Opened(addr(1), true) // as many as its weight: not too many
		if got, other := to(s, 1, 0), to(s, 2, 0); got != 1 || other != 2 {
			t.Errorf("%s: a cached destination goes to %d, another to %d", scheduler, got, other)
		}
		s.Opened(addr(1), true)
		s.Opened(addr(2), true) // half its weight: not idle enough to help
		if got := to(s, 1, 0); got != 1 {
			t.Errorf("%s: moved to %d though nobody is idle", scheduler, got)
		}
		s.Closed(addr(2), true)
		if got := to(s, 1, 0); got != 2 {
			t.Errorf("%s: stays with %d though another is idle", scheduler, got)
		}
		if err := s.Remove(addr(2)); err != nil {
			t.Fatal(err)
		}
		if got := to(s, 1, 0); got != 1 {
			t.Errorf("%s: goes to %d after a removal", scheduler, got)
		}
	}
}

func TestThresholdsAndCachedServers(t *testing.T) {
	for scheduler, want := range map[string]byte{"lblc": 1, "lblcr": 2} {
		s := service(t, scheduler, Options{}, weights(2, 2)...)
		to(s, 1, 0)
		if err := s.Update(Server{Addr: addr(1), Weight: 2, Upper: 1}); err != nil {
			t.Fatal(err)
		}
		s.Opened(addr(1), false)
		if got := to(s, 1, 0); got != want {
			t.Errorf("%s: an overloaded server's destination goes to %d, want %d", scheduler, got, want)
		}
	}
}

// TestSetsShrink lets a set of two grow old: its most loaded server goes.
func TestSetsShrink(t *testing.T) {
	s := service(t, "lblcr", Options{Expiry: 10 * time.Minute}, weights(2, 2)...)
	to(s, 1, 0)
	for range 3 {
		s.Opened(addr(1), true)
	}
	to(s, 1, 0)
	set := func() int {
		return len(s.algorithm.(*locality).buckets[hash32(fold(false, site(1).Addr()), 10)][0].servers)
	}
	if got := set(); got != 2 {
		t.Fatalf("a set of %d, want 2", got)
	}
	if to(s, 1, 10*time.Minute); set() != 2 {
		t.Error("shrunk too early")
	}
	if to(s, 1, 10*time.Minute+1); set() != 1 {
		t.Error("not shrunk")
	}
	for range 3 {
		s.Closed(addr(1), true) // now it would win if it were in the set
	}
	s.Opened(addr(2), true)
	if got := to(s, 1, 10*time.Minute+2); got != 2 {
		t.Errorf("the set has server %d, want 2", got)
	}
}

func TestEntriesExpire(t *testing.T) {
	const minute = time.Minute
	for _, scheduler := range []string{"lblc", "lblcr"} {
		s := service(t, scheduler, Options{Expiry: 20 * minute}, weights(2, 2)...)
		l := s.algorithm.(*locality)
		to(s, 1, 0)
		to(s, 2, 10*minute+1)
		// The search comes with the 30th collection.
		if to(s, 3, 30*minute-1); l.entries != 3 {
			t.Errorf("%s: %d entries before the search, want 3", scheduler, l.entries)
		}
		if to(s, 3, 30*minute); l.entries != 2 {
			t.Errorf("%s: %d entries after the search, want 2", scheduler, l.entries)
		}
	}
}

// TestQuietYearsAreSkipped compares a model that slept with one that collected
// every minute.
func TestQuietYearsAreSkipped(t *testing.T) {
	for minutes := range 95 {
		fast, slow := &locality{}, &locality{}
		fast.start(nil)
		slow.start(nil)
		now := time.Duration(minutes)*time.Minute + time.Second
		fast.collect(now, time.Hour)
		for at := time.Duration(0); at <= now; at += time.Second * 30 {
			slow.collect(at, time.Hour)
		}
		slow.collect(now, time.Hour)
		if fast.rounds != slow.rounds || fast.next != slow.next {
			t.Fatalf("after %d minutes: round %d, next %v; want %d, %v", minutes, fast.rounds, fast.next, slow.rounds, slow.next)
		}
	}
	long := &locality{}
	long.start(nil)
	const century = 100 * 365 * 24 * time.Hour
	long.collect(century, time.Hour)
	if long.next <= century || long.rounds < 1 || long.rounds > localityRounds {
		t.Errorf("after a century: next %v, round %d", long.next, long.rounds)
	}
}

func TestFullCache(t *testing.T) {
	s := service(t, "lblc", Options{}, weights(2, 2)...)
	l := s.algorithm.(*locality)
	for n := range localityFull + 10 {
		to(s, n, time.Duration(n))
	}
	if l.entries != localityFull {
		t.Fatalf("%d entries, want %d", l.entries, localityFull)
	}
	// Nothing is old enough for the first six collections; the seventh takes a
	// quarter more than the excess, in whole buckets.
	if to(s, 0, localityIdle-1); l.entries != localityFull {
		t.Errorf("%d entries after five minutes", l.entries)
	}
	to(s, 0, localityIdle+time.Minute)
	const goal = localityRoom / 2
	if gone := localityFull - l.entries; gone < goal || gone > goal+200 {
		t.Errorf("%d entries are gone, want %d or a few more", gone, goal)
	}
}
