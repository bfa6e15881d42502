package rules

import (
	"bytes"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"ipvsadm/ipvs"
)

// drained is the server that the tests drain, with weight 2.
const drained = "-t 10.0.0.1:80 -r 192.168.0.2:80"

// drainRun is a drain in a bubble of its own time.
type drainRun struct {
	kernel         *scribe
	signals        chan os.Signal
	stdout, stderr *bytes.Buffer
	code           chan int
	began          time.Time
}

// startDrain starts a drain of a server with so many connections.
func startDrain(t *testing.T, line string, terminal bool, active, inactive, persistent uint32) *drainRun {
	r := &drainRun{kernel: filled(t, webTable), signals: make(chan os.Signal, 1), code: make(chan int, 1), began: time.Now()}
	r.conns(active, inactive, persistent)
	var s *session
	s, r.stdout, r.stderr = newSession(r.kernel)
	s.env.Interactive = terminal
	s.env.Interrupts = func() (<-chan os.Signal, func()) { return r.signals, func() {} }
	go func() { r.code <- Main(s.env, append([]string{"ipvsadm"}, strings.Fields(line)...)) }()
	synctest.Wait()
	return r
}

func (r *drainRun) conns(active, inactive, persistent uint32) {
	r.kernel.SetConnections(key(ipvs.TCP, "10.0.0.1:80"), netip.MustParseAddrPort("192.168.0.2:80"), active, inactive, persistent)
}

// end waits for the end and compares everything.
func (r *drainRun) end(t *testing.T, after time.Duration, code int, stdout, stderr, heard string) {
	t.Helper()
	if got := <-r.code; got != code {
		t.Errorf("exit code %d, want %d", got, code)
	}
	if took := time.Since(r.began); took != after {
		t.Errorf("took %v, want %v", took, after)
	}
	if r.stdout.String() != stdout || r.stderr.String() != stderr {
		t.Errorf("stdout\n%s\nstderr %q\nwant\n%s\n%q", r.stdout, r.stderr, stdout, stderr)
	}
	if r.kernel.heard() != heard {
		t.Errorf("the kernel heard %q, want %q", r.kernel.heard(), heard)
	}
}

// weight returns that of the server, -1 if there is none.
func (r *drainRun) weight(t *testing.T) int {
	table, err := r.kernel.Table(ipvs.Query{Service: key(ipvs.TCP, "10.0.0.1:80"), Detail: ipvs.Full})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range table[0].Destinations {
		if d.Addr == netip.MustParseAddrPort("192.168.0.2:80") {
			if d.Forward != ipvs.Masq {
				t.Errorf("the method became %v", d.Forward)
			}
			return int(d.Weight)
		}
	}
	return -1
}

func TestDrainWaitsForTheLastConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startDrain(t, "-d "+drained+" --drain", false, 9, 5, 2)
		if r.weight(t) != 0 {
			t.Errorf("weight %d while it drains", r.weight(t))
		}
		time.Sleep(1500 * time.Millisecond)
		r.conns(4, 9, 2)
		time.Sleep(time.Second)
		r.conns(0, 9, 2)
		r.end(t, 3*time.Second, exitOK,
			"192.168.0.2:80: 9 active left, 5m0s to the time-out\n"+
				"192.168.0.2:80: 9 active left, 4m59s to the time-out\n"+
				"192.168.0.2:80: 4 active left, 2.5 gone a second, 4m58s to the time-out\n"+
				"192.168.0.2:80: drained after 3s; deleted\n", "", "EditDestination DeleteDestination")
		if r.weight(t) != -1 {
			t.Error("it is still there")
		}
	})
}

func TestDrainKeepsTheServerOfAnEdit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startDrain(t, "-e "+drained+" --drain=0 --drain-inactive", false, 0, 1, 2)
		time.Sleep(500 * time.Millisecond)
		r.conns(0, 0, 0)
		r.end(t, time.Second, exitOK,
			"192.168.0.2:80: 0 active, 1 inactive, 2 persistent left\n"+
				"192.168.0.2:80: drained after 1s; keeps weight 0\n", "", "EditDestination")
		if r.weight(t) != 0 {
			t.Errorf("weight %d", r.weight(t))
		}
	})
}

func TestDrainOfAServerWithoutConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startDrain(t, "-d "+drained+" --drain", true, 0, 7, 7)
		r.end(t, 0, exitOK, "192.168.0.2:80: drained after 0s; deleted\n", "", "EditDestination DeleteDestination")
	})
}

