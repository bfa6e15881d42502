package daemon

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// defaultFile is where keepalived looks too.
const defaultFile = "/etc/keepalived/keepalived.conf"

// options are the words of a command line.
type options struct {
	file     string
	load     LoadOptions
	test     bool
	testFile string // where the messages of a test go, "" for standard error
	help     bool
	version  bool
	signum   string
}

// commandLine is a set of options that is called by some name.
type commandLine struct {
	name  string // as the user writes it
	flags *pflag.FlagSet
	opt   options
}

func newCommandLine(name string) *commandLine {
	c := &commandLine{name: name, flags: pflag.NewFlagSet(name, pflag.ContinueOnError)}
	c.flags.SortFlags = false
	c.flags.Usage = func() {} // errors are enough; -h is there for help
	f, o := c.flags, &c.opt
	f.StringVarP(&o.file, "use-file", "f", defaultFile, "read the configuration from `FILE`")
	f.StringVarP(&o.load.ConfigID, "config-id", "i", "", "read the lines that begin with @`ID`; default is the machine's name up to the first dot")
	f.BoolVarP(&o.load.AllFiles, "all-config", "e", false, "take an include that finds no file for an error")
	return c
}

// ownLine is the command line of "ipvsadm vrrp".
func ownLine() *commandLine {
	c := newCommandLine("ipvsadm vrrp")
	c.flags.BoolVarP(&c.opt.test, "config-test", "t", false, "read the configuration, say what is wrong with it, and end")
	c.flags.BoolVarP(&c.opt.help, "help", "h", false, "print this, and end")
	return c
}

// keepalivedLine is the command line of keepalived, all of it.
func keepalivedLine() *commandLine {
	c := newCommandLine("keepalived")
	f, o := c.flags, &c.opt
	f.StringVarP(&o.testFile, "config-test", "t", "", "read the configuration, say what is wrong with it in `FILE` or on standard error, and end")
	f.Lookup("config-test").NoOptDefVal = " "
	f.StringVar(&o.signum, "signum", "", "print the number of the signal for `WHAT`: "+signalNames())
	f.BoolVarP(&o.version, "version", "v", false, "print the version, and end")
	f.BoolVarP(&o.help, "help", "h", false, "print this, and end")
	for _, p := range passedOver() {
		switch {
		case p.value == "":
			f.BoolP(p.long, p.short, false, p.why)
		default:
			f.StringP(p.long, p.short, "", p.why)
			f.Lookup(p.long).NoOptDefVal = p.unless
		}
		f.Lookup(p.long).Hidden = true
	}
	return c
}

// parse reads the words after the name.
func (c *commandLine) parse(args []string) error {
	if err := c.flags.Parse(c.detach(args)); err != nil {
		return err
	}
	if words := c.flags.Args(); len(words) > 0 {
		return fmt.Errorf("%q is not an option", words[0])
	}
	if t := c.flags.Lookup("config-test"); t.Value.Type() == "string" && t.Changed {
		c.opt.test = true
		if c.opt.testFile == t.NoOptDefVal {
			c.opt.testFile = ""
		}
	}
	return nil
}

// detach rewrites -tFILE as getopt_long takes it, which pflag does not: a value
// that may be left out, and is not, stands behind its letter without a space.
func (c *commandLine) detach(args []string) []string {
	var out []string
	for n, arg := range args {
		if arg == "--" {
			return append(out, args[n:]...)
		}
		if len(arg) < 2 || arg[0] != '-' || arg[1] == '-' {
			out = append(out, arg)
			continue
		}
		for i := 1; i < len(arg); i++ {
			f := c.flags.ShorthandLookup(arg[i : i+1])
			if f == nil || f.Value.Type() == "string" && f.NoOptDefVal == "" {
				break // the rest is its value, or wrong
			}
			if f.Value.Type() == "string" && i+1 < len(arg) {
				if i > 1 {
					out = append(out, arg[:i])
				}
				arg = "--" + f.Name + "=" + arg[i+1:]
				break
			}
		}
		out = append(out, arg)
	}
	return out
}

// usages lists the options that are there to be used.
func (c *commandLine) usages() string {
	var b strings.Builder
	c.flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name := "    --" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", --" + f.Name
		}
		value, usage := pflag.UnquoteUsage(f)
		switch {
		case f.Value.Type() == "bool":
		case f.NoOptDefVal != "":
			name += "[=" + value + "]"
		default:
			name += " " + value
		}
		if f.Value.Type() == "string" && f.DefValue != "" {
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(&b, "  %-26s %s\n", name, usage)
	})
	return b.String()
}

// passage is an option of keepalived that a test of a configuration does not need.
type passage struct {
	long, short string
	value       string // what its value is, "" if it has none
	unless      string // the value when it is left out, "" if it may not be
	why         string
}

func passedOver() []passage {
	const (
		parts    = "there is one process for everything"
		log      = "messages go to standard error"
		unneeded = "nothing is run"
	)
	return []passage{
		{long: "vrrp", short: "P", why: parts},
		{long: "check", short: "C", why: parts},
		{long: "no_bfd", short: "B", why: parts},
		{long: "all", why: parts},
		{long: "log-console", short: "l", why: log},
		{long: "log-detail", short: "D", why: log},
		{long: "log-facility", short: "S", value: "FACILITY", why: log},
		{long: "log-file", short: "g", value: "FILE", unless: " ", why: log},
		{long: "flush-log-file", why: log},
		{long: "no-syslog", short: "G", why: log},
		{long: "umask", short: "u", value: "MASK", why: unneeded},
		{long: "release-vips", short: "X", why: unneeded},
		{long: "dont-release-vrrp", short: "V", why: unneeded},
		{long: "dont-release-ipvs", short: "I", why: unneeded},
		{long: "dont-respawn", short: "R", why: unneeded},
		{long: "dont-fork", short: "n", why: unneeded},
		{long: "dump-conf", short: "d", why: unneeded},
		{long: "pid", short: "p", value: "FILE", why: unneeded},
		{long: "vrrp_pid", short: "r", value: "FILE", why: parts},
		{long: "checkers_pid", short: "c", value: "FILE", why: parts},
		{long: "bfd_pid", short: "b", value: "FILE", why: parts},
		{long: "address-monitoring", short: "a", why: unneeded},
		{long: "namespace", short: "s", value: "NAME", why: unneeded},
		{long: "snmp", short: "x", why: unneeded},
		{long: "snmp-agent-socket", short: "A", value: "FILE", why: unneeded},
		{long: "core-dump", short: "m", why: unneeded},
		{long: "core-dump-pattern", short: "M", value: "PATTERN", unless: "core", why: unneeded},
		{long: "perf", value: "WHAT", unless: " ", why: unneeded},
		{long: "debug", value: "WHAT", unless: " ", why: unneeded},
		{long: "no-mem-check", why: unneeded},
		{long: "ignore-sigint", why: unneeded},
	}
}
