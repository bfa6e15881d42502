package daemon

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"ipvsadm/vrrp"
)

// needed are the capabilities that the daemon keeps: those for the network, for
// programs that run as somebody else, and for files that belong to somebody else
// (FIFOs, tracked files, pid files).
const needed = 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW | 1<<unix.CAP_NET_BIND_SERVICE |
	1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID | 1<<unix.CAP_KILL |
	1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH

// confine gives up all capabilities but those that are needed and the given ones,
// in all threads and for good. It fails in a program built with cgo, whose threads
// Go does not know. A program that we start as root has those of root again, as it
// must: it gets them from the bounding set, which stays.
func confine(more uint64) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return fmt.Errorf("read capabilities: %w", err)
	}
	for i := range sets {
		keep := uint32((needed | more) >> (32 * i))
		sets[i].Permitted &= keep
		sets[i].Effective = sets[i].Permitted
		sets[i].Inheritable &= keep
	}
	if _, _, code := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&sets)), 0); code != 0 {
		return fmt.Errorf("give up capabilities: %w", code)
	}
	return nil
}

// hideSecrets keeps passwords out of core dumps and away from debuggers, once
// there are some.
func hideSecrets(c *vrrp.Config) error {
	for i := range c.Instances {
		if c.Instances[i].Auth != vrrp.AuthNone {
			return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
		}
	}
	return nil
}
