package main

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/testdata/lab/uml"
)

// TestDrainOnTheKernel drains a server with a real connection: an interrupt gives
// the weight back, the end of the connection lets it be deleted.
func TestDrainOnTheKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		client, director := echoDirector(t)
		const service = "-t 192.168.1.1:8000 -r 192.168.2.2:9000"
		ipvsadm(t, director, "-A -t 192.168.1.1:8000 -s rr")
		ipvsadm(t, director, "-a "+service+" -m -w 7 -x 100")
		conn, err := client.DialContext(t.Context(), "tcp", "192.168.1.1:8000")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := echo(conn, "before\n"); err != nil {
			t.Fatal(err)
		}

		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} { // Ctrl-C, Ctrl-\
			stdout, stderr, code := drainUntil(t, director, service, func(p *os.Process) {
				if w := weightOf(t, director); w != 0 {
					t.Errorf("weight %d while it drains", w)
				}
				if err := echo(conn, "meanwhile\n"); err != nil {
					t.Error(err)
				}
				if err := p.Signal(sig); err != nil {
					t.Error(err)
				}
			})
			if code != 128+int(sig) || !strings.HasPrefix(stdout, "192.168.2.2:9000: 1 active left, 1m0s to the time-out\n") ||
				stderr != "192.168.2.2:9000: interrupted; it has its weight 7 back\n" {
				t.Errorf("%v: exit code %d, stdout %q, stderr %q", sig, code, stdout, stderr)
			}
			if w := weightOf(t, director); w != 7 {
				t.Errorf("weight %d after %v", w, sig)
			}
		}

		stdout, stderr, code := drainUntil(t, director, service, func(*os.Process) {
			if err := echo(conn, "again\n"); err != nil {
				t.Error(err)
			}
			conn.Close()
		})
		if code != 0 || stderr != "" || !strings.HasSuffix(stdout, "; deleted\n") || !strings.Contains(stdout, ": drained after ") {
			t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
		}
		if w := weightOf(t, director); w != -1 {
			t.Error("it is still there")
		}
	})
}

// TestDrainOnATerminal has a terminal so narrow that the progress does not fit on
// a line. It stays one line all the same; Ctrl-C leaves none of it.
func TestDrainOnATerminal(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		if _, err := exec.LookPath("tmux"); err != nil {
			t.Skip("needs tmux: install Debian package tmux")
		}
		server, err := net.Listen("tcp", "127.0.0.1:8001")
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		runOurs(t, "-A -t 127.0.0.1:80 -s rr\n-a -t 127.0.0.1:80 -r 127.0.0.1:8001 -m -w 7\n", "-R")
		conn, err := net.DialTimeout("tcp", "127.0.0.1:80", 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		s := &liveScreen{t, filepath.Join(t.TempDir(), "tmux")}
		drain := os.Getenv(programsVar) + "/ipvsadm -d -t 127.0.0.1:80 -r 127.0.0.1:8001 --drain"
		cmd := s.tmux("-f", "/dev/null", "new-session", "-d", "-x", "40", "-y", "10", "trap : INT; "+drain+"; echo code $?; exec cat")
		cmd.Env = append(os.Environ(), "TERM=xterm")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("tmux: %v\n%s", err, out)
		}
		t.Cleanup(func() { s.tmux("kill-server").Run() })
		shown := s.see(`^127.0.0.1:8001: 1 active left, 4m5[0-7]s`)
		if n := strings.Count(shown, "active left"); n != 1 {
			t.Errorf("%d lines of progress:\n%s", n, shown)
		}
		s.press("C-c")
		shown = s.see(`^code 130$`, `^127.0.0.1:8001: interrupted; it has its`, `^weight 7 back$`)
		if strings.Contains(shown, "active left") {
			t.Errorf("the progress is still there:\n%s", shown)
		}
	})
}

// ipvsadm runs our program in a namespace.
func ipvsadm(t *testing.T, ns *uml.NetNS, line string) {
	t.Helper()
	run(t, ns, filepath.Join(os.Getenv(programsVar), "ipvsadm")+" "+line)
}

// drainUntil drains a server and calls f when the first line of the progress is
// there.
func drainUntil(t *testing.T, ns *uml.NetNS, server string, f func(*os.Process)) (stdout, stderr string, code int) {
	t.Helper()
	args := strings.Fields("-d " + server + " --drain=60")
	cmd := exec.Command(filepath.Join(os.Getenv(programsVar), "ipvsadm"), args...)
	var said strings.Builder
	cmd.Stderr = &said
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if ns.Do(func() { err = cmd.Start() }); err != nil {
		t.Fatal(err)
	}
	for lines, first := bufio.NewScanner(pipe), true; lines.Scan(); first = false {
		stdout += lines.Text() + "\n"
		if first {
			f(cmd.Process)
		}
	}
	_ = cmd.Wait() // its exit code says it
	return stdout, said.String(), cmd.ProcessState.ExitCode()
}

// weightOf returns the weight of the only server there is, -1 without one. Its
// threshold must be as it was set.
func weightOf(t *testing.T, ns *uml.NetNS) int {
	t.Helper()
	weight := -1
	ns.Do(func() {
		c, err := ipvs.Open(ipvs.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		table, err := c.Table(ipvs.Query{Detail: ipvs.Full})
		if err != nil || len(table) != 1 {
			t.Fatalf("%d services, %v", len(table), err)
		}
		for _, d := range table[0].Destinations {
			if d.Upper != 100 || d.Forward != ipvs.Masq {
				t.Errorf("%+v", d)
			}
			weight = int(d.Weight)
		}
	})
	return weight
}
