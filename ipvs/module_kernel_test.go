package ipvs

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"ipvsadm/testdata/lab/uml"
)

// sh runs a script that has to succeed, and returns what it printed.
func sh(t testing.TB, script string) string {
	t.Helper()
	out, err := exec.Command("sh", "-ec", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// unload takes ip_vs and all that use it out of the kernel, and sees to it that
// they are back after the test.
func unload(t testing.TB) {
	t.Helper()
	users := sh(t, `echo $(lsmod | awk '$1 ~ /^ip_vs_/ {print $1}')`)
	// Those that others of them use go in the second round.
	sh(t, "rmmod "+users+" 2>/dev/null || rmmod "+users+" 2>/dev/null || :\nrmmod ip_vs")
	t.Cleanup(func() { sh(t, "modprobe -a ip_vs "+users) })
}

// TestModuleReload takes the module away and brings it back under the client.
func TestModuleReload(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		c := open(t, Options{})
		web := tcp("10.0.0.1:80")
		must(t, c, AddService{service(web, "rr")})
		reload := func() uint16 {
			t.Helper()
			must(t, c, Flush{})
			unload(t)
			sh(t, "modprobe ip_vs")
			return c.family
		}
		old := reload()
		if info, err := c.Info(); err != nil || info.Version != 0x010201 || c.family == old {
			t.Errorf("question after a reload: %+v, %v, family %d, was %d", info, err, c.family, old)
		}
		old = reload()
		errs := c.Do(AddService{service(web, "rr")}, AddService{service(web, "rr")}, AddService{service(tcp("10.0.0.2:80"), "nosuch")},
			AddDestination{web, dest("10.0.0.2:80", Route, 1)})
		for i, want := range []syscall.Errno{0, syscall.EEXIST, syscall.ENOENT, 0} {
			if errs == nil || errnoOf(errs[i]) != want {
				t.Errorf("operation %d after a reload: %v, want %v", i, errs, want)
			}
		}
		if c.family == old {
			t.Error("the family has the same number")
		}
		reload()
		if got := table(t, c, Query{Detail: Full}); len(got) != 0 {
			t.Errorf("table after a reload: %+v", got)
		}
	})
}

// TestModuleIsLoaded opens a client in a kernel that has the module but not in
// memory: the kernel loads it by itself, else we do, else the error says so.
func TestModuleIsLoaded(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		unload(t)
		open(t, Options{NoModprobe: true})
		if sh(t, "lsmod | grep -c '^ip_vs '") != "1" {
			t.Error("not loaded by the kernel")
		}

		// A kernel that loads nothing by itself.
		const helper = "/proc/sys/kernel/modprobe"
		path, err := os.ReadFile(helper)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.WriteFile(helper, path, 0) })
		if err := os.WriteFile(helper, []byte("/bin/false"), 0); err != nil {
			t.Fatal(err)
		}
		sh(t, "rmmod ip_vs")
		_, err = Open(Options{NoModprobe: true})
		wantErrno(t, err, syscall.ENOPROTOOPT)
		withoutPrivileges(t, func() {
			_, err = Open(Options{NoModprobe: true})
			wantErrno(t, err, syscall.EPERM)
		})
		open(t, Options{})
		if sh(t, "lsmod | grep -c '^ip_vs '") != "1" {
			t.Error("not loaded by modprobe")
		}

		// And no modprobe.
		sh(t, "rmmod ip_vs && mount --bind /dev/null /sbin/modprobe")
		t.Cleanup(func() { sh(t, "umount /sbin/modprobe") })
		_, err = Open(Options{})
		wantErrno(t, err, syscall.ENOPROTOOPT)
	})
}

// withoutPrivileges calls f on a thread without any, which ends with it.
func withoutPrivileges(t testing.TB, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&hdr, &none[0]); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}
