package vrrp

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// bench drives one machine by hand. Time stands still unless it is moved.
type bench struct {
	t       *testing.T
	m       *Machine
	now     time.Time
	actions []Action // of the last event
	seq     uint32   // of the peers' authentication headers
}

// newBench makes a bench with an IPv4 instance of version 3: priority 100, own
// address 10.77.0.1, one second, no announcements after the first burst.
func newBench(t *testing.T, change func(*Params)) *bench {
	t.Helper()
	p := goldenParams(V3, func(p *Params) {
		p.Priority = 100
		p.AdvertisementInterval = time.Second
		p.Announce = AnnounceSchedule{MasterRepeat: 5}
	})
	if change != nil {
		change(&p)
	}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	return &bench{t: t, m: New(p), now: time.Unix(1_000_000, 0)}
}

// started is a bench whose machine was started, in Backup or as owner in Active.
func started(t *testing.T, change func(*Params)) *bench {
	t.Helper()
	b := newBench(t, change)
	b.do(Startup{})
	return b
}

// active is a bench whose machine became Active by silence.
func active(t *testing.T, change func(*Params)) *bench {
	t.Helper()
	b := started(t, change)
	if b.m.State() != Active {
		b.expire()
	}
	b.in(Active)
	return b
}

func (b *bench) do(ev Event) *bench {
	b.t.Helper()
	b.actions = slices.Clone(b.m.Handle(b.now, ev))
	return b
}

// sleep moves time, and nothing else.
func (b *bench) sleep(d time.Duration) *bench {
	b.now = b.now.Add(d)
	return b
}

// expire moves time to the machine's deadline and ticks.
func (b *bench) expire() *bench {
	b.t.Helper()
	if b.m.Deadline().IsZero() {
		b.t.Fatal("the machine waits for nothing")
	}
	b.now = b.m.Deadline()
	return b.do(Tick{})
}

// hear delivers an advertisement from 10.77.0.2, or from elsewhere.
func (b *bench) hear(priority uint8, change ...func(*crafted)) *bench {
	b.t.Helper()
	p := b.m.Params().clone()
	c := craft(p, priority)
	b.seq++
	c.sequence = max(b.seq, b.m.sequence+1)
	for _, f := range change {
		f(c)
	}
	return b.do(Packet{*c.finish()})
}

func from(addr string) func(*crafted) {
	return func(c *crafted) { c.d.Source = netip.MustParseAddr(addr) }
}

// every sets the interval of a version 3 advertisement.
func every(d time.Duration) func(*crafted) {
	return func(c *crafted) {
		cs := d / Centisecond
		c.msg[4], c.msg[5] = byte(cs>>8), byte(cs)
	}
}

// want compares the actions of the last event with their strings. Log and
// Transition lines are compared with says.
func (b *bench) want(actions ...string) *bench {
	b.t.Helper()
	var got []string
	for _, a := range b.actions {
		if _, isLog := a.(Log); !isLog {
			got = append(got, a.String())
		}
	}
	if !slices.Equal(got, actions) {
		b.t.Errorf("%v: actions\n\t%s\nwant\n\t%s", b.m.State(), strings.Join(got, "\n\t"), strings.Join(actions, "\n\t"))
	}
	return b
}

// says wants a line in the log of the last event.
func (b *bench) says(line string) *bench {
	b.t.Helper()
	lines := b.lines()
	if !slices.Contains(lines, line) {
		b.t.Errorf("no line %q in the log:\n\t%s", line, strings.Join(lines, "\n\t"))
	}
	return b
}

func (b *bench) lines() (lines []string) {
	for _, a := range b.actions {
		if l, ok := a.(interface{ Line(string) string }); ok {
			lines = append(lines, l.Line("VI_1"))
		}
	}
	return lines
}

func (b *bench) in(s State) *bench {
	b.t.Helper()
	if got := b.m.State(); got != s {
		b.t.Fatalf("state %v, want %v", got, s)
	}
	return b
}

// due wants the deadline that far from now.
func (b *bench) due(d time.Duration) *bench {
	b.t.Helper()
	if got := b.m.Deadline().Sub(b.now); b.m.Deadline().IsZero() || got != d {
		b.t.Errorf("%v: deadline in %v, want %v", b.m.State(), got, d)
	}
	return b
}

func (b *bench) idle() *bench {
	b.t.Helper()
	if !b.m.Deadline().IsZero() {
		b.t.Errorf("%v: deadline in %v, want none", b.m.State(), b.m.Deadline().Sub(b.now))
	}
	return b
}

// state is the machine's state as bytes, to see whether it changed.
func (b *bench) state() string { return string(b.m.AppendState(nil, b.now)) }

const (
	skew100 = 609_375 * time.Microsecond // of priority 100 at one second
	down100 = 3*time.Second + skew100
)

func owner(p *Params) { p.Priority = PriorityOwner }
