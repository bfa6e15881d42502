package probe

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// translate writes a pattern of PCRE2 in the language of regexp2, which is that of
// .NET. The two agree but for what is here. What regexp2 has no word for, as
// recursion, it refuses.
//
// What stays different is out of the way of pages that are checked: beyond ASCII
// the letters are those of Unicode for \b and for caseless also without ucp, and
// with multiline ^ is also after the last line.
func translate(pattern string, on func(option string) bool) (string, error) {
	t := &translator{in: pattern, on: on}
	for len(t.in) > 0 {
		if err := t.step(); err != nil {
			return "", err
		}
	}
	return t.out.String(), nil
}

type translator struct {
	in     string
	out    strings.Builder
	on     func(string) bool
	atom   int   // where in out the last atom begins
	opened []int // where in out the groups that are open begin
	groups int   // how many capturing groups there were
}

// step takes the next piece of the pattern.
func (t *translator) step() error {
	at := t.out.Len()
	switch c := t.in[0]; {
	case c == '\\':
		before := t.atom
		t.atom = at
		err := t.escape()
		if t.out.Len() == at { // \E is no atom
			t.atom = before
		}
		return err
	case c == '[':
		t.atom = at
		return t.class()
	case c == '(':
		t.opened = append(t.opened, at)
		return t.group()
	case c == ')':
		if n := len(t.opened); n > 0 {
			t.atom, t.opened = t.opened[n-1], t.opened[:n-1]
		}
		t.copy(1)
	case c == '#' && t.on("extended"):
		end := strings.IndexByte(t.in, '\n')
		if end < 0 {
			end = len(t.in) - 1
		}
		t.in = t.in[end+1:]
	case t.on("extended") && strings.IndexByte(" \t\n\v\f\r", c) >= 0:
		t.copy(1)
	case c == '$' && t.on("dollar_endonly") && !t.on("multiline"):
		t.replace(1, `\z`)
	case c == '*' || c == '+' || c == '?' || c == '{' && repeat(t.in) > 0:
		t.quantifier()
	default:
		t.atom = at
		t.char()
	}
	return nil
}

// copy copies bytes that mean the same, and replace does not.
func (t *translator) copy(n int) { t.replace(n, t.in[:n]) }

func (t *translator) replace(n int, s string) {
	t.out.WriteString(s)
	t.in = t.in[n:]
}

// char copies a character: without utf each byte is one.
func (t *translator) char() {
	if b := t.in[0]; b < 0x80 {
		t.copy(1)
	} else if t.on("utf") {
		n := 1
		for n < len(t.in) && t.in[n]&0xc0 == 0x80 {
			n++
		}
		t.copy(n)
	} else {
		t.replace(1, string(rune(b)))
	}
}

// repeat is the length of a {n,m} at the beginning of s, 0 if there is none: then
// a brace is just a brace.
func repeat(s string) int {
	end := strings.IndexByte(s, '}')
	if end < 2 {
		return 0
	}
	low, high, _ := strings.Cut(s[1:end], ",")
	for _, n := range []string{low, high} {
		if strings.Trim(n, "0123456789") != "" {
			return 0
		}
	}
	if low == "" {
		return 0
	}
	return end + 1
}

// quantifier takes a quantifier. A possessive one makes its atom an atomic group;
// ungreedy exchanges the other two kinds.
func (t *translator) quantifier() {
	n := 1
	if t.in[0] == '{' {
		n = repeat(t.in)
	}
	t.copy(n)
	switch {
	case strings.HasPrefix(t.in, "+"):
		t.in = t.in[1:]
		out := t.out.String()
		t.out.Reset()
		t.out.WriteString(out[:t.atom] + "(?>" + out[t.atom:] + ")")
	case strings.HasPrefix(t.in, "?"):
		t.in = t.in[1:]
		if !t.on("ungreedy") {
			t.out.WriteByte('?')
		}
	case t.on("ungreedy"):
		t.out.WriteByte('?')
	}
}

