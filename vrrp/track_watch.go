package vrrp

import (
	"context"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"time"
)

// Watcher runs what instances and groups track apart from interfaces: scripts,
// files and processes. Only what somebody tracks is run.
type Watcher struct {
	log    *slog.Logger
	report func(CauseKind, string, Standing)

	policy   ScriptPolicy // of the scripts that run
	wanted   []string     // files that somebody else wants to know
	scripts  map[string]*watching
	files    map[string]bool
	counting *processWatch
	others   []*watching
	applied  bool
}

// watching is a goroutine of the Watcher's.
type watching struct {
	script *scriptWatch // nil if it watches something else
	cancel context.CancelFunc
	ended  chan struct{}
}

// stop ends goroutines, all at the same time: a program that takes no notice of being
// told to end takes a while to be killed.
func stop(list ...*watching) {
	for _, w := range list {
		w.cancel()
	}
	for _, w := range list {
		<-w.ended
	}
}

// NewWatcher makes a Watcher that watches nothing. It calls report with the kind
// and the name of a tracked thing that stands differently, from goroutines of its
// own and during Apply; report must not block.
func NewWatcher(log *slog.Logger, report func(CauseKind, string, Standing)) *Watcher {
	return &Watcher{log: log, report: report}
}

// WantFiles has files of the configuration watched that no instance tracks: those
// of these names, from the next Apply on.
func (w *Watcher) WantFiles(names []string) { w.wanted = names }

// used is what is watched of a configuration.
func (w *Watcher) used(c *Config) map[Cause]bool {
	used := tracked(c)
	for _, name := range w.wanted {
		used[Cause{CauseFile, name}] = true
	}
	return used
}

// Apply watches what the configuration says, instead of what was watched before,
// and runs scripts as the policy says. When it returns, all files and processes have been looked at and reported. It
// must not be called twice at a time.
//
// A script that was there already goes on with the results it had. One that a
// reload adds counts as succeeding until its first result, so that adding it does
// not throw a master out (keepalived does so too); at the start everybody waits
// for that result.
func (w *Watcher) Apply(c *Config, policy ScriptPolicy) {
	w.stopOthers()
	used := w.used(c)
	w.applyScripts(c, used, policy)
	w.applyFiles(c, used)
	w.applyProcesses(c, used)
	w.applied = true
}

// Preview reports how things stand that a reload adds, and watches nothing yet. So
// whoever is given the new configuration next knows them, and may refuse it.
func (w *Watcher) Preview(c *Config) {
	used := w.used(c)
	for i := range c.Scripts {
		if s := &c.Scripts[i]; used[Cause{CauseScript, s.Name}] && w.scripts[s.Name] == nil {
			w.report(CauseScript, s.Name, assumed(s))
		}
	}
	for i := range c.Files {
		if f := &c.Files[i]; used[Cause{CauseFile, f.Name}] && !w.files[f.Name] {
			value, _ := readTrackFile(f.Path)
			w.report(CauseFile, f.Name, Standing{Known: true, Value: value})
		}
	}
	fresh := w.processWatch()
	for i := range c.Processes {
		p := &c.Processes[i]
		if used[Cause{CauseProcess, p.Name}] && !w.counting.goOn(p).known {
			fresh.verdicts = append(fresh.verdicts, processVerdict{config: p})
		}
	}
	if len(fresh.verdicts) > 0 {
		fresh.count(time.Now())
	}
}

// assumed is what a script that a reload adds counts as until its first result.
func assumed(s *ScriptConfig) Standing { return Standing{Known: true, Up: !s.InitFail} }

// Close ends everything. Programs that run are killed.
func (w *Watcher) Close() {
	stop(slices.Collect(maps.Values(w.scripts))...)
	w.scripts = nil
	w.stopOthers()
}

func (w *Watcher) stopOthers() {
	stop(w.others...)
	w.others = nil
}

