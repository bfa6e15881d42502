package check

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

func (b *bench) reload(c Config) {
	b.t.Helper()
	if err := b.m.Reload(context.Background(), c); err != nil {
		b.t.Errorf("reload: %v", err)
	}
	synctest.Wait()
}

// TestManagerReload changes a configuration while its servers are in every state.
func TestManagerReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.set(1, Result{})
		b.run(configOf(serverOf(1, 2, 3)))
		b.after(2 * interval)
		down := web + realLine(0, 1) + realLine(2, 3)
		b.expect("before", down)
		b.spent()
		b.checks()
		b.reload(configOf(serverOf(1, 2, 3)))
		if begun, _ := b.checks(); b.spent() != 0 || len(begun) != 0 {
			t.Errorf("%d checks, or operations, although nothing changed", len(begun))
		}
		// A weight, a new server and one that goes: three operations.
		next := serverOf(5, 2, 3, 4)
		next.Reals = append(next.Reals[:2:2], next.Reals[3])
		b.reload(configOf(next))
		b.expect("after", web+realLine(0, 5)+realLine(3, 4))
		if n := b.spent(); n != 3 {
			t.Errorf("%d operations for three differences", n)
		}
		if b.logged("Removing service [10.0.1.2]:tcp:80 from VS [10.0.0.1]:tcp:80") != 1 ||
			b.logged("Adding service [10.0.1.3]:tcp:80 to VS [10.0.0.1]:tcp:80") != 1 ||
			b.logged("Changing weight from 1 to 5 for active service [10.0.1.0]:tcp:80 of VS [10.0.0.1]:tcp:80") != 1 {
			t.Errorf("the log: %s", b.log.String())
		}
		// The one that went is checked no more; the one that was down is, and comes.
		b.set(1, Result{Verdict: Pass})
		b.checks()
		b.after(3 * interval)
		begun, _ := b.checks()
		for _, s := range begun {
			if s.addr == addrOf(2) {
				t.Error("a server that is not there any more was checked")
			}
		}
		b.expect("later", web+realLine(0, 5)+realLine(1, 2)+realLine(3, 4))
		// Another virtual server, and none of the old.
		other := serverOf(1)
		other.Service.Addr = netip.MustParseAddrPort("10.0.0.2:80")
		b.reload(configOf(other))
		b.expect("another", "-A -t 10.0.0.2:80 -s rr\n-a -t 10.0.0.2:80 -r 10.0.1.0:80 -m -w 1")
		b.stop()
		b.expect("at the end", "")
	})
}

// TestReloadRenewsCertificates makes the checkers of SSL_GET anew at a reload, for
// the files of certificates may have changed, and goes on with all others.
func TestReloadRenewsCertificates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		config := func() Config {
			c := configOf(serverOf(1, 2))
			c.Servers[0].Reals[1].Checkers[0].Probe = HTTPConfig{TLS: true, Endpoint: Endpoint{Addr: addrOf(1)}}
			c.TLS.Certificate = "client.pem"
			return c
		}
		made := map[string]int{}
		b.run(config(), func(o *Options) {
			o.New = func(_ *Config, p ProbeConfig) (Checker, error) {
				made[p.Kind()]++
				return fake{b, addrOf(0)}, nil
			}
		})
		b.after(2 * interval)
		b.spent()
		b.reload(config())
		if n := b.spent(); n != 0 || made["SSL_GET"] != 2 || made["TCP_CHECK"] != 1 {
			t.Errorf("%d operations; checkers made: %v", n, made)
		}
		b.stop()
	})
}

// TestReloadRefused has a configuration whose checker cannot be made: nothing
// changes.
func TestReloadRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run(configOf(serverOf(1)))
		bad := configOf(serverOf(7, 8))
		bad.Servers[0].Reals[1].Checkers[0].Probe = TCPConfig{Endpoint{Addr: addrOf(1), Device: "bad"}}
		err := b.m.Reload(context.Background(), bad)
		want := "virtual_server [10.0.0.1]:tcp:80, real_server [10.0.1.1]:tcp:80: no such device"
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		look := func(c *Config, p ProbeConfig) error {
			_, err := b.options().New(c, p)
			return err
		}
		if err := Validate(&bad, look); err == nil || err.Error() != want {
			t.Errorf("Validate says %v", err)
		}
		b.expect("afterwards", web+realLine(0, 1))
		b.stop()
	})
}

