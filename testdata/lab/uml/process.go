package uml

import (
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// process is a command about to run in the guest, or on the machine's own kernel.
type process struct {
	Command
	dir  string          // where helper files may be put
	reap func(*exec.Cmd) // ends what the command left behind
	ours bool            // nobody but us makes network namespaces on this kernel
}

// run runs the command with both of its outputs on out. It closes the input,
// which may be nil for none.
func (p process) run(stdin *os.File, out io.Writer) (int, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	cmd := p.command()
	if stdin != nil {
		cmd.Stdin = stdin
		defer stdin.Close()
	}
	cmd.Stdout, cmd.Stderr = w, w
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return p.wait(cmd, w, func() { io.Copy(out, r) })
}

// runOn runs the command on the terminal whose two ends are given, and copies
// what appears there to out.
func (p process) runOn(master, slave *os.File, out io.Writer) (int, error) {
	cmd := p.command()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	// Reading the master fails with EIO once nobody has the slave open.
	return p.wait(cmd, slave, func() { io.Copy(out, master) })
}

func (p process) command() *exec.Cmd {
	return &exec.Cmd{Path: p.Args[0], Args: p.Args, Env: p.Env, Dir: p.Dir}
}

// wait starts cmd, closes our copy of its output, and returns when the command
// has ended, what it left behind is gone, and all its output has been copied.
func (p process) wait(cmd *exec.Cmd, ours *os.File, copyOutput func()) (int, error) {
	err := p.start(cmd)
	ours.Close()
	if err != nil {
		return 0, err
	}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		copyOutput()
	}()
	err = cmd.Wait()
	p.reap(cmd)
	<-copied
	return exitCode(cmd, err)
}

// start starts cmd, in new namespaces if the command is to be isolated. A
// process belongs to the namespaces of the thread that started it.
func (p process) start(cmd *exec.Cmd) error {
	if !p.Isolate {
		return cmd.Start()
	}
	return onNewThread(func() error {
		newNetwork := func() error { return unix.Unshare(unix.CLONE_NEWNET) }
		if p.ours {
			newNetwork = newNetworkAlone
		}
		if err := isolate(p.dir, newNetwork); err != nil {
			return err
		}
		return cmd.Start()
	})
}

// onNewThread calls f on a thread that ends afterwards.
func onNewThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			done <- f()
			return // still locked: the thread ends
		}
		// The main thread never ends, and would hold on to the namespaces.
		// While it is ours, f will run on another.
		err := onNewThread(f)
		runtime.UnlockOSThread()
		done <- err
	}()
	return <-done
}

// reapGroup kills what a command left behind in its process group.
func reapGroup(cmd *exec.Cmd) { unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
