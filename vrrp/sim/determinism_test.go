package sim

import (
	"runtime"
	"sync"
	"testing"
)

// I16: one seed, one trace, on one processor or on eight.
func TestSameSeedSameTrace(t *testing.T) {
	const n = 300
	hashes := func(procs int) (all [n]uint64) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { all[i] = Run(Generate(uint64(i)), Options{}).Hash })
		}
		wg.Wait()
		return all
	}
	one, eight := hashes(1), hashes(8)
	if one != eight {
		t.Error("traces differ between one processor and eight")
	}
	distinct := map[uint64]bool{}
	for _, h := range one {
		distinct[h] = true
	}
	if len(distinct) != n {
		t.Errorf("%d seeds have only %d traces", n, len(distinct))
	}
}

// The trace that is kept does not change what happens.
func TestTraceChangesNothing(t *testing.T) {
	for seed := range uint64(50) {
		if Run(Generate(seed), Options{}).Hash != Run(Generate(seed), Options{Trace: true}).Hash {
			t.Errorf("seed %d runs otherwise when it is traced", seed)
		}
	}
}
