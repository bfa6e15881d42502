package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

// bench is a manager under test in a synctest bubble, with a kernel in memory
// and checkers that say what the test wants.
type bench struct {
	t      *testing.T
	kernel *ipvstest.Kernel
	m      *Manager
	cancel context.CancelFunc
	ended  chan error

	mu      sync.Mutex
	results map[netip.AddrPort]Result // by the server's address; none is a pass
	slow    map[netip.AddrPort]time.Duration
	panics  map[netip.AddrPort]bool
	starts  []start
	now     int // checks that are being done
	most    int
	notices []Notice
	quorums []string
	log     bytes.Buffer
	ops     int
}

type start struct {
	addr netip.AddrPort
	at   time.Time
}

// counted counts what is asked of the kernel.
type counted struct{ b *bench }

func (c counted) Table(q ipvs.Query) ([]ipvs.Entry, error) { return c.b.kernel.Table(q) }
func (c counted) Do(ops ...ipvs.Op) []error {
	c.b.mu.Lock()
	c.b.ops += len(ops)
	c.b.mu.Unlock()
	return c.b.kernel.Do(ops...)
}

// fake is a checker of the bench.
type fake struct {
	b    *bench
	addr netip.AddrPort
}

func (f fake) Check(ctx context.Context) Result {
	b := f.b
	b.mu.Lock()
	b.starts = append(b.starts, start{f.addr, time.Now()})
	b.now++
	b.most = max(b.most, b.now)
	r, ok := b.results[f.addr]
	if !ok {
		r = Result{Verdict: Pass}
	}
	slow, bad := b.slow[f.addr], b.panics[f.addr]
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.now--
		b.mu.Unlock()
	}()
	if bad {
		panic("a bug in a checker")
	}
	select {
	case <-time.After(slow):
		return r
	case <-ctx.Done():
		return Result{Reason: "cancelled"}
	}
}

func newBench(t *testing.T) *bench {
	return &bench{
		t: t, kernel: ipvstest.New(ipvstest.Options{}), ended: make(chan error, 1),
		results: map[netip.AddrPort]Result{}, slow: map[netip.AddrPort]time.Duration{}, panics: map[netip.AddrPort]bool{},
	}
}

func (b *bench) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

func (b *bench) options() Options {
	return Options{
		Table: counted{b},
		New: func(_ *Config, p ProbeConfig) (Checker, error) {
			e := p.(TCPConfig).Endpoint
			if e.Device == "bad" {
				return nil, errors.New("no such device")
			}
			return fake{b, e.Addr}, nil
		},
		Log: slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})),
		Notify: func(n Notice) { b.mu.Lock(); defer b.mu.Unlock(); b.notices = append(b.notices, n) },
		Quorum: func(s string, has bool) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.quorums = append(b.quorums, fmt.Sprint(s, " ", has))
		},
	}
}

// run starts the manager and waits until it sleeps.
func (b *bench) run(c Config, change ...func(*Options)) {
	o := b.options()
	for _, f := range change {
		f(&o)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel, b.m = cancel, NewManager(o)
	m, ended := b.m, make(chan error, 1)
	b.ended = ended
	go func() { ended <- m.Run(ctx, c) }()
	synctest.Wait()
}

// stop ends the manager.
func (b *bench) stop() {
	b.t.Helper()
	b.cancel()
	if err := <-b.ended; err != nil {
		b.t.Errorf("end: %v", err)
	}
}

func (b *bench) set(real int, r Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.results[addrOf(real)] = r
}

// after lets time go by.
func (b *bench) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// expect compares the kernel's table, whatever its order.
func (b *bench) expect(when, want string) {
	b.t.Helper()
	compareSorted(b.t, when, b.kernel.String(), want)
}

func (b *bench) logged(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.log.String(), text)
}

// checks are those that were begun since it was last asked, and how many are being
// done.
func (b *bench) checks() (begun []start, now int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	begun, b.starts = b.starts, nil
	return begun, b.now
}

// spent returns the operations since it was last asked.
func (b *bench) spent() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.ops
	b.ops = 0
	return n
}

// configOf is a configuration of virtual servers whose checkers ask the address of
// their real server.
func configOf(servers ...*ServerConfig) Config {
	var c Config
	for _, s := range servers {
		for i := range s.Reals {
			r := &s.Reals[i]
			r.Checkers = append([]CheckerConfig(nil), r.Checkers...)
			for j := range r.Checkers {
				p := r.Checkers[j].Probe.(TCPConfig)
				p.Addr = r.Addr
				r.Checkers[j].Probe = p
			}
		}
		c.Servers = append(c.Servers, *s)
	}
	return c
}

const web = "-A -t 10.0.0.1:80 -s rr\n"

func realLine(n, weight int) string {
	return fmt.Sprintf("-a -t 10.0.0.1:80 -r 10.0.1.%d:80 -m -w %d\n", n, weight)
}

