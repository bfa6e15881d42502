package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
)

// What makes a shell read our script as its manual tells users to.
var installCompletion = map[string][]string{
	"bash": {"source <(ipvsadm completion bash)"},
	"zsh":  {"mkdir $D/functions; ipvsadm completion zsh >$D/functions/_ipvsadm", "fpath=($D/functions $fpath); autoload -U compinit; compinit -u -D"},
}

// TestCompletionOnATerminal types the beginnings of commands into shells, and the
// tabulator key. What then stands on the line has to be what was meant, with the
// services and servers of the kernel's table. fish is asked by its own means in
// the test of package rules.
func TestCompletionOnATerminal(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		if _, err := exec.LookPath("tmux"); err != nil {
			t.Skip("needs tmux: install Debian package tmux")
		}
		runOurs(t, "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 192.168.1.1:8080 -m\n-A -t [2001:db8::1]:443 -s rr\n"+
			"-a -t [2001:db8::1]:443 -r [2001:db8::2]:443 -g\n-A -f 77 -s rr\n", "-R")
		for shell := range installCompletion {
			t.Run(shell, func(t *testing.T) { typeInto(t, shell) })
		}
	})
}

func typeInto(t *testing.T, shell string) {
	if _, err := exec.LookPath(shell); err != nil {
		t.Skipf("needs %s: install Debian package %[1]s", shell)
	}
	s := &liveScreen{t, filepath.Join(t.TempDir(), "tmux")}
	start := map[string]string{"bash": "bash --noprofile --norc -i", "zsh": "zsh -f -i"}[shell]
	cmd := s.tmux("-u", "-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "30", start)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TERM=xterm", "PS1=ready ", "PROMPT=ready ", "D="+filepath.Dir(s.socket),
		"HOME="+filepath.Dir(s.socket), "PATH="+os.Getenv(programsVar)+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v\n%s", err, out)
	}
	t.Cleanup(func() { s.tmux("kill-server").Run() })
	for _, line := range append([]string{"PS1='ready '"}, installCompletion[shell]...) {
		s.press(line, "Enter")
	}
	s.press("echo all is loaded", "Enter")
	s.see(`^all is loaded$`)
	for _, tt := range []struct{ typed, want string }{
		{"ipvsadm --add-serve", "ipvsadm --add-server"},
		{"ipvsadm -R --repl", "ipvsadm -R --replace"},
		{"ipvsadm -R --replace=s", "ipvsadm -R --replace=services"},
		{"ipvsadm -E -t 10.0.0.1:8", "ipvsadm -E -t 10.0.0.1:80"},
		{"ipvsadm -e -t 10.0.0.1:80 -r 1", "ipvsadm -e -t 10.0.0.1:80 -r 192.168.1.1:8080"},
		{"ipvsadm -d --tcp-service=10", "ipvsadm -d --tcp-service=10.0.0.1:80"},
		{"ipvsadm -D -f ", "ipvsadm -D -f 77"},
		{"ipvsadm -A -f 1 -s sh -b sh-port,sh-f", "ipvsadm -A -f 1 -s sh -b sh-port,sh-fallback"},
		{"ipvsadm sched pre", "ipvsadm sched predict"},
		{"ipvsadm sched simulate --conn", "ipvsadm sched simulate --connections"},
		{"ipvsadm vrrp --use-f", "ipvsadm vrrp --use-file"},
		{"ipvsadm check status --js", "ipvsadm check status --json"},
		{"ipvsadm -D -t [2001:db8::1]:4", `ipvsadm -D -t [2001:db8::1]:443`},
		{"ipvsadm -R < /proc/net/ip_vs_s", "ipvsadm -R < /proc/net/ip_vs_stats"},
	} {
		s.press("C-u", "C-l")
		s.press("-l", tt.typed)
		s.press("Tab")
		want := regexp.QuoteMeta(tt.want)
		want = strings.ReplaceAll(strings.ReplaceAll(want, `\[`, `\\?\[`), `\]`, `\\?\]`) // zsh quotes
		if !s.shows(`^ready ` + want + ` *$`) {
			t.Errorf("%q and the tabulator:\n%s", tt.typed, s.do("capture-pane", "-p"))
		}
	}
}

// shows waits until the screen shows a pattern, for ten seconds at most.
func (s *liveScreen) shows(pattern string) bool {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if regexp.MustCompile(`(?m)` + pattern).MatchString(s.do("capture-pane", "-p")) {
			return true
		}
	}
	return false
}
