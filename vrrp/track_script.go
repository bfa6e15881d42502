package vrrp

import (
	"context"
	"log/slog"
	"strconv"
	"time"
)

// scriptWatch runs one vrrp_script again and again.
type scriptWatch struct {
	config  ScriptConfig
	run     func(context.Context) ScriptResult
	verdict scriptVerdict
	report  func(Standing)
	log     *slog.Logger

	last ScriptResult // to log only what is new; at first a success
}

// loop runs the script until the context ends. Runs begin at whole intervals
// after the first one; those that a long run leaves no time for are left out.
func (w *scriptWatch) loop(ctx context.Context) {
	for due := time.Now(); ; {
		w.once(ctx)
		if ctx.Err() != nil {
			return
		}
		due = due.Add(w.config.Interval)
		if late := time.Since(due); late > 0 {
			due = due.Add((late + w.config.Interval - 1) / w.config.Interval * w.config.Interval)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(due)):
		}
	}
}

// once runs the script and takes in the result. A run that was ended because we
// end says nothing about the script.
func (w *scriptWatch) once(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, w.config.Timeout)
	defer cancel()
	result := w.run(limited)
	if ctx.Err() != nil {
		return
	}
	if !result.TimedOut { // then there is no status
		if result.Code != w.last.Code {
			w.log.Info("Script `" + w.config.Name + "` now returning " + strconv.Itoa(result.Code))
		}
		w.last = result
	}
	if !w.verdict.result(result.OK()) {
		return
	}
	if w.verdict.up {
		w.log.Info("VRRP_Script(" + w.config.Name + ") succeeded")
	} else if result.TimedOut {
		w.log.Info("VRRP_Script(" + w.config.Name + ") timed out")
	} else {
		w.log.Info("VRRP_Script(" + w.config.Name + ") failed (" + result.String() + ")")
	}
	w.report(w.verdict.standing())
}
