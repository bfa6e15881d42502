package daemon

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ipvsadm/vrrp"
)

// fakeCompanion does what a test wants.
type fakeCompanion struct {
	run       func(ctx context.Context, n int, started func()) error
	runs      atomic.Int32
	reloads   atomic.Int32
	reloadErr error
	checkErr  error
	well      bool
	mu        sync.Mutex
	files     map[string]int
}

func (f *fakeCompanion) Check(*Setup) error { return f.checkErr }
func (f *fakeCompanion) Run(ctx context.Context, _ *Setup, started func()) error {
	return f.run(ctx, int(f.runs.Add(1)), started)
}
func (f *fakeCompanion) Reload(context.Context, *Setup) error { f.reloads.Add(1); return f.reloadErr }
func (f *fakeCompanion) Once(_ context.Context, _ *Setup, w io.Writer, asJSON bool) (bool, error) {
	io.WriteString(w, map[bool]string{true: "[]\n", false: "a table\n"}[asJSON])
	return f.well, f.checkErr
}
func (f *fakeCompanion) Status(_ context.Context, w io.Writer, asJSON bool) error {
	_, err := io.WriteString(w, map[bool]string{true: `{"virtual_servers":[]}`, false: "virtual server x: quorum\n"}[asJSON])
	return err
}
func (f *fakeCompanion) File(name string, value int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.files == nil {
		f.files = map[string]int{}
	}
	f.files[name] = value
}
func (f *fakeCompanion) Addresses(map[netip.Addr]bool) {}

// logTo is a log into a buffer.
func logTo(w io.Writer) *slog.Logger {
	l, _ := newLog(w, "text", true)
	return l
}

// TestCompanionPanics has a companion panic before and after it has started: it
// comes back, and the process is told once that it is ready.
func TestCompanionPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		f := &fakeCompanion{run: func(ctx context.Context, n int, started func()) error {
			if n == 1 {
				panic("before")
			}
			started()
			if n == 2 {
				panic("after")
			}
			<-ctx.Done()
			return nil
		}}
		b := &beside{companion: f, log: logTo(&log), failed: func(*Setup) { t.Error("it is said to have failed") }}
		ctx, cancel := context.WithCancel(context.Background())
		ready := 0
		b.start(ctx, &Setup{}, func() { ready++ })
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if f.runs.Load() != 3 || ready != 1 || !b.isRunning() {
			t.Errorf("%d runs, %d times ready", f.runs.Load(), ready)
		}
		cancel()
		if err := b.wait(ctx); err != nil || b.isRunning() {
			t.Errorf("the end: %v", err)
		}
		if !strings.Contains(log.String(), "<3>The checks have ended with a panic") || !strings.Contains(log.String(), "companion_test.go") {
			t.Errorf("the log: %s", log.String())
		}
	})
}

// TestCompanionFails has a companion that cannot run: beside failover that goes on,
// alone it is the end.
func TestCompanionFails(t *testing.T) {
	for _, alone := range []bool{false, true} {
		var log bytes.Buffer
		sick := errors.New("there is no IPVS")
		f := &fakeCompanion{run: func(context.Context, int, func()) error { return sick }}
		failed, ready := 0, make(chan struct{}, 1)
		b := &beside{companion: f, log: logTo(&log), alone: alone, failed: func(*Setup) { failed++ }}
		b.start(context.Background(), &Setup{}, func() { ready <- struct{}{} })
		if err := b.wait(context.Background()); err != sick || len(ready) == 1 == alone || failed != map[bool]int{false: 1, true: 0}[alone] {
			t.Errorf("alone %v: %v, %d failures", alone, err, failed)
		}
		if said := strings.Contains(log.String(), "<3>The virtual servers are not run: there is no IPVS"); said == alone {
			t.Errorf("alone %v: the log: %s", alone, log.String())
		}
		// A reload tries again, if there is something to run.
		b.reload(context.Background(), &Setup{})
		b.reload(context.Background(), &Setup{Servers: 1})
		b.wait(context.Background())
		if f.runs.Load() != 2 || f.reloads.Load() != 0 {
			t.Errorf("alone %v: %d runs, %d reloads", alone, f.runs.Load(), f.reloads.Load())
		}
	}
}

