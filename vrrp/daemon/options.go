package daemon

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

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
	once     bool // check everything once, and end
	json     bool

	// vrrpOnly runs no companion, and checkOnly nothing else.
	vrrpOnly, checkOnly bool
	// keepTable leaves the virtual servers in the kernel's table at the end.
	keepTable bool
	// reconcile is how often the kernel's table of virtual servers is looked at.
	reconcile time.Duration

	detail    bool
	logFormat string
	pidFile   string
	// pidGiven and socketGiven say that the command line names them.
	pidGiven, socketGiven bool
	socket                string
	namespace             string
	// keepalived says that we are called so; background, that we leave the
	// terminal, as it does.
	keepalived, background bool
	dontFork               bool
	// useless are options that somebody may miss, and why they do nothing.
	useless []string
}

const (
	defaultSocket = "/run/ipvsadm/vrrp.sock"
	checkSocket   = "/run/ipvsadm/check.sock"
)

// commandLine is a set of options that is called by some name.
type commandLine struct {
	name  string // as the user writes it
	flags *pflag.FlagSet
	opt   options
}

func newCommandLine(name, socket string) *commandLine {
	c := &commandLine{name: name, flags: pflag.NewFlagSet(name, pflag.ContinueOnError)}
	c.flags.SortFlags = false
	c.flags.Usage = func() {} // errors are enough; -h is there for help
	f, o := c.flags, &c.opt
	f.StringVarP(&o.file, "use-file", "f", defaultFile, "read the configuration from `FILE`")
	f.StringVarP(&o.load.ConfigID, "config-id", "i", "", "read the lines that begin with @`ID`; default is the machine's name up to the first dot")
	f.BoolVarP(&o.load.AllFiles, "all-config", "e", false, "take an include that finds no file for an error")
	f.BoolVarP(&o.detail, "log-detail", "D", false, "log more: timers, priority 0, who is master")
	f.StringVar(&o.logFormat, "log-format", "text", "write the log as `text|json`")
	f.StringVar(&o.socket, "socket", socket, "answer "+statusCommand(socket)+" at `PATH`")
	f.DurationVar(&o.reconcile, "reconcile", 30*time.Second, "mend what others did to our virtual servers in the kernel every `TIME`, such as 500ms or 5m")
	f.BoolVarP(&o.keepTable, "dont-release-ipvs", "I", false, "leave the virtual servers in the kernel's table at the end")
	return c
}

// minReconcile keeps reading the table from becoming all that is done.
const minReconcile = 100 * time.Millisecond

// statusCommand is the command that asks at a socket, unless it is told another.
func statusCommand(socket string) string {
	if socket == checkSocket {
		return "ipvsadm check status"
	}
	return "ipvsadm vrrp status"
}

// ownLine is the command line of "ipvsadm vrrp".
func ownLine() *commandLine {
	c := newCommandLine("ipvsadm vrrp", defaultSocket)
	c.flags.BoolVarP(&c.opt.vrrpOnly, "vrrp-only", "P", false, "leave the virtual servers of the configuration alone")
	c.own("/run/ipvsadm/vrrp.pid")
	return c
}

// checkLine is the command line of "ipvsadm check".
func checkLine() *commandLine {
	c := newCommandLine("ipvsadm check", checkSocket)
	c.opt.checkOnly = true
	c.own("/run/ipvsadm/check.pid")
	c.flags.BoolVar(&c.opt.once, "once", false, "check every real server once, now; write how each is, and end")
	c.flags.BoolVar(&c.opt.json, "json", false, "with --once: write JSON")
	return c
}

// statusLine is the command line of "ipvsadm vrrp status" and "ipvsadm check
// status".
func statusLine(name, socket string) *commandLine {
	c := &commandLine{name: name, flags: pflag.NewFlagSet(name, pflag.ContinueOnError)}
	c.flags.Usage = func() {}
	c.flags.BoolVar(&c.opt.json, "json", false, "write JSON")
	c.flags.StringVar(&c.opt.socket, "socket", socket, "ask the daemon at `PATH`")
	c.flags.BoolVarP(&c.opt.help, "help", "h", false, "print this, and end")
	return c
}

// Flags returns the options of our command lines, by what they are called after
// the program's name, such as "check status".
func Flags() map[string]*pflag.FlagSet {
	return map[string]*pflag.FlagSet{
		"vrrp":         ownLine().flags,
		"vrrp status":  statusLine("ipvsadm vrrp status", defaultSocket).flags,
		"check":        checkLine().flags,
		"check status": statusLine("ipvsadm check status", checkSocket).flags,
	}
}

