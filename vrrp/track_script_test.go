package vrrp

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// lineHandler keeps the messages that are logged.
type lineHandler struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (h *lineHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h *lineHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h *lineHandler) WithGroup(string) slog.Handler            { return h }
func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text.WriteString(r.Message + "\n")
	return nil
}

func (h *lineHandler) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

func TestScriptVerdict(t *testing.T) {
	tests := []struct {
		name       string
		rise, fall int
		initFail   bool
		results    string // + success, - failure
		want       string // verdict after each: ? not known, u up, d down
	}{
		{"one success is enough at first", 3, 3, false, "+", "u"},
		{"one failure is enough at first", 3, 3, false, "-", "d"},
		{"fall failures in a row", 1, 3, false, "+--+---", "uuuuuud"},
		{"rise successes in a row", 3, 1, false, "-++-+++", "ddddddu"},
		{"rise and fall of one", 1, 1, false, "+-+-", "udud"},
		{"init_fail waits for rise successes", 2, 1, true, "+-++", "dddu"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := newScriptVerdict(&ScriptConfig{Rise: test.rise, Fall: test.fall, InitFail: test.initFail})
			if v.standing().Known != test.initFail || v.standing().Up {
				t.Fatalf("stands as %+v before the first result", v.standing())
			}
			var got []byte
			for _, r := range test.results {
				was := v.standing()
				if changed := v.result(r == '+'); changed != (v.standing() != was) {
					t.Errorf("says changed: %v, and went from %+v to %+v", changed, was, v.standing())
				}
				got = append(got, "du"[boolIndex(v.up)])
			}
			if string(got) != test.want {
				t.Errorf("%s gives %s, want %s", test.results, got, test.want)
			}
		})
	}
}

func boolIndex(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestScriptLoop runs a script in time that is not real: when runs begin, what is
// reported, and what the log says.
func TestScriptLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var begun []time.Duration
		var reports []Standing
		var log lineHandler
		// How long each run takes, and its exit status.
		runs := []struct {
			takes time.Duration
			code  int
		}{{0, 0}, {300 * time.Millisecond, 0}, {0, 7}, {0, 7}, {2500 * time.Millisecond, 0}, {0, 0}}
		ctx, cancel := context.WithCancel(t.Context())
		w := &scriptWatch{
			config: ScriptConfig{Name: "chk", Interval: time.Second, Timeout: 2 * time.Second, Rise: 1, Fall: 2},
			log:    slog.New(&log),
			report: func(s Standing) { reports = append(reports, s) },
		}
		w.verdict = newScriptVerdict(&w.config)
		w.run = func(ctx context.Context) ScriptResult {
			begun = append(begun, time.Since(start))
			run := runs[len(begun)-1]
			if len(begun) == len(runs) {
				cancel()
			}
			select {
			case <-time.After(run.takes):
				return ScriptResult{Code: run.code}
			case <-ctx.Done():
				return ScriptResult{TimedOut: true, Signal: 15}
			}
		}
		w.loop(ctx)
		s := time.Second
		// The fifth is ended after 2 s, when the next one is due.
		if want := []time.Duration{0, s, 2 * s, 3 * s, 4 * s, 6 * s}; !slices.Equal(begun, want) {
			t.Errorf("runs begin after %v, want %v", begun, want)
		}
		if want := []Standing{{Known: true, Up: true}, {Known: true}}; !slices.Equal(reports, want) {
			t.Errorf("reported %+v, want %+v", reports, want)
		}
		want := "VRRP_Script(chk) succeeded\nScript `chk` now returning 7\nVRRP_Script(chk) failed (exited with status 7)\n"
		if log.String() != want {
			t.Errorf("logged\n%swant\n%s", log.String(), want)
		}
	})
}

// A script that fails the first time is told with its status, as keepalived does.
func TestScriptFailsAtOnce(t *testing.T) {
	var log lineHandler
	w := &scriptWatch{
		config: ScriptConfig{Name: "chk", Timeout: time.Second}, verdict: newScriptVerdict(&ScriptConfig{}), log: slog.New(&log),
		run: func(context.Context) ScriptResult { return ScriptResult{Code: 3} }, report: func(Standing) {},
	}
	w.once(t.Context())
	if want := "Script `chk` now returning 3\nVRRP_Script(chk) failed (exited with status 3)\n"; log.String() != want {
		t.Errorf("logged\n%swant\n%s", log.String(), want)
	}
}

// TestScriptLoopOvertaken begins at the next whole interval after a run that took
// longer than one.
func TestScriptLoopOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var begun []time.Duration
		ctx, cancel := context.WithCancel(t.Context())
		w := &scriptWatch{
			config: ScriptConfig{Interval: time.Second, Timeout: time.Minute, Rise: 1, Fall: 1},
			log:    slog.New(slog.DiscardHandler), report: func(Standing) {},
		}
		w.run = func(context.Context) ScriptResult {
			if begun = append(begun, time.Since(start)); len(begun) == 3 {
				cancel()
			}
			time.Sleep(2300 * time.Millisecond)
			return ScriptResult{}
		}
		w.loop(ctx)
		if want := []time.Duration{0, 3 * time.Second, 6 * time.Second}; !slices.Equal(begun, want) {
			t.Errorf("runs begin after %v, want %v", begun, want)
		}
	})
}

// TestScriptTimeoutLine is the line for a script that takes too long.
func TestScriptTimeoutLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lineHandler
		w := &scriptWatch{
			config: ScriptConfig{Name: "slow", Interval: time.Second, Timeout: time.Second, Rise: 1, Fall: 1},
			log:    slog.New(&log), report: func(Standing) {},
			run: func(ctx context.Context) ScriptResult {
				<-ctx.Done()
				return ScriptResult{TimedOut: true}
			},
		}
		w.verdict = newScriptVerdict(&w.config)
		w.once(t.Context())
		if got := strings.TrimSpace(log.String()); got != "VRRP_Script(slow) timed out" {
			t.Errorf("logged %q", got)
		}
	})
}
