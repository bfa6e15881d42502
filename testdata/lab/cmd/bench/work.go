package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipvsadm/ipvs"
)

// work is one thing to time.
type work struct {
	name   string
	target float64 // the ratio to reach, 0 for a line that only informs
	args   []string
	extra  []string // for ours alone
	// nothing runs a Go program that does nothing in place of ours.
	nothing bool
	input   string // standard input
	// restore runs the reference as ipvsadm-restore, without args.
	restore bool
	// prepare sets the kernel up, once before all rounds; before does so again
	// before every single run.
	prepare, before func(*bench) error
	// fast marks a run of a few milliseconds, of which more rounds are made.
	fast bool
}

func works() []work {
	wide, tall, deep := table(2000, 1), table(300, 10), table(1, 1000)
	list := func(name string, target float64, rules, args string) work {
		return work{name: name, target: target, args: strings.Fields(args),
			prepare: func(b *bench) error { return b.load(rules) }}
	}
	restore := func(name string, target float64, rules string) work {
		return work{name: name, target: target, args: []string{"-R"}, input: rules, before: (*bench).flush}
	}
	replace := func(name string, target float64, rules string) work {
		return work{name: name, target: target, args: []string{"-R", "--replace"}, input: rules, restore: true,
			before: func(b *bench) error { return b.load(wide) }}
	}
	connections := func(n int, target float64) work {
		return work{name: fmt.Sprintf("-L -c -n, %d connections", n), target: target,
			args:    []string{"-L", "-c", "-n"},
			prepare: func(b *bench) error { return b.connect(n) }}
	}
	return []work{
		restore("-R, 2000 services x 1 server", 0.10, wide),
		restore("-R, 300 services x 10 servers", 0.10, tall),
		restore("-R, 1 service x 1000 servers", 0.25, deep),
		replace("-R --replace, 2000 x 1, unchanged", 0.15, wide),
		replace("-R --replace, 2000 x 1, 1 % changed", 0.20, reweighted(wide, 100)),
		list("-L -n, 2000 x 1", 0.20, wide, "-L -n"),
		list("-S -n, 2000 x 1", 0.20, wide, "-S -n"),
		list("-L -n --stats, 2000 x 1", 0.50, wide, "-L -n --stats"),
		{name: "-L -n --stats --json, 2000 x 1", target: 0.75, args: []string{"-L", "-n", "--stats"}, extra: []string{"--json"},
			prepare: func(b *bench) error { return b.load(wide) }},
		list("-L -n, 300 x 10", 0.30, tall, "-L -n"),
		connections(2000, 0),
		connections(20000, 0.80),
		{name: "-A, a fresh process", target: 1.50, fast: true,
			args: []string{"-A", "-t", "10.0.0.1:80", "-s", "rr"}, before: (*bench).flush},
		{name: "-v, a fresh process", fast: true, args: []string{"-v"}},
		{name: "a Go program that does nothing, beside -A", fast: true, nothing: true,
			args: []string{"-A", "-t", "10.0.0.1:80", "-s", "rr"}, before: (*bench).flush},
	}
}

// table is a restore stream of so many services with so many servers each.
func table(services, servers int) string {
	var s strings.Builder
	for i := range services {
		vip := netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
		fmt.Fprintf(&s, "-A -t %v:80 -s rr\n", vip)
		for j := range servers {
			rs := netip.AddrFrom4([4]byte{10, 2, byte(j >> 8), byte(j)})
			fmt.Fprintf(&s, "-a -t %v:80 -r %v:80 -m -w %d\n", vip, rs, 1+j%10)
		}
	}
	return s.String()
}

// reweighted gives one in so many servers of a restore stream another weight.
func reweighted(rules string, oneIn int) string {
	var s strings.Builder
	servers := 0
	for line := range strings.Lines(rules) {
		if strings.HasPrefix(line, "-a ") {
			if servers++; servers%oneIn == 0 {
				line = strings.TrimSuffix(line, "\n") + "00\n"
			}
		}
		s.WriteString(line)
	}
	return s.String()
}

// director is where the connections of the benchmark go to.
var director = netip.MustParseAddrPort("10.3.0.1:53")

// flush empties the kernel's table.
func (b *bench) flush() error {
	if errs := b.kernel.Do(ipvs.Flush{}); errs != nil {
		return errs[0]
	}
	return nil
}

// load makes the kernel's table that of a restore stream.
func (b *bench) load(rules string) error {
	if err := b.flush(); err != nil {
		return err
	}
	_, err := run(b.tools[0], []string{"-R"}, rules)
	return err
}

// command returns what a tool runs for a work.
func (b *bench) command(tool int, w *work) (program string, args []string) {
	if w.restore && tool == 1 {
		return b.tools[tool] + "-restore", nil
	}
	if tool == 0 && w.nothing {
		return b.nothing, nil
	}
	if tool == 0 {
		return b.tools[tool], slices.Concat(w.args, w.extra)
	}
	return b.tools[tool], w.args
}
