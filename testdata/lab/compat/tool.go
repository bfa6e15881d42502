package compat

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Invocation is one run of the tool.
type Invocation struct {
	// Env holds variables beyond the usual ones, as KEY=VALUE.
	Env []string
	// Argv is the whole argument vector; Argv[0] is the name as it was typed.
	Argv  []string
	Stdin string
}

// Name is the base name of Argv[0]: ipvsadm, ipvsadm-save or ipvsadm-restore.
func (inv Invocation) Name() string { return filepath.Base(inv.Argv[0]) }

// String shows the invocation as a shell would need it.
func (inv Invocation) String() string {
	var words []string
	for _, w := range append(append([]string{}, inv.Env...), inv.Argv...) {
		words = append(words, Quote(w))
	}
	line := strings.Join(words, " ")
	if len(inv.Env) > 0 {
		line = "env " + line
	}
	if inv.Stdin != "" {
		line = "printf -- " + Quote(escapePrintf(inv.Stdin)) + " | " + line
	}
	return line
}

// Outcome is what a run left behind.
type Outcome struct {
	Stdout, Stderr string
	// Exit is the exit code, or 128 and the number of the signal that ended the
	// process, as a shell counts.
	Exit int
}

// Tool runs one invocation to its end.
type Tool func(Invocation) Outcome

// Processes is a Tool that starts a process for every invocation, of the program
// in dir that has the invocation's name.
func Processes(dir string) Tool {
	return func(inv Invocation) Outcome {
		cmd := &exec.Cmd{
			Path: filepath.Join(dir, inv.Name()),
			Args: inv.Argv,
			Env:  append([]string{"PATH=" + dir + ":/usr/sbin:/usr/bin:/sbin:/bin"}, inv.Env...),
		}
		return runProcess(cmd, inv.Stdin)
	}
}

// Shell runs a line by bash with the programs of dir first on PATH.
func Shell(dir, line string) Outcome {
	cmd := exec.Command("bash", "-c", line)
	cmd.Env = []string{"PATH=" + dir + ":/usr/sbin:/usr/bin:/sbin:/bin"}
	return runProcess(cmd, "")
}

// patience is how long a process may take. 1.31 has words over which it never ends.
const patience = 2 * time.Minute

func runProcess(cmd *exec.Cmd, stdin string) Outcome {
	var stdout, stderr bytes.Buffer
	if stdin != "" {
		cmd.Stdin = strings.NewReader(stdin)
	}
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return Outcome{Stderr: "cannot run: " + err.Error(), Exit: -1}
	}
	late := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	if !late.Stop() {
		return Outcome{Stderr: "still running after " + patience.String(), Exit: -1}
	}
	out := Outcome{}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		status := exit.Sys().(syscall.WaitStatus)
		if out.Exit = status.ExitStatus(); status.Signaled() {
			out.Exit = 128 + int(status.Signal())
		}
	case err != nil:
		return Outcome{Stderr: "cannot run: " + err.Error(), Exit: -1}
	}
	out.Stdout, out.Stderr = stdout.String(), stderr.String()
	return out
}
