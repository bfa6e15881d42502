package sched

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// addr is the address of server n.
func addr(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 80)
}

// weights returns servers 1, 2 … in the order of the list, with these weights.
func weights(w ...int) []Server {
	list := make([]Server, len(w))
	for i, weight := range w {
		list[i] = Server{Addr: addr(i + 1), Weight: weight}
	}
	return list
}

func service(t testing.TB, scheduler string, o Options, servers ...Server) *Service {
	t.Helper()
	s, err := New(scheduler, o, servers...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sequence returns the last bytes of the servers that the next connections get.
func sequence(s *Service, n int) string {
	var b strings.Builder
	for i := range n {
		got := s.Next(Connection{Client: addr(1000 + i), Virtual: addr(2000)})
		if !got.IsValid() {
			b.WriteByte('.')
			continue
		}
		fmt.Fprint(&b, got.Addr().As4()[3])
	}
	return b.String()
}

func TestSequences(t *testing.T) {
	tests := []struct {
		scheduler string
		servers   []Server
		want      string
	}{
		{"rr", weights(1, 1, 1), "1231231"},
		{"rr", weights(9, 0, 1), "131313"},
		{"rr", weights(0, 0), "..."},
		{"rr", nil, "."},
		{"wrr", weights(4, 3, 2), "112123123112123123"},
		{"wrr", weights(6, 3), "112112"},
		{"wrr", weights(0, 0), ".."},
		{"wrr", nil, "."},
		{"lc", weights(1, 1), "1111"}, // nobody counts
		{"fo", weights(1, 3, 3), "2222"},
		{"ovf", weights(1, 3, 3), "2222"},
		{"nq", weights(1, 3, 3), "1111"},
		{"sed", weights(1, 3, 3), "2222"},
		{"dh", weights(1, 1), "1111"}, // bucket 180
	}
	for _, tt := range tests {
		if got := sequence(service(t, tt.scheduler, Options{}, tt.servers...), len(tt.want)); got != tt.want {
			t.Errorf("%s of %v: %s, want %s", tt.scheduler, tt.servers, got, tt.want)
		}
	}
}

func TestServersAddedAreFirst(t *testing.T) {
	s := service(t, "rr", Options{}, weights(1, 1)...)
	for _, n := range []int{3, 4} {
		if err := s.Add(Server{Addr: addr(n), Weight: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if got := sequence(s, 5); got != "43124" {
		t.Errorf("order %s, want 43124", got)
	}
	if err := s.Remove(addr(4)); err != nil { // rr stays before the next one
		t.Fatal(err)
	}
	if got := sequence(s, 3); got != "312" {
		t.Errorf("order %s after a removal, want 312", got)
	}
}

func TestThresholds(t *testing.T) {
	tests := []struct {
		upper, lower, openTo, closeTo int
		overloaded, after             bool
	}{
		{10, 0, 9, 9, false, false},
		{10, 0, 10, 8, true, true}, // 8 is not less than three quarters of 10
		{10, 0, 10, 7, true, false},
		{10, 5, 10, 5, true, true},
		{10, 5, 10, 4, true, false},
		{0, 0, 50, 0, false, false},
	}
	for _, tt := range tests {
		s := service(t, "fo", Options{}, Server{Addr: addr(1), Weight: 1, Upper: tt.upper, Lower: tt.lower})
		for range tt.openTo {
			s.Opened(addr(1), true)
		}
		if got := s.Servers()[0].Overloaded; got != tt.overloaded {
			t.Errorf("%+v: overloaded is %v with %d connections", tt, got, tt.openTo)
		}
		for range tt.openTo - tt.closeTo {
			s.Moved(addr(1), false)
			s.Closed(addr(1), false)
		}
		got := s.Servers()[0]
		if got.Overloaded != tt.after || got.Active != tt.closeTo || got.Inactive != 0 {
			t.Errorf("%+v: then %+v", tt, got)
		}
		if chosen := s.Next(Connection{}).IsValid(); chosen == tt.after {
			t.Errorf("%+v: chosen is %v", tt, chosen)
		}
	}
}

func TestRaisedThresholdEndsTheOverload(t *testing.T) {
	for _, tt := range []struct {
		upper int
		want  bool
	}{{4, true}, {5, true}, {6, false}, {0, false}} {
		s := service(t, "fo", Options{}, Server{Addr: addr(1), Weight: 1, Upper: 5, Inactive: 7})
		if err := s.Update(Server{Addr: addr(1), Weight: 1, Upper: tt.upper}); err != nil {
			t.Fatal(err)
		}
		if got := s.Servers()[0].Overloaded; got != tt.want {
			t.Errorf("threshold 5 becomes %d: overloaded is %v, want %v", tt.upper, got, tt.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	s := service(t, "rr", Options{}, weights(1)...)
	tests := []struct {
		what string
		err  error
		want error
	}{
		{"a server twice", s.Add(Server{Addr: addr(1)}), ErrServerExists},
		{"a server without address", s.Add(Server{}), ErrOutOfRange},
		{"a negative weight", s.Update(Server{Addr: addr(1), Weight: -1}), ErrOutOfRange},
		{"a weight beyond 31 bits", s.Add(Server{Addr: addr(2), Weight: 1 << 31}), ErrOutOfRange},
		{"lower above upper", s.Add(Server{Addr: addr(2), Upper: 1, Lower: 2}), ErrOutOfRange},
		{"negative counters", s.Add(Server{Addr: addr(2), Active: -1}), ErrOutOfRange},
		{"an update of nobody", s.Update(Server{Addr: addr(2)}), ErrNoServer},
		{"a removal of nobody", s.Remove(addr(2)), ErrNoServer},
		{"a bond with nobody", s.Bind(addr(9).Addr(), addr(2), 1), ErrNoServer},
		{"an unknown scheduler", newError("wrrr", Options{}), ErrUnknownScheduler},
		{"too small a table", newError("mh", Options{TableIndex: 7}), ErrOutOfRange},
		{"too great a table", newError("mh", Options{TableIndex: 18}), ErrOutOfRange},
		{"a negative timeout", newError("rr", Options{Persistent: -1}), ErrOutOfRange},
		{"an unknown generation", newError("rr", Options{Generation: 2}), ErrOutOfRange},
		{"a server twice from the start", newError("rr", Options{}, addr(1), addr(1)), ErrServerExists},
	}
	for _, tt := range tests {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.what, tt.err, tt.want)
		}
	}
	if got := sequence(s, 2); got != "11" {
		t.Errorf("refusals changed the service: %s", got)
	}
}

func newError(scheduler string, o Options, servers ...netip.AddrPort) error {
	var list []Server
	for _, a := range servers {
		list = append(list, Server{Addr: a})
	}
	_, err := New(scheduler, o, list...)
	return err
}

func TestCertainty(t *testing.T) {
	doubtful := Server{Addr: addr(3), Weight: 1, Upper: 10, Active: 9} // may have been at 10
	tests := []struct {
		scheduler string
		o         Options
		servers   []Server
		want      bool
	}{
		{"rr", Options{}, weights(1, 1), true},
		{"rr", Options{Used: true}, weights(1, 1), false},
		{"rr", Options{Used: true}, weights(0, 1), true},
		{"wrr", Options{Used: true}, weights(2, 1), false},
		{"lblc", Options{Used: true}, weights(2, 1), false},
		{"lblcr", Options{Used: true}, weights(2), true},
		{"wlc", Options{Used: true}, weights(2, 1), true},
		{"sh", Options{Used: true}, weights(2, 0), true},
		{"mh", Options{Used: true}, weights(2, 1), true},
		{"mh", Options{Used: true}, weights(2, 0), false},
		{"wlc", Options{Used: true}, []Server{doubtful}, false},
		{"wlc", Options{}, []Server{doubtful}, true},
		{"wlc", Options{Used: true, Persistent: 1}, weights(2, 1), false},
		{"twos", Options{}, weights(2, 1), false},
		{"twos", Options{}, weights(2, 0), true},
	}
	for _, tt := range tests {
		if got := service(t, tt.scheduler, tt.o, tt.servers...).Choose(Connection{Client: addr(9), Virtual: addr(8)}); got.Certain() != tt.want {
			t.Errorf("%s %+v of %v: certain is %v", tt.scheduler, tt.o, tt.servers, got.Certain())
		}
	}
}

func TestReasons(t *testing.T) {
	s := service(t, "wlc", Options{}, Server{Addr: addr(1)}, Server{Addr: addr(2), Weight: 2, Active: 3, Inactive: 1},
		Server{Addr: addr(3), Weight: 4, Upper: 5, Inactive: 6})
	c := s.Choose(Connection{})
	want := "[10.0.0.1:80: weight 0 10.0.0.2:80: load 769 / weight 2 10.0.0.3:80: overloaded (6 connections, upper threshold 5)]"
	if got := fmt.Sprint(c.Why); got != want || c.Server != addr(2) {
		t.Errorf("%s because %s, want %s", c.Server, got, want)
	}
	for rule := Bound; rule <= Nobody; rule++ {
		r := Reason{rule, addr(1), 3, 4}
		if text := r.String(); strings.HasPrefix(text, "rule ") || rule != Nobody && !strings.HasPrefix(text, addr(1).String()) {
			t.Errorf("rule %d reads %q", rule, text)
		}
	}
	c = service(t, "dh", Options{}).Choose(Connection{Virtual: addr(1)})
	if len(c.Why) != 2 || c.Why[0].Rule != Hashed || c.Why[1].Rule != Nobody || strings.HasPrefix(c.Why[0].String(), "invalid") {
		t.Errorf("nobody to hash to: %v", c.Why)
	}
}

func TestPersistence(t *testing.T) {
	s := service(t, "rr", Options{Persistent: time.Minute, Netmask: netip.MustParseAddr("255.255.255.0")}, weights(1, 1, 1)...)
	next := func(client string, at time.Duration) byte {
		a := s.Next(Connection{Client: netip.MustParseAddrPort(client), Virtual: addr(1), At: at})
		return a.Addr().As4()[3]
	}
	steps := []struct {
		client string
		at     time.Duration
		want   byte
	}{
		{"192.0.2.1:1", 0, 1},
		{"192.0.2.99:1", 50 * time.Second, 1}, // the same network
		{"192.0.3.1:1", 50 * time.Second, 2},
		{"192.0.2.1:2", 109 * time.Second, 1}, // each connection prolongs it
		{"192.0.2.1:3", 169 * time.Second, 3}, // expired
	}
	for _, step := range steps {
		if got := next(step.client, step.at); got != step.want {
			t.Errorf("%s at %v: server %d, want %d", step.client, step.at, got, step.want)
		}
	}
	if err := s.Update(Server{Addr: addr(3)}); err != nil {
		t.Fatal(err)
	}
	if got := next("192.0.2.1:4", 170*time.Second); got != 3 {
		t.Errorf("weight 0 broke the bond: server %d", got)
	}
	if err := s.Remove(addr(3)); err != nil {
		t.Fatal(err)
	}
	if got := next("192.0.2.1:5", 171*time.Second); got == 3 {
		t.Error("bound to a server that was removed")
	}
	if err := s.Bind(netip.MustParseAddr("198.51.100.7"), addr(2), time.Hour); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := next("198.51.100.200:1", 172*time.Second); got != 2 {
			t.Errorf("a bond that was told of leads to server %d", got)
		}
	}
}

// TestTwoChoices compares the probabilities with what many draws give.
func TestTwoChoices(t *testing.T) {
	servers := weights(3, 0, 1, 6)
	servers[0].Active, servers[2].Active, servers[3].Active = 1, 1, 9
	random := rand.New(rand.NewPCG(1, 2))
	s := service(t, "twos", Options{Random: random}, servers...)
	shares := s.Shares()
	const n = 200000
	count := map[netip.AddrPort]int{}
	for range n {
		count[s.Next(Connection{})]++
	}
	sum := 0.0
	for _, share := range shares {
		sum += share.Probability
		if got := float64(count[share.Server]) / n; math.Abs(got-share.Probability) > 0.005 {
			t.Errorf("%s: %.4f of the draws, probability %.4f", share.Server, got, share.Probability)
		}
	}
	// Server 1, of load 1/3, wins unless neither draw is it: 4 of 11 numbers are its.
	if want := 1 - 7.0/11*7/11; math.Abs(shares[0].Probability-want) > 1e-9 || math.Abs(sum-1) > 1e-9 {
		t.Errorf("probability of server 1 is %f, want %f; sum %f", shares[0].Probability, want, sum)
	}
	if got := service(t, "twos", Options{}, servers...).Next(Connection{}); got != addr(1) {
		t.Errorf("the likeliest is %s", got)
	}
	if got := sequence(service(t, "twos", Options{}, weights(0, 0)...), 1); got != "." {
		t.Errorf("a server without weight gets a connection: %s", got)
	}
	if service(t, "rr", Options{}, servers...).Shares() != nil {
		t.Error("rr has probabilities")
	}
}

// BenchmarkNext measures a connection of one of many clients among a hundred
// servers.
func BenchmarkNext(b *testing.B) {
	for _, known := range All() {
		b.Run(known.Name, func(b *testing.B) {
			list := make([]Server, 100)
			for i := range list {
				list[i] = Server{Addr: addr(i), Weight: 1 + i%7}
			}
			s := service(b, known.Name, Options{Random: rand.New(rand.NewPCG(1, 2))}, list...)
			i := 0
			for b.Loop() {
				i++
				if got := s.Next(Connection{Client: addr(i & 0xffff), Virtual: addr(i & 0xff)}); got.IsValid() {
					s.Opened(got, i&1 == 0)
				}
			}
		})
	}
}
