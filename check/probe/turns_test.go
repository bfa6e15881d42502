package probe

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/check"
)

// TestTurns has many checks work at the same time, but never more than there are
// turns for, and run programs, for which they do not need any.
func TestTurns(t *testing.T) {
	const checks, steps = 100, 3
	turns := newTurns(steps, 1)
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

// TestTurnsRest has checks work as much as they can: they get a third of the time, in
// little pieces, and the time in which there is nothing to do is rest too.
func TestTurnsRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const work = 100 * time.Microsecond
		turns := NewTurns(1, false)
		begin, ended := time.Now(), time.Now()
		var worked, onEnd time.Duration
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				for range 20 {
					turns.take()
					if time.Since(ended) > 0 {
						onEnd = 0
					}
					time.Sleep(work)
					worked, onEnd, ended = worked+work, onEnd+work, time.Now()
					if onEnd > time.Millisecond/2 {
						t.Errorf("worked for %v on end", onEnd)
					}
					turns.leave()
				}
			})
		}
		all.Wait()
		if took := time.Since(begin); took < 3*worked-2*time.Millisecond || took > 3*worked {
			t.Errorf("%v of work took %v, want three times as long", worked, took)
		}
		time.Sleep(time.Second)
		begin = time.Now()
		for range 5 {
			turns.take()
			time.Sleep(work)
			turns.leave()
			time.Sleep(2 * work)
		}
		if took := time.Since(begin); took != 15*work {
			t.Errorf("work with pauses took %v, want %v", took, 15*work)
		}
	})
}

// TestNewTurns leaves a processor to others, or at least a part of the only one.
func TestNewTurns(t *testing.T) {
	for _, c := range []struct {
		processors      int
		alone           bool
		steps, searches int
		rest            bool
	}{{1, true, 1, 1, false}, {1, false, 1, 1, true}, {2, false, 1, 1, false}, {4, true, 3, 2, false}, {8, false, 7, 4, false}} {
		turns := NewTurns(c.processors, c.alone)
		if cap(turns.steps) != c.steps || cap(turns.searches) != c.searches || (turns.pace != nil) != c.rest || turns.AtOnce() != c.steps+c.searches {
			t.Errorf("%+v: %d turns, %d for searches, rest %v", c, cap(turns.steps), cap(turns.searches), turns.pace != nil)
		}
	}
}

// TestPace counts as work what there is between two turns only if somebody waited for
// the second one.
func TestPace(t *testing.T) {
	const µs = time.Microsecond
	start := time.Now()
	at := func(d time.Duration) time.Time { return start.Add(d) }
	var p pace
	want := func(asked, now, rest time.Duration) {
		t.Helper()
		if got := p.begin(at(asked), at(now)); got != rest {
			t.Errorf("a turn asked for at %v and given at %v: rest of %v, want %v", asked, now, got, rest)
		}
	}
	want(0, 0, 0)
	p.end(at(100 * µs))
	want(50*µs, 200*µs, 0) // it was waited for, so it began at 100 µs
	p.end(at(600 * µs))    // that is 600 µs of work, with rest until 1800
	want(700*µs, 800*µs, 1000*µs)
	want(1800*µs, 1800*µs, 0)
	p.end(at(2200 * µs)) // 400 µs of work, with rest until 3000
	want(2300*µs, 2300*µs, 0)
	p.end(at(2400 * µs)) // 100 more: until 3300
	want(2400*µs, 2400*µs, 0)
	p.end(at(2500 * µs)) // until 3600
	want(2500*µs, 2500*µs, 1100*µs)
	want(9000*µs, 9000*µs, 0) // nothing to do is rest
	p.end(at(9400 * µs))
	want(9400*µs, 9400*µs, 0)
}

// TestTurnsWaiting gives the only turn to others while servers do not answer,
// whatever a check waits for.
func TestTurnsWaiting(t *testing.T) {
	turns := newTurns(1, 1)
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
	turns := newTurns(1, 1)
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
