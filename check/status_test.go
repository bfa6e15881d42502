package check

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

// TestStatus has states, weights wanted and in the kernel, and last results.
func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.set(1, Result{Reason: "connection refused"})
		b.slow[addrOf(1)] = 50 * time.Millisecond
		b.run(configOf(with(serverOf(1, 2, 3), sorryInhibit)))
		b.after(interval - time.Second)
		b.kernel.Do(ipvs.EditDestination{Service: webKey, Destination: ipvs.Destination{Addr: addrOf(2), Weight: 9}})
		s, err := b.m.Status(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		weight := func(w *uint32) string {
			if w == nil {
				return "none"
			}
			return fmt.Sprint(*w)
		}
		v := s.Servers[0]
		var got []string
		for _, r := range v.Reals {
			c := r.Checkers[0]
			got = append(got, fmt.Sprintf("%s up=%v wanted=%s kernel=%s %s %v %q %v", r.Name, r.Up, weight(r.Wanted), weight(r.Kernel), c.Kind, c.Last.Verdict, c.Last.Reason, c.Took))
		}
		want := []string{
			`[10.0.1.0]:tcp:80 up=true wanted=1 kernel=1 TCP_CHECK pass "" 0s`,
			`[10.0.1.1]:tcp:80 up=false wanted=none kernel=none TCP_CHECK fail "connection refused" 50ms`,
			`[10.0.1.2]:tcp:80 up=true wanted=3 kernel=9 TCP_CHECK pass "" 0s`,
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s\nwant %s", got[i], want[i])
			}
		}
		if !v.HasQuorum || v.Sum != 4 || v.Sorry.InUse || weight(v.Sorry.Kernel) != "0" || v.Services != 1 || v.InKernel != 1 {
			t.Errorf("%+v %+v", v, v.Sorry)
		}
		if down := v.Reals[1].Since; !down.After(v.Reals[0].Since) || s.Counters.Failed != 1 || s.Counters.Checks != 3 {
			t.Errorf("down since %v, %+v", down, s.Counters)
		}
		b.stop()
	})
}

// TestOnceChecksEverything does every check once, pages to the last.
func TestOnceChecksEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.set(1, Result{Reason: "refused"})
		b.panics[addrOf(2)] = true
		for i := range 4 {
			b.slow[addrOf(i)] = time.Second
		}
		pages := map[netip.AddrPort]int{addrOf(3): 3}
		create := func(c *Config, p ProbeConfig) (Checker, error) {
			f, err := b.options().New(c, p)
			if left := pages[f.(fake).addr]; left > 0 {
				return &inParts{f.(fake), left}, nil
			}
			return f, err
		}
		began := time.Now()
		results, err := Once(context.Background(), configOf(serverOf(1, 1, 1, 1)), create, 0)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %v", took)
		}
		for i, want := range []struct {
			well bool
			took time.Duration
		}{{true, time.Second}, {false, time.Second}, {false, 0}, {true, 3 * time.Second}} {
			r := results[i]
			if r.Well() != want.well || r.Took != want.took || r.Real != EndpointName(ipvs.TCP, addrOf(i)) || r.Server != "[10.0.0.1]:tcp:80" {
				t.Errorf("%d: %+v", i, r)
			}
		}
		if n := b.logged(""); n > 1 {
			t.Errorf("the log: %s", b.log.String())
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		if r, err := Once(ctx, configOf(serverOf(1, 1)), create, 1); err == nil {
			t.Errorf("cancelled, and yet %+v", r)
		}
	})
}

// inParts is a checker of several parts.
type inParts struct {
	fake
	left int
}

func (p *inParts) Check(ctx context.Context) Result {
	r := p.fake.Check(ctx)
	if p.left--; p.left > 0 {
		r.Verdict = Partial
	}
	return r
}

