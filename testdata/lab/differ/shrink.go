package differ

import (
	"slices"
	"strings"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
	"ipvsadm/testdata/lab/compat"
)

// ops makes a state in an empty namespace, with the same order of everything.
func (st state) ops() []ipvs.Op {
	ops := []ipvs.Op{ipvs.SetTimeouts{Timeouts: st.timeouts}}
	for _, e := range slices.Backward(st.table) {
		ops = append(ops, ipvs.AddService{Service: e.Service})
		for _, d := range slices.Backward(e.Destinations) {
			ops = append(ops, ipvs.AddDestination{Service: e.ServiceKey, Destination: d.Destination})
		}
	}
	for _, d := range st.daemons {
		ops = append(ops, ipvs.StartDaemon{Daemon: d})
	}
	return ops
}

// A Case is a mismatch as small as Shrink could make it.
type Case struct {
	Before     []ipvs.Op
	Invocation compat.Invocation
	Mismatch   string
}

func (c Case) String() string {
	k := ipvstest.New(ipvstest.Options{WideThresholds: true})
	k.Do(c.Before...)
	return "on this table (timeouts and daemons left out)\n" + k.String() + "\nthe invocation\n    $ " + c.Invocation.String() + "\n" + c.Mismatch
}

// Shrink looks for the smallest table and invocation that differ as the last of
// a failed session does. ok is false if that takes more than its table.
func (tw *Twins) Shrink(r Result) (c Case, ok bool) {
	tries := 200
	fails := func(before []ipvs.Op, inv compat.Invocation) bool {
		if tries--; tries < 0 || tw.Reset() != nil {
			return false
		}
		tw.Original.client.Do(before...)
		tw.Ours.client.Do(before...)
		mismatch, _, err := tw.Step(inv)
		if err != nil || mismatch == "" {
			return false
		}
		c = Case{Before: before, Invocation: inv, Mismatch: mismatch}
		return true
	}
	if !fails(r.Before, r.After[len(r.After)-1]) {
		return c, false
	}
	shrink(c.Before, func(less []ipvs.Op) bool { return fails(less, c.Invocation) })
	shrink(strings.SplitAfter(c.Invocation.Stdin, "\n"), func(less []string) bool {
		inv := c.Invocation
		inv.Stdin = strings.Join(less, "")
		return fails(c.Before, inv)
	})
	shrink(c.Invocation.Argv[1:], func(less []string) bool {
		inv := c.Invocation
		inv.Argv = append([]string{inv.Argv[0]}, less...)
		return fails(c.Before, inv)
	})
	return c, true
}

// shrink leaves out ever smaller parts of a list for as long as what is left
// still fails.
func shrink[T any](list []T, fails func(less []T) bool) {
	for size := (len(list) + 1) / 2; size > 0; size /= 2 {
		for at := 0; at < len(list); {
			less := slices.Delete(slices.Clone(list), at, min(at+size, len(list)))
			if fails(less) {
				list = less
			} else {
				at += size
			}
		}
	}
}
