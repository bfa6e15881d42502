package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
)

// screen is a terminal with a shell on it, in tmux.
type screen struct {
	t      *testing.T
	socket string
}

func newScreen(t *testing.T, tmp string) *screen {
	t.Helper()
	uml.Need(t)
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("UML_REQUIRED") == "1" {
			t.Fatal(err)
		}
		t.Skip("needs tmux: install Debian package tmux")
	}
	dir := t.TempDir()
	s := &screen{t, filepath.Join(dir, "socket")}
	cmd := s.command("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "40", "env", "-u", "BASH_ENV", "PS1=host$ ", "sh")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "LC_ALL=C")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v\n%s", err, out)
	}
	t.Cleanup(func() { s.command("kill-server").Run() })
	return s
}

func (s *screen) command(args ...string) *exec.Cmd {
	return exec.Command("tmux", append([]string{"-S", s.socket}, args...)...)
}

// do runs a command of tmux.
func (s *screen) do(args ...string) string {
	s.t.Helper()
	out, err := s.command(args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// press presses keys, by tmux's names for them; other words are typed.
func (s *screen) press(keys ...string) {
	s.t.Helper()
	s.do(append([]string{"send-keys"}, keys...)...)
}

// see waits until the screen shows what the pattern says.
func (s *screen) see(pattern string) {
	s.t.Helper()
	want := regexp.MustCompile(pattern)
	var shown string
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if shown = s.do("capture-pane", "-p", "-J"); want.MatchString(shown) {
			return
		}
	}
	s.t.Fatalf("the screen does not show %q:\n%s", pattern, shown)
}

func TestShellIsARealTerminal(t *testing.T) {
	tmp := t.TempDir()
	s := newScreen(t, tmp)
	s.press("stty -g >$TMPDIR/before; testdata/lab/demo shell; echo left $?; stty -g >$TMPDIR/after", "Enter")
	s.see(`(?s)exit +ends the shell.*\[root@director ~\]# \n`)

	s.press("clear; type ipvsadm; ipvsadm -L -n; request 6", "Enter")
	s.see(`ipvsadm is /run/bin/ipvsadm\n(?s).*192\.168\.40\.17:80 rr\n.*Route   10.*Route   10.*rs1 answered 3, rs2 answered 3, unanswered 0`)

	// Line editing, and the size of this terminal.
	s.press("clear; stty sizx", "BSpace", "e", "Enter")
	s.see(`\n?40 100\n`)
	s.do("resize-window", "-x", "90", "-y", "30")
	s.press("clear", "Enter", "Up", "Up", "Enter") // the history's last but one
	s.see(`\n?30 90\n`)

	// Ctrl-C ends the program and not the shell; Ctrl-Z stops it.
	s.press("clear; echo going; sleep 1000", "Enter")
	s.see(`going\n`)
	time.Sleep(time.Second) // for sleep to be started
	s.press("C-c")
	s.see(`\^C\n`)
	s.press("echo code $?", "Enter")
	s.see(`\ncode 130\n`)
	s.press("clear; watch -n 1 ipvsadm -L -n", "Enter")
	s.see(`Every 1.0s: ipvsadm -L -n(?s).*192\.168\.40\.17:80 rr`)
	s.press("C-c")
	s.see(`\[root@director ~\]# \n`)
	s.press("clear; echo going; sleep 1000", "Enter")
	s.see(`going\n`)
	time.Sleep(time.Second)
	s.press("C-z")
	s.see(`Stopped +sleep 1000`)

	// A background job does not keep the kernel alive.
	s.press("clear; bg; true", "Enter")
	s.see(`sleep 1000 &`)
	s.press("exit", "Enter")
	s.see(`left 0\n`)
	s.see(`host\$ \n`)
	before, err := os.ReadFile(filepath.Join(tmp, "before"))
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(tmp, "after"))
	if err != nil || string(before) != string(after) {
		t.Errorf("the terminal was not restored: %q, then %q, %v", before, after, err)
	}
	os.Remove(filepath.Join(tmp, "before"))
	os.Remove(filepath.Join(tmp, "after"))
	nothingLeft(t, tmp)
}

func TestShellEndsWithItsTerminal(t *testing.T) {
	tmp := t.TempDir()
	s := newScreen(t, tmp)
	s.press("exec testdata/lab/demo shell", "Enter")
	s.see(`director ~\]# \n`)
	s.do("kill-server")
	nothingLeft(t, tmp)
}

func TestShellReadsAPipe(t *testing.T) {
	dir, tmp := scratch(t)
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "demo"), "-scratch", dir, "shell")
	cmd.Stdin = strings.NewReader("ipvsadm -S -n\nexit 3\n")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("got %v, want exit code 3", err)
	}
	const want = "\n-A -t 192.168.40.17:80 -s rr\n" +
		"-a -t 192.168.40.17:80 -r 192.168.41.31:80 -g -w 10\n" +
		"-a -t 192.168.40.17:80 -r 192.168.41.33:80 -g -w 10\n"
	if !strings.HasSuffix(string(out), want) {
		t.Errorf("got\n%s\nwant at its end\n%s", out, want)
	}
	nothingLeft(t, tmp)
}
