package check

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

// world is a virtual server drawn by chance, and all its results so far.
type world struct {
	*rand.Rand
	config *ServerConfig
	pool   *Pool
	// log are the results of each real server's one checker, in letters, and
	// weight what the last P said.
	log    []string
	weight []uint32
	sums   []uint64 // after each result, the start first
}

func newWorld(r *rand.Rand) *world {
	weights := make([]uint32, 1+r.IntN(4))
	for i := range weights {
		weights[i] = uint32(r.IntN(4))
	}
	w := &world{Rand: r, config: serverOf(weights...), log: make([]string, len(weights)), weight: weights}
	w.config.Quorum = uint32(1 + r.IntN(6))
	w.config.Hysteresis = uint32(r.IntN(int(w.config.Quorum)))
	if r.IntN(2) == 0 {
		sorry(w.config)
		w.config.Sorry.Inhibit = r.IntN(2) == 0
	}
	for i := range w.config.Reals {
		c := &w.config.Reals[i]
		c.Inhibit = r.IntN(2) == 0
		c.Checkers[0].Retries, c.Checkers[0].Alpha = r.IntN(3), r.IntN(3) == 0
	}
	w.pool, _ = NewPool(w.config, nil)
	w.weight = slices.Clone(weights)
	w.sums = []uint64{w.sum()}
	return w
}

func (w *world) up(i int) bool {
	c := w.config.Reals[i].Checkers[0]
	return oracle(w.log[i], c.Retries, c.Alpha)
}

func (w *world) sum() (sum uint64) {
	for i := range w.log {
		if w.up(i) {
			sum += uint64(w.weight[i])
		}
	}
	return sum
}

// quorum looks back for the last time that decided: a weight high enough to
// gain a quorum or low enough to lose one. At the start there was none.
func (w *world) quorum() bool {
	for _, sum := range slices.Backward(w.sums) {
		switch q, h := uint64(w.config.Quorum), uint64(w.config.Hysteresis); {
		case sum >= q+h:
			return true
		case sum < q-h:
			return false
		}
	}
	return false
}

// table is what should be in the kernel.
func (w *world) table() map[netip.AddrPort]uint32 {
	table := make(map[netip.AddrPort]uint32)
	sorry, quorum := w.config.Sorry, w.quorum()
	for i, c := range w.config.Reals {
		if w.up(i) && (quorum || sorry == nil) {
			table[c.Addr] = w.weight[i]
		} else if c.Inhibit {
			table[c.Addr] = 0
		}
	}
	if sorry != nil && !quorum {
		table[sorry.Addr] = 1
	} else if sorry != nil && sorry.Inhibit {
		table[sorry.Addr] = 0
	}
	return table
}

// TestPoolSequences compares 100 000 virtual servers, at each of their results,
// with an oracle that looks at the whole past: quorum,
// table, and that every change is reported, once.
func TestPoolSequences(t *testing.T) {
	r := rand.New(rand.NewPCG(42, 1))
	count := map[ChangeKind]int{}
	for n := range 100_000 {
		w := newWorld(r)
		good := 20 + r.IntN(70)
		for range 1 + r.IntN(20) {
			i, res := r.IntN(len(w.log)), Result{}
			wasUp, wasWeight, wasQuorum := w.up(i), w.weight[i], w.quorum()
			w.log[i] += "F"
			if r.IntN(100) < good {
				w.log[i] = w.log[i][:len(w.log[i])-1] + "P"
				res.Verdict, w.weight[i] = Pass, w.config.Reals[i].Weight
				if r.IntN(4) == 0 {
					w.weight[i] = uint32(r.IntN(5))
					res.Rule, res.Weight = SetWeight, int64(w.weight[i])
				}
			}
			w.sums = append(w.sums, w.sum())
			_, changes := w.pool.Report(i, 0, res)

			var want []ChangeKind
			if w.weight[i] != wasWeight {
				want = append(want, WeightChanged)
			}
			up := w.up(i)
			if first := w.log[i] == "F" && w.config.Reals[i].Checkers[0].Alpha; up != wasUp || first {
				want = append(want, map[bool]ChangeKind{true: RealUp, false: RealDown}[up])
			}
			if q := w.quorum(); q != wasQuorum {
				want = append(want, map[bool]ChangeKind{true: QuorumGained, false: QuorumLost}[q])
			}
			var got []ChangeKind
			for _, c := range changes {
				got = append(got, c.Kind)
				count[c.Kind]++
			}
			if !slices.Equal(got, want) || w.pool.Quorum() != w.quorum() || w.pool.Sum() != w.sum() {
				t.Fatalf("server %d: %+v\nresults %q, sums %d: changes %v, want %v; quorum %t", n, *w.config, w.log, w.sums, changes, want, w.pool.Quorum())
			}
			checkTable(t, w)
		}
	}
	for kind := RealUp; kind <= QuorumLost; kind++ {
		if count[kind] < 10_000 {
			t.Errorf("%s: only %d times", kind, count[kind])
		}
	}
}

func checkTable(t *testing.T, w *world) {
	t.Helper()
	want, got := w.table(), w.pool.wanted(webKey, nil).Destinations
	if len(got) != len(want) {
		t.Fatalf("%+v\nresults %q: table %v, want %v", *w.config, w.log, got, want)
	}
	for _, d := range got {
		if weight, ok := want[d.Addr]; !ok || weight != d.Weight {
			t.Fatalf("%+v\nresults %q: table %v, want %v", *w.config, w.log, got, want)
		}
	}
}
