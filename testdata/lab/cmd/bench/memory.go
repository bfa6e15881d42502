package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// peakMemory runs a program and returns the largest amount of memory it held at
// once, in KiB. What wait4 tells is no use: it also counts the process that the
// program was started from. So the program is stopped as it exits, and asked.
func peakMemory(program string, args []string, input string) (kib int64, err error) {
	runtime.LockOSThread() // ptrace requests come from the thread that started it
	defer runtime.UnlockOSThread()
	p, err := start(program, args, input, &syscall.SysProcAttr{Ptrace: true})
	if err != nil {
		return 0, err
	}
	defer p.Release()
	var status unix.WaitStatus
	if _, err := unix.Wait4(p.Pid, &status, 0, nil); err != nil {
		return 0, err
	}
	if err := unix.PtraceSetOptions(p.Pid, unix.PTRACE_O_TRACEEXIT|unix.PTRACE_O_EXITKILL); err != nil {
		return 0, err
	}
	for signal := 0; ; {
		if err := unix.PtraceCont(p.Pid, signal); err != nil {
			return 0, err
		}
		if _, err := unix.Wait4(p.Pid, &status, 0, nil); err != nil {
			return 0, err
		}
		signal = 0
		switch {
		case status.Exited() || status.Signaled():
			return kib, nil
		case status.TrapCause() == unix.PTRACE_EVENT_EXIT:
			if kib, err = highWater(p.Pid); err != nil {
				return 0, err
			}
		case status.StopSignal() != unix.SIGTRAP:
			signal = int(status.StopSignal()) // meant for the program
		}
	}
}

// highWater reads the peak resident memory of a process.
func highWater(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
		}
	}
	return 0, errors.New("no VmHWM in the status of a process")
}