// TestReloadWhileChecking has a check be done during a reload: its result counts
// if the server is still there, and a check of a server that went is cancelled.
func TestReloadWhileChecking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		for i := range 2 {
			b.set(i, Result{Reason: "slow"})
			b.slow[addrOf(i)] = time.Minute
		}
		b.run(configOf(serverOf(1, 1, 1)))
		b.after(interval)
		if _, now := b.checks(); now != 2 {
			t.Fatalf("%d checks are being done, want 2", now)
		}
		stay := serverOf(1, 1, 1)
		stay.Reals = append(stay.Reals[:1:1], stay.Reals[2])
		b.reload(configOf(stay))
		if _, now := b.checks(); now != 1 {
			t.Errorf("%d checks are being done after the reload, want 1", now)
		}
		b.after(time.Minute)
		b.expect("after the result", web+realLine(2, 1))
		b.stop()
	})
}

// TestAdoption starts anew with what the kernel has, weights of others included.
func TestAdoption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		must := func(ops ...ipvs.Op) {
			if errs := b.kernel.Do(ops...); errs != nil {
				t.Fatal(errs)
			}
		}
		s := serverOf(1, 2, 3)
		must(ipvs.AddService{Service: s.Service}, ipvs.AddDestination{Service: webKey, Destination: ipvs.Destination{Addr: addrOf(0), Weight: 9}},
			ipvs.AddDestination{Service: webKey, Destination: ipvs.Destination{Addr: addrOf(2), Weight: 3}})
		for i := range s.Reals {
			s.Reals[i].Checkers[0].Warmup = 30 * time.Second
			b.set(i, Result{Verdict: Pass})
		}
		b.run(configOf(s))
		b.expect("at the start", web+realLine(0, 9)+realLine(2, 3))
		if n := b.spent(); n != 0 {
			t.Errorf("%d operations to take over what is there", n)
		}
		b.after(time.Minute)
		b.expect("when all were checked", web+realLine(0, 1)+realLine(1, 2)+realLine(2, 3))
		b.stop()
	})
}

// TestFlushOnStart empties the table first, foreign services included.
func TestFlushOnStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.kernel.Do(ipvs.AddService{Service: ipvs.Service{ServiceKey: ipvs.ServiceKey{Family: ipvs.IPv4, FWMark: 7}, Scheduler: "wlc"}})
		c := configOf(serverOf(1))
		c.FlushOnStart, c.Timeouts = true, ipvs.Timeouts{UDP: 77 * time.Second}
		b.run(c)
		b.expect("at the start", web+realLine(0, 1))
		if got, _ := b.kernel.Timeouts(); got.UDP != 77*time.Second {
			t.Errorf("timeouts %+v", got)
		}
		b.stop()
	})
}

// TestManagerStop ends with every policy, on a table with somebody else's service, and
// somebody else's server in ours.
func TestManagerStop(t *testing.T) {
	const theirs, guest = "-A -f 7 -s wlc\n", "-a -t 10.0.0.1:80 -r 10.0.3.1:80 -m -w 9\n"
	for _, test := range []struct {
		name   string
		policy FlushOnStop
		keep   bool
		want   string
	}{
		{"each server, then the service", RemoveAll, false, theirs + web + guest},
		{"the service", RemoveServices, false, theirs},
		{"everything", FlushTable, false, ""},
		{"nothing", RemoveAll, true, theirs + web + guest + realLine(0, 1)},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			b.kernel.Do(ipvs.AddService{Service: ipvs.Service{ServiceKey: ipvs.ServiceKey{Family: ipvs.IPv4, FWMark: 7}, Scheduler: "wlc", Netmask: ipvs.HostMask(ipvs.IPv4)}})
			c := configOf(serverOf(1))
			c.FlushOnStop = test.policy
			b.run(c, func(o *Options) { o.KeepTable = test.keep })
			b.kernel.Do(ipvs.AddDestination{Service: webKey, Destination: ipvs.Destination{Addr: netip.MustParseAddrPort("10.0.3.1:80"), Weight: 9}})
			b.stop()
			compareSorted(t, test.name, b.kernel.String(), test.want)
			if err := b.m.Reload(context.Background(), c); err != ErrEnded {
				t.Errorf("%s: a reload after the end: %v", test.name, err)
			}
		})
	}
}

// ending is a checker whose check ends a while after nobody wants it any more, as that
// of a program does which has to be killed.
type ending struct {
	after time.Duration
	ended *atomic.Int32
}

func (e ending) Check(ctx context.Context) Result {
	<-ctx.Done()
	time.Sleep(e.after)
	e.ended.Add(1)
	return Result{Reason: "cancelled"}
}