// group takes the beginning of a group.
func (t *translator) group() error {
	rest := t.in[1:]
	switch {
	case strings.HasPrefix(rest, "?#"):
		end := strings.IndexByte(t.in, ')')
		if end < 0 {
			return errors.New("a comment is not closed")
		}
		t.opened = t.opened[:len(t.opened)-1]
		t.in = t.in[end+1:]
	case strings.HasPrefix(rest, "?P<"):
		t.groups++
		t.replace(4, "(?<")
	case strings.HasPrefix(rest, "?P="):
		end := strings.IndexByte(t.in, ')')
		if end < 0 {
			return errors.New("a group is not closed")
		}
		t.atom, t.opened = t.opened[len(t.opened)-1], t.opened[:len(t.opened)-1]
		t.replace(end+1, `\k<`+t.in[4:end]+`>`)
	case strings.HasPrefix(rest, "*"):
		return errors.New("verbs such as (*SKIP) are not supported")
	case strings.HasPrefix(rest, "?"):
		named := strings.HasPrefix(rest, "?'") || strings.HasPrefix(rest, "?<") && !strings.HasPrefix(rest, "?<=") && !strings.HasPrefix(rest, "?<!")
		if named {
			t.groups++
		}
		t.copy(2)
	default:
		if !t.on("no_auto_capture") {
			t.groups++
		}
		t.copy(1)
	}
	return nil
}

// escape takes a backslash and what follows it, outside of a class.
func (t *translator) escape() error {
	if len(t.in) < 2 {
		return errors.New("there is nothing after the last \\")
	}
	switch c := t.in[1]; c {
	case 'Q':
		text, rest, _ := strings.Cut(t.in[2:], `\E`)
		t.in = rest
		t.quote(text)
	case 'E':
		t.in = t.in[2:]
	case 'R':
		t.replace(2, `(?>\r\n|[\n-\r\u0085])`)
	case 'N':
		if strings.HasPrefix(t.in[2:], "{") && repeat(t.in[2:]) == 0 {
			return errors.New("\\N{…} is not supported")
		}
		t.replace(2, `[^\n]`)
	case 'K', 'C', 'X':
		return errors.New("\\" + string(c) + " is not supported")
	case 'g', 'k':
		return t.reference()
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		n := len(t.in) - len(strings.TrimLeft(t.in[1:], "0123456789"))
		number, _ := strconv.Atoi(t.in[1:n])
		// A number that no group has may be that of a character, in octal.
		if t.on("match_unset_backref") && (number < 10 || number <= t.groups) {
			t.unset(n, t.in[1:n])
		} else {
			t.copy(n)
		}
	default:
		if set, inverted, ok := t.set(c); ok {
			if inverted {
				t.replace(2, "[^"+set+"]")
			} else {
				t.replace(2, "["+set+"]")
			}
			return nil
		}
		return t.plainEscape()
	}
	return nil
}

// reference takes \g and \k, all of whose forms are ways to write a number or a
// name.
func (t *translator) reference() error {
	kind, rest := t.in[1], t.in[2:]
	var name string
	n := 2
	switch {
	case rest == "":
		return errors.New("a reference has no name")
	case strings.IndexByte("{<'", rest[0]) >= 0:
		end := strings.IndexByte(rest[1:], map[byte]byte{'{': '}', '<': '>', '\'': '\''}[rest[0]])
		if end < 0 || kind == 'g' && rest[0] != '{' {
			return errors.New("calling a group is not supported")
		}
		name, n = rest[1:1+end], 4+end
	default:
		digits := len(rest) - len(strings.TrimLeft(rest, "-0123456789"))
		name, n = rest[:digits], 2+digits
	}
	if number, err := strconv.Atoi(name); err == nil {
		if number < 0 {
			number += t.groups + 1
		}
		name = strconv.Itoa(number)
	}
	if t.on("match_unset_backref") {
		t.unset(n, name)
	} else {
		t.replace(n, `\k<`+name+`>`)
	}
	return nil
}

// unset refers to a group that, if it has matched nothing yet, is empty.
func (t *translator) unset(n int, name string) { t.replace(n, `(?(`+name+`)\k<`+name+`>|)`) }

// quote writes text that stands for itself. Its last character is the last atom.
func (t *translator) quote(text string) {
	for len(text) > 0 {
		t.atom = t.out.Len()
		n := 1
		if t.on("utf") {
			_, n = utf8.DecodeRuneInString(text)
		}
		if n > 1 {
			t.out.WriteString(text[:n])
		} else {
			t.out.WriteString(`\u` + strconv.FormatUint(0x10000|uint64(text[0]), 16)[1:])
		}
		text = text[n:]
	}
}
