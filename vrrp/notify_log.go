package vrrp

import "log/slog"

// logLine is the line for the log and its level, "" for no line. Lines are those
// that keepalived's users search for.
func (r *Report) logLine(detail bool) (string, slog.Level) {
	switch a := r.Action.(type) {
	case Transition:
		if r.Group != "" {
			return a.GroupLine(r.Group), slog.LevelInfo
		}
		return a.Line(r.Instance), slog.LevelInfo
	case Log:
		if a.Detail() && !detail {
			return "", slog.LevelInfo
		}
		return a.Line(r.Instance), slog.LevelInfo
	case Refuse:
		return a.Line(r.Instance), slog.LevelWarn
	}
	return "", slog.LevelInfo
}

// detailLevel is how full the queue may be before details are left out, so that
// they never cost a report that somebody acts on.
const detailLevel = maxQueued / 2

// attributes are the same for a log that is read by programs.
func (r *Report) attributes() []any {
	list := []any{slog.String("instance", r.Instance)}
	if r.Group != "" {
		list = []any{slog.String("group", r.Group)}
	}
	switch a := r.Action.(type) {
	case Transition:
		return append(list, slog.String("event", "transition"), slog.String("from", a.From.String()),
			slog.String("to", a.To.String()), slog.String("trigger", a.Trigger.String()))
	case Log:
		return append(list, slog.String("event", a.Note.String()))
	case Detail:
		return append(list, slog.String("event", "detail"))
	case Refuse:
		return append(list, slog.String("event", "refuse"), slog.String("reason", a.Verdict.Reason.String()))
	}
	return list
}
