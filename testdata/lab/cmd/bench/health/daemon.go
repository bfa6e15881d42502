package health

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/ipvs"
	"ipvsadm/testdata/lab/uml"
)

// The two tools, as indexes.
const (
	ours = iota
	reference
)

var toolNames = [2]string{"ours", "keepalived"}

// patience is how long anything is waited for.
const patience = 3 * time.Minute

// bench is what the measurements share.
type bench struct {
	program string // that is ipvsadm
	options Options
	dir     string
	kernel  *ipvs.Client
	servers *servers
	results []result
	runs    int
	beyond  [2][]float64 // of the last measurements of adverts
}

func newBench(program string, o Options) (*bench, error) {
	b := &bench{program: program, options: o}
	var err error
	if b.dir, err = os.MkdirTemp("", "health-"); err != nil {
		return nil, err
	}
	if err := command("ip", "route", "add", "local", "10.2.0.0/16", "dev", "lo"); err != nil {
		return nil, err
	}
	if b.kernel, err = ipvs.Open(ipvs.Options{}); err != nil {
		return nil, err
	}
	b.servers, err = newServers()
	return b, err
}

func (b *bench) close() {
	b.kernel.Close()
	os.RemoveAll(b.dir)
}

// command runs a program.
func command(argv ...string) error {
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, out)
	}
	return nil
}

// daemon is a running daemon.
type daemon struct {
	cmd    *exec.Cmd
	socket string // of ours, to be asked
	ended  chan struct{}

	mu    sync.Mutex
	lines []string
}

// run starts a tool with a configuration, in a network namespace if there is one;
// with vrrp it runs failover as well.
func (b *bench) run(tool int, config string, in *uml.NetNS, vrrp bool) (*daemon, error) {
	b.runs++
	at := func(name string) string { return filepath.Join(b.dir, fmt.Sprintf("%d.%s", b.runs, name)) }
	if err := os.WriteFile(at("conf"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	var argv []string
	switch {
	case tool == ours && vrrp:
		argv = []string{b.program, "vrrp", "-f", at("conf"), "-p", at("pid"), "--socket", at("socket")}
	case tool == ours:
		argv = []string{b.program, "check", "-f", at("conf"), "-p", at("pid"), "--socket", at("socket")}
	default:
		argv = []string{"keepalived", "--dont-fork", "--log-console", "-f", at("conf"), "-p", at("pid"), "-r", at("vrrp"), "-c", at("checkers")}
		if !vrrp {
			argv = append(argv, "--check")
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	d := &daemon{cmd: exec.Command(argv[0], argv[1:]...), socket: at("socket"), ended: make(chan struct{})}
	d.cmd.Stdout, d.cmd.Stderr = w, w
	start := func() { err = d.cmd.Start() }
	if in != nil {
		in.Do(start)
	} else {
		start()
	}
	w.Close()
	if err != nil {
		return nil, err
	}
	go func() {
		for lines := bufio.NewScanner(r); lines.Scan(); {
			d.mu.Lock()
			d.lines = append(d.lines, lines.Text())
			d.mu.Unlock()
		}
		r.Close()
		d.cmd.Wait()
		close(d.ended)
	}()
	return d, nil
}

// logged is how many lines of the log have a text.
func (d *daemon) logged(text string) (times int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, line := range d.lines {
		if strings.Contains(line, text) {
			times++
		}
	}
	return times
}

// stop ends the daemon and empties the kernel's table, which takes long by
// itself with many real servers.
func (b *bench) stop(d *daemon) error {
	for _, pid := range d.processes() {
		unix.Kill(pid, unix.SIGSTOP) // or a parent starts another child
	}
	for _, pid := range d.processes() {
		unix.Kill(pid, unix.SIGKILL)
	}
	<-d.ended
	return errors.Join(b.kernel.Do(ipvs.Flush{})...)
}

// processes are the daemon and its children.
func (d *daemon) processes() []int {
	pid := d.cmd.Process.Pid
	list := []int{pid}
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, f := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(f); err == nil {
			list = append(list, n)
		}
	}
	return list
}

// used is the processor time of all processes of the daemon, in the kernel's
// ticks of 10 ms.
func (d *daemon) used() (time.Duration, error) {
	var ticks int
	for _, pid := range d.processes() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, err
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		for _, f := range strings.Fields(rest)[11:13] { // utime, stime: proc(5)
			n, err := strconv.Atoi(f)
			if err != nil {
				return 0, err
			}
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// pss is the memory of all processes of the daemon in MB, shared pages by share.
func (d *daemon) pss() (float64, error) {
	kib := 0
	for _, pid := range d.processes() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); f[0] == "Pss:" {
				n, err := strconv.Atoi(f[1])
				if err != nil {
					return 0, err
				}
				kib += n
			}
		}
	}
	return float64(kib) / 1024, nil
}

// quiet waits until the daemon has not used the processor for a second, and
// returns when it last did.
func (d *daemon) quiet() (time.Time, error) {
	before, err := d.used()
	last := time.Now()
	for end := last.Add(patience); err == nil && time.Since(last) < time.Second; time.Sleep(10 * time.Millisecond) {
		var now time.Duration
		if now, err = d.used(); now != before {
			before, last = now, time.Now()
		}
		if time.Now().After(end) {
			return last, errors.New("it never rests")
		}
	}
	return last, err
}