// TestStopAwaitsChecks has the end wait for checks that are being done, also for
// those that a reload has removed, and not for ones that hang.
func TestStopAwaitsChecks(t *testing.T) {
	const hour = time.Hour
	for _, test := range []struct {
		name   string
		after  time.Duration
		reload bool
		took   time.Duration
		ended  int32
	}{
		{"checks that end", time.Second, false, time.Second, 2},
		{"checks that a reload has removed", time.Second, true, time.Second, 2},
		{"checks that hang", hour, false, lingering, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			var ended atomic.Int32
			b.run(configOf(serverOf(1, 1)), func(o *Options) {
				o.New = func(*Config, ProbeConfig) (Checker, error) { return ending{test.after, &ended}, nil }
			})
			time.Sleep(time.Minute) // all have begun
			if test.reload {
				b.reload(configOf())
			}
			begin := time.Now()
			b.stop()
			if took, n := time.Since(begin), ended.Load(); took != test.took || n != test.ended {
				t.Errorf("%s: the end took %v, want %v, and %d had ended, want %d", test.name, took, test.took, n, test.ended)
			}
			time.Sleep(hour)
		})
	}
}

// TestManagerSuspended has the address of a virtual server come and go: without it
// nothing is checked, and the state stays.
func TestManagerSuspended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		s := serverOf(1, 2)
		s.Suspend = true
		o := b.options()
		ctx, cancel := context.WithCancel(context.Background())
		b.m, b.cancel = NewManager(o), cancel
		b.m.SetAddresses(map[netip.Addr]bool{})
		go func() { b.ended <- b.m.Run(ctx, configOf(s)) }()
		synctest.Wait()
		b.set(0, Result{})
		b.after(10 * interval)
		if begun, _ := b.checks(); len(begun) != 0 {
			t.Errorf("%d checks without the address", len(begun))
		}
		b.expect("without the address", web+realLine(0, 1)+realLine(1, 2))
		b.m.SetAddresses(map[netip.Addr]bool{webKey.Addr.Addr(): true})
		b.after(2 * interval)
		b.expect("with it", web+realLine(1, 2))
		b.m.SetAddresses(map[netip.Addr]bool{})
		synctest.Wait()
		b.checks()
		b.set(0, Result{Verdict: Pass})
		b.reload(configOf(s))
		b.after(10 * interval)
		if begun, _ := b.checks(); len(begun) != 0 {
			t.Errorf("%d checks after it went", len(begun))
		}
		b.expect("after it went", web+realLine(1, 2))
		b.stop()
	})
}

// TestFileChanged has a FILE_CHECK look at once.
func TestFileChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		s := serverOf(1)
		s.Reals[0].Checkers[0].Probe = FileCheckConfig{File: "load"}
		b.run(Config{Servers: []ServerConfig{*s}}, func(o *Options) {
			o.New = func(*Config, ProbeConfig) (Checker, error) { return fake{b, addrOf(0)}, nil }
		})
		b.after(time.Second)
		b.set(0, Result{Verdict: Pass, Rule: AddWeight, Weight: 7})
		b.m.FileChanged("other")
		synctest.Wait()
		b.expect("another file", web+realLine(0, 1))
		b.m.FileChanged("load")
		synctest.Wait()
		b.expect("its file", web+realLine(0, 8))
		// It changes again while it is being looked at.
		b.mu.Lock()
		b.slow[addrOf(0)] = time.Second
		b.mu.Unlock()
		b.m.FileChanged("load")
		synctest.Wait()
		b.set(0, Result{Verdict: Pass, Rule: AddWeight, Weight: 2})
		b.m.FileChanged("load")
		b.after(3 * time.Second)
		b.expect("changed twice", web+realLine(0, 3))
		b.stop()
	})
}

// TestManagerSorryServer goes through the words and the table of a sorry server.
func TestManagerSorryServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run(configOf(with(serverOf(1, 1), sorry, quorum(2, 0), omega)))
		b.set(0, Result{})
		b.after(2 * interval)
		b.expect("without quorum", web+"-a -t 10.0.0.1:80 -r 10.0.2.1:80 -m -w 1")
		b.set(0, Result{Verdict: Pass})
		b.after(2 * interval)
		b.expect("with it", web+realLine(0, 1)+realLine(1, 1))
		b.stop()
		for _, line := range []string{
			"Gained quorum 2+0=2 <= 2 for VS [10.0.0.1]:tcp:80", "Lost quorum 2-0=2 > 1 for VS [10.0.0.1]:tcp:80",
			"Adding sorry server [10.0.2.1]:tcp:80 to VS [10.0.0.1]:tcp:80", "Removing alive servers from the pool for VS [10.0.0.1]:tcp:80",
			"Removing sorry server [10.0.2.1]:tcp:80 from VS [10.0.0.1]:tcp:80", "Adding alive servers to the pool for VS [10.0.0.1]:tcp:80",
		} {
			if b.logged(line) == 0 {
				t.Errorf("the log lacks %s", line)
			}
		}
	})
}

