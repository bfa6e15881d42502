package uml

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// netnsDir is where `ip netns` keeps its named namespaces.
const netnsDir = "/run/netns"

// isolate moves the calling thread into a new network namespace with lo up, and
// into a new mount namespace in which /sys shows that network, named network
// namespaces are this one's own, and names are looked up in files only. A
// listing without -n would otherwise wait 10 s for a name server that isn't there.
func isolate(dir string, newNetwork func() error) error {
	err := newNetwork()
	if err == nil {
		err = unix.Unshare(unix.CLONE_NEWNS)
	}
	if err != nil {
		return fmt.Errorf("new namespaces: %w (needs root)", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
		return fmt.Errorf("mount /sys: %w", err)
	}
	if err := os.MkdirAll(netnsDir, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", netnsDir, "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount %s: %w", netnsDir, err)
	}
	if err := filesOnly(dir); err != nil {
		return err
	}
	return linkUp("lo")
}

// dismantling is how long the kernel may take to dismantle network namespaces;
// it takes some 50 ms.
const dismantling = 5 * time.Second

// newNetworkAlone moves the calling thread into a new network namespace once
// those of earlier commands are gone. The kernel dismantles them in its own
// time, and until then they hold on to the schedulers that their services use,
// which a test may want to unload.
//
// The kernel shows their number only by its limit: with a limit of one, a
// namespace can be made when there is no other.
func newNetworkAlone() error {
	const limit = "/proc/sys/user/max_net_namespaces"
	before, err := os.ReadFile(limit)
	if err != nil {
		return err
	}
	if err := os.WriteFile(limit, []byte("1"), 0); err != nil {
		return err
	}
	for end := time.Now().Add(dismantling); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if err = unix.Unshare(unix.CLONE_NEWNET); err != unix.ENOSPC {
			break
		}
	}
	if e := os.WriteFile(limit, before, 0); e != nil {
		return e
	}
	if err == unix.ENOSPC { // something holds one: better a test on a kernel that isn't clean
		err = unix.Unshare(unix.CLONE_NEWNET)
	}
	return err
}

// filesOnly makes the look-up of names use files and no name server.
func filesOnly(dir string) error {
	for name, content := range map[string]string{
		"resolv.conf":   "",
		"nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\nnetworks: files\nprotocols: files\nservices: files\n",
	} {
		target, err := filepath.EvalSymlinks("/etc/" + name)
		if errors.Is(err, os.ErrNotExist) {
			continue // without the file, or with a link to nowhere, no server is asked
		}
		if err != nil {
			return err
		}
		source := filepath.Join(dir, name)
		if err := os.WriteFile(source, []byte(content), 0o644); err != nil {
			return err
		}
		if err := unix.Mount(source, target, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("replace %s: %w", target, err)
		}
	}
	return nil
}

// linkUp sets a network interface of the calling thread's namespace up.
func linkUp(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, r); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r.SetUint16(r.Uint16() | unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r); err != nil {
		return fmt.Errorf("set %s up: %w", name, err)
	}
	return nil
}
