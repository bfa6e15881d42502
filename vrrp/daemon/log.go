package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
)

// newLog makes the log. Format is "text" or "json"; journal says that systemd's
// journal reads it, which wants a level in front of each line and knows the time.
func newLog(w io.Writer, format string, journal bool) (*slog.Logger, error) {
	out := &lineWriter{w: w}
	switch format {
	case "json":
		return slog.New(&jsonHandler{slog.NewJSONHandler(out, nil), out}), nil
	case "text":
		return slog.New(&lineHandler{lineWriter: out, journal: journal}), nil
	}
	return nil, fmt.Errorf("--log-format %q: write text or json", format)
}

// lineHandler writes what people read and search: the message, and nothing of the
// attributes, which say the same to programs.
type lineHandler struct {
	*lineWriter
	journal bool
}

// jsonHandler writes an object a line.
type jsonHandler struct {
	*slog.JSONHandler
	*lineWriter
}

// lineWriter writes lines, each in one piece.
type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
	// bundles is how many Bundles are at work, and held the lines meanwhile.
	bundles int
	held    []byte
}

// maxHeld is how many bytes of lines are held before they are written after all:
// few enough that a line is soon seen.
const maxHeld = 32 << 10

// Write writes a line, or holds it for the Bundle at work.
func (l *lineWriter) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = append(l.held, line...)
	return len(line), l.written()
}

// written writes what is held, unless it is to be held on.
func (l *lineWriter) written() error {
	if l.bundles > 0 && len(l.held) < maxHeld {
		return nil
	}
	return l.flush()
}

func (l *lineWriter) flush() error {
	_, err := l.w.Write(l.held)
	l.held = l.held[:0]
	return err
}

// Bundle writes what log logs in few pieces: whoever reads them is woken once, and
// not for each of ten thousand lines.
func (l *lineWriter) Bundle(log func()) {
	l.mu.Lock()
	l.bundles++
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.bundles--; l.bundles == 0 && len(l.held) > 0 {
			l.flush()
		}
	}()
	log()
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
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.journal {
		h.held = append(strconv.AppendInt(append(h.held, '<'), int64(priority(r.Level)), 10), '>')
	} else {
		h.held = append(r.Time.AppendFormat(h.held, time.StampMicro), ' ')
	}
	h.held = append(append(h.held, text...), '\n')
	return h.written()
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
