package sched

import (
	"errors"
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestIndexesChooseAsPlainSearchDoes lets two models of a service live through
// the same, of which one is asked with reasons, and so without an index.
func TestIndexesChooseAsPlainSearchDoes(t *testing.T) {
	for _, scheduler := range []string{"lc", "wlc", "sed", "nq"} {
		t.Run(scheduler, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				o := Options{Generation: Generation(rapid.IntRange(0, 1).Draw(t, "generation"))}
				n := rapid.IntRange(0, 40).Draw(t, "servers")
				list := make([]Server, n)
				for i := range list {
					list[i] = drawServer(t, i)
				}
				plain, err := New(scheduler, o, list...)
				if err != nil {
					t.Fatal(err)
				}
				fast, _ := New(scheduler, o, list...)
				for range rapid.IntRange(1, 60).Draw(t, "steps") {
					step(t, plain, fast)
				}
			})
		})
	}
}

// drawServer draws the settings of a server, of few values so that many tie.
func drawServer(t *rapid.T, n int) Server {
	s := Server{Addr: addr(n), Weight: rapid.SampledFrom([]int{0, 1, 1, 2, 3, 6, 100, 1<<31 - 1}).Draw(t, "weight")}
	if s.Upper = rapid.SampledFrom([]int{0, 0, 1, 3, 8}).Draw(t, "upper"); s.Upper > 0 {
		s.Lower = rapid.IntRange(0, s.Upper).Draw(t, "lower")
	}
	return s
}

// step does one thing to both models and compares whom they would take.
func step(t *rapid.T, plain, fast *Service) {
	n := rapid.IntRange(0, 41).Draw(t, "server")
	both := func(f func(*Service) error) {
		if a, b := f(plain), f(fast); (a == nil) != (b == nil) {
			t.Fatalf("one refuses: %v, %v", a, b)
		}
	}
	known := plain.known[addr(n)]
	switch active := rapid.Bool().Draw(t, "active"); rapid.IntRange(0, 7).Draw(t, "what") {
	case 0:
		s := drawServer(t, n)
		both(func(m *Service) error { return m.Add(s) })
	case 1:
		s := drawServer(t, n)
		both(func(m *Service) error { return m.Update(s) })
	case 2:
		both(func(m *Service) error { return m.Remove(addr(n)) })
	case 3:
		if known != nil && (active && known.Active > 0 || !active && known.Inactive > 0) {
			both(func(m *Service) error { m.Closed(addr(n), active); return nil })
		}
	case 4:
		if known != nil && (active && known.Inactive > 0 || !active && known.Active > 0) {
			both(func(m *Service) error { m.Moved(addr(n), active); return nil })
		}
	default:
		choice, got := plain.Choose(Connection{}), fast.Next(Connection{})
		if got != choice.Server {
			t.Fatalf("the index takes %s, the search %s: %v", got, choice.Server, choice.Why)
		}
		both(func(m *Service) error { m.Opened(got, active); return nil })
	}
	if a, b := plain.Choose(Connection{}).Server, fast.Next(Connection{}); a != b {
		t.Fatalf("then the index takes %s, the search %s", b, a)
	}
}

func traffic(clients, connections int) Traffic {
	return Traffic{Clients: clients, Connections: connections, Virtual: []netip.AddrPort{addr(5000)}, Rate: 1000, Stream: true, Seed: 1}
}

