package daemon

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Process says how the kernel shall treat our process among others.
type Process struct {
	// RealTime is the priority for SCHED_RR, 1 to 99, 0 for no real time.
	RealTime int
	// Nice is from -20 to 19, 0 to leave it as it is.
	Nice int
	// NoSwap keeps in memory what has been used once.
	NoSwap bool
}

// apply tells the kernel, for all threads there are. Threads to come inherit it;
// programs that we start do not, which vrrp.Program sees to. It needs
// CAP_SYS_NICE, so it comes before confine. What cannot be had is named in the
// errors, and the rest is done.
func (p Process) apply() (errs []error) {
	each := func(what string, set func(thread int) error) {
		if err := eachThread(set); err != nil {
			errs = append(errs, fmt.Errorf("%s has no effect: %w", what, err))
		}
	}
	if p.Nice != 0 {
		each("vrrp_priority", func(thread int) error { return unix.Setpriority(unix.PRIO_PROCESS, thread, p.Nice) })
	}
	if p.RealTime != 0 {
		attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: uint32(p.RealTime)}
		each("vrrp_rt_priority", func(thread int) error { return unix.SchedSetAttr(thread, &attr, 0) })
	}
	if p.NoSwap {
		if err := lockMemory(); err != nil {
			errs = append(errs, fmt.Errorf("vrrp_no_swap has no effect: %w", err))
		}
	}
	return errs
}

// eachThread does something to all threads. Those that are made meanwhile inherit it,
// or are found when it looks again. syscall.AllThreadsSyscall would wait in a loop,
// which in real time keeps the others from the processor they need.
func eachThread(set func(thread int) error) error {
	done := map[string]bool{}
	for more := true; more; {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		more = false
		for _, t := range threads {
			thread, err := strconv.Atoi(t.Name())
			if err != nil || done[t.Name()] {
				continue
			}
			if err := set(thread); err != nil && err != unix.ESRCH { // which has ended
				return err
			}
			done[t.Name()], more = true, true
		}
	}
	return nil
}

// capabilities are those that it needs for ever.
func (p Process) capabilities() uint64 {
	if p.NoSwap {
		return 1 << unix.CAP_IPC_LOCK
	}
	return 0
}

// lockMemory locks pages when they are used first (MCL_ONFAULT): most of what Go
// maps it never uses. It insists on CAP_IPC_LOCK, which lifts RLIMIT_MEMLOCK: with a
// limit an allocation would fail some day, and end us.
func lockMemory() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return fmt.Errorf("read capabilities: %w", err)
	}
	if sets[0].Effective&(1<<unix.CAP_IPC_LOCK) == 0 {
		return fmt.Errorf("CAP_IPC_LOCK is missing: %w", unix.EPERM)
	}
	return unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT)
}
