package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
)

// liveScreen is a terminal in tmux with the live view on it.
type liveScreen struct {
	t      *testing.T
	socket string
}

// watchOn starts ipvsadm -L -n --watch on a terminal of a size.
func watchOn(t *testing.T, width, height int, args string) *liveScreen {
	t.Helper()
	s := &liveScreen{t, filepath.Join(t.TempDir(), "tmux")}
	shell := fmt.Sprintf("stty -g >$TMUX_DIR/before; %s/ipvsadm -L -n --watch %s; echo left $?; stty -g | cmp - $TMUX_DIR/before && echo restored; exec cat",
		os.Getenv(programsVar), args)
	cmd := s.tmux("-u", "-f", "/dev/null", "new-session", "-d", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height), shell)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TERM=xterm", "TMUX_DIR="+filepath.Dir(s.socket))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v\n%s", err, out)
	}
	t.Cleanup(func() { s.tmux("kill-server").Run() })
	return s
}

func (s *liveScreen) tmux(args ...string) *exec.Cmd {
	return exec.Command("tmux", append([]string{"-S", s.socket}, args...)...)
}

func (s *liveScreen) do(args ...string) string {
	s.t.Helper()
	out, err := s.tmux(args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (s *liveScreen) press(keys ...string) {
	s.t.Helper()
	s.do(append([]string{"send-keys"}, keys...)...)
}

// see waits until the screen shows every pattern at once, and returns it.
func (s *liveScreen) see(patterns ...string) string {
	s.t.Helper()
	var shown string
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		shown = s.do("capture-pane", "-p")
		missing := ""
		for _, p := range patterns {
			if !regexp.MustCompile(`(?m)` + p).MatchString(shown) {
				missing = p
				break
			}
		}
		if missing == "" {
			return shown
		}
	}
	s.t.Fatalf("the screen does not show %q:\n%s", patterns, shown)
	return ""
}

// runOurs runs our ipvsadm with standard input.
func runOurs(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command(os.Getenv(programsVar)+"/ipvsadm", args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("ipvsadm %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// manyServers is a table of so many services with so many servers each.
func manyServers(services, servers int) string {
	var b strings.Builder
	for i := 1; i <= services; i++ {
		fmt.Fprintf(&b, "-A -t 10.0.%d.%d:80 -s rr\n", i>>8, i&255)
		for j := 1; j <= servers; j++ {
			fmt.Fprintf(&b, "-a -t 10.0.%d.%d:80 -r 192.%d.%d.%d:80 -m\n", i>>8, i&255, 168+i>>8+4*(j>>8), i&255, j&255)
		}
	}
	return b.String()
}

// TestLiveView drives the live view of a real kernel's table by its keys, and
// reads what is on the screen.
func TestLiveView(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		if _, err := exec.LookPath("tmux"); err != nil {
			t.Skip("needs tmux: install Debian package tmux")
		}
		t.Run("1 server", liveOne)
		t.Run("200 servers", live200)
		t.Run("10000 servers", live10000)
		t.Run("any size", liveSizes)
		t.Run("no terminal", livePlain)
	})
}

// liveOne has one server, and connections through it.
func liveOne(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:8001")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			go io.Copy(io.Discard, c)
		}
	}()
	runOurs(t, "-C\n-A -t 127.0.0.1:80 -s rr\n-a -t 127.0.0.1:80 -r 127.0.0.1:8001 -m\n", "-R")
	s := watchOn(t, 80, 24, "")
	s.see(`^ipvsadm  \d\d:\d\d:\d\d  every 1s$`, `^1 service; 1 server; 0 conns/s, bytes/s 0 in, 0 out$`,
		`^  service / server +weight +act +inact +/s +in +out +in +out trend`,
		`^- TCP  127.0.0.1:80 rr +1/1 +0 +0 +0 +0 +0 +0 +0`, `^  127.0.0.1:8001 +1 +0 +0 +0 +0 +0 +0 +0`, `^q quit  h help  / filter`)

	var conns []net.Conn
	for range 40 {
		c, err := net.DialTimeout("tcp", "127.0.0.1:80", 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	s.see(`^  127.0.0.1:8001 +1 +40 +0 +[0-9.]+ .*[▁▂▃▄▅▆▇█]`, `^- TCP  127.0.0.1:80 rr +1/1 +40 `)
	runOurs(t, "", "-Z") // does not make rates of 2^64
	s.see(`^  127.0.0.1:8001 +1 +40 +0 +0 +0 +0 +0 +0 `)

	runOurs(t, "", "-e", "-t", "127.0.0.1:80", "-r", "127.0.0.1:8001", "-m", "-w", "0")
	s.see(`^1 service, 1 unserved; 1 server, 1 weight 0;`, `^- TCP  127.0.0.1:80 rr +0/1 +40 `, `^0 127.0.0.1:8001 +0 +40 `)
	runOurs(t, "", "-e", "-t", "127.0.0.1:80", "-r", "127.0.0.1:8001", "-m", "-x", "40")
	s.see(`^! 127.0.0.1:8001 +1 +40 `, `1 server, 1 overloaded;`)
	for _, c := range conns {
		c.Close()
	}
	s.see(`^! 127.0.0.1:8001 +1 +0 +40 `) // they count until they are forgotten
	runOurs(t, "", "-e", "-t", "127.0.0.1:80", "-r", "127.0.0.1:8001", "-m", "-x", "100")
	s.see(`^  127.0.0.1:8001 +1 +0 +40 `)

	runOurs(t, "", "-d", "-t", "127.0.0.1:80", "-r", "127.0.0.1:8001")
	s.see(`^- TCP  127.0.0.1:80 rr +none`)
	runOurs(t, "", "-C")
	s.see(`^the table is empty$`)
	s.do("resize-window", "-x", "100", "-y", "10")
	runOurs(t, "", "-A", "-u", "127.0.0.1:53", "-s", "wlc")
	s.see(`^- UDP  127.0.0.1:53 wlc +none`)
	s.press("q")
	s.see(`left 0$`, `^restored$`)
}

// live200 sorts, filters, folds and freezes.
func live200(t *testing.T) {
	runOurs(t, "-C\n"+manyServers(20, 10), "-R")
	s := watchOn(t, 200, 60, "0.5")
	s.see(`every 500ms  rows 1-55 of 220$`, `^20 services; 200 servers;`, `^- TCP  10.0.0.1:80 rr +10/10 `, `^  192.168.5.10:80 +1 `, `  ok`)
	s.press("?")
	s.see(`^Keys`, `^  PgUp PgDn +a screen up, down`, `^any key goes back$`)
	s.press("x")
	s.see(`^- TCP  10.0.0.1:80 rr +10/10 `, `^q quit`)
	s.press("c")
	s.see(`^\+ TCP  10.0.0.1:80 rr +10/10`, `^\+ TCP  10.0.0.20:80 rr +10/10`)
	s.press("c", "/")
	s.see(`^only what contains: _`)
	s.press("168.7.")
	s.see(`^only what contains: 168.7._`, `^- TCP  10.0.0.7:80 rr`, `^  192.168.7.10:80`)
	s.press("Enter")
	s.see(`only "168.7."$`, `^q quit`)
	runOurs(t, "", "-e", "-t", "10.0.0.7:80", "-r", "192.168.7.9:80", "-m", "-w", "77")
	s.press("Right")
	s.see(`by weight`, `(?s)10.0.0.7:80 rr +10/10.*\n  192.168.7.9:80 +77 .*\n  192.168.7.1:80 `)
	s.press("r")
	s.see(`by weight, reversed`, `(?s)192.168.7.10:80 .*\n  192.168.7.9:80 +77 `)
	s.press("f")
	s.see(`FROZEN`)
	runOurs(t, "", "-d", "-t", "10.0.0.7:80", "-r", "192.168.7.9:80")
	time.Sleep(3 * time.Second)
	s.see(`^  192.168.7.9:80 +77 `)
	s.press("f")
	s.see(`^- TCP  10.0.0.7:80 rr +9/9 `, `^20 services; 199 servers;`)
	s.press("Escape")
	s.see(`of 219$`)
	s.do("resize-window", "-x", "80", "-y", "24")
	s.see(`rows 1-19 of 219$`, `^q quit`)
	s.press("C-z") // there is no shell to go on from
	time.Sleep(time.Second)
	s.see(`rows 1-19 of 219$`, `^q quit`)
	s.press("C-c")
	s.see(`left 0$`, `^restored$`)
}

// live10000 scrolls, and the view keeps up.
func live10000(t *testing.T) {
	runOurs(t, "-C\n"+manyServers(40, 250), "-R")
	s := watchOn(t, 80, 24, "")
	s.see(`rows 1-19 of 10040$`, `^40 services; 10000 servers;`, `^  192.168.1.18:80 `)
	s.press("End")
	s.see(`rows 10022-10040 of 10040$`, `^  192.168.40.250:80 +1 `)
	s.press("PPage", "PPage")
	s.see(`rows 9984-10002 of 10040$`)
	// Keys do not wait for the kernel: 300 of them are done long before 300 samples.
	for range 30 {
		s.press("Up", "Up", "Up", "Up", "Up", "Up", "Up", "Up", "Up", "Up")
	}
	s.see(`rows 9(68|69|70)\d-\d+ of 10040$`)
	s.press("Home")
	s.see(`rows 1-19 of 10040$`)
	runOurs(t, "", "-D", "-t", "10.0.0.1:80")
	s.see(`^39 services; 9750 servers;`, `^- TCP  10.0.0.2:80 rr +250/250`)
	runOurs(t, "", "-C")
	s.see(`^the table is empty$`)
	s.press("C-c")
	s.see(`left 0$`, `^restored$`)
}

// liveSizes looks at the first and the last rows of tables on terminals small and
// large.
func liveSizes(t *testing.T) {
	for _, table := range [][2]int{{1, 1}, {20, 10}, {40, 250}} {
		services, servers := table[0], table[1]
		runOurs(t, "-C\n"+manyServers(services, servers), "-R")
		for _, size := range [][2]int{{80, 24}, {200, 60}} {
			s := watchOn(t, size[0], size[1], "")
			s.see(fmt.Sprintf(`; %d servers?;`, services*servers), fmt.Sprintf(`^- TCP  10.0.0.1:80 rr +%d/%[1]d +0 +0 +0 +0 +0 +0 +0`, servers),
				`^  192.168.1.1:80 +1 +0 +0 +0 +0 +0 +0 +0`, `^q quit`)
			s.press("End")
			s.see(fmt.Sprintf(`^  192.168.%d.%d:80 +1 +0 `, services, servers))
			s.press("q")
			s.see(`left 0$`, `^restored$`)
		}
	}
}

// TestLiveViewCost says what the view costs of a core. In the guest that is more
// than it takes, the busier the host is.
func TestLiveViewCost(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		if _, err := exec.LookPath("tmux"); err != nil {
			t.Skip("needs tmux: install Debian package tmux")
		}
		for _, size := range [][2]int{{1, 1000}, {100, 10}, {500, 2}, {2000, 10}} {
			runOurs(t, "-C\n"+manyServers(size[0], size[1]), "-R")
			s := watchOn(t, 200, 60, "")
			s.see(fmt.Sprintf(`services?; %d servers`, size[0]*size[1]))
			time.Sleep(2 * time.Second)
			const seconds = 5
			before := cpuTime(t, "ipvsadm")
			time.Sleep(seconds * time.Second)
			used := cpuTime(t, "ipvsadm") - before
			t.Logf("services x servers: %d x %d: %.1f %% of a core", size[0], size[1], used.Seconds()/seconds*100)
			s.press("q")
			s.see(`left 0$`)
		}
	})
}

