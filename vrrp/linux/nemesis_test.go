package linux_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
	"ipvsadm/vrrp"

	"golang.org/x/sys/unix"
)

// arena is two routers of ours that something is done to, of which the first is
// better.
type arena struct {
	*pair
	random *rand.Rand
}

// inArena has a test in a lab with two routers that have settled, beside other
// such tests: they wait, mostly.
func inArena(t *testing.T, interval time.Duration, body func(a *arena)) {
	t.Parallel()
	inLab(t, func(t *testing.T) {
		a := newArena(t, interval)
		body(a)
		a.settle("at the end", 0)
	})
}

func newArena(t *testing.T, interval time.Duration) *arena {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	v := variant{version: vrrp.V3, interval: interval}
	a := &arena{pair: &pair{lab: newLab(t), variant: v}, random: rand.New(rand.NewPCG(seed, 0))}
	for host := range a.routers {
		a.routers[host] = a.router(host, true, "global_defs {\n dynamic_interfaces\n}\n"+v.conf(host))
		a.routers[host].start()
		a.settle("at the start", 0)
	}
	return a
}

// rounds is how often a nemesis strikes.
func rounds() int {
	n, _ := strconv.Atoi(os.Getenv(roundsVar))
	return max(n, 1)
}

// length is a time up to the given one, if there are many rounds, or short.
func (a *arena) length(short, most time.Duration) time.Duration {
	if rounds() == 1 {
		return short
	}
	return 100*time.Millisecond + time.Duration(a.random.Int64N(int64(most)))
}

// checkSilence checks that the second host took over from the first one only
// after the protocol's time of silence, or after priority 0. heard are the first
// host's advertisements as the second one could hear them.
func (a *arena) checkSilence(when string, since time.Time, heard []heard) {
	a.t.Helper()
	var last time.Time // of the second host
	for _, h := range a.heard.since(since) {
		if h.priority != 100 {
			continue
		}
		begins := h.at.Sub(last) > 3*a.interval
		last = h.at
		if !begins {
			continue
		}
		for _, f := range heard {
			silence := h.at.Sub(f.at)
			if f.priority == 150 && silence > 0 && silence < a.down()-5*time.Millisecond {
				a.t.Errorf("%s: host 2 took over %v after an advertisement of host 1", when, silence)
			}
		}
	}
}

// TestPausedBackup stops the Backup Router for longer than it would wait. When it
// goes on its timer has expired long ago, and it must not take over.
func TestPausedBackup(t *testing.T) {
	inArena(t, 100*time.Millisecond, func(a *arena) {
		for range rounds() {
			since := time.Now()
			a.routers[1].signal(unix.SIGSTOP)
			time.Sleep(a.length(2*time.Second, 10*time.Second))
			a.routers[1].signal(unix.SIGCONT)
			time.Sleep(5 * a.interval)
			a.checkSilence("after the pause", since, a.heard.since(since))
		}
	})
}

// TestPausedActive stops the better router for longer than the other waits. When
// it goes on it is Active by its own clock; it must first find out that it is not.
func TestPausedActive(t *testing.T) {
	inArena(t, 100*time.Millisecond, func(a *arena) {
		for range rounds() {
			a.routers[0].signal(unix.SIGSTOP)
			time.Sleep(a.length(time.Second, 10*time.Second))
			a.settle("during the pause", 1, 0)
			since := time.Now()
			a.routers[0].signal(unix.SIGCONT)
			a.settle("after the pause", 0)
			for _, h := range a.heard.since(since) {
				if h.priority == 150 {
					// It listens for its own time, and preempts in order.
					if early := vrrp.ActiveDownInterval(vrrp.V3, 150, a.interval, 3) - h.at.Sub(since); early > 5*time.Millisecond {
						t.Errorf("host 1 advertised %v too early after the pause", early)
					}
					break
				}
			}
		}
	})
}

// TestStarved lets many others want the processors: who is late must not think
// that others are dead.
func TestStarved(t *testing.T) {
	inArena(t, 100*time.Millisecond, func(a *arena) {
		since := time.Now()
		for range 4 * runtime.NumCPU() {
			hog := exec.Command("sh", "-c", "while :; do :; done")
			hog.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
			if err := hog.Start(); err != nil {
				t.Fatal(err)
			}
			defer hog.Wait()
			defer hog.Process.Kill()
		}
		time.Sleep(time.Duration(rounds()) * 2 * time.Second)
		a.checkSilence("without time", since, a.heard.since(since))
	})
}

