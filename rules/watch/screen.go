package watch

import (
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"
)

// Screen is a terminal that the view has for itself: the alternate screen, in
// raw mode, without a cursor.
type Screen struct {
	in, out *os.File
	colours bool
	before  *term.State
	shown   []Line // what the terminal shows; nil when that is not known
	keys    chan Key
	signals chan os.Signal
}

// OpenScreen takes over a terminal. Close gives it back. No colours are used if
// not colours.
func OpenScreen(in, out *os.File, colours bool) (*Screen, error) {
	s := &Screen{in: in, out: out, colours: colours, keys: make(chan Key, 64), signals: make(chan os.Signal, 4)}
	if err := s.enter(); err != nil {
		return nil, err
	}
	signal.Notify(s.signals, syscall.SIGWINCH, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGCONT)
	go s.readKeys()
	return s, nil
}

// Escape sequences of ECMA-48 and, with a ?, of xterm.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J" // alternate screen, no cursor, no wrapping, clear
	leaveScreen = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
	clearLine   = "\x1b[K"
	clearScreen = "\x1b[2J"
)

func (s *Screen) enter() error {
	before, err := term.MakeRaw(int(s.in.Fd()))
	if err != nil {
		return err
	}
	if s.before == nil { // else it may be raw already
		s.before = before
	}
	s.shown = nil
	_, err = s.out.WriteString(enterScreen)
	return err
}

// Close gives the terminal back as it was.
func (s *Screen) Close() {
	signal.Stop(s.signals)
	s.leave()
}

func (s *Screen) leave() {
	s.out.WriteString(leaveScreen)
	term.Restore(int(s.in.Fd()), s.before)
}

// Suspend stops the program as Ctrl-Z does, and goes on when it is continued; at
// once if there is no shell that could continue it, for then it is not stopped.
func (s *Screen) Suspend() error {
	s.leave()
	syscall.Kill(0, syscall.SIGTSTP)
	time.Sleep(stopTime)
	return s.enter()
}

// stopTime is how long a signal may take to stop the program.
const stopTime = 200 * time.Millisecond

// signalled reacts to a signal. It returns false for one that ends the program.
func (s *Screen) signalled(sig os.Signal) bool {
	switch sig {
	case syscall.SIGWINCH:
		s.shown = nil
	case syscall.SIGCONT:
		return s.enter() == nil
	default:
		return false
	}
	return true
}

// Size returns the columns and lines of the terminal; 80 and 24 if it does not
// say.
func (s *Screen) Size() (width, height int) {
	width, height, err := term.GetSize(int(s.out.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}

// Redraw forgets what the terminal shows.
func (s *Screen) Redraw() { s.shown = nil }

// Draw shows lines, writing only those that changed, all in one write.
func (s *Screen) Draw(lines []Line) error {
	var b strings.Builder
	if len(s.shown) != len(lines) {
		b.WriteString(clearScreen)
		s.shown = nil
	}
	for i, l := range lines {
		if s.shown != nil && s.shown[i] == l {
			continue
		}
		b.WriteString("\x1b[" + strconv.Itoa(i+1) + "H")
		b.WriteString(l.Style.sequence(s.colours))
		b.WriteString(l.Text + "\x1b[0m" + clearLine)
	}
	s.shown = lines
	if b.Len() == 0 {
		return nil
	}
	_, err := s.out.WriteString(b.String())
	return err
}

// sequence selects how characters look (ECMA-48 §8.3.117).
func (s Style) sequence(colours bool) string {
	if !colours {
		return [...]string{Normal: "", Title: "\x1b[7m", Strong: "\x1b[1m", Faint: "", Warn: "\x1b[1m", Bad: "\x1b[1m", Chosen: "\x1b[7m"}[s]
	}
	return [...]string{
		Normal: "", Title: "\x1b[7m", Strong: "\x1b[1;32m", Faint: "\x1b[2m", Warn: "\x1b[33m", Bad: "\x1b[1;31m", Chosen: "\x1b[7m",
	}[s]
}

// escapePause is how long after an escape the rest of a sequence may come, over
// a slow line too.
const escapePause = 50 * time.Millisecond

// readKeys reads keys until the terminal is gone, which is an Interrupt.
func (s *Screen) readKeys() {
	chunks := make(chan []byte)
	go func() {
		defer close(chunks)
		for {
			b := make([]byte, 256)
			n, err := s.in.Read(b)
			if err != nil || n == 0 {
				return
			}
			chunks <- b[:n]
		}
	}()
	var input []byte
	var pause <-chan time.Time
	for {
		select {
		case b, ok := <-chunks:
			if !ok {
				s.keys <- Interrupt
				return
			}
			input = append(input, b...)
		case <-pause: // so it was the key of that name
			s.keys <- Escape
			input = input[1:]
		}
		for {
			k, n := decodeKey(input)
			if n == 0 {
				break
			}
			s.keys <- k
			input = input[n:]
		}
		pause = nil
		if len(input) > 0 {
			pause = time.After(escapePause)
		}
	}
}
