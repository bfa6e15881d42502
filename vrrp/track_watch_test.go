package vrrp

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// standings keeps what a Watcher reports.
type standings struct {
	mu  sync.Mutex
	all map[Cause]Standing
}

func (s *standings) set(kind CauseKind, name string, st Standing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[Cause]Standing)
	}
	s.all[Cause{kind, name}] = st
}

func (s *standings) get(kind CauseKind, name string) (Standing, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, ok := s.all[Cause{kind, name}]
	return st, ok
}

func (s *standings) await(t *testing.T, kind CauseKind, name string, want Standing) {
	t.Helper()
	var got Standing
	for range 1000 {
		if got, _ = s.get(kind, name); got == want {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%v %s stands as %+v, want %+v", kind, name, got, want)
}

// TestWatcher runs scripts, files and processes of this machine through a start
// and two reloads.
func TestWatcher(t *testing.T) {
	dir := t.TempDir()
	number := filepath.Join(dir, "number")
	if err := os.WriteFile(number, []byte("12"), 0o644); err != nil {
		t.Fatal(err)
	}
	runs := filepath.Join(dir, "runs")
	check := func(name, text string) ScriptConfig {
		return ScriptConfig{
			Name: name, Command: Command{Argv: []string{script(t, filepath.Join(dir, name), text)}, User: me()},
			Interval: 20 * time.Millisecond, Timeout: time.Second, Rise: 1, Fall: 1,
		}
	}
	track := func(names ...string) []TrackedConfig {
		var list []TrackedConfig
		for _, n := range names {
			list = append(list, TrackedConfig{Name: n})
		}
		return list
	}
	self, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	config := Config{
		Scripts: []ScriptConfig{check("good", "exit 0"), check("bad", "exit 1"), check("idle", "echo run >> "+runs), check("broken", "")},
		Files:   []FileConfig{{Name: "number", Path: number}, {Name: "unused", Path: number}},
		Processes: []ProcessConfig{
			{Name: "us", Command: strings.TrimSpace(string(self)), Quorum: 1, QuorumMax: -1},
			{Name: "nobody", Command: "no-such-process", Quorum: 1, QuorumMax: -1},
		},
		Instances: []InstanceConfig{{Track: TrackConfig{
			Scripts: track("good", "broken"), Files: track("number"), Processes: track("us", "nobody"),
		}}},
		Groups: []GroupConfig{{Track: TrackConfig{Scripts: track("bad")}}},
	}
	config.Scripts[3].Command.Argv[0] += "-not-there"

	var got standings
	var log lineHandler
	w := NewWatcher(slog.New(&log), got.set)
	w.Apply(&config, ours(false))
	for name, want := range map[string]Standing{"us": {Known: true, Up: true}, "nobody": {Known: true}} {
		if st, _ := got.get(CauseProcess, name); st != want {
			t.Errorf("process %s stands as %+v when Apply returns, want %+v", name, st, want)
		}
	}
	if st, _ := got.get(CauseFile, "number"); st != (Standing{Known: true, Value: 12}) {
		t.Errorf("the file stands as %+v when Apply returns", st)
	}
	got.await(t, CauseScript, "good", Standing{Known: true, Up: true})
	got.await(t, CauseScript, "bad", Standing{Known: true})
	for _, c := range []Cause{{CauseScript, "broken"}, {CauseScript, "idle"}, {CauseFile, "unused"}} {
		if st, ok := got.get(c.Kind, c.Name); ok {
			t.Errorf("%v is watched: %+v", c, st)
		}
	}
	if _, err := os.Stat(runs); err == nil {
		t.Error("a script that nobody tracks was run")
	}

	// A reload: what failed goes on failing although its limits are others, and
	// what is new counts as fine.
	reloaded := config
	reloaded.Scripts = []ScriptConfig{config.Scripts[0], config.Scripts[1], check("new", "sleep 60")}
	reloaded.Scripts[1].Fall = 7
	reloaded.Instances = []InstanceConfig{{Track: TrackConfig{Scripts: track("good", "bad", "new"), Files: track("unused")}}}
	reloaded.Groups = nil
	got.mu.Lock()
	got.all = nil
	got.mu.Unlock()
	w.Preview(&reloaded)
	if st, _ := got.get(CauseScript, "new"); st != (Standing{Known: true, Up: true}) {
		t.Errorf("a new script is seen in advance as %+v", st)
	}
	if st, _ := got.get(CauseFile, "unused"); st != (Standing{Known: true, Value: 12}) {
		t.Errorf("a new file is seen in advance as %+v", st)
	}
	w.Apply(&reloaded, ours(false))
	if st, _ := got.get(CauseScript, "bad"); st != (Standing{Known: true}) {
		t.Errorf("after the reload the script that fails stands as %+v", st)
	}
	if st, _ := got.get(CauseScript, "new"); st != (Standing{Known: true, Up: true}) {
		t.Errorf("after the reload the new script stands as %+v", st)
	}
	begin := time.Now()
	w.Close()
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("Close took %v with a script running", took)
	}
	if text := log.String(); !strings.Contains(text, "Disabling track script broken") || strings.Count(text, "VRRP_Script(good) succeeded") != 1 {
		t.Errorf("logged\n%s", text)
	}
}

// TestWatcherEndsStubborn has a reload remove scripts and change others while they
// run and take no notice of being told to end. Nothing is left of them when Apply
// returns, or Close, and that takes no longer for many than for one.
func TestWatcherEndsStubborn(t *testing.T) {
	const scripts = 20
	dir := t.TempDir()
	file := func(i int) string { return filepath.Join(dir, strconv.Itoa(i)) }
	var config Config
	var track TrackConfig
	for i := range scripts {
		config.Scripts = append(config.Scripts, ScriptConfig{
			Name: strconv.Itoa(i), Command: Command{Argv: []string{"/bin/sh", "-c", stubborn, file(i)}, User: me()},
			Interval: time.Hour, Timeout: time.Hour, Rise: 1, Fall: 1,
		})
		track.Scripts = append(track.Scripts, TrackedConfig{Name: strconv.Itoa(i)})
	}
	config.Instances = []InstanceConfig{{Track: track}}
	var got standings
	w := NewWatcher(slog.New(slog.DiscardHandler), got.set)
	var pids []int
	await := func(config *Config) {
		for i := range config.Scripts {
			pids = append(pids, awaitPIDs(t, file(i))...)
			os.Remove(file(i))
		}
	}
	end := func(what string, f func()) {
		begin := time.Now()
		f()
		if took := time.Since(begin); took >= scripts*partAfter/2 {
			t.Errorf("%s took %v", what, took)
		}
		for _, pid := range pids {
			waitGone(t, pid)
		}
		pids = nil
	}
	w.Apply(&config, ours(false))
	await(&config)
	fewer := config
	fewer.Scripts = slices.Clone(config.Scripts[:scripts/2])
	for i := range fewer.Scripts {
		fewer.Scripts[i].Fall = 2
	}
	end("a reload", func() { w.Apply(&fewer, ours(false)) })
	await(&fewer)
	end("the end", w.Close)
}
