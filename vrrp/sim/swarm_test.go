package sim

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seeds   = flag.Uint64("seeds", 10_000, "how many seeds TestSwarm runs")
	from    = flag.Uint64("from", 0, "the first of them")
	hunting = flag.Bool("hunt", false, "let TestHunt look for a planted bug")
)

// swarm runs seeds on all processors and stops at the first violation, that of
// the smallest seed that was reached.
func swarm(first, n uint64) (total Seen, events, settled int, bad uint64, v *Violation) {
	var (
		next atomic.Uint64
		mu   sync.Mutex
		wg   sync.WaitGroup
	)
	next.Store(first)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				seed := next.Add(1) - 1
				mu.Lock()
				stop := seed >= first+n || v != nil
				mu.Unlock()
				if stop {
					return
				}
				r := Run(Generate(seed), Options{})
				mu.Lock()
				total.Add(r.Seen)
				events += r.Events
				settled += r.Settled
				if r.Violation != nil && (v == nil || seed < bad) {
					bad, v = seed, r.Violation
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return total, events, settled, bad, v
}

// TestSwarm runs many seeds. A violation is made small and printed, to be kept
// in testdata/regress.
func TestSwarm(t *testing.T) {
	n := *seeds
	if testing.Short() {
		n = min(n, 1000)
	}
	begin := time.Now()
	total, events, settled, bad, v := swarm(*from, n)
	if v != nil {
		sc := Shrink(Generate(bad))
		r := Run(sc, Options{Trace: true})
		t.Fatalf("seed %d: %v\n\nmade small: %v\n%v\n%s", bad, v, r.Violation, sc, strings.Join(r.Trace, "\n"))
	}
	t.Logf("%d seeds in %v: %d batches of events, %d looks at a settled network, no violation",
		n, time.Since(begin).Round(time.Millisecond), events, settled)
	var lines strings.Builder
	for s := range sights {
		fmt.Fprintf(&lines, "%9d %v\n", total[s], s)
		if total[s] == 0 {
			t.Errorf("in %d seeds never seen: %v", n, s)
		}
	}
	t.Logf("seen:\n%s", lines.String())
	if settled == 0 {
		t.Error("no network ever settled")
	}
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(m.Run())
}
