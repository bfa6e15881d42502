package ipvstest_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
	"ipvsadm/testdata/lab/uml"
)

var (
	sequences = flag.Int("sequences", enough, "random sequences to compare with the real kernel")
	seed      = flag.Uint64("seed", 0, "seed of the first random sequence, 0 for the time; the others count up from it")
)

// enough sequences bring up every answer (see census); a run of all tests can
// spare the time for so many.
const (
	enough         = 400
	sequenceLength = 30
)

// TestRandomOnRealKernel compares the fake with the real kernel: the errno of
// every operation and what can be read after it; and then once more with all
// operations in one Do. A sequence that fails is made as short as it can be
// before it is shown.
func TestRandomOnRealKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		client, o := realKernel(t)
		addHost(t, &o)
		first := *seed
		if first == 0 {
			first = uint64(time.Now().Unix())
		}
		t.Logf("repeat with -seed=%d", first)
		pair := twins{real: client, options: o, seen: census{}}
		begin := time.Now()
		for i := range uint64(*sequences) {
			ops := sequence(rand.New(rand.NewPCG(first+i, 0)), sequenceLength)
			if pair.compare(ops) != "" {
				ops = shortest(ops, func(s script) bool { return pair.compare(s) != "" })
				t.Fatalf("-seed=%d -sequences=1: %s\n%v", first+i, pair.compare(ops), ops)
			}
		}
		t.Logf("%d sequences of %d operations in %v", *sequences, sequenceLength, time.Since(begin).Round(time.Millisecond))
		if *sequences >= enough {
			pair.seen.complete(t)
		}
	})
}

// twins are a real kernel and what is needed to make a fake one like it.
type twins struct {
	real    kernel
	options ipvstest.Options
	seen    census
}

// compare carries out a sequence on fresh kernels, one by one and all at once,
// and says where they part; "" if they do not.
func (p twins) compare(ops script) string {
	if err := reset(p.real); err != nil {
		return err.Error()
	}
	fake := ipvstest.New(p.options)
	for i, op := range ops {
		got, want := do(fake, op), do(p.real, op)
		if got != want {
			return fmt.Sprintf("operation %d: %v, the kernel says %v", i, errnoText(got), errnoText(want))
		}
		p.seen.count(op, want)
		if d := difference(fake, p.real); d != "" {
			return fmt.Sprintf("after operation %d:\n%s", i, d)
		}
	}
	if err := reset(p.real); err != nil {
		return err.Error()
	}
	fake = ipvstest.New(p.options)
	if got, want := errnos(fake.Do(ops...)), errnos(p.real.Do(ops...)); got != want {
		return fmt.Sprintf("all at once: %v, the kernel says %v", got, want)
	}
	if d := difference(fake, p.real); d != "" {
		return "all at once:\n" + d
	}
	return ""
}

func errnos(errs []error) string {
	var list []syscall.Errno
	for _, err := range errs {
		list = append(list, errnoOf(err))
	}
	return fmt.Sprint(list)
}

// shortest leaves operations out of a sequence that fails for as long as what is
// left still fails.
func shortest(ops script, fails func(script) bool) script {
	for n := len(ops); n > 0; n /= 2 {
		for i := 0; i+n <= len(ops); {
			if less := slices.Delete(slices.Clone(ops), i, i+n); fails(less) {
				ops = less
			} else {
				i++
			}
		}
	}
	return ops
}

func TestShortest(t *testing.T) {
	ops := sequence(rand.New(rand.NewPCG(1, 0)), sequenceLength)
	needs := func(s script) bool {
		return slices.Contains(s, ops[3]) && slices.Contains(s, ops[17])
	}
	if got := shortest(ops, needs); !slices.Equal(got, script{ops[3], ops[17]}) {
		t.Errorf("shortest sequence is\n%v", got)
	}
}

// census counts what the kernel answered to what, to show that the sequences
// reach the errnos they are made for.
type census map[string]int

func answer(op ipvs.Op, errno syscall.Errno) string {
	return strings.TrimPrefix(fmt.Sprintf("%T", op), "ipvs.") + ": " + errnoText(errno)
}

func (c census) count(op ipvs.Op, errno syscall.Errno) { c[answer(op, errno)]++ }

// complete fails the test if some answer never came up.
func (c census) complete(t *testing.T) {
	t.Helper()
	for op, errnos := range map[ipvs.Op][]syscall.Errno{
		ipvs.AddService{}:        {0, syscall.EEXIST, syscall.ENOENT, syscall.EINVAL, syscall.EAFNOSUPPORT},
		ipvs.EditService{}:       {0, syscall.ESRCH, syscall.ENOENT, syscall.EINVAL, syscall.EAFNOSUPPORT},
		ipvs.DeleteService{}:     {0, syscall.ESRCH, syscall.EAFNOSUPPORT},
		ipvs.AddDestination{}:    {0, syscall.EEXIST, syscall.ESRCH, syscall.EINVAL, syscall.ERANGE, syscall.EAFNOSUPPORT},
		ipvs.EditDestination{}:   {0, syscall.ENOENT, syscall.ESRCH, syscall.EINVAL, syscall.ERANGE, syscall.EAFNOSUPPORT},
		ipvs.DeleteDestination{}: {0, syscall.ENOENT, syscall.ESRCH, syscall.EAFNOSUPPORT},
		ipvs.Flush{}:             {0},
		ipvs.Zero{}:              {0, syscall.ESRCH, syscall.EAFNOSUPPORT},
		ipvs.SetTimeouts{}:       {0, syscall.EINVAL},
		ipvs.StartDaemon{}:       {0, syscall.EEXIST, syscall.EINVAL, syscall.ENODEV, syscall.ENETUNREACH},
		ipvs.StopDaemon{}:        {0, syscall.ESRCH, syscall.EINVAL},
	} {
		for _, errno := range errnos {
			if n := c[answer(op, errno)]; n == 0 {
				t.Errorf("never: %s", answer(op, errno))
			} else {
				t.Logf("%s: %d", answer(op, errno), n)
			}
		}
	}
}
