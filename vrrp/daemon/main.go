package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Main is "ipvsadm vrrp" with args after these two words. It returns the exit
// status.
func Main(env Env, args []string) int {
	if len(args) > 0 && args[0] == "status" {
		return status(env, "ipvsadm vrrp status", args[1:], []place{{defaultSocket, "status"}})
	}
	return run(env, ownLine(), args)
}

// Check is "ipvsadm check" with args after these two words: the virtual servers of
// a configuration without its failover. It returns the exit status.
func Check(env Env, args []string) int {
	if len(args) > 0 && args[0] == "status" {
		return status(env, "ipvsadm check status", args[1:], []place{{checkSocket, "check"}, {defaultSocket, "check"}})
	}
	return run(env, checkLine(), args)
}

// Keepalived is the command by the name keepalived, with args after the name.
func Keepalived(env Env, args []string) int {
	return run(env, keepalivedLine(), args)
}

func run(env Env, line *commandLine, args []string) int {
	if err := line.parse(args); err != nil {
		status := fail(env, line, err)
		if line.flags.Lookup("once") != nil && slices.Contains(args, "--once") {
			return exitMissing // 1 would say that a server is not well
		}
		return status
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
	case o.once:
		return once(env, line)
	case o.background:
		status, err := background(env)
		if err != nil {
			return fail(env, line, err)
		}
		return status
	}
	return serve(env, line.opt)
}

// place is a socket and what to ask there.
type place struct{ socket, question string }

// status asks the first of some places where somebody answers.
func status(env Env, name string, args []string, places []place) int {
	line := statusLine(name, places[0].socket)
	if err := line.flags.Parse(args); err != nil {
		return fail(env, line, err)
	}
	if line.opt.help {
		fmt.Fprint(env.Stdout, "Usage: "+line.name+" [--json] [--socket PATH]\n\n"+line.usages())
		return exitOK
	}
	if words := line.flags.Args(); len(words) > 0 {
		return fail(env, line, fmt.Errorf("%q is not an option", words[0]))
	}
	if line.flags.Lookup("socket").Changed {
		places = []place{{line.opt.socket, places[0].question}}
	}
	var errs []error
	for _, p := range places {
		if line.opt.json {
			p.question += " json"
		}
		err := ask(p.socket, p.question, env.Stdout)
		if err == nil {
			return exitOK
		}
		if errs = append(errs, err); !errors.Is(err, errNobody) {
			break
		}
	}
	return fail(env, line, errors.Join(errs...))
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
	more, what := "", "Runs the failover and the virtual servers of a configuration in keepalived's\nlanguage.\n"
	if c.opt.checkOnly {
		what = "Runs the virtual servers of a configuration in keepalived's language: checks\ntheir real servers, and keeps the kernel's table as it should be.\n"
	}
	if !c.opt.keepalived {
		more = "       " + c.name + " status [--json] [--socket PATH]\n"
	}
	if c.flags.Lookup("once") != nil {
		more = "       " + c.name + " --once [-f FILE] [--json]\n" + more
	}
	text := "Usage: " + c.name + " [-t] [-f FILE]\n" + more + "\n" + what + "SIGHUP reads it again, SIGUSR1 writes the state to standard error, SIGTERM ends it.\n" +
		"With -t it only says what is wrong, as FILE:LINE: what is wrong; what to write\n" +
		"instead.\n\n" +
		c.usages() +
		"\nExit status with -t: 0 nothing to say, 5 it would run with warnings, 4 it cannot\n" +
		"run, 6 it runs programs without enable_script_security, 2 an argument is missing,\n" +
		"1 anything else. Without -t: 0 it was ended by a signal, 2 the configuration cannot\n" +
		"be run, 4 no permission, 1 anything else.\n"
	if c.flags.Lookup("once") != nil {
		text += "With --once: 0 all are well, 1 some are not, 2 and above: they cannot be checked.\n"
	}
	return text
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