// TestCompanionEndless has a companion that does not end when it is told to: the
// process does all the same.
func TestCompanionEndless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		f := &fakeCompanion{run: func(context.Context, int, func()) error { <-stuck; return nil }}
		b := &beside{companion: f, log: logTo(io.Discard)}
		ctx, cancel := context.WithCancel(context.Background())
		b.start(ctx, &Setup{}, func() {})
		cancel()
		began := time.Now()
		if err := b.wait(ctx); err != errEndless || time.Since(began) != patience {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		close(stuck)
	})
}

// TestCompanionReload has a reload refused: the old configuration is what a panic
// comes back to.
func TestCompanionReload(t *testing.T) {
	var log bytes.Buffer
	f := &fakeCompanion{run: func(ctx context.Context, _ int, started func()) error { started(); <-ctx.Done(); return nil }}
	b := &beside{companion: f, log: logTo(&log)}
	ctx, cancel := context.WithCancel(context.Background())
	first, second := &Setup{}, &Setup{}
	ready := make(chan struct{})
	b.start(ctx, first, func() { close(ready) })
	<-ready
	f.reloadErr = errors.New("no")
	if b.reload(ctx, second); b.setup != first || !strings.Contains(log.String(), "The virtual servers go on with the old configuration: no") {
		t.Errorf("a refused configuration is kept; the log: %s", log.String())
	}
	f.reloadErr = nil
	if b.reload(ctx, second); b.setup != second {
		t.Error("a new configuration is not kept")
	}
	cancel()
	b.wait(ctx)
}

// withCompanion is an environment with one.
func withCompanion(out, errs io.Writer, f *fakeCompanion, setup *Setup, messages ...Message) Env {
	var asked string
	return Env{
		Stdout: out, Stderr: errs, Load: loads(&asked, setup, messages...),
		Companion: func(Surroundings) Companion { return f },
	}
}

// TestOnce has the exit statuses of "check --once".
func TestOnce(t *testing.T) {
	for _, test := range []struct {
		name   string
		f      *fakeCompanion
		setup  *Setup
		args   []string
		status int
		wrote  string
	}{
		{"all well", &fakeCompanion{well: true}, &Setup{Servers: 1}, nil, 0, "a table\n"},
		{"as JSON", &fakeCompanion{well: true}, &Setup{Servers: 1}, []string{"--json"}, 0, "[]\n"},
		{"some not", &fakeCompanion{}, &Setup{Servers: 1}, nil, 1, "a table\n"},
		{"it cannot", &fakeCompanion{checkErr: errors.New("no such pattern")}, &Setup{Servers: 1}, nil, 2, ""},
		{"no configuration", &fakeCompanion{}, nil, nil, 2, ""},
		{"a wrong word", &fakeCompanion{}, &Setup{}, []string{"now"}, 2, ""},
		{"a wrong option", &fakeCompanion{}, &Setup{}, []string{"--never"}, 2, ""},
	} {
		var out, errs bytes.Buffer
		status := Check(withCompanion(&out, &errs, test.f, test.setup), append([]string{"--once"}, test.args...))
		if status != test.status || out.String() != test.wrote {
			t.Errorf("%s: status %d, wrote %q and %q", test.name, status, out.String(), errs.String())
		}
	}
}

