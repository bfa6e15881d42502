package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/olekukonko/tablewriter"

	"ipvsadm/sched"
)

// The simulation that is timed, and how long it may take.
const (
	simulatedServers     = 100
	simulatedConnections = 1_000_000
	simulationTarget     = 2 * time.Second
)

// schedulers times `ipvsadm sched simulate` under each scheduler.
func schedulers(args []string) {
	flags := flag.NewFlagSet("bench sched", flag.ExitOnError)
	rounds := flags.Int("rounds", 5, "measured rounds of each scheduler")
	_ = flags.Parse(args) // it ends the program
	if flags.NArg() != 1 || *rounds < 1 {
		flags.Usage()
		os.Exit(2)
	}
	ours, err := filepath.Abs(flags.Arg(0))
	if err == nil {
		err = simulations(ours, *rounds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// simulations prints the times of all schedulers, connections endless and not.
func simulations(ours string, rounds int) error {
	fmt.Printf("ipvsadm sched simulate: %d connections of 10000 clients over %d servers, medians of %d rounds\n",
		simulatedConnections, simulatedServers, rounds)
	var rules strings.Builder
	rules.WriteString("-A -t 10.1.0.1:80 -s rr\n")
	for i := range simulatedServers {
		fmt.Fprintf(&rules, "-a -t 10.1.0.1:80 -r 10.2.0.%d:80 -m -w %d\n", i+1, 1+i%7)
	}
	t := tablewriter.NewWriter(os.Stdout)
	t.SetAutoFormatHeaders(false)
	t.SetAutoWrapText(false)
	t.SetHeader([]string{"scheduler", "endless s", "exp:30s s", "least-most", "to reach", "reached"})
	for _, s := range sched.All() {
		cells := []string{s.Name}
		var all []float64
		reached := "yes"
		for _, duration := range []string{"endless", "exp:30s"} {
			seconds, err := simulation(ours, rules.String(), s.Name, duration, rounds)
			if err != nil {
				return err
			}
			if median(seconds) > simulationTarget.Seconds() {
				reached = "NO"
			}
			cells = append(cells, fmt.Sprintf("%.2f", median(seconds)))
			all = append(all, seconds...)
		}
		slices.Sort(all)
		t.Append(append(cells, fmt.Sprintf("%.2f-%.2f", all[0], all[len(all)-1]),
			fmt.Sprintf("%.2f", simulationTarget.Seconds()), reached))
	}
	t.Render()
	return nil
}

// simulation returns the seconds of each round, in order of size.
func simulation(ours, rules, scheduler, duration string, rounds int) (seconds []float64, err error) {
	args := []string{
		"sched", "simulate", "-t", "10.1.0.1:80", "--rules", "-", "--sched", scheduler, "--clients", "10000",
		"--connections", fmt.Sprint(simulatedConnections), "--duration", duration,
	}
	for range rounds {
		wall, err := run(ours, args, rules)
		if err != nil {
			return nil, err
		}
		seconds = append(seconds, wall.Seconds())
	}
	slices.Sort(seconds)
	return seconds, nil
}
