package keepalived

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// printer writes a configuration as text that reads back as the same.
type printer struct {
	b       strings.Builder
	depth   int
	word    string // the word being written
	secrets bool   // write passwords as they are
}

// line writes the word with its arguments, which must be quoted where needed.
func (p *printer) line(args ...string) {
	for range p.depth {
		p.b.WriteString("    ")
	}
	p.b.WriteString(p.word)
	for _, a := range args {
		p.b.WriteByte(' ')
		p.b.WriteString(a)
	}
	if n := len(args); n > 0 && strings.HasSuffix(args[n-1], `\`) {
		p.b.WriteString(" #") // or the next line would continue this one
	}
	p.b.WriteByte('\n')
}

// block writes the word, its arguments, and in braces what inside writes.
func (p *printer) block(inside func(), args ...string) {
	p.line(append(args, "{")...)
	p.depth++
	inside()
	p.depth--
	p.word = "}"
	p.line()
}

// items writes a block of lines, nothing if there are none.
func printItems[E any](p *printer, items []E, format func(E) []string) {
	if len(items) == 0 {
		return
	}
	p.block(func() {
		for _, it := range items {
			words := format(it)
			p.word = words[0]
			p.line(words[1:]...)
		}
	})
}

// number is a word that sets a number from lo to hi.
func number[T any, N integer](name, doc string, lo, hi N, at func(*T) *N) word[T] {
	return word[T]{
		wordInfo: wordInfo{name: name, args: "N", doc: doc},
		set: func(s *statement, t *T) {
			if n, ok := inRange(s, 0, lo, hi); ok {
				*at(t) = n
			}
		},
		show: func(p *printer, t *T) {
			if n := *at(t); n >= lo {
				p.line(strconv.FormatInt(int64(n), 10))
			}
		},
	}
}

// atLeastOne is a word that sets a count; 0 is taken for 1 with a warning, as
// keepalived does.
func atLeastOne[T any](name, doc string, at func(*T) *int) word[T] {
	w := number(name, doc, 1, maxCount, at)
	inner := w.set
	w.set = func(s *statement, t *T) {
		if s.args[0] == "0" {
			s.warn(KindValue, name+" must be at least 1 and is taken for 1", "write "+name+" 1")
			*at(t) = 1
			return
		}
		inner(s, t)
	}
	return w
}

// maxCount is the largest number where there is no other limit.
const maxCount = 1<<31 - 1

// duration is a word that sets a time in decimal seconds.
func duration[T any](name, doc string, lo, hi time.Duration, at func(*T) *time.Duration) word[T] {
	return word[T]{
		wordInfo: wordInfo{name: name, args: "SECONDS", doc: doc},
		set: func(s *statement, t *T) {
			if d, ok := s.seconds(0, lo, hi); ok {
				*at(t) = d
			}
		},
		show: func(p *printer, t *T) {
			if d := *at(t); d >= lo {
				p.line(formatSeconds(d))
			}
		},
	}
}

// wholeSeconds is a word that sets a time in whole seconds.
func wholeSeconds[T any](name, doc string, lo, hi int64, at func(*T) *time.Duration) word[T] {
	return word[T]{
		wordInfo: wordInfo{name: name, args: "SECONDS", doc: doc},
		set: func(s *statement, t *T) {
			if n, ok := inRange(s, 0, lo, hi); ok {
				*at(t) = time.Duration(n) * time.Second
			}
		},
		show: func(p *printer, t *T) {
			if n := int64(*at(t) / time.Second); n >= lo {
				p.line(strconv.FormatInt(n, 10))
			}
		},
	}
}

// flag is a word without arguments that switches something on.
func flag[T any](name, doc string, at func(*T) *bool) word[T] {
	return word[T]{
		wordInfo: wordInfo{name: name, doc: doc},
		set:      func(_ *statement, t *T) { *at(t) = true },
		show: func(p *printer, t *T) {
			if *at(t) {
				p.line()
			}
		},
	}
}

// boolean is a word that switches something on, or off if it is told so.
func boolean[T any](name, doc string, at func(*T) *bool) word[T] {
	return word[T]{
		wordInfo: wordInfo{name: name, args: "[BOOL]", doc: doc},
		set: func(s *statement, t *T) {
			if b, ok := s.yes(); ok {
				*at(t) = b
			}
		},
		show: func(p *printer, t *T) { p.line(formatBool(*at(t))) },
	}
}

// text is a word that sets a string.
func text[T any](name, args, doc string, at func(*T) *string) word[T] {
	return word[T]{
		wordInfo: wordInfo{name: name, args: args, doc: doc},
		set: func(s *statement, t *T) {
			if s.args[0] == "" {
				s.badValue("", "a word")
				return
			}
			*at(t) = s.str(0)
		},
		show: func(p *printer, t *T) {
			if v := *at(t); v != "" {
				p.line(quote(v))
			}
		},
	}
}

// device is a word that sets the name of an interface.
func device[T any](name, doc string, at func(*T) *string) word[T] {
	w := text(name, "IF", doc, at)
	w.set = func(s *statement, t *T) {
		if name, ok := s.iface(0); ok {
			*at(t) = name
		}
	}
	return w
}

// address is a word that sets an IP address.
func address[T any](name, doc string, at func(*T) *netip.Addr) word[T] {
	return word[T]{
		wordInfo: wordInfo{name: name, args: "ADDR", doc: doc},
		set: func(s *statement, t *T) {
			if a, ok := s.addr(0); ok {
				*at(t) = a
			}
		},
		show: func(p *printer, t *T) {
			if a := *at(t); a.IsValid() {
				p.line(a.String())
			}
		},
	}
}

// unused is a word that is read and has nothing to do here.
func unused[T any](name, args, why string) word[T] {
	return word[T]{wordInfo: wordInfo{name: name, args: args, doc: "Not used: " + why + ".", unused: why}}
}

// also gives a word other spellings of the same standing.
func (w word[T]) spelled(also string) word[T] { w.also = also; return w }

// replacing gives a word spellings that are no longer to be used.
func (w word[T]) replacing(old string) word[T] { w.old = old; return w }

// firstCounts makes the first of several statements count.
func (w word[T]) firstCounts() word[T] { w.first = true; return w }

// named refuses a second name.
func (w word[T]) named() word[T] { w.oneName = true; return w }

// showing gives a word another way to be printed.
func (w word[T]) showing(show func(*printer, *T)) word[T] { w.show = show; return w }

// hidden leaves a word out of what is printed: its value is written where it
// was put.
func (w word[T]) hidden() word[T] { w.show = nil; return w }