// TestVerdicts follows a server through its life: it is in the table from the
// start, leaves it after its retries, and comes back.
func TestVerdicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		s := serverOf(1, 2)
		for i := range s.Reals {
			s.Reals[i].Checkers = []CheckerConfig{checker(2)}
		}
		b.run(configOf(s))
		b.expect("at the start", web+realLine(0, 1)+realLine(1, 2))
		b.set(0, Result{Reason: "connection refused"})
		b.after(interval) // it has failed once by now, at most three times
		b.after(2*retryDelay + time.Second/10)
		b.expect("after two retries", web+realLine(1, 2))
		for _, line := range []string{
			"TCP connection to [10.0.1.0]:tcp:80 failed. (connection refused)",
			"TCP_CHECK on service [10.0.1.0]:tcp:80 failed after 2 retries.",
			"Removing service [10.0.1.0]:tcp:80 from VS [10.0.0.1]:tcp:80",
		} {
			if n := b.logged(line); n != 1 {
				t.Errorf("%d times in the log: %s", n, line)
			}
		}
		b.set(1, Result{})
		b.after(interval + 3*retryDelay)
		b.expect("without any", web)
		if b.logged("Lost quorum 1-0=1 > 0 for VS [10.0.0.1]:tcp:80") != 1 {
			t.Error("the loss of the quorum is not in the log")
		}
		b.set(0, Result{Verdict: Pass})
		b.after(interval)
		b.expect("when it is back", web+realLine(0, 1))
		if b.logged("Adding service [10.0.1.0]:tcp:80 to VS [10.0.0.1]:tcp:80") != 1 ||
			b.logged("Gained quorum 1+0=1 <= 1 for VS [10.0.0.1]:tcp:80") != 1 {
			t.Error("its return is not in the log")
		}
		want := []string{"[10.0.0.1]:tcp:80 true", "[10.0.0.1]:tcp:80 false", "[10.0.0.1]:tcp:80 true"}
		if fmt.Sprint(b.quorums) != fmt.Sprint(want) {
			t.Errorf("told of quorums %v, want %v", b.quorums, want)
		}
		b.stop()
		b.expect("at the end", "")
		if t.Failed() {
			t.Log(b.log.String())
		}
	})
}

// TestSpread has 1 000 servers checked each second: from the first second on no
// hundredth of one has more than three times its share.
func TestSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var config Config
		s := serverOf()
		for i := range 1000 {
			c := checker(0)
			c.Interval, c.Warmup = time.Second, time.Second
			addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 80)
			c.Probe = TCPConfig{Endpoint{Addr: addr}}
			s.Reals = append(s.Reals, RealConfig{Destination: ipvs.Destination{Addr: addr, Weight: 1}, Checkers: []CheckerConfig{c}})
			b.slow[addr] = time.Duration(i%7) * time.Millisecond
		}
		config.Servers = []ServerConfig{*s}
		began := time.Now()
		b.run(config)
		b.after(20 * time.Second)
		begun, _ := b.checks()
		var slots [2000]int
		for _, s := range begun {
			if i := int(s.at.Sub(began) / (10 * time.Millisecond)); i < len(slots) {
				slots[i]++
			}
		}
		for i, n := range slots {
			if n > 30 {
				t.Errorf("%d checks in the 10 ms after %v", n, time.Duration(i)*10*time.Millisecond)
			}
		}
		if n := len(begun); n < 19_500 || n > 21_500 {
			t.Errorf("%d checks in 20 s of 1 000 servers", n)
		}
		b.stop()
	})
}

// TestBoundedConcurrency has 50 servers hang and room for 10 checks.
func TestBoundedConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		weights := make([]uint32, 50)
		s := serverOf(weights...)
		for i := range s.Reals {
			b.slow[addrOf(i)] = 5 * time.Second
		}
		b.run(configOf(s), func(o *Options) { o.Concurrent = 10 })
		b.after(time.Minute)
		seen := map[netip.AddrPort]int{}
		begun, _ := b.checks()
		for _, s := range begun {
			seen[s.addr]++
		}
		if b.most != 10 || len(seen) != 50 {
			t.Errorf("%d checks at a time, of %d servers", b.most, len(seen))
		}
		b.stop()
	})
}