// cpuTime returns what the processes of a name have used of the processor so far.
func cpuTime(t *testing.T, name string) time.Duration {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var ticks int
	for _, file := range stats {
		b, err := os.ReadFile(file)
		_, after, found := strings.Cut(string(b), "("+name+") ")
		if err != nil || !found {
			continue
		}
		fields := strings.Fields(after)
		for _, f := range fields[11:13] { // utime, stime, from field 14 on: proc(5)
			n, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			ticks += n
		}
	}
	return time.Duration(ticks) * time.Second / 100
}

// livePlain has no terminal: a table per interval.
func livePlain(t *testing.T) {
	runOurs(t, "-C\n"+manyServers(2, 2), "-R")
	cmd := exec.Command(os.Getenv(programsVar)+"/ipvsadm", "-Ln", "--watch=0.2", "--count=3")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	tables := strings.Split(string(out), "\n\n")
	if len(tables) != 3 {
		t.Fatalf("%d tables:\n%s", len(tables), out)
	}
	for _, table := range tables {
		for _, want := range []string{"2 services; 4 servers;", "- TCP  10.0.0.1:80 rr ", "  192.168.2.2:80 "} {
			if !strings.Contains(table, want) {
				t.Errorf("no %q in\n%s", want, table)
			}
		}
	}
	cmd = exec.Command(os.Getenv(programsVar)+"/ipvsadm", "-Ln", "--watch=0.2", "-t", "10.0.0.9:80", "--count", "2")
	out, err = cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 1 || string(out) != "No such service\nNo such service\n" {
		t.Errorf("of a service that is not there: %v\n%s", err, out)
	}

	// Whoever reads the pipe has a table as soon as there is one.
	cmd = exec.Command(os.Getenv(programsVar)+"/ipvsadm", "-Ln", "--watch=3600")
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(pipe); lines.Scan() && !strings.Contains(lines.Text(), "192.168.2.2:80"); {
	}
	cmd.Process.Kill()
	cmd.Wait()
}
