package daemon

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"
)

// Main is "ipvsadm vrrp" with args after these two words. It returns the exit
// status.
func Main(env Env, args []string) int {
	if len(args) > 0 && args[0] == "status" {
		return status(env, args[1:])
	}
	return run(env, ownLine(), args)
}

// Keepalived is the command by the name keepalived, with args after the name.
func Keepalived(env Env, args []string) int {
	return run(env, keepalivedLine(), args)
}

func run(env Env, line *commandLine, args []string) int {
	if err := line.parse(args); err != nil {
		return fail(env, line, err)
	}
	switch o := line.opt; {
	case o.help:
		fmt.Fprint(env.Stdout, line.help())
		return exitOK
	case o.version:
		fmt.Fprintln(env.Stdout, "ipvsadm vrrp, in place of keepalived")
		return exitOK
	case o.signum != "":
		n, err := signalNumber(o.signum)
		if err != nil {
			return fail(env, line, err)
		}
		fmt.Fprintln(env.Stdout, n)
		return exitOK
	case o.test:
		return test(env, line)
	case o.background:
		status, err := background(env)
		if err != nil {
			return fail(env, line, err)
		}
		return status
	}
	return serve(env, line.opt)
}

// status is "ipvsadm vrrp status".
func status(env Env, args []string) int {
	line := &commandLine{name: "ipvsadm vrrp status", flags: pflag.NewFlagSet("status", pflag.ContinueOnError)}
	line.flags.Usage = func() {}
	asJSON := line.flags.Bool("json", false, "write JSON")
	socket := line.flags.String("socket", defaultSocket, "ask the daemon at `PATH`")
	help := line.flags.BoolP("help", "h", false, "print this, and end")
	if err := line.flags.Parse(args); err != nil {
		return fail(env, line, err)
	}
	if *help {
		fmt.Fprint(env.Stdout, "Usage: "+line.name+" [--json] [--socket PATH]\n\n"+line.usages())
		return exitOK
	}
	if words := line.flags.Args(); len(words) > 0 {
		return fail(env, line, fmt.Errorf("%q is not an option", words[0]))
	}
	question := "status"
	if *asJSON {
		question = "status json"
	}
	if err := ask(*socket, question, env.Stdout); err != nil {
		return fail(env, line, err)
	}
	return exitOK
}

// test is -t.
func test(env Env, line *commandLine) int {
	w := env.Stderr
	if name := line.opt.testFile; name != "" {
		// A name that somebody else chose beforehand is refused (O_EXCL).
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fail(env, line, fmt.Errorf("write the messages: %w", err))
		}
		defer file.Close()
		w = file
	}
	return configTest(env, line.opt, w)
}

func fail(env Env, line *commandLine, err error) int {
	fmt.Fprintf(env.Stderr, "%s: %v\n", line.name, err)
	return exitFatal
}

// help describes the command line.
func (c *commandLine) help() string {
	more := ""
	if !c.opt.keepalived {
		more = "       " + c.name + " status [--json] [--socket PATH]\n"
	}
	return "Usage: " + c.name + " [-t] [-f FILE]\n" + more + "\n" +
		"Runs the failover of a configuration in keepalived's language. SIGHUP reads it\n" +
		"again, SIGUSR1 writes the state to standard error, SIGTERM ends it. With -t it\n" +
		"only says what is wrong, as FILE:LINE: what is wrong; what to write instead.\n\n" +
		c.usages() +
		"\nExit status with -t: 0 nothing to say, 5 it would run with warnings, 4 it cannot\n" +
		"run, 6 it runs programs without enable_script_security, 2 an argument is missing,\n" +
		"1 anything else. Without -t: 0 it was ended by a signal, 2 the configuration cannot\n" +
		"be run, 4 no permission, 1 anything else.\n"
}

// printer writes lines, and remembers that it could not.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(s string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, s+"\n")
	}
}
