package uml

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
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
	line *frames
	mu   sync.Mutex
	pty  *os.File // the terminal of the running command, nil if it has none
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
	a := &agent{line: &frames{r: tty, w: tty}}
	if err := a.line.write(frameReady, nil); err != nil {
		return err
	}
	for {
		kind, payload, err := a.line.read()
		if err != nil {
			return nil // the host is gone, however it went
		}
		switch kind {
		case frameRun:
			var r request
			if err := json.Unmarshal(payload, &r); err != nil {
				return err
			}
			go a.run(r)
		case frameInput:
			a.withTerminal(func(pty *os.File) { pty.Write(payload) })
		case frameResize:
			var s Size
			if json.Unmarshal(payload, &s) == nil {
				a.withTerminal(func(pty *os.File) { resize(pty, s) })
			}
		}
	}
}

func (a *agent) withTerminal(f func(*os.File)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pty != nil {
		f(a.pty)
	}
}

// run carries out one request and reports how it ended.
func (a *agent) run(r request) {
	code, err := a.execute(r)
	x := result{Code: code}
	if err != nil {
		x.Error = err.Error()
	}
	a.line.writeJSON(frameExit, x)
}

// execute runs a command, and kills what it leaves behind.
func (a *agent) execute(r request) (int, error) {
	r.Env = guestEnv(r.Env)
	p := process{Command: r.Command, dir: "/run", reap: reapAll}
	if r.Terminal == nil {
		return p.run(outputFrames{a.line})
	}
	master, slave, err := openTerminal(*r.Terminal)
	if err != nil {
		return 0, err
	}
	a.mu.Lock()
	a.pty = master
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.pty = nil
		master.Close()
	}()
	return p.runOn(master, slave, outputFrames{a.line})
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
