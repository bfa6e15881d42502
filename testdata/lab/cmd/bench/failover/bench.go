package failover

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"ipvsadm/vrrp"
)

// bench is what the measurements share.
type bench struct {
	ours   string
	rounds int
	net    *network
	tap    *tap
	watch  *watch // of the first host
	runs   int
	values map[figure][2][]float64
}

func newBench(ours string, rounds int) (b *bench, err error) {
	b = &bench{ours: ours, rounds: rounds, values: map[figure][2][]float64{}}
	if b.net, err = newNetwork(); err != nil {
		return nil, err
	}
	if b.tap, err = b.net.listen(); err != nil {
		return nil, err
	}
	b.watch, err = newWatch(b.net.hosts[0])
	return b, err
}

func (b *bench) close() {
	b.tap.close()
	b.watch.close()
	b.net.close()
}

// note adds a measured value.
func (b *bench) note(f figure, tool int, value float64) {
	v := b.values[f]
	v[tool] = append(v[tool], value)
	b.values[f] = v
}

func (b *bench) noteTime(f figure, tool int, d time.Duration) {
	b.note(f, tool, d.Seconds()*1000)
}

// errUnsettled says that the backup took over before anything was done to the
// master, which was late: the machine is busy.
var errUnsettled = errors.New("the backup took over before it had to")

// unsettledMost is how often a measurement in which that happens is repeated.
const unsettledMost = 10

// inTurns calls a measurement with both tools, so many times. Who goes first
// alternates.
func (b *bench) inTurns(what string, rounds int, measure func(tool int) error) error {
	for round := range rounds {
		for turn := range 2 {
			err := errUnsettled
			for try := 0; errors.Is(err, errUnsettled) && try < unsettledMost; try++ {
				b.tap.forget()
				err = measure((round + turn) % 2)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
		}
	}
	fmt.Fprintf(os.Stderr, "measured: %s\n", what)
	return nil
}

// await waits until something holds.
func (b *bench) await(r *router, what string, holds func() bool) error {
	for end := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			return r.failure("never: " + what)
		}
	}
	return nil
}

// pair are two routers of a tool, of which the first is better.
type pair struct {
	*bench
	setup
	tool     int
	interval time.Duration
	routers  [2]*router
}

func (b *bench) pair(tool int, s setup, interval time.Duration) (p *pair, err error) {
	p = &pair{bench: b, setup: s, tool: tool, interval: interval}
	for host := range p.routers {
		if p.routers[host], err = b.start(tool, host, s); err != nil {
			p.end()
			return nil, err
		}
	}
	return p, nil
}

// end ends what is left of the routers, and cleans up after them.
func (p *pair) end() {
	for _, r := range p.routers {
		if r != nil {
			r.discard()
		}
	}
	p.net.clean()
}

// settled waits until the first router alone advertises, and then for a moment
// of no particular phase.
func (p *pair) settled() error {
	err := p.await(p.routers[0], "it advertises alone", func() bool {
		first := 0
		for _, h := range p.tap.since(time.Now().Add(-4 * p.interval)) {
			if h.host != 0 {
				return false
			}
			first++
		}
		return first >= 3
	})
	time.Sleep(50*time.Millisecond + time.Duration(rand.Int64N(int64(p.interval))))
	return err
}

// change is the last advertisement of the first host and the first one of the
// second, after that time.
func (p *pair) change(since time.Time) (last, first heard, err error) {
	var all []heard
	i := -1
	err = p.await(p.routers[1], "it takes over", func() bool {
		all = p.tap.since(since.Add(-3 * p.interval))
		i = slices.IndexFunc(all, func(h heard) bool { return h.host == 1 })
		return i >= 0
	})
	switch {
	case err != nil:
		return last, first, err
	case i == 0 || all[i].at.Before(since):
		return last, first, errUnsettled
	}
	return all[i-1], all[i], nil
}

// warmUp starts both tools once: their files are read, and memory is there.
func (b *bench) warmUp() error {
	return b.inTurns("warm-up", 1, func(tool int) error {
		p, err := b.pair(tool, setup{instances: 1, interval: "0.1"}, 100*time.Millisecond)
		if err != nil {
			return err
		}
		defer p.end()
		return p.settled()
	})
}

// handOvers measures crashes, stops in good order, and crashes at 10 ms.
func (b *bench) handOvers() error {
	const tenth = 100 * time.Millisecond
	err := b.inTurns("hand-overs at 100 ms", b.rounds, func(tool int) error {
		return b.handOver(tool, setup{instances: 1, interval: "0.1"}, tenth)
	})
	if err != nil {
		return err
	}
	return b.inTurns("crashes at 10 ms", b.rounds, func(tool int) error {
		p, err := b.pair(tool, setup{instances: 1, interval: "0.01"}, tenth/10)
		if err != nil {
			return err
		}
		defer p.end()
		if err := p.settled(); err != nil {
			return err
		}
		at := p.routers[0].kill()
		_, first, err := p.change(at)
		if err == nil {
			b.noteTime(crash10, tool, first.at.Sub(at))
		}
		return err
	})
}

// handOver is a crash, the return from it, and a stop in good order.
func (b *bench) handOver(tool int, s setup, interval time.Duration) error {
	p, err := b.pair(tool, s, interval)
	if err != nil {
		return err
	}
	defer p.end()
	if err := p.settled(); err != nil {
		return err
	}
	last, first, err := p.change(p.routers[0].kill())
	if err != nil {
		return err
	}
	b.noteTime(takeover, tool, first.at.Sub(last.at)-vrrp.ActiveDownInterval(vrrp.V3, priorities[1], interval, 3))

	if p.routers[0], err = b.start(tool, 0, s); err != nil {
		return err
	}
	if err := p.settled(); err != nil {
		return err
	}
	from, to, err := p.routers[0].stop()
	if err != nil {
		return err
	}
	b.noteTime(stop, tool, to.Sub(from))
	last, first, err = p.change(from)
	if err != nil {
		return err
	}
	if last.priority != vrrp.PriorityStop {
		return p.routers[0].failure("it did not give up with priority 0")
	}
	b.noteTime(handOver, tool, first.at.Sub(last.at)-vrrp.SkewTime(vrrp.V3, priorities[1], interval))
	return b.clean(p.routers[0], from, tool)
}

// clean checks that nothing is left of a router's addresses, and notes how long
// that took.
func (b *bench) clean(r *router, from time.Time, tool int) error {
	addrs, links, err := virtual(b.net.hosts[r.host])
	if err == nil && addrs+links > 0 {
		err = r.failure(fmt.Sprintf("it left %d addresses and %d interfaces behind", addrs, links))
	}
	if n, last := b.watch.since(from); n > 0 {
		b.noteTime(stopGone, tool, last.Sub(from))
	}
	return err
}