func simulate(t *testing.T, scheduler string, l Traffic, change func(*Service) error, servers ...Server) Outcome {
	t.Helper()
	s := service(t, scheduler, Options{Random: rand.New(rand.NewPCG(1, 2))}, servers...)
	var f func() error
	if change != nil {
		f = func() error { return change(s) }
	}
	o, err := Simulate(s, l, f)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestSharesOfSimulations(t *testing.T) {
	for scheduler, want := range map[string][3]int{
		"rr": {2000, 2000, 2000}, "wrr": {1000, 2000, 3000}, "lc": {2000, 2000, 2000}, "wlc": {1000, 2000, 3000},
		"sed": {1000, 2000, 3000}, "nq": {1000, 2000, 3000}, "fo": {0, 0, 6000}, "ovf": {2, 3, 4},
	} {
		o := simulate(t, scheduler, traffic(500, 6000), nil, weights(1, 2, 3)...)
		served := 0
		for i, tally := range o.Tallies {
			if got := tally.Connections; got < want[i]-2 || got > want[i]+2 || tally.Peak != got {
				t.Errorf("%s: server %d had %d connections, %d at a time, want %d", scheduler, i+1, got, tally.Peak, want[i])
			}
			served += tally.Connections
		}
		if served+o.Refused != 6000 || o.Moves != nil {
			t.Errorf("%s: %d served, %d refused, moves %v", scheduler, served, o.Refused, o.Moves)
		}
	}
}

func TestEvenness(t *testing.T) {
	for _, tt := range []struct {
		connections, weights []int
		want                 float64
	}{
		{[]int{5, 10, 15}, []int{1, 2, 3}, 1},
		{[]int{9, 0, 0}, []int{1, 1, 1}, 1.0 / 3},
		{[]int{9, 9, 0}, []int{1, 1, 0}, 1},
		{[]int{1, 3}, []int{1, 1}, 0.8},
		{[]int{0, 0}, []int{1, 1}, 0},
	} {
		var o Outcome
		for i := range tt.connections {
			o.Tallies = append(o.Tallies, Tally{Connections: tt.connections[i], Weight: tt.weights[i]})
		}
		if got := o.Evenness(); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%v by %v: %f, want %f", tt.connections, tt.weights, got, tt.want)
		}
	}
}

// TestConnectionsEnd has a connection every millisecond that lasts 10 ms and
// lingers for 20: thirty at a time, and none refused by a threshold of that.
func TestConnectionsEnd(t *testing.T) {
	for _, stream := range []bool{true, false} {
		l := traffic(10, 5000)
		l.Stream, l.Linger = stream, 20*time.Millisecond
		l.Duration, _ = ParseDistribution("10ms")
		if o := simulate(t, "wlc", l, nil, weights(1)...); o.Tallies[0].Peak != 30 {
			t.Errorf("stream %v: %d at a time, want 30", stream, o.Tallies[0].Peak)
		}
		over := Server{Addr: addr(1), Weight: 1, Upper: 20, Lower: 20}
		if o := simulate(t, "wlc", l, nil, over); o.Refused == 0 || o.Tallies[0].Peak != 20 {
			t.Errorf("stream %v: %d at a time, %d refused by an upper threshold of 20", stream, o.Tallies[0].Peak, o.Refused)
		}
	}
	// ovf goes by active connections: with 10 at a time, weight 10 takes all.
	l := traffic(10, 5000)
	l.Linger = time.Second
	l.Duration, _ = ParseDistribution("10ms")
	if o := simulate(t, "ovf", l, nil, weights(10, 9)...); o.Tallies[0].Connections != 5000 {
		t.Errorf("connections that linger count as active: %v", o.Tallies)
	}
}

