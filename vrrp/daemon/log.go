package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// newLog makes the log. Format is "text" or "json"; journal says that systemd's
// journal reads it, which wants a level in front of each line and knows the time.
func newLog(w io.Writer, format string, journal bool) (*slog.Logger, error) {
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, nil)), nil
	case "text":
		return slog.New(&lineHandler{out: &lineWriter{w: w}, journal: journal}), nil
	}
	return nil, fmt.Errorf("--log-format %q: write text or json", format)
}

// lineHandler writes what people read and search: the message, and nothing of the
// attributes, which say the same to programs.
type lineHandler struct {
	out     *lineWriter
	journal bool
}

type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }
func (h *lineHandler) WithAttrs([]slog.Attr) slog.Handler           { return h }
func (h *lineHandler) WithGroup(string) slog.Handler                { return h }

// Handle writes a line in one piece.
func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	// Names and what others sent may hold anything; a line must stay one line.
	text := strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, r.Message)
	line := text + "\n"
	if h.journal {
		line = fmt.Sprintf("<%d>%s", priority(r.Level), line)
	} else {
		line = r.Time.Format(time.StampMicro) + " " + line
	}
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	_, err := io.WriteString(h.out.w, line)
	return err
}

// priority is the level in the words of syslog(3).
func priority(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	case l >= slog.LevelInfo:
		return 6
	}
	return 7
}
