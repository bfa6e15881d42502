package health

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/testdata/lab/uml"
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

// stallWatch watches the machine during a measurement.
type stallWatch struct {
	uml.Stalls
	cmd   *exec.Cmd
	ended chan struct{}
}

// watchStalls begins to watch the machine.
func watchStalls() (*stallWatch, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &stallWatch{cmd: exec.Command("chrt", "--fifo", "50", self, StallsArg), ended: make(chan struct{})}
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
				s.Add(time.Unix(0, from), time.Unix(0, to))
			}
		}
	}()
	return s, nil
}

func (s *stallWatch) stop() {
	s.cmd.Process.Kill()
	<-s.ended
	s.cmd.Wait()
}
