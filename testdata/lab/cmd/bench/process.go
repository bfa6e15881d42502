package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// run times a program from its start until it is gone. Its input is there before.
// What it prints is thrown away; any exit code but 0 is an error.
func run(program string, args []string, input string) (time.Duration, error) {
	stdin, err := inputFile(input)
	if err != nil {
		return 0, err
	}
	defer stdin.Close()
	began := time.Now()
	p, err := startReading(stdin, program, args, nil)
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

// start starts a program by the name of ipvsadm with text as its input.
func start(program string, args []string, input string, sys *syscall.SysProcAttr) (*os.Process, error) {
	stdin, err := inputFile(input)
	if err != nil {
		return nil, err
	}
	defer stdin.Close()
	return startReading(stdin, program, args, sys)
}

// startReading is start with a file as input.
func startReading(stdin *os.File, program string, args []string, sys *syscall.SysProcAttr) (*os.Process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	return os.StartProcess(program, append([]string{"ipvsadm"}, args...),
		&os.ProcAttr{Files: []*os.File{stdin, null, os.Stderr}, Env: os.Environ(), Sys: sys})
}

// inputFile returns a file without a name that holds text, as the rules that are
// restored at boot are in a file; without text, the null device.
func inputFile(text string) (*os.File, error) {
	if text == "" {
		return os.Open(os.DevNull)
	}
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