// TestOpLine writes operations as ipvsadm takes them.
func TestOpLine(t *testing.T) {
	six := ipvs.ServiceKey{Family: ipvs.IPv6, Protocol: ipvs.UDP, Addr: netip.MustParseAddrPort("[2001:db8::1]:53")}
	for want, op := range map[string]ipvs.Op{
		"-A -t 10.0.0.1:80 -s rr": ipvs.AddService{Service: ipvs.Service{ServiceKey: webKey, Scheduler: "rr"}},
		"-E -t 10.0.0.1:80 -s sh -p 50 -M 255.255.255.0 -b flag-1,flag-2": ipvs.EditService{Service: ipvs.Service{
			ServiceKey: webKey, Scheduler: "sh", Timeout: 50 * time.Second, Netmask: 0xffffff00, Flags: ipvs.Persistent | ipvs.SchedFlag1 | ipvs.SchedFlag2}},
		"-A -u [2001:db8::1]:53 -s wlc -p 300 -M 64 --pe sip -o": ipvs.AddService{Service: ipvs.Service{
			ServiceKey: six, Scheduler: "wlc", Timeout: 300 * time.Second, Netmask: 64, PE: "sip", Flags: ipvs.Persistent | ipvs.OnePacket}},
		"-D -f 7 -6": ipvs.DeleteService{Service: ipvs.ServiceKey{Family: ipvs.IPv6, FWMark: 7}},
		"-a -f 7 -r 10.0.1.1:0 -i --tun-type gue --tun-port 6080 --tun-csum -w 3 -x 9 -y 4": ipvs.AddDestination{
			Service: ipvs.ServiceKey{Family: ipvs.IPv4, FWMark: 7}, Destination: ipvs.Destination{Addr: netip.MustParseAddrPort("10.0.1.1:0"), Forward: ipvs.Tunnel,
				Weight: 3, Upper: 9, Lower: 4, Tunnel: ipvs.Encapsulation{Type: ipvs.GUE, Port: 6080, Flags: ipvs.TunnelCsum}}},
		"-e --sctp-service 10.0.0.1:80 -r 10.0.1.1:80 -g -w 0": ipvs.EditDestination{
			Service:     ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.SCTP, Addr: webKey.Addr},
			Destination: ipvs.Destination{Addr: addrOf(1), Forward: ipvs.Route}},
		"-d -t 10.0.0.1:80 -r 10.0.1.1:80": ipvs.DeleteDestination{Service: webKey, Addr: addrOf(1)},
		"-C":                               ipvs.Flush{},
		"--set 900 0 300":                  ipvs.SetTimeouts{Timeouts: ipvs.Timeouts{TCP: 900 * time.Second, UDP: 300 * time.Second}},
	} {
		if got := opLine(op); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

// TestLogStandsStill has a log that takes nothing: whoever logs does not wait, and
// what is too much is counted.
func TestLogStandsStill(t *testing.T) {
	w := &stuckLog{writing: make(chan struct{}), resume: make(chan struct{})}
	j := newJournal(slog.New(slog.NewTextHandler(w, nil)))
	j.info("first")
	j.flush()
	<-w.writing
	for range maxLines + 99 {
		j.info("more")
	}
	close(w.resume)
	j.close()
	if n := strings.Count(w.b.String(), "level=INFO"); n != maxLines+1 {
		t.Errorf("%d lines were written, want %d", n, maxLines+1)
	}
	if !strings.Contains(w.b.String(), "99 lines were lost") {
		t.Error("the loss is not in the log")
	}
}

// stuckLog says that it is being written to, and then takes nothing until resume is
// closed.
type stuckLog struct {
	once            sync.Once
	writing, resume chan struct{}
	b               bytes.Buffer
}

func (w *stuckLog) Write(p []byte) (int, error) {
	w.once.Do(func() { close(w.writing) })
	<-w.resume
	return w.b.Write(p)
}

// TestTableBeforeLog has a kernel that takes its time: the lines of a start wait for
// it, and do not get in its way.
func TestTableBeforeLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		began, table := time.Now(), slowTable{ipvstest.New(ipvstest.Options{})}
		m := NewManager(Options{
			Table: table, New: func(*Config, ProbeConfig) (Checker, error) { return constant{&Result{Verdict: Pass}}, nil },
			Log: slog.New(slog.NewTextHandler(&b, nil)),
		})
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := m.Run(ctx, configOf(serverOf(1, 1))); err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(b.String(), " level=")
		if want := "time=" + began.Add(time.Second).Format("2006-01-02T15:04:05.000Z07:00"); first != want {
			t.Errorf("the log begins at %s, want %s:\n%s", first, want, b.String())
		}
	})
}

// slowTable takes a second for any change.
type slowTable struct{ *ipvstest.Kernel }

func (k slowTable) Do(ops ...ipvs.Op) []error {
	time.Sleep(time.Second)
	return k.Kernel.Do(ops...)
}

// TestChangeTakes has two verdicts, half a second apart, and a kernel that takes a
// second for a change: the later one waits for the earlier.
func TestChangeTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.slow[addrOf(1)], b.slow[addrOf(2)] = 100*time.Millisecond, 600*time.Millisecond
		b.set(1, Result{})
		b.set(2, Result{})
		b.run(configOf(serverOf(1, 2, 3)), func(o *Options) { o.Table = slowTable{b.kernel} })
		b.m.post(func(now time.Time) {
			for r := range b.m.runners() {
				b.m.hurry(now, r)
			}
		})
		expect := func(when string, slowest time.Duration, want ...time.Duration) {
			t.Helper()
			s, err := b.m.Status(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range s.Servers[0].Reals {
				if r.Change != want[i] {
					t.Errorf("%s: server %d: %v, want %v", when, i, r.Change, want[i])
				}
			}
			if s.Counters.Slowest != slowest {
				t.Errorf("%s: the slowest took %v, want %v", when, s.Counters.Slowest, slowest)
			}
		}
		const first, second = time.Second, 1500 * time.Millisecond
		b.after(time.Second) // of the start
		b.after(3 * time.Second)
		expect("down", second, 0, first, second)
		b.set(2, Result{Verdict: Pass})
		b.after(interval + 2*time.Second)
		expect("one is up again", second, 0, first, first)
		if err := b.m.Reload(context.Background(), configOf(serverOf(1, 2, 4))); err != nil {
			t.Fatal(err)
		}
		expect("after a reload", second, 0, first, first)
		b.stop()
	})
}