// TestNotices follows what programs, FIFOs and mails are told.
func TestNotices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		s := with(serverOf(1), omega)
		s.Mail, s.QuorumUp, s.QuorumDown = true, &Command{Argv: []string{"/up"}}, &Command{Argv: []string{"/down"}}
		r := &s.Reals[0]
		r.Mail, r.NotifyUp, r.NotifyDown = true, &Command{Argv: []string{"/rs-up", "a"}}, &Command{Argv: []string{"/rs-down"}}
		b.run(configOf(s))
		b.set(0, Result{})
		b.after(2 * interval)
		b.set(0, Result{Verdict: Pass})
		b.after(2 * interval)
		b.stop()
		var got []string
		for _, n := range b.notices {
			words := []string{n.FIFO, n.Subject, n.Body}
			if n.Command != nil {
				words = append(words, strings.Join(n.Command.Argv, " "))
			}
			got = append(got, strings.Join(words, "|"))
		}
		const vs, rs = "[10.0.0.1]:tcp:80", "[10.0.1.0]:tcp:80"
		want := []string{
			"VS " + vs + " UP|Virtualserver " + vs + " - UP|=> Starting with quorum up 1+0=1 <= 1 <=|/up",
			"|Realserver " + rs + " of virtual server " + vs + " - DOWN|=> TCP CHECK failed on service <=",
			"RS " + rs + " " + vs + " DOWN|||/rs-down",
			"VS " + vs + " DOWN|Virtualserver " + vs + " - DOWN|=> Lost quorum 1-0=1 > 0 <=|/down",
			"|Realserver " + rs + " of virtual server " + vs + " - UP|=> TCP CHECK succeed on service <=",
			"RS " + rs + " " + vs + " UP|||/rs-up a",
			"VS " + vs + " UP|Virtualserver " + vs + " - UP|=> Gained quorum 1+0=1 <= 1 <=|/up",
			"RS " + rs + " " + vs + " DOWN|Realserver " + rs + " of virtual server " + vs + " - DOWN|=> Shutting down <=|/rs-down",
			"VS " + vs + " DOWN|Virtualserver " + vs + " - DOWN|=> Shutting down <=|/down",
		}
		if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
			t.Errorf("told\n%s\nwant\n%s", a, b)
		}
		if b.logged("Executing [/rs-up a] for service "+rs+" in VS "+vs) != 1 || b.logged("Executing [/down] for VS "+vs) != 2 {
			t.Errorf("the log: %s", b.log.String())
		}
	})
}

// TestNothingIsLost kills managers at any moment, those of reloads among them, and
// starts the next on what is left: what both configurations have is in the table at
// every moment, and nothing that neither has.
func TestNothingIsLost(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 4))
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			weights := func() []uint32 { return make([]uint32, 1+r.IntN(6)) }
			old, next := weights(), weights()
			crash, n := r.IntN(12), 0
			b.run(configOf(serverOf(old...)))
			b.after(interval)
			// The kernel takes some operations of the next manager and no more.
			table := crashing{b.kernel, &n, crash}
			ctx, cancel := context.WithCancel(context.Background())
			o := b.options()
			o.Table, o.KeepTable = table, true
			killed := NewManager(o)
			ended := make(chan error, 1)
			go func() { ended <- killed.Run(ctx, configOf(serverOf(next...))) }()
			synctest.Wait()
			cancel()
			<-ended
			got := b.kernel.String()
			for i := range max(len(old), len(next)) {
				is := strings.Contains(got, strings.TrimSpace(realLine(i, 0)))
				if both := i < len(old) && i < len(next); both && !is {
					t.Errorf("server %d of %d and %d is lost after %d operations", i, len(old), len(next), crash)
				}
			}
			b.stop()
		})
	}
}

// crashing is a kernel for somebody who is killed after some operations.
type crashing struct {
	*ipvstest.Kernel
	n     *int
	limit int
}

func (c crashing) Do(ops ...ipvs.Op) []error {
	for _, op := range ops {
		if *c.n++; *c.n > c.limit {
			return nil
		}
		c.Kernel.Do(op)
	}
	return nil
}
