package check

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// maxLines is how many lines may wait to be written. A log that stands still must
// not hold up the checks, nor fill the memory.
const maxLines = 1 << 16

// bundler is a slog.Handler that can write many lines in one piece: those that
// log logs.
type bundler interface {
	Bundle(log func())
}

// journal hands lines to a log in a goroutine of its own, when flush says so: the
// kernel's table comes before the log of it, which takes as long with many servers.
type journal struct {
	log *slog.Logger

	mu     sync.Mutex
	more   sync.Cond
	lines  []line
	lost   int
	due    bool // to be written
	closed bool
	ended  chan struct{}
}

type line struct {
	level slog.Level
	text  string
}

func newJournal(log *slog.Logger) *journal {
	j := &journal{log: log, ended: make(chan struct{})}
	j.more.L = &j.mu
	go j.write()
	return j
}

func (j *journal) info(text string)  { j.add(slog.LevelInfo, text) }
func (j *journal) warn(text string)  { j.add(slog.LevelWarn, text) }
func (j *journal) error(text string) { j.add(slog.LevelError, text) }

func (j *journal) add(level slog.Level, text string) {
	if !j.log.Enabled(context.Background(), level) {
		return
	}
	j.mu.Lock()
	if len(j.lines) < maxLines {
		j.lines = append(j.lines, line{level, text})
	} else {
		j.lost++
	}
	many := len(j.lines) == maxLines/4
	j.mu.Unlock()
	if many {
		j.flush()
	}
}

// flush has the lines written.
func (j *journal) flush() {
	j.mu.Lock()
	j.due = len(j.lines) > 0
	if j.due {
		j.more.Signal()
	}
	j.mu.Unlock()
}

// write writes lines until the journal is closed and nothing is left.
func (j *journal) write() {
	defer close(j.ended)
	for {
		j.mu.Lock()
		for !j.due && !j.closed {
			j.more.Wait()
		}
		lines, lost := j.lines, j.lost
		j.lines, j.lost, j.due = nil, 0, false
		j.mu.Unlock()
		if len(lines) == 0 {
			return
		}
		if lost > 0 {
			lines = append(lines, line{slog.LevelError, fmt.Sprintf("%d lines were lost: too many at a time", lost)})
		}
		put := func() { j.put(lines) }
		if b, ok := j.log.Handler().(bundler); ok {
			b.Bundle(put)
		} else {
			put()
		}
	}
}

// put writes lines. It looks at the clock once, for there are machines where that
// takes longer than all the rest.
func (j *journal) put(lines []line) {
	ctx, handler, now := context.Background(), j.log.Handler(), time.Now()
	for _, l := range lines {
		handler.Handle(ctx, slog.NewRecord(now, l.level, l.text, 0))
	}
}

// close writes what is left.
func (j *journal) close() {
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	j.more.Signal()
	<-j.ended
}
