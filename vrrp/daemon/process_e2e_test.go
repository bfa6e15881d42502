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

// standing is how the kernel treats a thread.
type standing struct{ policy, realTime, nice int }

const prioritised = `
global_defs {
	enable_script_security
	script_user root
	vrrp_rt_priority 5
	vrrp_priority -7
	vrrp_no_swap
}
vrrp_instance VI_1 {
	interface va
	virtual_router_id 7
	priority 255
	state MASTER
	virtual_ipaddress {
		10.9.9.100/24
	}
	notify_master "/bin/sh DIR/say.sh master"
	notify_backup "/bin/sh DIR/say.sh backup"
}
`

// TestPriorities looks at what the kernel says of every thread of the daemon, once
// it runs, and of a program that it starts.
func TestPriorities(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config string
		want   standing
	}{
		"real time": {prioritised, standing{unix.SCHED_RR, 5, -7}},
		"nice":      {strings.Replace(prioritised, "vrrp_rt_priority 5", "", 1), standing{unix.SCHED_NORMAL, 0, -7}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, c.config)
			r.write("say.sh", `cat /proc/self/stat > `+r.dir+`/new.$1 && mv `+r.dir+`/new.$1 `+r.dir+`/stat.$1`)
			r.await("(VI_1) Entering MASTER STATE", 1)
			if log := r.logged(); strings.Contains(log, "has no effect: operation not") {
				t.Skip("needs root's powers over priorities, and CGO_ENABLED=0:\n" + log)
			}
			program := standingIn(t, r.at("stat.master"))
			if want := (standing{}); program != want {
				t.Errorf("a program has %+v, want %+v", program, want)
			}
			threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", r.cmd.Process.Pid))
			if err != nil || len(threads) < 2 {
				t.Fatalf("%d threads, %v", len(threads), err)
			}
			for _, thread := range threads {
				if got := standingIn(t, thread); got != c.want {
					t.Errorf("%s has %+v, want %+v", thread, got, c.want)
				}
			}
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
			locked := regexp.MustCompile(`VmLck:\s+([1-9]\d*) kB`).Find(status)
			if err != nil || locked == nil {
				t.Errorf("no memory is locked, %v:\n%s", err, status)
			}
			// It goes on to make threads and to take memory.
			r.configure(strings.Replace(c.config, "-7", "-8", 1))
			r.signal(unix.SIGHUP)
			r.await("take effect at the next start", 1)
			r.await("Reload finished", 1)
			r.signal(unix.SIGTERM)
			r.await("Stopped", 1)
		})
	}
}

// standingIn reads a stat file (proc(5)), once it is there.
func standingIn(t *testing.T, file string) (s standing) {
	t.Helper()
	var text []byte
	for range 1000 {
		var err error
		if text, err = os.ReadFile(file); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the third field is next
	fields := strings.Fields(rest)
	if len(fields) < 39 {
		t.Fatalf("%s: %q", file, text)
	}
	for at, to := range map[int]*int{41: &s.policy, 40: &s.realTime, 19: &s.nice} {
		*to, _ = strconv.Atoi(fields[at-3])
	}
	return s
}
