package main

import (
	"sync"
	"time"
)

// stalls are the times at which the guest itself stood still, as one does that
// shares a busy machine. What happens meanwhile says nothing of the directors.
type stalls struct {
	mu   sync.Mutex
	list []stall
}

// stall is a time in which nothing ran.
type stall struct{ from, to time.Time }

// leastStall is the shortest stall that counts.
const leastStall = 100 * time.Millisecond

// watchStalls begins to look out for stalls: sleeps that end too late.
func watchStalls() *stalls {
	s := &stalls{}
	go func() {
		const nap = 10 * time.Millisecond
		for {
			begun := time.Now()
			time.Sleep(nap)
			if now := time.Now(); now.Sub(begun) >= nap+leastStall {
				s.add(begun, now)
			}
		}
	}()
	return s
}

func (s *stalls) add(from, to time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, stall{from, to})
}

// longest is the longest stall that ended after a time.
func (s *stalls) longest(after time.Time) (most time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.list {
		if one.to.After(after) {
			most = max(most, one.to.Sub(one.from))
		}
	}
	return most
}

// between is how much of the time between two times was lost in stalls.
func (s *stalls) between(from, to time.Time) (sum time.Duration) {
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
