package daemon_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ownTmp has the working directory be /tmp for us alone, and no mask for what we
// make: a mode is then as it was asked for.
func ownTmp() error {
	unix.Umask(0)
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	return unix.Mount(here, "/tmp", "", unix.MS_BIND, "")
}

// listing is what is in a directory: modes, and what stands in files and links.
func listing(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var text []byte
		switch info.Mode().Type() {
		case 0:
			text, err = os.ReadFile(path)
		case fs.ModeSymlink:
			var target string
			target, err = os.Readlink(path)
			text = []byte(target)
		}
		all[name] = info.Mode().String() + " " + string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestNothingInTmp asks a daemon for all it can tell, at signals and at its socket,
// while somebody has put links, a file and a FIFO where keepalived writes that: at
// predictable names in /tmp. keepalived followed the links (CVE-2018-19044), made the
// files for everybody to write (CVE-2018-19045), and took one that was there
// (CVE-2018-19046). We write to standard error and to who asks, and nothing else.
func TestNothingInTmp(t *testing.T) {
	t.Parallel()
	r := prepare(t, guarded)
	r.write("precious", "precious")
	for i, name := range []string{"keepalived.data", "keepalived.stats", "keepalived.json", "keepalived_parent.data", "keepalived_check.data", "keepalived_bfd.data"} {
		var err error
		switch i % 3 {
		case 0:
			err = os.Symlink("precious", r.at(name))
		case 1:
			err = os.WriteFile(r.at(name), []byte("planted"), 0o666)
		default:
			err = unix.Mkfifo(r.at(name), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	planted := listing(t, r.dir)
	r.begin("planted", "-f", "/tmp/k.conf", "-p", "/tmp/pid", "--socket", "/tmp/socket", "-D")
	r.await("Entering MASTER STATE", 1)
	running := maps.Clone(planted)
	running["pid"] = "-rw-r--r-- " + r.pid() + "\n"
	running["socket"] = "Srw------- "
	for n, s := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2} {
		r.signal(s)
		r.await("VI_1: MASTER for ", n+1)
	}
	r.signal(36)
	r.await(`"name": "VI_1"`, 1)
	r.signal(63)
	r.await("Counters only grow", 1)
	r.signal(syscall.SIGHUP)
	r.await("Reload finished", 1)
	if v := r.status().Instances[0]; v.State != "MASTER" {
		t.Errorf("status %+v", v)
	}
	same(t, "while it runs", listing(t, r.dir), running)
	r.signal(syscall.SIGTERM)
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
	same(t, "at the end", listing(t, r.dir), planted)
}

// same compares two listings.
func same(t *testing.T, when string, got, want map[string]string) {
	t.Helper()
	for name := range maps.Keys(want) {
		if _, there := got[name]; !there {
			got[name] = "nothing"
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if got[name] != want[name] {
			t.Errorf("%s: %s is %q, want %q", when, name, got[name], strings.TrimSpace(want[name]))
		}
	}
}

// TestPlantedRefused has a link, a file of more than one name and a directory where a
// daemon is to have its files: it does not start, and what they lead to is as it was
// (CVE-2018-19044, CVE-2018-19046).
func TestPlantedRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, said string }{
		{"pid", "PID file "}, {"socket", "control socket: "},
	} {
		for how, plant := range map[string]func(from, to string) error{
			"link": os.Symlink, "second name": os.Link,
			"directory": func(_, to string) error { return os.Mkdir(to, 0o777) },
		} {
			r := prepare(t, guarded)
			r.write("precious", "precious")
			if err := plant(r.at("precious"), r.at(test.name)); err != nil {
				t.Fatal(err)
			}
			planted := listing(t, r.dir)
			r.begin("daemon", "-f", r.at("k.conf"), "-p", r.at("pid"), "--socket", r.at("socket"))
			late := time.AfterFunc(30*time.Second, func() { r.cmd.Process.Kill() })
			if err := r.cmd.Wait(); !late.Stop() || err == nil || !strings.Contains(r.logged(), test.said) {
				t.Errorf("%s for %s: ended with %v, logged\n%s", how, test.name, err, r.logged())
			}
			same(t, how+" for "+test.name, listing(t, r.dir), planted)
		}
	}
}
