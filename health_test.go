package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
)

// process is "ipvsadm check" or "ipvsadm vrrp" under test.
type process struct {
	t    *testing.T
	dir  string
	file string // the program
	args []string
	cmd  *exec.Cmd
	mu   sync.Mutex
	log  bytes.Buffer
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// launch starts a daemon with a configuration and waits until it is ready.
func launch(t *testing.T, command, config string, args ...string) *process {
	t.Helper()
	return launchAs(t, "", command, config, args...)
}

// launchAs starts a program, "" for ours.
func launchAs(t *testing.T, file, command, config string, args ...string) *process {
	t.Helper()
	if file == "" {
		file = filepath.Join(os.Getenv(programsVar), "ipvsadm")
	}
	p := &process{t: t, dir: t.TempDir(), file: file}
	p.configure(config)
	p.args = append([]string{command, "-f", p.at("k.conf"), "-p", p.at("pid"), "--socket", p.at("socket")}, args...)
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			p.kill()
		}
		if t.Failed() {
			t.Logf("the log:\n%s", p.logged())
		}
	})
	p.start()
	p.await("Startup complete", 1)
	return p
}

func (p *process) at(name string) string { return filepath.Join(p.dir, name) }

// start starts it, again or for the first time.
func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.file, p.args...)
	p.cmd.Env = append(os.Environ(), "JOURNAL_STREAM=1:2")
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) configure(config string) {
	p.t.Helper()
	if err := os.WriteFile(p.at("k.conf"), []byte(strings.ReplaceAll(config, "DIR", p.dir)), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// await waits until the log has a text so many times.
func (p *process) await(text string, times int) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("%q in the log", text), func() bool { return strings.Count(p.logged(), text) >= times })
}

func (p *process) reload() {
	p.t.Helper()
	n := strings.Count(p.logged(), "Reload finished") + strings.Count(p.logged(), "not used")
	p.signal(syscall.SIGHUP)
	eventually(p.t, "the end of the reload", func() bool {
		return strings.Count(p.logged(), "Reload finished")+strings.Count(p.logged(), "not used") > n
	})
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// stop ends it and says how long that took.
func (p *process) stop() time.Duration {
	p.t.Helper()
	began := time.Now()
	p.signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("at the end: %v", err)
	}
	return time.Since(began)
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 600 {
		if is() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("waited in vain for %s", what)
}

// program runs our program and returns what it wrote and its exit status.
func program(t *testing.T, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(filepath.Join(os.Getenv(programsVar), "ipvsadm"), args...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// table is the kernel's table as -S -n writes it, its lines sorted.
func table(t *testing.T) string {
	t.Helper()
	out, status := program(t, "-S", "-n")
	if status != 0 {
		t.Fatalf("ipvsadm -S: %s", out)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	slices.Sort(lines)
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

func awaitTable(t *testing.T, what, want string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(want), "\n")
	slices.Sort(lines)
	want = strings.TrimSpace(strings.Join(lines, "\n"))
	var got string
	for range 600 {
		if got = table(t); got == want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s: the kernel has\n%s\nwant\n%s", what, got, want)
}

// backend is a real server that can be killed. It takes connections and hangs up.
type backend struct {
	t    *testing.T
	addr string
	l    net.Listener

	listen func(network, addr string) (net.Listener, error)
}

func newBackend(t *testing.T, addr string) *backend {
	t.Helper()
	b := &backend{t: t, addr: addr, listen: net.Listen}
	b.up()
	t.Cleanup(b.down)
	return b
}

func (b *backend) up() {
	b.t.Helper()
	l, err := b.listen("tcp", b.addr)
	if err != nil {
		b.t.Fatal(err)
	}
	b.l = l
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("hello\n"))
			c.Close()
		}
	}()
}

func (b *backend) down() { b.l.Close() }

// twoServers is a virtual server with two real ones on this machine.
const twoServers = `
virtual_server 10.1.1.1 80 {
  delay_loop 0.3
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  real_server 127.0.0.2 8080 {
    weight 3
    TCP_CHECK {
      connect_timeout 1
      retry 1
      delay_before_retry 0.1
    }
  }
  real_server 127.0.0.3 8080 {
    TCP_CHECK {
      connect_timeout 1
      retry 1
      delay_before_retry 0.1
    }
  }
}
`

const twoServersTable = `-A -t 10.1.1.1:80 -s rr
-a -t 10.1.1.1:80 -r 127.0.0.2:8080 -m -w 3
-a -t 10.1.1.1:80 -r 127.0.0.3:8080 -m -w 1`

// TestCheckLife follows "ipvsadm check" through its life on a real kernel: a
// server dies and comes back, others change the table, the configuration changes,
// and the end.
func TestCheckLife(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		a := newBackend(t, "127.0.0.2:8080")
		newBackend(t, "127.0.0.3:8080")
		const foreign = "-A -f 7 -s wlc"
		if out, status := program(t, strings.Fields(foreign)...); status != 0 {
			t.Fatal(out)
		}
		p := launch(t, "check", twoServers)
		awaitTable(t, "at the start", foreign+"\n"+twoServersTable)
		a.down()
		awaitTable(t, "a server dead", foreign+"\n"+`-A -t 10.1.1.1:80 -s rr
-a -t 10.1.1.1:80 -r 127.0.0.3:8080 -m -w 1`)
		p.await("Removing service [127.0.0.2]:tcp:8080 from VS [10.1.1.1]:tcp:80", 1)
		out, status := program(t, "check", "status", "--socket", p.at("socket"))
		if status != 0 || !strings.Contains(out, "[127.0.0.2]:tcp:8080: down") || !strings.Contains(out, "refused") {
			t.Errorf("check status: %d\n%s", status, out)
		}
		out, status = program(t, "check", "--once", "-f", p.at("k.conf"))
		if status != 1 || strings.Count(out, " pass ") != 1 || strings.Count(out, " fail ") != 1 {
			t.Errorf("check --once: %d\n%s", status, out)
		}
		a.up()
		awaitTable(t, "it is back", foreign+"\n"+twoServersTable)
		if out, status = program(t, "check", "--once", "-f", p.at("k.conf"), "--json"); status != 0 {
			t.Errorf("check --once: %d\n%s", status, out)
		}

		for _, args := range []string{
			"-C", "-D -t 10.1.1.1:80", "-d -t 10.1.1.1:80 -r 127.0.0.2:8080", "-e -t 10.1.1.1:80 -r 127.0.0.2:8080 -m -w 9", "-E -t 10.1.1.1:80 -s lc",
		} {
			program(t, strings.Fields(args)...)
			p.reload()
			program(t, strings.Fields(foreign)...)
			awaitTable(t, "after ipvsadm "+args, foreign+"\n"+twoServersTable)
		}
		p.await("Somebody else has changed the kernel's table", 5)

		p.configure(strings.Replace(twoServers, "weight 3", "weight 5", 1))
		p.reload()
		awaitTable(t, "after a reload", foreign+"\n"+strings.Replace(twoServersTable, "-w 3", "-w 5", 1))
		if took := p.stop(); took > 10*time.Second {
			t.Errorf("it took %v to end", took)
		}
		awaitTable(t, "at the end", foreign)
	})
}
