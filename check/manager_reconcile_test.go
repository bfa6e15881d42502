package check

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ipvsadm/ipvs"
)

// slowReading is a kernel whose table takes three seconds to read. What is told is
// as it was at the beginning. The first reading takes no time; the second may fail.
type slowReading struct {
	counted
	n    *int
	fail func() error
}

func (k slowReading) Table(q ipvs.Query) ([]ipvs.Entry, error) {
	have, err := k.counted.Table(q)
	if *k.n++; *k.n > 1 {
		time.Sleep(readingTakes)
		if k.fail != nil && *k.n == 2 {
			return nil, k.fail()
		}
	}
	return have, err
}

const readingTakes = 3 * time.Second

// read runs a manager of two real servers until it is a second into its first
// reading after that of the start.
func (b *bench) read(fail func() error) (readings *int) {
	readings = new(int)
	b.run(configOf(serverOf(1, 2)), func(o *Options) { o.Table = slowReading{counted{b}, readings, fail} })
	b.after(DefaultReconcile + time.Second)
	if b.spent(); *readings != 2 {
		b.t.Fatalf("%d readings", *readings)
	}
	return readings
}

// report gives the manager a result, as if it came from the checker of a server.
func (b *bench) report(real int, r Result) {
	b.set(real, r)
	b.m.post(func(now time.Time) { b.m.hurry(now, b.m.servers[0].reals[real].runners[0]) })
	synctest.Wait()
}

// TestVerdictWhileReading has servers go down and up while the table is read: the
// kernel has it at once, and what was read before does not take it back, nor is it
// taken for somebody else's doing.
func TestVerdictWhileReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.read(nil)
		b.report(1, Result{})
		b.expect("after a verdict", web+realLine(0, 1))
		b.after(readingTakes)
		b.expect("after the reading", web+realLine(0, 1))
		b.after(DefaultReconcile - readingTakes)
		b.report(1, Result{Verdict: Pass})
		b.expect("after another verdict", web+realLine(0, 1)+realLine(1, 2))
		b.after(2 * readingTakes)
		b.expect("after another reading", web+realLine(0, 1)+realLine(1, 2))
		if n := b.spent(); n != 2 || b.logged("Somebody else") > 0 {
			t.Errorf("%d operations, want one for each verdict: %s", n, b.log.String())
		}
		b.stop()
	})
}

// TestMendedAfterReading has somebody change what is ours before the table is read,
// and servers of ours go down at the same time.
func TestMendedAfterReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run(configOf(serverOf(1, 2), with(serverOf(3), elsewhere)), func(o *Options) { o.Table = slowReading{counted{b}, new(int), nil} })
		b.after(DefaultReconcile - time.Second)
		b.kernel.Do(ipvs.DeleteService{Service: elsewhereKey})
		b.after(2 * time.Second)
		b.report(1, Result{})
		b.expect("while it is read", web+realLine(0, 1))
		b.after(readingTakes)
		b.expect("after the reading", web+realLine(0, 1)+"-A -t 10.0.0.2:80 -s rr\n-a -t 10.0.0.2:80 -r 10.0.1.0:80 -m -w 3\n")
		if b.logged("Somebody else") != 2 || b.logged("it lacked -A -t 10.0.0.2:80 -s rr") != 1 {
			t.Errorf("the log: %s", b.log.String())
		}
		b.stop()
	})
}

// TestRefusedWhileReading has somebody remove a server just before it goes down,
// when the table was just being read: another reading finds out.
func TestRefusedWhileReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		readings := b.read(nil)
		b.kernel.Do(ipvs.Flush{})
		b.report(0, Result{})
		b.after(readingTakes + time.Second)
		b.expect("after another reading", web+realLine(1, 2))
		if *readings != 3 {
			t.Errorf("%d readings", *readings)
		}
		b.stop()
	})
}

// TestReloadWhileReading has a reading end when another configuration is there.
func TestReloadWhileReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.read(nil)
		// It reads the table too, so the other reading ends first, and counts no more.
		if err := b.m.Reload(context.Background(), configOf(serverOf(1, 7, 3))); err != nil {
			t.Fatal(err)
		}
		b.spent()
		b.after(2 * readingTakes)
		b.expect("after both", web+realLine(0, 1)+realLine(1, 7)+realLine(2, 3))
		if n := b.spent(); n != 0 || b.logged("Somebody else") > 0 {
			t.Errorf("%d operations; %s", n, b.log.String())
		}
		b.stop()
	})
}

