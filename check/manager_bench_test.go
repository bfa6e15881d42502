package check

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

// manyReals is a configuration of n real servers in services of 100, each with a
// TCP_CHECK.
func manyReals(n int, interval time.Duration) Config {
	var c Config
	for i := 0; i < n; i += 100 {
		s := ServerConfig{Quorum: 1, Service: ipvs.Service{Scheduler: "rr", Netmask: ipvs.HostMask(ipvs.IPv4), ServiceKey: ipvs.ServiceKey{
			Family: ipvs.IPv4, Protocol: ipvs.TCP, Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i / 100 >> 8), byte(i / 100)}), 80),
		}}}
		for j := i; j < min(i+100, n); j++ {
			addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 2, byte(j >> 8), byte(j)}), 80)
			s.Reals = append(s.Reals, RealConfig{Destination: ipvs.Destination{Addr: addr, Weight: 1}, Checkers: []CheckerConfig{{
				Interval: interval, Warmup: interval, Retries: 1, RetryDelay: time.Second,
				Probe: TCPConfig{Endpoint{Addr: addr, Timeout: 5 * time.Second}},
			}}})
		}
		c.Servers = append(c.Servers, s)
	}
	return c
}

// constant is a checker whose results are what it points to.
type constant struct{ result *Result }

func (c constant) Check(context.Context) Result { return *c.result }

// under runs a manager of a configuration while f does something with it.
func under(b *testing.B, c Config, k Table, result *Result, f func(*Manager)) {
	b.Helper()
	started := make(chan struct{})
	m := NewManager(Options{
		Table: k, New: func(*Config, ProbeConfig) (Checker, error) { return constant{result}, nil }, Started: func() { close(started) },
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx, c) }()
	<-started
	f(m)
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
}

// BenchmarkManagerReload reloads an unchanged configuration, as it comes from a
// file that was read again.
func BenchmarkManagerReload(b *testing.B) {
	for _, n := range []int{1_000, 5_000, 20_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c, again := manyReals(n, time.Hour), manyReals(n, time.Hour)
			under(b, c, ipvstest.New(ipvstest.Options{}), &Result{Verdict: Pass}, func(m *Manager) {
				for b.Loop() {
					if err := m.Reload(context.Background(), again); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkManagerStart starts with an empty kernel, and ends again.
func BenchmarkManagerStart(b *testing.B) {
	c := manyReals(10_000, time.Hour)
	for b.Loop() {
		under(b, c, ipvstest.New(ipvstest.Options{}), &Result{Verdict: Pass}, func(*Manager) {})
	}
}

// BenchmarkManagerVerdict is from the end of a check that changes something to the
// kernel, among 1 000 real servers of one service.
func BenchmarkManagerVerdict(b *testing.B) {
	c := manyReals(100, time.Hour)
	for len(c.Servers[0].Reals) < 1_000 {
		r := c.Servers[0].Reals[len(c.Servers[0].Reals)-1]
		r.Addr = netip.AddrPortFrom(r.Addr.Addr().Next(), 80)
		c.Servers[0].Reals = append(c.Servers[0].Reals, r)
	}
	for i := range c.Servers[0].Reals {
		c.Servers[0].Reals[i].Checkers[0].Retries = 0
	}
	done := make(chan time.Time, 1)
	k := noticing{ipvstest.New(ipvstest.Options{}), done}
	under(b, c, k, &Result{Verdict: Pass}, func(m *Manager) {
		<-done // the start
		r := m.servers[0].reals[500].runners[0]
		pass := false
		for b.Loop() {
			verdict := Fail
			if pass {
				verdict = Pass
			}
			pass = !pass
			now := time.Now()
			m.post(func(time.Time) {
				m.running++
				r.cancel = func() {}
				m.take(outcome{runner: r, at: now, result: Result{Verdict: verdict}})
			})
			<-done
		}
	})
}

// noticing tells of every change.
type noticing struct {
	*ipvstest.Kernel
	done chan time.Time
}

func (k noticing) Do(ops ...ipvs.Op) []error {
	errs := k.Kernel.Do(ops...)
	select {
	case k.done <- time.Now():
	default:
	}
	return errs
}

// BenchmarkManagerMemory is what a manager takes for each checker, in bytes of
// heap, when nothing is being done.
func BenchmarkManagerMemory(b *testing.B) {
	heap := func() uint64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	const n = 5_000
	for b.Loop() {
		k := ipvstest.New(ipvstest.Options{})
		before := heap()
		c := manyReals(n, time.Hour)
		under(b, c, k, &Result{Verdict: Pass}, func(*Manager) {
			b.ReportMetric(float64(heap()-before)/n, "B/checker")
		})
		runtime.KeepAlive(c)
	}
}

// BenchmarkManagerStatus is what a status takes from the manager, whose verdicts wait
// meanwhile.
func BenchmarkManagerStatus(b *testing.B) {
	c := manyReals(20_000, time.Hour)
	under(b, c, ipvstest.New(ipvstest.Options{}), &Result{Verdict: Pass}, func(m *Manager) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := m.Status(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