// TestReconcile has others empty the table, change and remove what is ours, and
// add what is theirs.
func TestReconcile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		c := configOf(serverOf(1, 2))
		foreign := ipvs.Service{ServiceKey: ipvs.ServiceKey{Family: ipvs.IPv4, FWMark: 7}, Scheduler: "wlc", Netmask: ipvs.HostMask(ipvs.IPv4)}
		guest := ipvs.Destination{Addr: netip.MustParseAddrPort("10.0.3.1:80"), Weight: 9}
		do := func(ops ...ipvs.Op) {
			if errs := b.kernel.Do(ops...); errs != nil {
				t.Fatal(errs)
			}
		}
		do(ipvs.AddService{Service: foreign})
		const theirs = "-A -f 7 -s wlc\n"
		b.run(c)
		b.spent()
		b.after(5 * DefaultReconcile)
		if n := b.spent(); n != 0 {
			t.Errorf("%d operations although nothing changed", n)
		}
		whole := web + realLine(0, 1) + realLine(1, 2)
		for _, test := range []struct {
			name string
			ops  []ipvs.Op
			want string
			said string
		}{
			{"-C", []ipvs.Op{ipvs.Flush{}}, whole, "it lacked -a -t 10.0.0.1:80 -r 10.0.1.1:80 -m -w 2"},
			{"-D", []ipvs.Op{ipvs.DeleteService{Service: webKey}}, whole, "it lacked -A -t 10.0.0.1:80 -s rr"},
			{"-d", []ipvs.Op{ipvs.DeleteDestination{Service: webKey, Addr: addrOf(1)}}, whole, "it lacked -a"},
			{"-e", []ipvs.Op{ipvs.EditDestination{Service: webKey, Destination: ipvs.Destination{Addr: addrOf(0), Weight: 5}}}, whole,
				"it had -a -t 10.0.0.1:80 -r 10.0.1.0:80 -m -w 5 instead of -a -t 10.0.0.1:80 -r 10.0.1.0:80 -m -w 1"},
			{"-E", []ipvs.Op{ipvs.EditService{Service: ipvs.Service{ServiceKey: webKey, Scheduler: "sed", Netmask: ipvs.HostMask(ipvs.IPv4)}}}, whole,
				"it had -A -t 10.0.0.1:80 -s sed instead of -A -t 10.0.0.1:80 -s rr"},
			{"a guest", []ipvs.Op{ipvs.AddService{Service: foreign}, ipvs.AddDestination{Service: webKey, Destination: guest}},
				theirs + whole + "-a -t 10.0.0.1:80 -r 10.0.3.1:80 -m -w 9\n", ""},
		} {
			before := b.logged("Somebody else")
			do(test.ops...)
			b.after(DefaultReconcile)
			said := test.said == "" && b.logged("Somebody else") == before || test.said != "" && b.logged(test.said) > 0
			if !said {
				t.Errorf("%s: not said: %s", test.name, test.said)
			}
			compareSorted(t, test.name, b.kernel.String(), test.want)
		}
		b.stop()
		compareSorted(t, "at the end", b.kernel.String(), theirs+web+"-a -t 10.0.0.1:80 -r 10.0.3.1:80 -m -w 9\n")
		if t.Failed() {
			t.Log(b.log.String())
		}
	})
}

// compareSorted compares tables whatever their order.
func compareSorted(t *testing.T, name, got, want string) {
	t.Helper()
	if a, b := sortedLines(got), sortedLines(want); a != b {
		t.Errorf("%s: the kernel has\n%swant\n%s", name, a, b)
	}
}

// TestRefusedByTheKernel has an operation fail: the log has it, and it is tried
// again.
func TestRefusedByTheKernel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.kernel = ipvstest.New(ipvstest.Options{Before: ipvstest.FailNth(ipvs.ReqNewDest, 2, syscall.ENOMEM)})
		b.run(configOf(serverOf(1, 2)))
		b.expect("at the start", web+realLine(0, 1))
		if b.logged("-a -t 10.0.0.1:80 -r 10.0.1.1:80 -m -w 2: ") != 1 {
			t.Errorf("the log has no word of it: %s", b.log.String())
		}
		b.after(DefaultReconcile)
		b.expect("later", web+realLine(0, 1)+realLine(1, 2))
		if b.logged("Somebody else") != 0 {
			t.Errorf("it is taken for somebody else's doing: %s", b.log.String())
		}
		b.stop()
	})
}

// TestSomebodyQuicker has somebody remove a server just before it goes down: the
// manager finds out at once.
func TestSomebodyQuicker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run(configOf(serverOf(1, 2)))
		b.after(2 * time.Second)
		b.kernel.Do(ipvs.Flush{})
		b.set(0, Result{})
		b.after(interval + time.Second)
		b.expect("after a verdict", web+realLine(1, 2))
		b.stop()
	})
}

// TestSkip has checks that this host cannot do: nothing changes, up or down, and
// the log says so once.
func TestSkip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run(configOf(serverOf(1, 2)))
		b.set(1, Result{})
		b.after(3 * interval)
		b.set(0, Result{Verdict: Skip, Reason: "too many open files"})
		b.set(1, Result{Verdict: Skip, Reason: "too many open files"})
		b.after(5 * interval)
		b.expect("without file descriptors", web+realLine(0, 1))
		if n := b.logged("cannot be done: too many open files"); n != 2 {
			t.Errorf("the log says so %d times for two servers", n)
		}
		b.set(1, Result{Verdict: Pass})
		b.after(2 * interval)
		b.expect("with file descriptors again", web+realLine(0, 1)+realLine(1, 2))
		b.stop()
	})
}

// TestPanic has a checker panic: the others go on, and it has no say.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.panics[addrOf(0)] = true
		b.run(configOf(serverOf(1, 2)))
		b.set(1, Result{})
		b.after(3 * interval)
		b.expect("with a bug", web+realLine(0, 1))
		if b.logged("a bug in a checker") < 2 {
			t.Error("the log has no word of it")
		}
		b.stop()
	})
}
