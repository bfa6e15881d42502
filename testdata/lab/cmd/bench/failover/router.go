package failover

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The tools that are compared.
const (
	ours = iota
	reference
)

// router is a running router of one tool on one host.
type router struct {
	tool, host int
	cmd        *exec.Cmd
	log        string
	ended      chan struct{}
}

// start starts a router.
func (b *bench) start(tool, host int, s setup) (*router, error) {
	b.runs++
	file := func(kind string) string {
		return filepath.Join(b.net.dir, fmt.Sprintf("%s-%d-%d", kind, host, b.runs))
	}
	conf := file("conf")
	if err := os.WriteFile(conf, []byte(s.conf(host)), 0o600); err != nil {
		return nil, err
	}
	r := &router{tool: tool, host: host, log: file("log"), ended: make(chan struct{})}
	if tool == ours {
		r.cmd = exec.Command(b.ours, "vrrp", "-f", conf, "-p", file("pid"), "--socket", file("socket"))
	} else {
		r.cmd = exec.Command("keepalived", "--vrrp", "--dont-fork", "--log-console", "--use-file", conf,
			"--pid", file("pid"), "--vrrp_pid", file("child"))
	}
	log, err := os.Create(r.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	r.cmd.Stdout, r.cmd.Stderr = log, log
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	b.net.hosts[host].Do(func() { err = r.cmd.Start() })
	if err != nil {
		return nil, err
	}
	go func() { _ = r.cmd.Wait(); close(r.ended) }()
	return r, nil
}

// failure is an error with what the router had to say.
func (r *router) failure(what string) error {
	said, _ := os.ReadFile(r.log)
	return fmt.Errorf("%s on host %d: %s\n%s", toolNames[r.tool], r.host+1, what, said[max(0, len(said)-2000):])
}

var toolNames = [...]string{"ipvsadm vrrp", "keepalived"}

// pids are the processes of the router: keepalived has a parent and a child.
func (r *router) pids() []int {
	pid := r.cmd.Process.Pid
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	pids := []int{pid}
	for _, word := range strings.Fields(string(text)) {
		if child, err := strconv.Atoi(word); err == nil {
			pids = append(pids, child)
		}
	}
	return pids
}

// kill ends all processes of the router as a crash of the machine does, and
// returns when that was.
func (r *router) kill() (at time.Time) {
	pids := r.pids()
	// keepalived's parent would start another child, or end it in good order.
	_ = r.cmd.Process.Signal(unix.SIGSTOP)
	at = time.Now()
	for i := len(pids); i > 0; i-- {
		_ = unix.Kill(pids[i-1], unix.SIGKILL)
	}
	<-r.ended
	return at
}

// discard ends the router if it still runs.
func (r *router) discard() {
	select {
	case <-r.ended:
	default:
		r.kill()
	}
}

// patience is how long anything may take that does not fail.
const patience = 60 * time.Second

// stop ends the router in good order, and returns when that began and ended.
func (r *router) stop() (from, to time.Time, err error) {
	from = time.Now()
	_ = r.cmd.Process.Signal(unix.SIGTERM)
	select {
	case <-r.ended:
		return from, time.Now(), nil
	case <-time.After(patience):
		r.kill()
		return from, time.Now(), r.failure("it does not end")
	}
}

// cpu is the processor time that the router has used.
func (r *router) cpu() (total time.Duration, err error) {
	for _, pid := range r.pids() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, err
		}
		// The name of the program, in parentheses, may have blanks.
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 13 {
			return 0, errors.New("an unknown form of /proc/PID/stat")
		}
		for _, ticks := range fields[11:13] {
			n, err := strconv.Atoi(ticks)
			if err != nil {
				return 0, err
			}
			total += time.Duration(n) * (time.Second / 100) // USER_HZ
		}
	}
	return total, nil
}

// memory is the proportional set size of all processes, in MB.
func (r *router) memory() (mb float64, err error) {
	for _, pid := range r.pids() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
				kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
				if err != nil {
					return 0, err
				}
				mb += kb / 1024
			}
		}
	}
	return mb, nil
}
