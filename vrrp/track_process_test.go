package vrrp

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

func TestProcessVerdict(t *testing.T) {
	second := func(n float64) time.Time { return time.Unix(0, 0).Add(time.Duration(n * float64(time.Second))) }
	type count struct {
		at float64
		n  int
		up bool // the verdict after it
	}
	tests := []struct {
		name   string
		config ProcessConfig
		counts []count
	}{
		{"a quorum of two", ProcessConfig{Quorum: 2, QuorumMax: -1},
			[]count{{0, 1, false}, {1, 2, true}, {2, 9, true}, {3, 1, false}}},
		{"too many are as bad as too few", ProcessConfig{Quorum: 1, QuorumMax: 2},
			[]count{{0, 2, true}, {1, 3, false}, {2, 1, true}, {3, 0, false}}},
		{"none may run", ProcessConfig{Quorum: 0, QuorumMax: 0},
			[]count{{0, 0, true}, {1, 1, false}, {2, 0, true}}},
		{"the first count decides at once", ProcessConfig{Quorum: 1, QuorumMax: -1, ForkDelay: time.Hour, TerminateDelay: time.Hour},
			[]count{{0, 1, true}, {1, 0, true}}},
		{"terminate_delay lets a process be restarted", ProcessConfig{Quorum: 1, QuorumMax: -1, TerminateDelay: 2 * time.Second},
			[]count{{0, 1, true}, {1, 0, true}, {2.9, 0, true}, {2.95, 1, true}, {4, 0, true}, {5.9, 0, true}, {6, 0, false}, {7, 1, true}}},
		{"fork_delay waits for a process to stay", ProcessConfig{Quorum: 1, QuorumMax: -1, ForkDelay: 2 * time.Second},
			[]count{{0, 0, false}, {1, 1, false}, {2, 0, false}, {3, 1, false}, {5, 1, true}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := processVerdict{config: &test.config}
			for i, c := range test.counts {
				was, known := v.up, v.known
				changed := v.count(second(c.at), c.n)
				if v.up != c.up || changed != (!known || v.up != was) {
					t.Fatalf("count %d (%d after %v s): up %v, changed %v", i, c.n, c.at, v.up, changed)
				}
			}
		})
	}
}

func TestProcessVerdictDue(t *testing.T) {
	start := time.Unix(0, 0)
	v := processVerdict{config: &ProcessConfig{Quorum: 1, QuorumMax: -1, TerminateDelay: 300 * time.Millisecond}}
	w := processWatch{verdicts: []processVerdict{v}}
	if got := w.wake(start); got != processInterval {
		t.Errorf("wakes after %v with nothing due, want %v", got, processInterval)
	}
	w.verdicts[0].count(start, 1)
	w.verdicts[0].count(start, 0)
	if got := w.wake(start.Add(100 * time.Millisecond)); got != 200*time.Millisecond {
		t.Errorf("wakes after %v, want what is left of the delay, 200ms", got)
	}
}

