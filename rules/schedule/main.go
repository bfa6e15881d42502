package schedule

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/pflag"

	"ipvsadm/rules"
	"ipvsadm/sched"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Env is the world of one command.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Interactive says that Stdout is a terminal, which shows lines and blocks.
	Interactive bool
	// Open connects to the kernel. It is called only where a live table is asked
	// for.
	Open func() (rules.Kernel, error)
	// Names resolves names of hosts and ports.
	Names rules.Names
	// Connections opens the connection table, /proc/net/ip_vs_conn.
	Connections func() (io.ReadCloser, error)
	// Root is the file system, of which only /proc and /lib/modules are read.
	Root fs.FS
	// ReadFile reads a file that --rules names.
	ReadFile func(name string) ([]byte, error)
}

// command is one run of the program.
type command struct {
	env Env
	out *bufio.Writer
}

// failure is an error that is not the caller's mistake.
type failure struct{ error }

// Unwrap returns the cause.
func (f failure) Unwrap() error { return f.error }

// misuse is a mistake in the words themselves, about which --help says more.
type misuse struct{ error }

// Unwrap returns the cause.
func (m misuse) Unwrap() error { return m.error }

// Main carries out the words after `ipvsadm sched` and returns the exit code.
func Main(env Env, args []string) int {
	c := &command{env: env, out: bufio.NewWriter(env.Stdout)}
	name := "ipvsadm sched"
	if len(args) > 0 && (args[0] == "predict" || args[0] == "simulate") {
		name += " " + args[0]
	}
	err := c.main(args)
	if err == nil {
		if err = c.out.Flush(); err != nil {
			err = failure{err}
		}
	}
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(env.Stderr, "%s: %v\n", name, err)
	var failed failure
	if errors.As(err, &failed) {
		return exitFailed
	}
	var misused misuse
	if errors.As(err, &misused) {
		fmt.Fprintf(env.Stderr, "Try `%s --help' for more information.\n", name)
	}
	return exitUsage
}

func (c *command) main(args []string) error {
	if len(args) == 0 {
		return c.list()
	}
	switch args[0] {
	case "predict":
		return c.predict(args[1:])
	case "simulate":
		return c.simulate(args[1:])
	case "-h", "--help", "help":
		c.out.WriteString(helpText)
		return nil
	}
	if len(args[0]) > 0 && args[0][0] == '-' {
		return misuse{fmt.Errorf("unknown option %s", args[0])}
	}
	known, err := findScheduler(args[0])
	if err != nil {
		return misuse{err} // it may be meant to be another word
	}
	if len(args) > 1 {
		return unexpected(args[1])
	}
	return c.explain(known)
}

func unexpected(word string) error { return misuse{fmt.Errorf("unexpected argument %s", word)} }

// findScheduler returns a scheduler by name; the error names the nearest one.
func findScheduler(name string) (sched.Scheduler, error) {
	if known, ok := sched.Find(name); ok {
		return known, nil
	}
	return sched.Scheduler{}, fmt.Errorf("no kernel has a scheduler %q; the nearest name is %s", name, nearest(name))
}

// parse reads options into a set. It returns the words that are none, and false
// after --help.
func (c *command) parse(set *pflag.FlagSet, args []string, help string) (words []string, ok bool, err error) {
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	err = set.Parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		c.out.WriteString(help)
		return nil, false, nil
	}
	if err != nil {
		return nil, false, misuse{err}
	}
	return set.Args(), true, nil
}

const helpText = `Explains the kernel's schedulers, and works out what they will do.

  ipvsadm sched                       all schedulers, and which this kernel has
  ipvsadm sched NAME                  what one does, when to use it, an example
  ipvsadm sched predict SERVICE --client IP[:PORT] [options]
                                      who gets the client's next connection
  ipvsadm sched simulate SERVICE --clients N --connections N [options]
                                      shares, evenness and clients that move

SERVICE is one of -t, -u, --sctp-service and -f. Nothing is changed, no module
is loaded. "ipvsadm sched predict --help" and "simulate --help" say more.
`
