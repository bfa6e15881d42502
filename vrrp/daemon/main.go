package daemon

import (
	"fmt"
	"io"
	"os"
)

// Main is "ipvsadm vrrp" with args after these two words. It returns the exit
// status.
func Main(env Env, args []string) int {
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
	}
	return fail(env, line, fmt.Errorf("only the test of a configuration is there: give -t"))
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
	return "Usage: " + c.name + " -t [-f FILE]\n\n" +
		"Reads a configuration in keepalived's language and says what is wrong with it,\n" +
		"as FILE:LINE: what is wrong; what to write instead.\n\n" +
		c.usages() +
		"\nExit status: 0 nothing to say, 5 it would run with warnings, 4 it cannot run,\n" +
		"6 it runs programs without enable_script_security, 2 an argument is missing,\n" +
		"1 anything else.\n"
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
