package watch

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"ipvsadm/ipvs"
)

// worldVar makes the test binary a program that shows the live view of a world:
// it is "servicesXservers".
const worldVar = "WATCH_WORLD"

func TestMain(m *testing.M) {
	size := os.Getenv(worldVar)
	if size == "" {
		os.Exit(m.Run())
	}
	var services, servers int
	if _, err := fmt.Sscanf(size, "%dx%d", &services, &servers); err != nil {
		panic(err)
	}
	s, err := OpenScreen(os.Stdin, os.Stdout, true)
	if err != nil {
		panic(err)
	}
	c := config(newWorld(services, servers))
	c.Kernel = busy{c.Kernel.(*world)}
	c.Interval = 200 * time.Millisecond
	Live(c, s)
	fmt.Println("left")
}

// busy is a world in which the first server takes connections.
type busy struct{ *world }

func (b busy) Table(q ipvs.Query) ([]ipvs.Entry, error) {
	b.carry(0, 0, 7)
	return b.world.Table(q)
}

// terminal is one of tmux, with a shell whose only command is the view.
type terminal struct {
	t      *testing.T
	socket string
}

func newTerminal(t *testing.T, width, height int, world string) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("UML_REQUIRED") == "1" {
			t.Fatal(err)
		}
		t.Skip("needs tmux: install Debian package tmux")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	tm := &terminal{t, filepath.Join(dir, "tmux")}
	cmd := tm.tmux("-u", "-f", "/dev/null", "new-session", "-d", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height), "env", "PS1=$ ", "ENV=", "sh")
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v\n%s", err, out)
	}
	t.Cleanup(func() { tm.tmux("kill-server").Run() })
	tm.press("stty -g >"+dir+"/before; "+worldVar+"="+world+" "+self+"; echo code $?; stty -g | cmp - "+dir+"/before && echo restored", "Enter")
	return tm
}

func (tm *terminal) tmux(args ...string) *exec.Cmd {
	return exec.Command("tmux", append([]string{"-S", tm.socket}, args...)...)
}

func (tm *terminal) do(args ...string) string {
	tm.t.Helper()
	out, err := tm.tmux(args...).CombinedOutput()
	if err != nil {
		tm.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (tm *terminal) press(keys ...string) {
	tm.t.Helper()
	tm.do(append([]string{"send-keys"}, keys...)...)
}

// sees waits until the screen shows every pattern at once.
func (tm *terminal) sees(patterns ...string) {
	tm.t.Helper()
	var shown string
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		shown = tm.do("capture-pane", "-p")
		all := true
		for _, p := range patterns {
			all = all && regexp.MustCompile(`(?m)`+p).MatchString(shown)
		}
		if all {
			return
		}
	}
	tm.t.Fatalf("the screen does not show %q:\n%s", patterns, shown)
}

func TestOnATerminal(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {200, 60}} {
		for _, world := range []string{"1x1", "20x10", "40x250"} {
			t.Run(fmt.Sprintf("%s on %dx%d", world, size[0], size[1]), func(t *testing.T) {
				tm := newTerminal(t, size[0], size[1], world)
				services, servers, _ := strings.Cut(world, "x")
				tm.sees(`^ipvsadm  \d\d:\d\d:\d\d  every 200ms`, `^- TCP  10.0.0.1:80 rr +`+servers+"/"+servers+` .*█`,
					`^  192.168.1.1:8080 +1 +0 +0 +[1-9].*[▁▂▃▄▅▆▇]?█`, `^q quit  h help  / filter`)
				tm.press("End")
				tm.sees(`^  192.168.` + services + `.` + servers + `:8080 +1 +0 `)
				tm.do("resize-window", "-x", "100", "-y", "12")
				tm.sees(`^  192.168.`+services+`.`+servers+`:8080 +1 +0 `, `^q quit`)
				tm.press("q")
				tm.sees(`left\ncode 0\nrestored\n`)
			})
		}
	}
}

func TestSuspendedAndContinued(t *testing.T) {
	tm := newTerminal(t, 80, 24, "2x2")
	tm.sees(`^- TCP  10.0.0.1:80 rr`)
	tm.press("C-z")
	tm.sees(`Stopped`)
	tm.press("fg", "Enter")
	tm.sees(`^- TCP  10.0.0.1:80 rr(?s:.*)^q quit`)
	tm.press("Escape", "c")
	tm.sees(`^\+ TCP  10.0.0.1:80 rr`)
	tm.press("C-c")
	tm.sees(`left\n`, `^restored$`)
}

func TestKilledItLeavesTheTerminalInOrder(t *testing.T) {
	tm := newTerminal(t, 80, 24, "2x2")
	tm.sees(`^- TCP  10.0.0.1:80 rr`)
	pids, err := exec.Command("ps", "-o", "pid=", "--ppid", strings.TrimSpace(tm.do("display", "-p", "#{pane_pid}"))).Output()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("kill", strings.TrimSpace(string(pids))).CombinedOutput(); err != nil {
		t.Fatalf("kill: %v\n%s", err, out)
	}
	tm.sees(`^code 143$`, `^restored$`) // 128 and SIGTERM
}
