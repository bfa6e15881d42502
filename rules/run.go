package rules

import (
	"bufio"
	"errors"
	"io"
	"path"
	"syscall"
)

// versionLine is what 1.31 calls itself. Scripts compare it.
const versionLine = "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n"

// Main carries out the command line args, the program's name first, and returns
// the exit code. The name selects what 1.31 keeps in scripts: ipvsadm-save and
// ipvsadm-restore.
//
// Like 1.31, it does not report what it cannot write.
func Main(env Env, args []string) int {
	if len(args) == 0 {
		args = []string{"ipvsadm"}
	}
	s := &session{env: env, prog: args[0], out: bufio.NewWriterSize(env.Stdout, 32<<10)}
	defer s.out.Flush()
	switch path.Base(s.prog) {
	case "ipvsadm-save":
		return s.saveScript(args[1:])
	case "ipvsadm-restore":
		return s.restoreScript(args[1:])
	}
	return s.main(args[1:])
}

// session is one run of the program.
type session struct {
	env    Env
	prog   string
	kernel Kernel
	out    *bufio.Writer // standard output, written at the end or when full
}

// main carries out the words of the program's command line. That IPVS cannot be
// reached is found out before anything in them is looked at, but for -h and -v, and
// for completion scripts.
func (s *session) main(args []string) int {
	if len(args) == 2 && args[0] == "completion" {
		if script, ok := completion(args[1], s.subcommands()); ok {
			s.out.WriteString(script)
			return exitOK
		}
	}
	first, _, _ := (&scanner{args: args}).option()
	if first == nil || first.verb != help && first.verb != version {
		if !s.open() {
			return exitInvalid
		}
	}
	cmd, err := newParser(s.prog, s.env.Names, s.env.LookupEnv).parse(args)
	if err != nil {
		return s.refuse(err)
	}
	return s.run(cmd)
}

func (s *session) subcommands() []Subcommand {
	if s.env.Subcommands == nil {
		return nil
	}
	return s.env.Subcommands()
}

// open connects to the kernel, or says why it cannot.
func (s *session) open() bool {
	var err error
	if s.kernel, err = s.env.Open(); err == nil {
		return true
	}
	s.complain("Can't initialize ipvs: " + kernelSentence(err) + "\n" +
		"Are you sure that IP Virtual Server is built in the kernel or as module?")
	if !errors.Is(err, syscall.EPERM) {
		s.complain("Load it with `modprobe ip_vs'; without it, testdata/lab/demo of the sources shows ipvsadm at work.")
	}
	return false
}

// run carries out a command.
func (s *session) run(cmd Command) int {
	switch cmd := cmd.(type) {
	case Change:
		b := batch{kernel: s.kernel, complain: s.complain}
		b.add(cmd.Op)
		b.flush()
		return b.code
	case List:
		return s.list(cmd)
	case Save:
		return s.save(cmd.Numeric)
	case Restore:
		return s.restoreAs(cmd)
	case Drain:
		return s.drain(cmd)
	case DryRun:
		return s.dryRun(cmd.Command)
	case Help:
		s.out.WriteString(versionLine + helpText())
	case Version:
		s.out.WriteString(versionLine)
	}
	return exitOK
}

func (s *session) list(l List) int {
	switch {
	case l.JSON:
		return s.listJSON(l)
	case l.Watch != 0:
		return s.watch(l)
	}
	switch l.Format {
	case ListConnections:
		return s.listConnections(l)
	case ListTimeouts:
		return s.listTimeouts()
	case ListDaemons:
		return s.listDaemons()
	}
	return s.listTable(l)
}

// refuse reports a command line that is not carried out.
func (s *session) refuse(err error) int {
	s.complain(err.Error())
	var usage *usageError
	if errors.As(err, &usage) {
		return usage.ExitCode()
	}
	return exitInvalid
}

// listFailed reports why the kernel's table could not be read.
func (s *session) listFailed(err error) int {
	s.complain(kernelSentence(err))
	return exitListing
}

// complain writes a line to standard error at once: before what standard output
// still holds, as in 1.31, unless that is a terminal.
func (s *session) complain(text string) {
	if s.env.Interactive {
		s.out.Flush()
	}
	io.WriteString(s.env.Stderr, text+"\n")
}
