package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

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
