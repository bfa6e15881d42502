package vrrp

import (
	"fmt"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// startPlain starts a program that has no real time and no better priority than
// others, whatever we have: a script that does not end must not take the processor
// from everybody else.
func startPlain(cmd *exec.Cmd) error {
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil || attr.Policy != unix.SCHED_RR && attr.Nice >= 0 {
		return cmd.Start()
	}
	attr.Flags |= unix.SCHED_FLAG_RESET_ON_FORK
	result := make(chan error)
	go func() {
		// The flag can be set without privileges, and not taken back. So the thread
		// is never unlocked: it ends with the goroutine, and Go makes no threads
		// from it that would lose what they need.
		runtime.LockOSThread()
		if err := unix.SchedSetAttr(0, attr, 0); err != nil {
			result <- fmt.Errorf("give it no priority of ours: %w", err)
			return
		}
		result <- cmd.Start()
	}()
	return <-result
}
