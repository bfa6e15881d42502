package daemon

import (
	"fmt"
	"syscall"
	"unsafe"

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
	each := func(what string, trap, a, b, c uintptr) {
		// Each thread calls for itself: 0 is the caller.
		if _, _, code := syscall.AllThreadsSyscall(trap, a, b, c); code != 0 {
			errs = append(errs, fmt.Errorf("%s has no effect: %w", what, code))
		}
	}
	if p.Nice != 0 {
		each("vrrp_priority", unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, uintptr(p.Nice))
	}
	if p.RealTime != 0 {
		param := struct{ priority int32 }{int32(p.RealTime)} // struct sched_param
		each("vrrp_rt_priority", unix.SYS_SCHED_SETSCHEDULER, 0, unix.SCHED_RR, uintptr(unsafe.Pointer(&param)))
	}
	if p.NoSwap {
		if err := lockMemory(); err != nil {
			errs = append(errs, fmt.Errorf("vrrp_no_swap has no effect: %w", err))
		}
	}
	return errs
}

// preferThread makes the calling thread, on which failover runs, a real-time one of
// the lowest priority: it runs as soon as it has something to do, before threads that
// check servers and programs of others, and sleeps nearly always. Other threads and
// programs do not inherit that. Without CAP_SYS_NICE, and where the configuration or
// who started us chose how it is to be treated, it stays as it is.
func (p Process) preferThread() {
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil || attr.Policy != unix.SCHED_NORMAL || attr.Nice != 0 || p.Nice != 0 || p.RealTime != 0 {
		return
	}
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{
		Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1, Flags: unix.SCHED_FLAG_RESET_ON_FORK,
	}, 0)
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