func TestDrainEndsWhenTimeIsOver(t *testing.T) {
	for _, tt := range []struct{ verb, done, heard string }{
		{"-d", "deleted", "EditDestination DeleteDestination"}, {"-e", "keeps weight 0", "EditDestination"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := startDrain(t, tt.verb+" "+drained+" --drain=2", false, 3, 0, 0)
			r.end(t, 2*time.Second, exitLeft,
				"192.168.0.2:80: 3 active left, 2s to the time-out\n"+
					"192.168.0.2:80: 3 active left, 1s to the time-out\n"+
					"192.168.0.2:80: time is over after 2s, 3 connections left; "+tt.done+"\n", "", tt.heard)
		})
	}
}

func TestDrainOnATerminalWritesOverItsLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startDrain(t, "-d "+drained+" --drain=1", true, 3, 0, 0)
		r.end(t, time.Second, exitLeft, "\r\x1b[?7l192.168.0.2:80: 3 active left, 1s to the time-out\x1b[K\x1b[?7h\r"+
			"\r\x1b[K192.168.0.2:80: time is over after 1s, 3 connections left; deleted\n", "", "EditDestination DeleteDestination")
	})
}

func TestWhoInterruptsADrainGetsTheOldWeightBack(t *testing.T) {
	for sig, code := range map[os.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGHUP: 129} {
		synctest.Test(t, func(t *testing.T) {
			r := startDrain(t, "-d "+drained+" --drain", false, 3, 0, 0)
			time.Sleep(300 * time.Millisecond)
			r.signals <- sig
			r.end(t, 300*time.Millisecond, code, "192.168.0.2:80: 3 active left, 5m0s to the time-out\n",
				"192.168.0.2:80: interrupted; it has its weight 2 back\n", "EditDestination EditDestination")
			if r.weight(t) != 2 {
				t.Errorf("weight %d", r.weight(t))
			}
		})
	}
}

// TestDrainAmongOthers has somebody else change the server while it drains.
func TestDrainAmongOthers(t *testing.T) {
	const first = "192.168.0.2:80: 3 active left, 5m0s to the time-out\n"
	for _, tt := range []struct {
		name, verb, they string
		signal           bool
		code             int
		stdout, stderr   string
		weight           int
	}{
		{name: "delete it", verb: "-d", they: "-d " + drained, stdout: "192.168.0.2:80: somebody else deleted it\n", weight: -1},
		{name: "delete it, which was to stay", verb: "-e", they: "-d " + drained, code: exitRejected, stderr: "No such destination\n", weight: -1},
		{name: "give it a weight", verb: "-d", they: "-e " + drained + " -m -w 5", code: exitRejected,
			stderr: "192.168.0.2:80: somebody else gave it weight 5. It is not drained, and stays\n", weight: 5},
		{name: "delete it before an interrupt", verb: "-d", they: "-d " + drained, signal: true, code: 130,
			stderr: "192.168.0.2:80: interrupted; it could not get its weight 2 back: No such destination\n", weight: -1},
		{name: "give it a weight before an interrupt", verb: "-d", they: "-e " + drained + " -m -w 5", signal: true, code: 130,
			stderr: "192.168.0.2:80: interrupted; its weight stays 5\n", weight: 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := startDrain(t, tt.verb+" "+drained+" --drain", false, 3, 0, 0)
				time.Sleep(100 * time.Millisecond)
				ipvsadm(r.kernel.Kernel, tt.they+"\n", "ipvsadm", "-R")
				after := time.Second
				if tt.signal {
					r.signals <- syscall.SIGINT
					after = 100 * time.Millisecond
				}
				r.end(t, after, tt.code, first+tt.stdout, tt.stderr, "EditDestination")
				if got := r.weight(t); got != tt.weight {
					t.Errorf("weight %d, want %d", got, tt.weight)
				}
			})
		})
	}
}

func TestDrainOfWhatIsNotThere(t *testing.T) {
	for line, want := range map[string]string{
		"-d -t 10.0.0.9:80 -r 192.168.0.1 --drain": "Service not defined\n",
		"-e -t 10.0.0.1:80 -r 192.168.0.9 --drain": "No such destination\n",
	} {
		k := filled(t, webTable)
		if code, _, stderr := ipvsadm(k, "", append([]string{"ipvsadm"}, strings.Fields(line)...)...); code != exitRejected || stderr != want || len(k.ops) > 0 {
			t.Errorf("%s: exit code %d, stderr %q, the kernel heard %q", line, code, stderr, k.heard())
		}
	}
}

// TestDrainWhoseKernelFails gives the weight back when it cannot watch.
func TestDrainWhoseKernelFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startDrain(t, "-d "+drained+" --drain", false, 3, 0, 0)
		r.kernel.failing = 1
		r.end(t, time.Second, exitRejected, "192.168.0.2:80: 3 active left, 5m0s to the time-out\n",
			"192.168.0.2:80: Memory allocation problem; it has its weight 2 back\n", "EditDestination EditDestination")
		if r.weight(t) != 2 {
			t.Errorf("weight %d", r.weight(t))
		}
	})
}