func TestMoves(t *testing.T) {
	remove := func(s *Service) error { return s.Remove(addr(3)) }
	add := func(s *Service) error { return s.Add(Server{Addr: addr(11), Weight: 1}) }
	ten := weights(1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
	for _, tt := range []struct {
		scheduler string
		change    func(*Service) error
		moved     [2]int // of 1000, at least and at most
	}{
		{"mh", remove, [2]int{80, 250}},
		{"sh", remove, [2]int{800, 950}},
		{"sh", add, [2]int{800, 950}},
		{"dh", remove, [2]int{0, 1000}},
		{"fo", remove, [2]int{0, 0}},
	} {
		m := simulate(t, tt.scheduler, traffic(1000, 20000), tt.change, ten...).Moves
		if m.Clients != 1000 || m.Restless != 0 || m.Moved < tt.moved[0] || m.Moved > tt.moved[1] {
			t.Errorf("%s: %+v, want %v moved", tt.scheduler, *m, tt.moved)
		}
		if m.Forced > m.Moved || m.Forced+m.ToNew == 0 && tt.scheduler != "fo" && tt.scheduler != "dh" {
			t.Errorf("%s: %+v", tt.scheduler, *m)
		}
	}
	if m := simulate(t, "rr", traffic(100, 1000), remove, ten...).Moves; m.Restless < 80 {
		t.Errorf("rr brings clients back: %+v", *m)
	}
	s := service(t, "rr", Options{Persistent: time.Hour}, ten...)
	o, err := Simulate(s, traffic(1000, 20000), func() error { return s.Remove(addr(3)) })
	if err != nil || o.Moves.Restless != 0 || o.Moves.Moved != o.Moves.Forced || o.Moves.Forced != 100 {
		t.Errorf("persistence: %+v, %v; want the 100 clients of one server to move", o.Moves, err)
	}
	wrong := errors.New("no")
	if _, err := Simulate(s, traffic(1, 1), func() error { return wrong }); err != wrong {
		t.Errorf("a change that fails: %v", err)
	}
}

// TestLoadsAreEqual compares the loads of two services, and of two seeds.
func TestLoadsAreEqual(t *testing.T) {
	l := traffic(50, 3000)
	a := simulate(t, "sh", l, nil, weights(1, 1, 1)...)
	b := simulate(t, "sh", l, nil, weights(1, 1, 1)...)
	l.Seed = 2
	c := simulate(t, "sh", l, nil, weights(1, 1, 1)...)
	same := func(x, y Outcome) bool {
		for i := range x.Tallies {
			if x.Tallies[i] != y.Tallies[i] {
				return false
			}
		}
		return true
	}
	if !same(a, b) || same(a, c) {
		t.Errorf("seed 1: %v and %v; seed 2: %v", a.Tallies, b.Tallies, c.Tallies)
	}
}

func TestClientsDiffer(t *testing.T) {
	for _, ipv6 := range []bool{false, true} {
		seen := map[netip.Addr]bool{}
		for i := range 200000 {
			a := clientAddr(ipv6, 3, i)
			if seen[a] || a.Is6() != ipv6 || a.IsMulticast() || a.IsLoopback() || a.IsUnspecified() || a.Is4() && a.As4()[0] == 10 {
				t.Fatalf("client %d is %s, again: %v", i, a, seen[a])
			}
			seen[a] = true
		}
	}
}

func TestDistributions(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for text, mean := range map[string]time.Duration{
		"30s": 30 * time.Second, "exp:30s": 30 * time.Second, "uniform:10s-50s": 30 * time.Second, "0s": 0, "exp:1ms": time.Millisecond,
	} {
		d, err := ParseDistribution(text)
		if err != nil || d.String() != text {
			t.Errorf("%q: %q, %v", text, d, err)
			continue
		}
		sum, n := time.Duration(0), 20000
		for range n {
			lasts, ends := d.draw(random)
			if sum += lasts; !ends || lasts < 0 {
				t.Fatalf("%s: %v, ends %v", text, lasts, ends)
			}
		}
		if got := sum / time.Duration(n); got < mean*97/100 || got > mean*103/100 {
			t.Errorf("%s: mean %v", text, got)
		}
	}
	if d, err := ParseDistribution("endless"); err != nil || d != (Distribution{}) || d.String() != "endless" {
		t.Errorf("endless: %v, %v", d, err)
	}
	for _, text := range []string{"", "30", "-1s", "exp:", "exp", "exp:-1s", "uniform:5s", "uniform:5s-1s", "normal:3s", "900000000h", "exp:30s-40s", "endless:3s"} {
		if d, err := ParseDistribution(text); err == nil {
			t.Errorf("%q is read as %v", text, d)
		}
	}
}

func TestLoadsOutOfRange(t *testing.T) {
	good := traffic(1, 1)
	for what, spoil := range map[string]func(*Traffic){
		"no client":            func(l *Traffic) { l.Clients = 0 },
		"too many clients":     func(l *Traffic) { l.Clients = 1 << 31 },
		"negative connections": func(l *Traffic) { l.Connections = -1 },
		"no destination":       func(l *Traffic) { l.Virtual = nil },
		"no rate":              func(l *Traffic) { l.Rate = 0 },
		"a rate that is none":  func(l *Traffic) { l.Rate = math.NaN() },
		"a negative linger":    func(l *Traffic) { l.Linger = -1 },
	} {
		l := good
		spoil(&l)
		if _, err := Simulate(service(t, "rr", Options{}, weights(1)...), l, nil); !errors.Is(err, ErrOutOfRange) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// BenchmarkSimulate measures a million connections among a hundred servers.
func BenchmarkSimulate(b *testing.B) {
	for _, known := range All() {
		b.Run(known.Name, func(b *testing.B) {
			for b.Loop() {
				list := make([]Server, 100)
				for i := range list {
					list[i] = Server{Addr: addr(i), Weight: 1 + i%7}
				}
				l := traffic(10000, 1000000)
				l.Duration, l.Linger = Distribution{exponential, 30 * time.Second, 0}, 2*time.Minute
				s := service(b, known.Name, Options{Random: rand.New(rand.NewPCG(1, 2))}, list...)
				if _, err := Simulate(s, l, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
