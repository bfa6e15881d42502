package health

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// StallsArg is the argument that makes a program of its own of Stalls. All its threads
// must be in real time: Go has them wait for each other.
const StallsArg = "stalls"

// How often the real-time thread is to be woken, and how late is worth telling.
const (
	stallEvery = 2 * time.Millisecond
	stallLeast = time.Millisecond / 2
)

// Stalls only sleeps, and writes each time that it is woken late: when that was due and
// when it was, in nanoseconds. It is late when the machine itself has stood still, under
// a guest or for others. It does not return but for an error.
func Stalls(w io.Writer) error {
	debug.SetGCPercent(-1) // it has nothing to collect
	for due := time.Now(); ; {
		due = due.Add(stallEvery)
		at := unix.NsecToTimespec(due.UnixNano())
		for err := error(unix.EINTR); err == unix.EINTR; {
			err = unix.ClockNanosleep(unix.CLOCK_REALTIME, unix.TIMER_ABSTIME, &at, nil)
		}
		if now := time.Now(); now.Sub(due) >= stallLeast {
			if _, err := fmt.Fprintln(w, due.UnixNano(), now.UnixNano()); err != nil {
				return err
			}
			due = now
		}
	}
}

// stall is a time in which the machine stood still.
type stall struct{ from, to time.Time }

// stalls are those of a measurement.
type stalls struct {
	cmd   *exec.Cmd
	ended chan struct{}

	mu  sync.Mutex
	all []stall
}

// watchStalls begins to watch the machine.
func watchStalls() (*stalls, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &stalls{cmd: exec.Command("chrt", "--fifo", "50", self, StallsArg), ended: make(chan struct{})}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(s.ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var from, to int64
			if _, err := fmt.Sscan(lines.Text(), &from, &to); err == nil {
				s.mu.Lock()
				s.all = append(s.all, stall{time.Unix(0, from), time.Unix(0, to)})
				s.mu.Unlock()
			}
		}
	}()
	return s, nil
}

func (s *stalls) stop() {
	s.cmd.Process.Kill()
	<-s.ended
	s.cmd.Wait()
}

// between is for how much of a time the machine stood still.
func (s *stalls) between(from, to time.Time) (sum time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		begin, end := one.from, one.to
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		sum += max(0, end.Sub(begin))
	}
	return sum
}