// TestCompanionChecksConfigurations has the companion refuse what the reader of
// configurations takes: a test says so, and a daemon does not start.
func TestCompanionChecksConfigurations(t *testing.T) {
	f := &fakeCompanion{checkErr: errors.Join(errors.New("a pattern is wrong"), errors.New("a key too"))}
	var out, errs bytes.Buffer
	env := withCompanion(&out, &errs, f, &Setup{Servers: 1})
	if status := Check(env, []string{"-t"}); status != exitUnusable || !strings.Contains(errs.String(), "a pattern is wrong") {
		t.Errorf("the test: %d, %s", status, errs.String())
	}
	if status := Check(env, []string{"-p", filepath.Join(t.TempDir(), "pid")}); status != exitMissing || !strings.HasSuffix(errs.String(), " a key too\n") {
		t.Errorf("the daemon: %d, %s", status, errs.String())
	}
	errs.Reset()
	if status := Main(env, []string{"-t", "-P"}); status != exitOK {
		t.Errorf("the test without virtual servers: %d, %s", status, errs.String())
	}
}

// TestModes has the options that say what is run.
func TestModes(t *testing.T) {
	for _, test := range []struct {
		line            *commandLine
		args            []string
		vrrpOnly, check bool
		keep            bool
	}{
		{ownLine(), nil, false, false, false},
		{ownLine(), []string{"-P", "-I"}, true, false, true},
		{checkLine(), []string{"--dont-release-ipvs"}, false, true, true},
		{keepalivedLine(), []string{"-P"}, true, false, false},
		{keepalivedLine(), []string{"-C"}, false, true, false},
		{keepalivedLine(), []string{"--vrrp", "--check", "-I"}, false, false, true},
	} {
		if err := test.line.parse(test.args); err != nil {
			t.Errorf("%s %q: %v", test.line.name, test.args, err)
		}
		if o := test.line.opt; o.vrrpOnly != test.vrrpOnly || o.checkOnly != test.check || o.keepTable != test.keep {
			t.Errorf("%s %q: %+v", test.line.name, test.args, o)
		}
	}
}

// TestCheckAlone runs the companion without failover, asks it, and ends it.
func TestCheckAlone(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "load")
	if err := os.WriteFile(file, []byte("7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &fakeCompanion{run: func(ctx context.Context, _ int, started func()) error { started(); <-ctx.Done(); return nil }}
	var out bytes.Buffer
	setup := &Setup{Servers: 1, Files: []string{"load"}}
	setup.VRRP.Files = []vrrp.FileConfig{{Name: "load", Path: file}}
	log := &lockedBuffer{}
	env := withCompanion(&out, log, f, setup)
	line := checkLine()
	if err := line.parse([]string{"-p", filepath.Join(dir, "pid"), "--socket", filepath.Join(dir, "socket")}); err != nil {
		t.Fatal(err)
	}
	s := newService(env, line.opt, logTo(log))
	if s.setup = s.load(context.Background()); s.setup == nil {
		t.Fatal(log.String())
	}
	ended := make(chan error, 1)
	go func() { ended <- s.run() }()
	for range 1000 {
		if strings.Contains(log.String(), "Startup complete") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.mu.Lock()
	if f.files["load"] != 7 {
		t.Errorf("it knows the files %v", f.files)
	}
	f.mu.Unlock()
	for _, q := range []struct {
		args []string
		want string
	}{
		{[]string{"status"}, "virtual server x: quorum\n"}, {[]string{"status", "--json"}, `{"virtual_servers":[]}`},
	} {
		out.Reset()
		status := Check(env, append(q.args, "--socket", filepath.Join(dir, "socket")))
		if status != exitOK || out.String() != q.want {
			t.Errorf("%q: %d, %q, %s", q.args, status, out.String(), log.String())
		}
	}
	s.signals <- os.Interrupt
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// lockedBuffer is a buffer for many goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestStatusNobody says which sockets were asked.
func TestStatusNobody(t *testing.T) {
	var out, errs bytes.Buffer
	env := Env{Stdout: &out, Stderr: &errs}
	socket := filepath.Join(t.TempDir(), "none")
	if status := Check(env, []string{"status", "--socket", socket}); status != exitFatal || !strings.Contains(errs.String(), "nobody answers at "+socket) {
		t.Errorf("%d, %s", status, errs.String())
	}
}
