package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"

	"ipvsadm/check"
)

// pattern is a regular expression that is searched for in answers.
type pattern struct {
	re       *regexp2.Regexp
	utf      bool // the answer is UTF-8, not bytes
	first    bool // a match begins in the first line
	min, max uint64
	turns    *Turns
}

// Answers of any length are searched in windows, with little memory. So a match
// may take up to overlap bytes with all that it looks ahead at, and look at behind
// bytes before it. keepalived's limits are the 4 KiB it reads at once.
const (
	window  = 64 << 10
	overlap = 16 << 10
	behind  = 1 << 10
)

// matchTimeout is how long one window may be searched at most. A pattern that
// takes longer goes back and forth for ever on this answer.
const matchTimeout = time.Second

// newPattern compiles a pattern of PCRE2, with keepalived's names of its options.
func newPattern(u check.URLConfig, turns *Turns) (*pattern, error) {
	on := func(name string) bool { return slices.Contains(u.Options, name) }
	p := &pattern{utf: on("utf"), first: on("firstline"), min: u.MinOffset, max: u.MaxOffset, turns: turns}
	text, err := translate(u.Pattern, on)
	if err != nil {
		return nil, fmt.Errorf("regex %q: %w", u.Pattern, err)
	}
	options := regexp2.RegexOptions(0)
	for name, o := range map[string]regexp2.RegexOptions{
		"caseless": regexp2.IgnoreCase, "multiline": regexp2.Multiline, "dotall": regexp2.Singleline,
		"extended": regexp2.IgnorePatternWhitespace, "no_auto_capture": regexp2.ExplicitCapture,
	} {
		if on(name) {
			options |= o
		}
	}
	if p.re, err = compile(text, options); err != nil {
		return nil, fmt.Errorf("regex %q: %w", u.Pattern, err)
	}
	return p, nil
}

// compile makes an error of a panic: the library has had some, over patterns that
// nobody means.
func compile(text string, options regexp2.RegexOptions) (re *regexp2.Regexp, err error) {
	defer func() {
		if p := recover(); p != nil {
			re, err = nil, fmt.Errorf("it is not understood: %v", p)
		}
	}()
	return regexp2.Compile(text, options)
}

// search is the search in one answer.
type search struct {
	*pattern
	ctx   context.Context // ends when the answer has taken too long
	chars []rune          // of the window, for the next to use again
	text  []byte          // the window
	base  uint64          // where in the answer it begins
	from  int             // where in it the next match may begin
	line  int64           // where the first line ends, -1 if it has not
	done  bool
	found bool
	err   error
}

func (p *pattern) search(ctx context.Context) *search { return &search{pattern: p, ctx: ctx, line: -1} }

// write takes the next bytes of the answer.
func (s *search) write(b []byte) {
	for len(b) > 0 && !s.done {
		n := min(len(b), window-len(s.text))
		s.text, b = append(s.text, b[:n]...), b[n:]
		if len(s.text) == window {
			s.look(false)
		}
	}
}

// end says whether the pattern was found in the whole answer.
func (s *search) end() (bool, error) {
	if !s.done {
		s.look(true)
	}
	return s.found, s.err
}

// look searches the window. Unless it is the last it counts only what begins
// early enough to have room for all of a match, and leaves the rest for the next.
func (s *search) look(last bool) {
	cut := len(s.text)
	if !last {
		cut -= overlap
	}
	if s.first && s.line < 0 {
		if i := slices.Index(s.text, '\n'); i >= 0 {
			s.line = int64(s.base) + int64(i)
		}
	}
	if low := s.min - min(s.min, s.base); low > uint64(s.from) {
		s.from = int(min(low, uint64(len(s.text))))
	}
	start := -1
	if last || s.from < cut {
		start, s.err = s.find()
	}
	at := s.base + uint64(max(start, 0))
	switch {
	case s.err != nil:
		s.done = true
	case start >= 0 && s.beyond(at), start < 0 && s.beyond(s.base+uint64(cut)):
		s.done = true
	case start >= 0 && (last || start <= cut):
		s.done, s.found = true, true
	case last:
		s.done = true
	default:
		if s.from = max(s.from, cut); start >= 0 {
			s.from = start
		}
		drop := max(0, min(s.from, cut)-behind)
		s.text = append(s.text[:0], s.text[drop:]...)
		s.base += uint64(drop)
		s.from -= drop
	}
	if s.done {
		s.text, s.chars = nil, nil
	}
}

// beyond says whether no match may begin there any more.
func (s *search) beyond(at uint64) bool {
	return s.max != 0 && at > s.max || s.first && s.line >= 0 && int64(at) > s.line
}

var (
	errTooSlow = errors.New("the search takes too long")
	// errBusy says nothing of the server: others were searching all the time.
	errBusy = errors.New("too many patterns are searched for at the same time")
)

// find returns where in the window the first match begins, -1 for none.
func (s *search) find() (start int, err error) {
	start = -1
	err = s.turns.search(s.ctx, func() (err error) {
		start, err = s.match()
		return err
	})
	return start, err
}

func (s *search) match() (int, error) {
	// A pattern belongs to one checker, and that to one goroutine.
	s.re.MatchTimeout = matchTimeout
	if end, ok := s.ctx.Deadline(); ok {
		s.re.MatchTimeout = min(matchTimeout, time.Until(end))
	}
	if s.re.MatchTimeout <= 0 {
		return -1, errTooSlow
	}
	from := s.decode()
	m, err := s.re.FindRunesMatchStartingAt(s.chars, from)
	switch {
	case err != nil:
		return -1, errTooSlow
	case m == nil:
		return -1, nil
	}
	return s.offset(m.Index), nil
}

// decode makes of the window what the pattern sees: its bytes, or with utf its
// characters. It returns where among them the search begins.
func (s *search) decode() (from int) {
	s.chars = s.chars[:0]
	if !s.utf {
		for _, b := range s.text {
			s.chars = append(s.chars, rune(b))
		}
		return s.from
	}
	for i := 0; i < len(s.text); {
		if i < s.from {
			from++
		}
		r, size := utf8.DecodeRune(s.text[i:])
		s.chars = append(s.chars, r)
		i += size
	}
	return from
}

// offset is where in the window the nth character begins.
func (s *search) offset(n int) int {
	if !s.utf {
		return n
	}
	at := 0
	for range n {
		_, size := utf8.DecodeRune(s.text[at:])
		at += size
	}
	return at
}
