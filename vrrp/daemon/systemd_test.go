package daemon_test

import (
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSystemd tells a service manager when the daemon is ready, reads its
// configuration again and ends. A Type=notify-reload unit wants the time of the
// reload too.
func TestSystemd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	r := start(t, strings.Replace(confined, "say.sh", "no.sh", -1))
	r.write("no.sh", "exit 0")
	told := func(want ...string) {
		t.Helper()
		buf := make([]byte, 4096)
		manager.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, err := manager.Read(buf)
		if err != nil {
			t.Fatalf("%v, while waiting for %q", err, want)
		}
		got := strings.Split(strings.TrimSpace(string(buf[:n])), "\n")
		for i, w := range want {
			if i >= len(got) || !strings.HasPrefix(got[i], w) {
				t.Errorf("told %q, want %q", got, want)
			}
		}
	}
	told("READY=1")
	r.signal(syscall.SIGHUP)
	told("RELOADING=1", "MONOTONIC_USEC=")
	told("READY=1")
	r.configure("vrrp_instance {")
	r.signal(syscall.SIGHUP) // a file with an error: the old one goes on
	told("RELOADING=1", "MONOTONIC_USEC=")
	told("READY=1")
	r.signal(syscall.SIGTERM)
	told("STOPPING=1")
	if err := r.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestOnceScripts runs startup_script before anything else and shutdown_script
// after everything, waits for them, and ends one that takes too long.
func TestOnceScripts(t *testing.T) {
	t.Parallel()
	config := strings.Replace(confined, "script_user root", "script_user root\n startup_script_timeout 1\n shutdown_script_timeout 10", 1)
	r := start(t, config)
	r.write("say.sh", `ip -br addr show dev va | grep -q 10.9.9.100 && has=with || has=without
echo "$1 $has" >> `+r.dir+`/order
case $1 in
startup) sleep 100 ;;
shutdown) sleep 0.3; echo "shutdown ended" >> `+r.dir+`/order ;;
esac
`)
	r.await("(VI_1) Entering MASTER STATE", 1)
	r.await("startup' timed out", 1)
	for range 500 { // until notify_master has run
		if strings.Contains(r.read("order"), "master") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.signal(syscall.SIGTERM)
	if err := r.cmd.Wait(); err != nil {
		t.Error(err)
	}
	if got, want := r.read("order"), "startup without\nmaster with\nshutdown without\nshutdown ended\n"; got != want {
		t.Errorf("the scripts ran as\n%swant\n%s", got, want)
	}
}
