package daemon

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
)

// readyVar tells the process in the background where its parent listens.
const readyVar = "IPVSADM_READY_FD"

// background starts the program anew, without a terminal, and waits until all
// instances have been started. It returns the exit status for the parent.
func background(env Env) (int, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return exitFatal, err
	}
	defer r.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return exitFatal, err
	}
	defer null.Close()
	process, err := os.StartProcess("/proc/self/exe", append(env.Args[:len(env.Args):len(env.Args)], "--dont-fork"), &os.ProcAttr{
		Env:   append(env.Environ[:len(env.Environ):len(env.Environ)], readyVar+"=3"),
		Files: []*os.File{null, os.Stdout, os.Stderr, w},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	w.Close()
	if err != nil {
		return exitFatal, fmt.Errorf("start in the background: %w", err)
	}
	if word, _ := io.ReadAll(r); len(word) > 0 {
		return exitOK, process.Release()
	}
	state, err := process.Wait() // it has closed the pipe without a word: it has ended
	if err != nil {
		return exitFatal, err
	}
	return max(state.ExitCode(), exitFatal), nil
}

// keepFromScripts keeps the pipe to our parent from what we start.
func keepFromScripts(environ []string) {
	if fd, err := strconv.Atoi(lookup(environ, readyVar)); err == nil {
		syscall.CloseOnExec(fd)
	}
}

// tellParent tells the one who started us in the background that we run.
func tellParent(environ []string) {
	fd, err := strconv.Atoi(lookup(environ, readyVar))
	if err != nil {
		return
	}
	pipe := os.NewFile(uintptr(fd), "ready")
	pipe.WriteString("ready\n")
	pipe.Close()
}