// tracked is what instances and groups track, interfaces left out.
func tracked(c *Config) map[Cause]bool {
	used := make(map[Cause]bool)
	add := func(t *TrackConfig) {
		for kind, list := range map[CauseKind][]TrackedConfig{
			CauseScript: t.Scripts, CauseFile: t.Files, CauseProcess: t.Processes,
		} {
			for i := range list {
				used[Cause{kind, list[i].Name}] = true
			}
		}
	}
	for i := range c.Instances {
		add(&c.Instances[i].Track)
	}
	for i := range c.Groups {
		add(&c.Groups[i].Track)
	}
	return used
}

func spawn(script *scriptWatch, loop func(context.Context)) *watching {
	ctx, cancel := context.WithCancel(context.Background())
	g := &watching{script: script, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(g.ended)
		loop(ctx)
	}()
	return g
}

// stopScripts stops the scripts that do not go on as they are: all of them with
// another policy.
func (w *Watcher) stopScripts(c *Config, used map[Cause]bool, samePolicy bool) {
	var ended []*watching
	for name, old := range w.scripts {
		same := func(s ScriptConfig) bool { return s.Name == name && reflect.DeepEqual(s, old.script.config) }
		if !samePolicy || !used[Cause{CauseScript, name}] || !slices.ContainsFunc(c.Scripts, same) {
			ended = append(ended, old)
		}
	}
	stop(ended...)
}

func (w *Watcher) applyScripts(c *Config, used map[Cause]bool, policy ScriptPolicy) {
	samePolicy := reflect.DeepEqual(policy, w.policy)
	w.policy = policy
	w.stopScripts(c, used, samePolicy)
	running := make(map[string]*watching)
	for i := range c.Scripts {
		s := c.Scripts[i]
		if !used[Cause{CauseScript, s.Name}] {
			continue
		}
		old := w.scripts[s.Name]
		if old != nil && samePolicy && reflect.DeepEqual(old.script.config, s) {
			running[s.Name] = old
			continue
		}
		if _, err := policy.Prepare(s.Command); err != nil {
			w.log.Warn("Disabling track script " + s.Name + ": " + err.Error())
			continue
		}
		watch := &scriptWatch{
			config: s, verdict: newScriptVerdict(&s), log: w.log,
			run:    func(ctx context.Context) ScriptResult { return policy.Run(ctx, s.Command) },
			report: func(st Standing) { w.report(CauseScript, s.Name, st) },
		}
		first := watch.verdict.standing()
		switch {
		case old != nil:
			watch.verdict, watch.last = old.script.verdict, old.script.last
			watch.verdict.reconfigure(&s)
			first = watch.verdict.standing()
		case w.applied:
			first = assumed(&s)
		}
		w.report(CauseScript, s.Name, first)
		running[s.Name] = spawn(watch, watch.loop)
	}
	w.scripts = running
}

func (w *Watcher) applyFiles(c *Config, used map[Cause]bool) {
	watch := &fileWatch{log: w.log, old: w.files, report: func(name string, value int) {
		w.report(CauseFile, name, Standing{Known: true, Value: value})
	}}
	w.files = make(map[string]bool)
	for _, f := range c.Files {
		if used[Cause{CauseFile, f.Name}] {
			watch.files = append(watch.files, f)
			w.files[f.Name] = true
		}
	}
	if len(watch.files) > 0 {
		watch.start()
		w.others = append(w.others, spawn(nil, watch.loop))
	}
}

func (w *Watcher) processWatch() *processWatch {
	return &processWatch{proc: "/proc", log: w.log, report: func(c *ProcessConfig, up bool) {
		w.report(CauseProcess, c.Name, Standing{Known: true, Up: up})
	}}
}

func (w *Watcher) applyProcesses(c *Config, used map[Cause]bool) {
	watch := w.processWatch()
	processes := slices.Clone(c.Processes)
	for i := range processes {
		if p := &processes[i]; used[Cause{CauseProcess, p.Name}] {
			watch.verdicts = append(watch.verdicts, w.counting.goOn(p))
		}
	}
	w.counting = watch
	if len(watch.verdicts) > 0 {
		watch.count(time.Now())
		w.others = append(w.others, spawn(nil, watch.loop))
	}
}