// own adds what all our own command lines have.
func (c *commandLine) own(pid string) {
	f, o := c.flags, &c.opt
	f.StringVarP(&o.pidFile, "pid", "p", pid, "keep our number in `FILE`, and lock it")
	f.BoolVarP(&o.test, "config-test", "t", false, "read the configuration, say what is wrong with it, and end")
	f.BoolVarP(&o.help, "help", "h", false, "print this, and end")
}

// keepalivedLine is the command line of keepalived, all of it.
func keepalivedLine() *commandLine {
	c := newCommandLine("keepalived", defaultSocket)
	f, o := c.flags, &c.opt
	o.keepalived = true
	f.BoolVarP(&o.vrrpOnly, "vrrp", "P", false, "leave the virtual servers of the configuration alone")
	f.BoolVarP(&o.checkOnly, "check", "C", false, "run only the virtual servers of the configuration")
	f.BoolVarP(&o.dontFork, "dont-fork", "n", false, "stay in the foreground")
	f.StringVarP(&o.pidFile, "pid", "p", "/run/keepalived.pid", "keep our number in `FILE`, and lock it")
	f.StringVarP(&o.namespace, "namespace", "s", "", "run in network namespace `NAME`, whatever the configuration says")
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

// separate gives the files that the command line did not name an instance's name,
// as keepalived does with its PID files.
func (o *options) separate(instance string) {
	if instance == "" {
		return
	}
	instance = strings.ReplaceAll(instance, "/", "_")
	for _, f := range []struct {
		path  *string
		given bool
	}{{&o.pidFile, o.pidGiven}, {&o.socket, o.socketGiven}} {
		if !f.given {
			end := filepath.Ext(*f.path)
			*f.path = strings.TrimSuffix(*f.path, end) + "_" + instance + end
		}
	}
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
	for _, p := range passedOver() {
		if f := c.flags.Lookup(p.long); c.opt.keepalived && f.Changed && p.missed {
			c.opt.useless = append(c.opt.useless, "--"+p.long+" does nothing: "+p.why)
		}
	}
	if c.opt.reconcile < minReconcile {
		return fmt.Errorf("--reconcile %v: the least is %v", c.opt.reconcile, minReconcile)
	}
	if c.opt.vrrpOnly && c.opt.checkOnly { // both of keepalived's are everything
		c.opt.vrrpOnly, c.opt.checkOnly = false, false
	}
	c.opt.pidGiven, c.opt.socketGiven = c.flags.Changed("pid"), c.flags.Changed("socket")
	c.opt.background = c.opt.keepalived && !c.opt.dontFork
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
		fmt.Fprintf(&b, "  %-28s %s\n", name, usage)
	})
	return b.String()
}

// passage is an option of keepalived that changes nothing.
type passage struct {
	long, short string
	value       string // what its value is, "" if it has none
	unless      string // the value when it is left out, "" if it may not be
	missed      bool   // the log says why, for somebody may count on it
	why         string
}

func passedOver() []passage {
	const (
		one = "there is one process for everything"
		log = "messages go to standard error"
		dev = "it is for the developers of keepalived"
	)
	return []passage{
		{long: "no_bfd", short: "B", why: "there is no BFD"},
		{long: "all", why: one},
		{long: "log-console", short: "l", why: log},
		{long: "log-facility", short: "S", value: "FACILITY", missed: true, why: log},
		{long: "log-file", short: "g", value: "FILE", unless: " ", missed: true, why: log},
		{long: "flush-log-file", why: log},
		{long: "no-syslog", short: "G", why: log},
		{long: "umask", short: "u", value: "MASK", why: "every file is made with its own mode"},
		{long: "release-vips", short: "X", why: "addresses are always removed at the end"},
		{long: "dont-release-vrrp", short: "V", missed: true, why: "addresses are always removed at the end"},
		{long: "dont-respawn", short: "R", why: one},
		{long: "dump-conf", short: "d", missed: true, why: "the configuration is not written to the log"},
		{long: "vrrp_pid", short: "r", value: "FILE", missed: true, why: one},
		{long: "checkers_pid", short: "c", value: "FILE", why: one},
		{long: "bfd_pid", short: "b", value: "FILE", why: one},
		{long: "address-monitoring", short: "a", missed: true, why: "changes of addresses are not logged"},
		{long: "snmp", short: "x", missed: true, why: "there is no SNMP"},
		{long: "snmp-agent-socket", short: "A", value: "FILE", missed: true, why: "there is no SNMP"},
		{long: "core-dump", short: "m", why: dev},
		{long: "core-dump-pattern", short: "M", value: "PATTERN", unless: "core", why: dev},
		{long: "perf", value: "WHAT", unless: " ", why: dev},
		{long: "debug", value: "WHAT", unless: " ", why: dev},
		{long: "no-mem-check", why: dev},
		{long: "ignore-sigint", missed: true, why: "SIGINT ends the daemon"},
	}
}
