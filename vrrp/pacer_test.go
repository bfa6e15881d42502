package vrrp

import (
	"slices"
	"testing"
	"time"
)

// drain pops everything, moving time to the deadlines, and returns what came
// and when.
func drain(p *Pacer[string], now time.Time) (what []string, took time.Duration) {
	begin := now
	for !p.Deadline().IsZero() {
		if p.Deadline().After(now) {
			now = p.Deadline()
		}
		for {
			w, ok := p.Pop(now)
			if !ok {
				break
			}
			what = append(what, w)
		}
	}
	return what, now.Sub(begin)
}

func TestPacerSendsAllAddressesInTurn(t *testing.T) {
	now := time.Unix(1, 0)
	for _, tc := range []struct {
		interval, took time.Duration
	}{{0, 0}, {time.Millisecond, 7 * time.Millisecond}} {
		p := NewPacer[string](tc.interval)
		p.Push(now, "a", 3)
		p.Push(now, "b", 3)
		p.Push(now, "c", 2)
		p.Push(now, "d", 0)
		got, took := drain(p, now)
		if want := []string{"a", "b", "c", "a", "b", "c", "a", "b"}; !slices.Equal(got, want) {
			t.Errorf("interval %v: %v, want %v", tc.interval, got, want)
		}
		if took != tc.took {
			t.Errorf("interval %v: took %v, want %v", tc.interval, took, tc.took)
		}
	}
}

func TestPacerKeepsItsIntervalWhenItWasEmpty(t *testing.T) {
	p, now := NewPacer[string](time.Second), time.Unix(1, 0)
	p.Push(now, "a", 1)
	p.Pop(now)
	p.Push(now, "b", 1)
	if _, ok := p.Pop(now.Add(time.Second - 1)); ok {
		t.Error("too early")
	}
	if got := p.Deadline().Sub(now); got != time.Second {
		t.Errorf("deadline in %v", got)
	}
	if w, ok := p.Pop(now.Add(time.Second)); !ok || w != "b" {
		t.Error("not at the deadline")
	}
}

func TestPacerForgetsAndMergesBursts(t *testing.T) {
	p, now := NewPacer[string](time.Millisecond), time.Unix(1, 0)
	p.Push(now, "a", 2)
	p.Push(now, "a", 5)
	p.Push(now, "a", 1)
	p.Push(now, "b", 1)
	p.Drop(func(s string) bool { return s == "b" })
	if got, _ := drain(p, now); !slices.Equal(got, []string{"a", "a", "a", "a", "a"}) {
		t.Errorf("%v", got)
	}
	if _, ok := p.Pop(now.Add(time.Hour)); ok || !p.Deadline().IsZero() {
		t.Error("something left")
	}
}