// TestPartition cuts the cable, one way and both ways, and joins it again.
func TestPartition(t *testing.T) {
	inArena(t, 100*time.Millisecond, func(a *arena) {
		c := a.cable(a.random.Uint64())
		cut, whole := way{cut: true}, way{}
		for range rounds() {
			for name, w := range map[string][2]way{
				"both ways":           {cut, cut},
				"from host 1":         {cut, whole},
				"from host 2":         {whole, cut},
				"most from host 1":    {{lost: 0.8}, whole},
				"half of everything":  {{lost: 0.5}, {lost: 0.5}},
				"late, twice":         {{late: 80 * time.Millisecond, twice: 0.3}, {late: 80 * time.Millisecond, twice: 0.3}},
				"later than the next": {{late: 250 * time.Millisecond}, whole},
			} {
				since := time.Now()
				c.set(w[0], w[1])
				if w[0].cut {
					// Both are Active: neither can know.
					a.await(name+": host 2 takes over", func() bool { return a.has(1, a.addresses(0)[0]) })
				} else {
					time.Sleep(a.length(time.Second, 3*time.Second))
				}
				c.set(whole, whole)
				healed := time.Now()
				a.settle("joined again after "+name, 0)
				a.checkSilence(name, since, c.delivered.since(since.Add(-a.down())))
				settled := time.Now()
				time.Sleep(3 * a.interval)
				if slices.ContainsFunc(a.heard.since(settled), a.sentByOther(0)) {
					t.Errorf("two Active Routers %v after %s", settled.Sub(healed), name)
				}
			}
		}
	})
}

// TestStorm changes the interface of the better router in every way, quickly, and
// has both read their configuration again meanwhile.
func TestStorm(t *testing.T) {
	inArena(t, 100*time.Millisecond, func(a *arena) {
		strikes := map[string]func(){
			"the interface goes down": func() {
				a.shell(0, "ip", "link", "set", "dev", "eth0", "down")
				time.Sleep(time.Duration(a.random.IntN(100)) * time.Millisecond)
				a.shell(0, "ip", "link", "set", "dev", "eth0", "up")
			},
			"the interface gets another name": func() {
				a.shell(0, "ip", "link", "set", "dev", "eth0", "down")
				a.shell(0, "ip", "link", "set", "dev", "eth0", "name", "eth9")
				a.shell(0, "ip", "link", "set", "dev", "eth9", "up")
				time.Sleep(time.Duration(a.random.IntN(100)) * time.Millisecond)
				a.shell(0, "ip", "link", "set", "dev", "eth9", "down")
				a.shell(0, "ip", "link", "set", "dev", "eth9", "name", "eth0")
				a.shell(0, "ip", "link", "set", "dev", "eth0", "up")
			},
			"the interface is made anew": func() {
				a.shell(0, "ip", "link", "del", "dev", "eth0")
				a.sw.Plug(t, a.hosts[0], "eth0", "10.77.0.1/24")
			},
			"the virtual address is deleted": func() { a.shell(0, "ip", "addr", "flush", "to", a.addresses(0)[0]) },
			"the address is deleted": func() {
				a.shell(0, "ip", "addr", "del", "10.77.0.1/24", "dev", "eth0")
				a.shell(0, "ip", "addr", "add", "10.77.0.1/24", "dev", "eth0")
			},
			"the MTU changes": func() {
				a.shell(0, "ip", "link", "set", "dev", "eth0", "mtu", fmt.Sprint(1000+a.random.IntN(500)))
			},
		}
		for range rounds() {
			for name, strike := range strikes {
				for range 1 + a.random.IntN(3) {
					strike()
					a.routers[a.random.IntN(2)].signal(unix.SIGHUP)
				}
				a.settle("after "+name, 0)
			}
		}
	})
}

// TestRemade deletes the interface of an Active Router and makes it anew, mostly
// before anybody looks: what was put up on the old one has to come back.
func TestRemade(t *testing.T) {
	inArena(t, 100*time.Millisecond, func(a *arena) {
		for range 8 * rounds() {
			a.shell(0, "ip", "link", "del", "dev", "eth0")
			time.Sleep(time.Duration(a.random.IntN(25)) * time.Millisecond)
			a.sw.Plug(t, a.hosts[0], "eth0", "10.77.0.1/24")
			since := time.Now()
			a.await("it is Active again, with its address", func() bool {
				return a.has(0, a.addresses(0)[0]) &&
					slices.ContainsFunc(a.heard.since(since), func(h heard) bool { return h.priority == 150 })
			})
		}
	})
}

// TestClock sets the machine's clock an hour forward and back: nothing follows
// from it. Only a kernel of our own lets us.
func TestClock(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		a := newArena(t, 300*time.Millisecond)
		states := func() int {
			return strings.Count(a.routers[0].log.String()+a.routers[1].log.String(), "STATE")
		}
		before := states()
		for _, jump := range []time.Duration{time.Hour, -2 * time.Hour, time.Hour} {
			var now unix.Timespec
			err := unix.ClockGettime(unix.CLOCK_REALTIME, &now)
			if err == nil {
				now.Sec += int64(jump / time.Second)
				err = unix.ClockSettime(unix.CLOCK_REALTIME, &now)
			}
			if err != nil {
				t.Fatal(err)
			}
			a.alone(fmt.Sprintf("the clock is set by %v", jump), 0)
		}
		if n := states(); n != before {
			t.Errorf("%d changes of state", n-before)
		}
	})
}
