package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"ipvsadm/testdata/lab/cmd/bench/failover"
	"ipvsadm/testdata/lab/cmd/bench/health"
	"ipvsadm/testdata/lab/uml"
)

// insideVar tells the program that it runs inside the guest.
const insideVar = "BENCH_INSIDE"

func main() {
	if len(os.Args) > 1 && os.Args[1] == "vrrp" {
		vrrp(os.Args[2:])
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "sched" {
		schedulers(os.Args[2:])
		return
	}
	if len(os.Args) > 1 && os.Args[1] == health.StallsArg {
		fmt.Fprintln(os.Stderr, "bench:", health.Stalls(os.Stdout))
		os.Exit(1)
	}
	uml.Init()
	if len(os.Args) > 1 && os.Args[1] == "check" {
		checks(os.Args[2:])
		return
	}
	rounds := flag.Int("rounds", 7, "measured rounds of each kind of work, after one to warm up")
	reference := flag.String("reference", "/usr/sbin/ipvsadm", "the ipvsadm to compare with")
	only := flag.String("only", "", "measure only work with this in its name")
	flag.Parse()
	if flag.NArg() != 1 || *rounds < 1 {
		flag.Usage()
		os.Exit(2)
	}
	run := boot
	if os.Getenv(insideVar) != "" {
		run = inside
	}
	if err := run(flag.Arg(0), *reference, *rounds, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// vrrp measures failover.
func vrrp(args []string) {
	flags := flag.NewFlagSet("bench vrrp", flag.ExitOnError)
	rounds := flags.Int("rounds", 20, "measured hand-overs of each kind")
	_ = flags.Parse(args) // it ends the program
	if flags.NArg() != 1 || *rounds < 1 {
		flags.Usage()
		os.Exit(2)
	}
	ours, err := filepath.Abs(flags.Arg(0))
	if err == nil {
		err = failover.Run(ours, *rounds, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// checks measures the checks of real servers.
func checks(args []string) {
	flags := flag.NewFlagSet("bench check", flag.ExitOnError)
	var o health.Options
	flags.IntVar(&o.Rounds, "rounds", 3, "measured rounds of what is short; the rest is measured once")
	flags.StringVar(&o.Only, "only", "", "measure only figures with this in their name")
	_ = flags.Parse(args) // it ends the program
	if flags.NArg() != 1 || o.Rounds < 1 {
		flags.Usage()
		os.Exit(2)
	}
	run := health.Run
	if os.Getenv(health.InsideVar) != "" {
		run = health.Inside
	}
	if err := run(flags.Arg(0), o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// boot starts a guest and runs this program again in there.
func boot(ours, reference string, rounds int, only string) error {
	ours, err := filepath.Abs(ours)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	guest, err := uml.Boot(uml.Options{Memory: "2G"})
	if err != nil {
		return err
	}
	defer guest.Close()
	code, err := guest.Run(context.Background(), uml.Command{
		Args:    []string{self, "-rounds", strconv.Itoa(rounds), "-reference", reference, "-only", only, ours},
		Env:     append(os.Environ(), insideVar+"=1"),
		Dir:     "/",
		Isolate: true,
	}, os.Stdout)
	if err == nil && code != 0 {
		err = fmt.Errorf("the guest's part ended with code %d", code)
	}
	return err
}

// inside does all the work and prints a line for each as it is done.
func inside(ours, reference string, rounds int, only string) error {
	b, err := newBench([2]string{ours, reference}, rounds)
	if err != nil {
		return err
	}
	defer b.close()
	fmt.Printf("%s against %s, %d rounds in turns, times in ms\n", filepath.Base(ours), reference, rounds)
	for _, w := range works() {
		if !strings.Contains(w.name, only) {
			continue
		}
		r, err := b.measure(w)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		b.results = append(b.results, r)
		fmt.Fprintf(os.Stderr, "measured: %s\n", w.name)
	}
	if err := b.print(os.Stdout); err != nil || !strings.Contains(killName, only) {
		return err
	}
	return b.killAll(os.Stdout)
}
