package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// run times a program from its start until it is gone. What it prints is thrown
// away; any exit code but 0 is an error.
func run(program string, args []string, input string) (time.Duration, error) {
	began := time.Now()
	p, err := start(program, args, input, nil)
	if err != nil {
		return 0, err
	}
	state, err := p.Wait()
	wall := time.Since(began)
	if err == nil && !state.Success() {
		err = fmt.Errorf("%s %s: %v", program, strings.Join(args, " "), state)
	}
	return wall, err
}

// start starts a program by the name of ipvsadm. Its input comes from a file, as
// it does at boot.
func start(program string, args []string, input string, sys *syscall.SysProcAttr) (*os.Process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	stdin := null
	if input != "" {
		if stdin, err = inputFile(input); err != nil {
			return nil, err
		}
		defer stdin.Close()
	}
	return os.StartProcess(program, append([]string{"ipvsadm"}, args...),
		&os.ProcAttr{Files: []*os.File{stdin, null, os.Stderr}, Env: os.Environ(), Sys: sys})
}

// inputFile returns a file without a name that holds text.
func inputFile(text string) (*os.File, error) {
	f, err := os.CreateTemp("", "bench-input")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name())
	if _, err = io.WriteString(f, text); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	return f, err
}