func TestProcessMatches(t *testing.T) {
	tests := []struct {
		name   string
		config ProcessConfig
		comm   string
		argv   []string
		want   bool
	}{
		{"by name", ProcessConfig{Command: "nginx"}, "nginx", nil, true},
		{"by another name", ProcessConfig{Command: "nginx"}, "nginx2", nil, false},
		{"the kernel's names are 15 bytes long", ProcessConfig{Command: "a-very-long-daemon"}, "a-very-long-dae", nil, true},
		{"the whole command", ProcessConfig{Command: "/usr/bin/x", FullCommand: true}, "y", []string{"/usr/bin/x", "-a"}, true},
		{"the whole command of a thread of the kernel", ProcessConfig{Command: "x", FullCommand: true}, "x", []string{}, false},
		{"arguments are compared if there are any", ProcessConfig{Command: "x", Args: []string{"-a"}}, "", []string{"x", "-a"}, true},
		{"more arguments than those", ProcessConfig{Command: "x", Args: []string{"-a"}}, "", []string{"x", "-a", "-b"}, false},
		{"exactly no arguments", ProcessConfig{Command: "x", Match: MatchExact}, "", []string{"x", "-a"}, false},
		{"partial", ProcessConfig{Command: "x", Args: []string{"-a"}, Match: MatchPartial}, "", []string{"x", "-a", "-b"}, true},
		{"partial does not cut words", ProcessConfig{Command: "x", Args: []string{"-a"}, Match: MatchPartial}, "", []string{"x", "-ab"}, false},
		{"initial cuts the last word", ProcessConfig{Command: "x", Args: []string{"-a", "b"}, Match: MatchInitial}, "", []string{"x", "-a", "bc"}, true},
		{"initial does not cut the others", ProcessConfig{Command: "x", Args: []string{"-a", "b"}, Match: MatchInitial}, "", []string{"x", "-az", "b"}, false},
		{"initial wants all words", ProcessConfig{Command: "x", Args: []string{"-a", "b"}, Match: MatchInitial}, "", []string{"x", "-a"}, false},
		{"initial without arguments", ProcessConfig{Command: "x", Match: MatchInitial}, "", []string{"x", "-a"}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.config.matches(test.comm, test.argv); got != test.want {
				t.Errorf("matches(%q, %q) = %v", test.comm, test.argv, got)
			}
		})
	}
}

// TestProcessReload keeps a verdict whose delay is not over.
func TestProcessReload(t *testing.T) {
	config := ProcessConfig{Name: "p", Quorum: 1, QuorumMax: -1, TerminateDelay: time.Minute}
	w := &processWatch{verdicts: []processVerdict{{config: &config}}}
	w.verdicts[0].count(time.Unix(0, 0), 1)
	w.verdicts[0].count(time.Unix(1, 0), 0)
	changed := config
	changed.TerminateDelay = 30 * time.Second
	v := w.goOn(&changed)
	if v.count(time.Unix(30, 0), 0) || !v.up {
		t.Error("down before the new delay was over")
	}
	if !v.count(time.Unix(31, 0), 0) || v.up {
		t.Error("up after the new delay, counted from when the process ended")
	}
}

// TestListProcesses finds a process of this machine and its words.
func TestListProcesses(t *testing.T) {
	cmd := exec.Command("/bin/sleep", "77.25")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	found := false
	for deadline := time.Now().Add(10 * time.Second); !found && time.Now().Before(deadline); {
		listProcesses("/proc", func(pid int, name string, argv func() []string) {
			found = found || pid == cmd.Process.Pid && name == "sleep" && slices.Equal(argv(), []string{"/bin/sleep", "77.25"})
		})
	}
	if !found {
		t.Error("sleep 77.25 is not among the processes")
	}
}

// TestListProcessesOdd reads entries that are no processes, are gone or have an
// endless command line.
func TestListProcessesOdd(t *testing.T) {
	proc := t.TempDir()
	write := func(name, text string) {
		file := filepath.Join(proc, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("1/comm", "init\n")
	write("1/cmdline", "/sbin/init\x00\x00splash\x00")
	write("2/comm", "kthreadd\n")
	write("3/other", "no comm: it has just ended")
	write("4/comm", "huge\n")
	write("4/cmdline", string(make([]byte, 2*maxCommandLine)))
	write("sys/comm", "not a process\n")
	got := map[string]int{}
	listProcesses(proc, func(_ int, name string, argv func() []string) {
		words := argv()
		got[name+" "+strconv.Quote(words0(words))] = len(words)
	})
	want := map[string]int{`init "/sbin/init"`: 3, `kthreadd ""`: 0, `huge ""`: maxCommandLine}
	for k, n := range want {
		if got[k] != n {
			t.Errorf("%s has %d words, want %d", k, got[k], n)
		}
	}
	if len(got) != len(want) {
		t.Errorf("found %v", got)
	}
}

func words0(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}
