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

// simulations prints the times of all schedulers, with connections that end and
// that don't.
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
	t.SetHeader([]string{"scheduler", "connections", "s", "least-most", "CPU s", "to reach", "reached"})
	for _, s := range sched.All() {
		for _, duration := range []string{"endless", "exp:30s"} {
			wall, cpu, err := simulation(ours, rules.String(), s.Name, duration, rounds)
			if err != nil {
				return err
			}
			reached := "yes"
			if median(wall) > simulationTarget.Seconds() {
				reached = "NO"
			}
			t.Append([]string{
				s.Name, duration, fmt.Sprintf("%.2f", median(wall)), fmt.Sprintf("%.2f-%.2f", wall[0], wall[rounds-1]),
				fmt.Sprintf("%.2f", median(cpu)), fmt.Sprintf("%.2f", simulationTarget.Seconds()), reached,
			})
		}
	}
	t.Render()
	return nil
}

// simulation returns the seconds that each round took, on the clock and of the
// processor, in order of size: on a busy machine they are not the same.
func simulation(ours, rules, scheduler, duration string, rounds int) (wall, cpu []float64, err error) {
	args := []string{
		"sched", "simulate", "-t", "10.1.0.1:80", "--rules", "-", "--sched", scheduler, "--clients", "10000",
		"--connections", fmt.Sprint(simulatedConnections), "--duration", duration,
	}
	for range rounds {
		began := time.Now()
		p, err := start(ours, args, rules, nil)
		if err != nil {
			return nil, nil, err
		}
		state, err := p.Wait()
		wall = append(wall, time.Since(began).Seconds())
		if err == nil && !state.Success() {
			err = fmt.Errorf("sched simulate --sched %s: %v", scheduler, state)
		}
		if err != nil {
			return nil, nil, err
		}
		cpu = append(cpu, (state.UserTime() + state.SystemTime()).Seconds())
	}
	slices.Sort(wall)
	slices.Sort(cpu)
	return wall, cpu, nil
}
