package uml

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// guestVar names the variable that tells the guest's init that it is one, and
// where its control directory is. The kernel hands it over from its command line.
const guestVar = "UML_GUEST"

// Init must be the first thing a program does that boots guests: main, or
// TestMain. In the guest it becomes the agent and does not return; anywhere
// else it returns at once.
func Init() {
	initialized.Store(true)
	dir := os.Getenv(guestVar)
	if os.Getpid() != 1 || dir == "" {
		return
	}
	signal.Ignore(unix.SIGPIPE) // the console goes away with the host's process
	if err := serve(dir); err != nil {
		fmt.Fprintln(os.Stderr, "uml agent:", err)
	}
	os.RemoveAll(dir)
	unix.Sync()
	unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	select {} // an init must not return
}

// agent is the guest's init: it runs what the host asks for.
type agent struct {
	line  *guestLine
	input *input // of the running command, or the last one
}

// serve prepares the guest and carries out commands until the host is gone.
func serve(dir string) error {
	if err := prepare(dir); err != nil {
		return err
	}
	tty, err := openLine("/dev/ttyS0")
	if err != nil {
		return err
	}
	a := &agent{line: &guestLine{tty: tty}}
	if err := a.line.write(frame{kind: frameReady}); err != nil {
		return err
	}
	for {
		f, err := a.line.read()
		if err != nil {
			return nil // the host is gone, however it went
		}
		switch f.kind {
		case frameRun:
			var r request
			if err := json.Unmarshal(f.payload, &r); err != nil {
				return err
			}
			run, in, err := prepareRun(r)
			if err != nil {
				a.report(0, err)
				continue
			}
			a.input = in
			go func() { a.report(run(a.line)) }()
		case frameInput:
			a.input.add(f.payload)
		case frameResize:
			var s Size
			if json.Unmarshal(f.payload, &s) == nil {
				a.input.resize(s)
			}
		}
	}
}

// report tells the host how a command ended.
func (a *agent) report(code int, err error) {
	x := result{Code: code}
	if err != nil {
		x.Error = err.Error()
	}
	payload, _ := json.Marshal(x) // a number and a string: it cannot fail
	a.line.write(frame{frameExit, payload})
}

// prepareRun opens what a request's input needs, and returns how to run its
// command and that input. What the command leaves behind will be killed.
func prepareRun(r request) (func(io.Writer) (int, error), *input, error) {
	r.Env = guestEnv(r.Env)
	p := process{Command: r.Command, dir: "/run", reap: reapAll, ours: true}
	switch {
	case r.Terminal != nil:
		master, slave, err := openTerminal(*r.Terminal)
		if err != nil {
			return nil, nil, err
		}
		in := newInput(master)
		in.terminal = true
		return func(out io.Writer) (int, error) {
			defer in.end()
			return p.runOn(master, slave, out)
		}, in, nil
	case r.Input:
		stdin, w, err := os.Pipe()
		if err != nil {
			return nil, nil, err
		}
		in := newInput(w)
		return func(out io.Writer) (int, error) {
			defer in.end()
			return p.run(stdin, out)
		}, in, nil
	}
	return func(out io.Writer) (int, error) { return p.run(nil, out) }, nil, nil
}

// guestEnv is the environment of a command in the guest: what the host gave,
// with root's programs in $PATH and temporary files in the guest's memory.
func guestEnv(env []string) []string {
	path := "/usr/local/bin:/usr/bin:/bin"
	for _, e := range env {
		if p, ok := strings.CutPrefix(e, "PATH="); ok {
			path = p
		}
	}
	return append(env, "PATH="+path+":/usr/local/sbin:/usr/sbin:/sbin",
		"TMPDIR=/run/tmp", "MODPROBE_OPTIONS=-d "+moduleRoot)
}

// reapAll kills every process but init, and takes in the dead.
func reapAll(*exec.Cmd) {
	for {
		unix.Kill(-1, unix.SIGKILL)
		if _, err := unix.Wait4(-1, nil, 0, nil); errors.Is(err, unix.ECHILD) {
			return
		}
	}
}

// exitCode is what a shell's $? would say of a finished command.
func exitCode(cmd *exec.Cmd, err error) (int, error) {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	if w, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal()), nil
	}
	return cmd.ProcessState.ExitCode(), nil
}
