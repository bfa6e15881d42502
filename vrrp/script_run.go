package vrrp

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// How long a program that was told to end may take: killAfter when it took too long,
// partAfter when nobody wants its result any more. Whoever ends with us must not
// make our own end last.
const (
	killAfter = time.Second
	partAfter = 500 * time.Millisecond
)

// ScriptResult is how a program ended.
type ScriptResult struct {
	// Err is why it could not be started, nil if it was.
	Err error
	// TimedOut says that it was killed for taking too long.
	TimedOut bool
	Code     int // exit status, if it exited
	Signal   syscall.Signal
}

// OK tells whether it exited with status 0.
func (r ScriptResult) OK() bool {
	return r.Err == nil && !r.TimedOut && r.Code == 0 && r.Signal == 0
}

// String is keepalived's phrase for it.
func (r ScriptResult) String() string {
	switch {
	case r.Err != nil:
		return "could not be run: " + r.Err.Error()
	case r.TimedOut:
		return "timed out"
	case r.Signal != 0:
		return fmt.Sprintf("exited due to signal %d", int(r.Signal))
	}
	return fmt.Sprintf("exited with status %d", r.Code)
}

// Run looks at a program, as Prepare does, and runs it, see Program.Run. What is run
// again and again is looked at each time: it may have been exchanged since.
func (s ScriptPolicy) Run(ctx context.Context, c Command, more ...string) ScriptResult {
	program, err := s.Prepare(c)
	if err != nil {
		return ScriptResult{Err: err}
	}
	return program.Run(ctx, more...)
}

// Run runs the program with more arguments, and waits for its end. When ctx ends
// first, the program and all it started in its process group are told to end, and
// killed a second later, or half a second if ctx was cancelled. If it has ended
// before, nothing is started.
func (p *Program) Run(ctx context.Context, more ...string) ScriptResult {
	if ctx.Err() != nil {
		return ScriptResult{TimedOut: true}
	}
	cmd := exec.Cmd{
		Path: p.path,
		Args: append(slices.Clone(p.argv), more...),
		Env:  p.env,
		Dir:  "/",
		// A group of its own, so that it can be killed with all its children.
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Credential: p.cred},
	}
	if err := startPlain(&cmd); err != nil {
		return ScriptResult{Err: err}
	}
	timedOut := p.await(ctx, cmd.Process.Pid)
	result := ScriptResult{TimedOut: timedOut}
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		status := exit.Sys().(syscall.WaitStatus)
		if status.Signaled() {
			result.Signal = status.Signal()
		} else {
			result.Code = status.ExitStatus()
		}
	} else if err != nil {
		result.Err = err
	}
	return result
}

// await returns when the process has ended, and whether it had to be ended. It
// leaves the process to be waited for: until then nobody else gets its number, so
// that no stranger's group can be killed.
func (p *Program) await(ctx context.Context, pid int) (timedOut bool) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
		}
	}()
	select {
	case <-ended:
		return false
	case <-ctx.Done():
	}
	grace := killAfter
	if ctx.Err() == context.Canceled {
		grace = partAfter
	}
	unix.Kill(-pid, unix.SIGTERM)
	select {
	case <-ended:
	case <-time.After(grace):
	}
	unix.Kill(-pid, unix.SIGKILL)
	<-ended
	return true
}
