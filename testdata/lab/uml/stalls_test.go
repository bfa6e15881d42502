package uml

import (
	"testing"
	"time"
)

// TestStalls adds up the parts of stalls that lie in a time.
func TestStalls(t *testing.T) {
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	var s Stalls
	s.Add(at(10), at(20))
	s.Add(at(30), at(35))
	for _, c := range []struct{ from, to, want int }{{0, 100, 15}, {15, 32, 7}, {20, 30, 0}, {12, 14, 2}, {50, 60, 0}} {
		if got := s.Between(at(c.from), at(c.to)); got != at(c.want).Sub(start) {
			t.Errorf("from %d to %d: %v, want %d ms", c.from, c.to, got, c.want)
		}
	}
	if a, b := s.Longest(at(0)), s.Longest(at(20)); a != 10*time.Millisecond || b != 5*time.Millisecond {
		t.Errorf("the longest: %v, and after 20 ms %v", a, b)
	}
}
