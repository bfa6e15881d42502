package daemon

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// enterNamespace has the whole process run in a network namespace that ip netns
// made. A thread enters it and starts the program anew: the new process has only
// that thread, so no part of it is left outside.
func enterNamespace(name string, args, environ []string) error {
	if strings.ContainsRune(name, '/') || name == "." || name == ".." {
		return fmt.Errorf("network namespace %q: a name has no slash in it", name)
	}
	file, err := os.Open("/run/netns/" + name)
	if err != nil {
		return fmt.Errorf("network namespace %s: %w", name, err)
	}
	defer file.Close()
	var there, here unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &there); err != nil {
		return err
	}
	if err := unix.Stat("/proc/self/ns/net", &here); err != nil {
		return err
	}
	if here.Ino == there.Ino && here.Dev == there.Dev {
		return nil // we are the new process
	}
	runtime.LockOSThread()
	if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace %s: %w", name, err)
	}
	return unix.Exec("/proc/self/exe", args, environ)
}

// lookup is the value of an environment variable.
func lookup(environ []string, name string) string {
	for _, v := range environ {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}
