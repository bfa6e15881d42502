package uml

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The environment variables that say how kernel tests run; see the package's
// documentation.
const (
	requiredVar  = "UML_REQUIRED"
	ownKernelVar = "UML_OWN_KERNEL"
	memoryVar    = "UML_MEMORY"
)

// bodyVar names the variable that tells a test binary that it is the second
// one, which calls the function given to Run.
const bodyVar = "UML_BODY"

// initialized says that Init was called.
var initialized atomic.Bool

// guest boots the guest of this test binary, once.
var guest = sync.OnceValues(func() (*Guest, error) {
	return Boot(Options{Memory: os.Getenv(memoryVar)})
})

// running holds the names of the tests that have called Run.
var running sync.Map

// grace is the time between the deadlines of the test in the guest and on the
// host, so that the first to panic is the one whose goroutines matter.
const grace = 3 * time.Second

// Run calls body as root on a kernel with IPVS, in a fresh network namespace,
// and reports in t what body reports. It fails the test if TestMain did not
// call Init, and skips it if there is no such kernel.
func Run(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	if name, ok := os.LookupEnv(bodyVar); ok {
		if name == t.Name() {
			body(t)
		}
		return
	}
	if !initialized.Load() {
		t.Fatal("TestMain must call uml.Init first")
	}
	if _, twice := running.LoadOrStore(t.Name(), nil); twice {
		t.Fatal("a test may call uml.Run once; use subtests")
	}
	t.Cleanup(func() { running.Delete(t.Name()) })

	run, second := kernel(t), secondRun(t)
	ctx := context.Background()
	if d, ok := t.Deadline(); ok {
		second.Args = append(second.Args, fmt.Sprintf("-test.timeout=%v", max(time.Until(d)-grace, time.Second)))
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, d.Add(-grace/2))
		defer cancel()
	}
	report := newReport(t.Name())
	var code int
	var err error
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		defer report.close()
		code, err = run(ctx, second, report)
	}()
	verdict := report.top.replay(t)
	<-finished
	switch {
	case err != nil:
		t.Fatal(err)
	case code != 0 && !(code == 1 && verdict == "FAIL"):
		// Not a plain failure: an exit, or a panic, whose words come last.
		t.Fatalf("%s in the guest ended with code %d\n%s", t.Name(), code, report.rest())
	default:
		conclude(t, verdict)
	}
}

// runner runs a command on a kernel with IPVS.
type runner func(context.Context, Command, io.Writer) (int, error)

// kernel returns the way to the kernel that tests use, or skips or fails t.
func kernel(t *testing.T) runner {
	t.Helper()
	if os.Getenv(ownKernelVar) == "1" {
		if err := ownKernelReady(); err != nil {
			t.Fatalf("%s=1: %v", ownKernelVar, err)
		}
		return runOwnKernel
	}
	Need(t)
	g, err := guest()
	if err != nil {
		unable(t, "%v", err)
	}
	return g.Run
}

// Need skips t, or fails it where kernel tests are required, if no guest can be
// booted here. Run calls it; a test that boots guests in another way should.
func Need(t testing.TB) {
	t.Helper()
	if raceEnabled {
		unable(t, "the race detector does not work in %s: run this test without -race, or with %s=1", Kernel, ownKernelVar)
	}
	if _, err := exec.LookPath(Kernel); err != nil {
		unable(t, "needs a kernel with IPVS: install Debian package user-mode-linux (%s is not in $PATH), "+
			"or set %s=1 as root on a machine with ip_vs", Kernel, ownKernelVar)
	}
}

// unable skips a test that cannot run, or fails it where it is required to.
func unable(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv(requiredVar) == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// secondRun is the command that calls the function given to Run: this binary,
// with this test only and with the flags the user gave.
func secondRun(t *testing.T) Command {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{self, "-test.v=test2json", "-test.paniconexit0",
		"-test.run=" + runPattern(t.Name(), flag.Lookup("test.run").Value.String())}
	flag.Visit(func(f *flag.Flag) {
		if name, ok := strings.CutPrefix(f.Name, "test."); !ok || passedOn[name] {
			args = append(args, fmt.Sprintf("-%s=%v", f.Name, f.Value))
		}
	})
	return Command{
		Args:    args,
		Env:     append(os.Environ(), bodyVar+"="+t.Name()),
		Dir:     dir,
		Isolate: true,
	}
}

// passedOn names the flags of package testing that the second run shares. The
// others name files that both would write, or are chosen by the first.
var passedOn = map[string]bool{
	"failfast": true, "fullpath": true, "gocoverdir": true, "parallel": true, "short": true, "skip": true,
}

// runPattern is the -run that selects the test of this name and, below it, what
// the user's own pattern selects.
func runPattern(name, user string) string {
	levels := strings.Split(name, "/")
	below := ""
	// Patterns that aren't a plain list of levels are left to the replay.
	if parts := strings.Split(user, "/"); len(parts) > len(levels) && !strings.ContainsAny(user, `|[(\`) {
		below = "/" + strings.Join(parts[len(levels):], "/")
	}
	for i, l := range levels {
		levels[i] = "^" + regexp.QuoteMeta(l) + "$"
	}
	return strings.Join(levels, "/") + below
}

// ownKernelReady says why the machine's own kernel cannot be used, or nil.
func ownKernelReady() error {
	if os.Getuid() != 0 {
		return fmt.Errorf("not root")
	}
	if _, err := os.Stat("/proc/net/ip_vs"); err == nil {
		return nil
	}
	if out, err := exec.Command("modprobe", "ip_vs").CombinedOutput(); err != nil {
		return fmt.Errorf("modprobe ip_vs: %w: %s", err, out)
	}
	return nil
}

// ownKernel makes tests on the machine's own kernel take turns, as in a guest.
var ownKernel sync.Mutex

// runOwnKernel is the runner for the machine's own kernel.
func runOwnKernel(ctx context.Context, c Command, out io.Writer) (int, error) {
	ownKernel.Lock()
	defer ownKernel.Unlock()
	dir, err := os.MkdirTemp("", "uml-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	return process{Command: c, dir: dir, reap: reapGroup}.run(nil, out)
}
