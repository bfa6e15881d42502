package probe

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/check"
)

// TestTurns has many checks work at the same time, but never more than there are
// turns for, and run programs, for which they do not need any.
func TestTurns(t *testing.T) {
	const checks, steps = 100, 3
	turns := NewTurns(steps, 1)
	var working, most atomic.Int64
	var together sync.WaitGroup
	together.Add(checks)
	o := Options{
		Turns: turns,
		File: func(string) (int64, bool) {
			for now := working.Add(1); ; {
				if old := most.Load(); now <= old || most.CompareAndSwap(old, now) {
					break
				}
			}
			time.Sleep(time.Millisecond) // so that others would come in
			working.Add(-1)
			return 0, true
		},
		Run: func(context.Context, check.Command) Exit {
			together.Done()
			together.Wait() // for ever, if they came in turns
			return Exit{}
		},
	}
	var all sync.WaitGroup
	for range checks {
		all.Go(func() { run(t, check.FileCheckConfig{File: "f"}, o) })
		all.Go(func() { run(t, check.MiscConfig{Timeout: patient}, o) })
	}
	all.Wait()
	if most.Load() > steps {
		t.Errorf("%d checks worked at the same time, of %d", most.Load(), steps)
	}
	if len(turns.steps) != 0 {
		t.Errorf("%d turns were not given back", len(turns.steps))
	}
}

// TestTurnsWaiting gives the only turn to others while servers do not answer,
// whatever a check waits for.
func TestTurnsWaiting(t *testing.T) {
	turns := NewTurns(1, 1)
	o := Options{Turns: turns}
	silent := endpoint(listen(t, hang), time.Hour)
	nowhere := endpoint(full(t), time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	for _, p := range []check.ProbeConfig{
		check.TCPConfig{Endpoint: nowhere},
		check.SMTPConfig{Endpoint: silent},
		check.HTTPConfig{Endpoint: silent, URLs: []check.URLConfig{{Path: "/"}}},
		check.HTTPConfig{Endpoint: silent, TLS: true, URLs: []check.URLConfig{{Path: "/"}}},
	} {
		c, err := New(p, o)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() { c.Check(ctx) })
	}
	passes(t, o)
	cancel()
	all.Wait()
	if len(turns.steps) != 0 {
		t.Errorf("%d turns were not given back", len(turns.steps))
	}
}

// passes does checks that need a turn, between the first steps of others and after
// them, and fails if they do not get one.
func passes(t *testing.T, o Options) {
	t.Helper()
	good := check.TCPConfig{Endpoint: endpoint(listen(t, hang), patient)}
	ended := make(chan check.Result)
	for range 20 {
		go func() { ended <- run(t, good, o) }()
		select {
		case r := <-ended:
			want(t, r, check.Pass, "")
		case <-time.After(patient):
			t.Fatal("others do not give up their turn")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestTurnOfGreedy reads an answer of which there is always more: others get their
// turn between two buffers of it.
func TestTurnOfGreedy(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	server := os.NewFile(uintptr(fds[1]), "server")
	defer server.Close()
	if _, err := server.Write(make([]byte, 64<<10)); err != nil {
		t.Fatal(err)
	}
	turns := NewTurns(1, 1)
	target := newTarget(endpoint(addrPort("127.0.0.1:1"), patient), unix.SOCK_STREAM, 0, Options{Turns: turns})
	turns.take()
	c := newConn(t.Context(), fds[0], target)
	defer c.Close()
	had := make(chan struct{})
	go func() {
		turns.take()
		close(had)
		turns.leave()
	}()
	one := make([]byte, 1)
	for n := 0; ; n++ {
		if _, err := c.Read(one); err != nil || n > 5000 {
			t.Fatalf("nobody else had a turn within %d buffers: %v", n, err)
		}
		select {
		case <-had:
			return
		case <-time.After(time.Millisecond):
		}
	}
}