// TestReadingTakesLong has a reading that takes longer than the time between two:
// there is one at a time.
func TestReadingTakesLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, readings := newBench(t), 0
		b.run(configOf(serverOf(1)), func(o *Options) {
			o.Table, o.Reconcile = slowReading{counted{b}, &readings, nil}, time.Second
		})
		b.after(10 * time.Second)
		if readings != 1+3 { // of the start, and after 1, 5 and 9 seconds
			t.Errorf("%d readings", readings)
		}
		b.stop()
	})
}

// TestReadingFails has an error, which is logged, and a panic, which is for whoever
// runs the manager.
func TestReadingFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.read(func() error { return errors.New("no memory") })
		b.after(readingTakes)
		if b.logged("cannot be read: no memory") != 1 {
			t.Errorf("the log: %s", b.log.String())
		}
		b.stop()
	})
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		o := b.options()
		o.Table = slowReading{counted{b}, new(int), func() error { panic("a bug in the reader") }}
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		var said string
		func() {
			defer func() { said = fmt.Sprint(recover()) }()
			NewManager(o).Run(ctx, configOf(serverOf(1)))
		}()
		if !strings.Contains(said, "a bug in the reader") || !strings.Contains(said, "slowReading") {
			t.Errorf("it ended with %s", said)
		}
		b.expect("afterwards", web+realLine(0, 1))
	})
}

// TestTableIsAsKnown compares what was read, whatever its order, with what the
// kernel is known to have.
func TestTableIsAsKnown(t *testing.T) {
	other := serverOf().Service
	other.Scheduler = "sed"
	ours := func(weights ...uint32) ipvs.Entry { return entryOf(serverOf(weights...)) }
	foreign := entryOf(with(serverOf(1), elsewhere))
	turned := ours(1, 2)
	turned.Destinations[0], turned.Destinations[1] = turned.Destinations[1], turned.Destinations[0]
	busy := ours(1, 2)
	busy.Destinations[0].Active = 7
	changed := ours(1, 2)
	changed.Service = other
	for name, test := range map[string]struct {
		have []ipvs.Entry
		is   bool
	}{
		"the same":                  {[]ipvs.Entry{ours(1, 2)}, true},
		"another order":             {[]ipvs.Entry{turned}, true},
		"connections":               {[]ipvs.Entry{busy}, true},
		"a service of others":       {[]ipvs.Entry{foreign, ours(1, 2)}, true},
		"nothing":                   {nil, false},
		"only a service of others":  {[]ipvs.Entry{foreign}, false},
		"another scheduler":         {[]ipvs.Entry{changed}, false},
		"another weight":            {[]ipvs.Entry{ours(1, 3)}, false},
		"a real server less":        {[]ipvs.Entry{ours(1)}, false},
		"a real server more":        {[]ipvs.Entry{ours(1, 2, 3)}, false},
		"another in place of a one": {[]ipvs.Entry{replaced(ours(1, 2))}, false},
	} {
		if is := newKnown([]ipvs.Entry{ours(1, 2)}).are(test.have); is != test.is {
			t.Errorf("%s: %v", name, is)
		}
	}
}

func replaced(e ipvs.Entry) ipvs.Entry {
	e.Destinations[1].Addr = addrOf(9)
	return e
}

// entryOf is what the kernel has of a virtual server whose real servers are all up.
func entryOf(s *ServerConfig) ipvs.Entry {
	e := ipvs.Entry{ServiceState: ipvs.ServiceState{Service: s.Service}}
	for i := range s.Reals {
		e.Destinations = append(e.Destinations, ipvs.DestinationState{Destination: s.Reals[i].Destination})
	}
	return e
}

var elsewhereKey = ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.TCP, Addr: netip.MustParseAddrPort("10.0.0.2:80")}

// elsewhere gives a virtual server another address.
func elsewhere(s *ServerConfig) { s.Service.ServiceKey = elsewhereKey }
