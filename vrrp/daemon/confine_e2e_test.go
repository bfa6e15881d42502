package daemon_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const confined = `
global_defs {
	enable_script_security
	script_user root
	startup_script "/bin/sh DIR/say.sh startup"
	shutdown_script "/bin/sh DIR/say.sh shutdown"
}
vrrp_instance VI_1 {
	interface va
	virtual_router_id 7
	priority 255
	state MASTER
	virtual_ipaddress {
		10.9.9.100/24
	}
	virtual_routes {
		10.90.0.0/24 via 10.9.9.2 dev va
	}
	notify_master "/bin/sh DIR/say.sh master"
}
`

// TestCapabilities looks at what the daemon may do once it runs, in every thread:
// no more than it needs, and with that it does its work and ends in good order.
// Programs that run as root have all of root's powers.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	r := start(t, confined)
	// The test's directory is for root alone.
	r.write("say.sh", `grep CapEff /proc/self/status > `+r.dir+`/caps.$1.new && mv `+r.dir+`/caps.$1.new `+r.dir+`/caps.$1`)
	all := capabilities(t, "/proc/self/status", "CapBnd")
	r.await("(VI_1) Entering MASTER STATE", 1)
	if strings.Contains(r.logged(), "give up capabilities: operation not supported") {
		t.Skip("built with cgo, whose threads Go does not reach: needs CGO_ENABLED=0, which the program is built with")
	}
	const want = 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW | 1<<unix.CAP_NET_BIND_SERVICE | 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID |
		1<<unix.CAP_KILL | 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", r.cmd.Process.Pid))
	if err != nil || len(threads) < 2 {
		t.Fatalf("%d threads, %v", len(threads), err)
	}
	for _, thread := range threads {
		for _, set := range []string{"CapEff", "CapPrm"} {
			if got := capabilities(t, thread, set); got != want&all {
				t.Errorf("%s in %s is %x, want %x", set, thread, got, want&all)
			}
		}
	}
	r.signal(unix.SIGTERM)
	r.cmd.Wait()
	if !strings.Contains(r.logged(), "Stopped") {
		t.Error("it did not end in good order")
	}
	for _, who := range []string{"master", "shutdown"} {
		if got := capabilities(t, r.at("caps."+who), "CapEff"); got != all {
			t.Errorf("the script %s has %x, want root's %x", who, got, all)
		}
	}
}

// capabilities reads a set from a status file, once it is there.
func capabilities(t *testing.T, file, set string) uint64 {
	t.Helper()
	var text []byte
	for range 1000 {
		var err error
		if text, err = os.ReadFile(file); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	m := regexp.MustCompile(set + `:\s+([0-9a-f]+)`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("no %s in %s: %q", set, file, text)
	}
	v, err := strconv.ParseUint(string(m[1]), 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (r *running) write(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(r.at(name), []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) read(name string) string {
	text, _ := os.ReadFile(r.at(name))
	return string(text)
}
