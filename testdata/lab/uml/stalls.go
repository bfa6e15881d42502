package uml

import (
	"sync"
	"time"
)

// Stalls are the times at which a guest itself stood still, as one does that shares a
// busy machine. What happens meanwhile says nothing of the programs in it. It may be
// used from several goroutines.
type Stalls struct {
	mu   sync.Mutex
	list []stall
}

// stall is a time in which nothing ran.
type stall struct{ from, to time.Time }

// Add adds a stall from one time to another.
func (s *Stalls) Add(from, to time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, stall{from, to})
}

// Longest is the longest stall that ended after a time.
func (s *Stalls) Longest(after time.Time) (most time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.list {
		if one.to.After(after) {
			most = max(most, one.to.Sub(one.from))
		}
	}
	return most
}

// Between is how much of the time between two times was lost in stalls.
func (s *Stalls) Between(from, to time.Time) (sum time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.list {
		begin, end := one.from, one.to
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		sum += max(0, end.Sub(begin))
	}
	return sum
}
