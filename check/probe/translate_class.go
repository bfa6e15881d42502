package probe

import (
	"errors"
	"strconv"
	"strings"
)

// set is what \d, \w, \s, \h and \v stand for in a class, in ASCII unless ucp is
// on; inverted for the capital letters.
func (t *translator) set(c byte) (set string, inverted, ok bool) {
	lower := c | 0x20
	switch {
	case lower == 'h':
		set = `\t \u00a0`
		if t.on("utf") {
			set += `\u1680\u180e\u2000-\u200a\u202f\u205f\u3000`
		}
	case lower == 'v':
		set = `\n-\r\u0085`
		if t.on("utf") {
			set += `\u2028\u2029`
		}
	case t.on("ucp"):
		return "", false, false
	case lower == 'd':
		set = "0-9"
	case lower == 'w':
		set = "A-Za-z0-9_"
	case lower == 's':
		set = `\t-\r `
	default:
		return "", false, false
	}
	return set, c != lower, true
}

// complement is the set of what is not in that of a letter, for within a class.
func complement(lower byte) (string, bool) {
	switch lower {
	case 'd':
		return `\u0000-/:-\uffff`, true
	case 'w':
		return "\\u0000-/:-@\\[-\\^`{-\\uffff", true
	case 's':
		return `\u0000-\u0008\u000e-\u001f!-\uffff`, true
	}
	return "", false
}

// class takes a class, [ to ].
func (t *translator) class() error {
	head := "["
	t.in = t.in[1:]
	if strings.HasPrefix(t.in, "^") {
		head, t.in = "[^", t.in[1:]
	}
	if strings.HasPrefix(t.in, "]") {
		if t.on("allow_empty_class") {
			if head == "[" {
				t.replace(1, "(?!)")
			} else {
				t.replace(1, `[\s\S]`)
			}
			return nil
		}
		head += `\]`
		t.in = t.in[1:]
	}
	t.out.WriteString(head)
	for len(t.in) > 0 {
		switch c := t.in[0]; {
		case c == ']':
			t.copy(1)
			return nil
		case strings.HasPrefix(t.in, "[:"):
			if err := t.posix(); err != nil {
				return err
			}
		case c == '[':
			t.replace(1, `\[`)
		case c == '\\':
			if err := t.classEscape(); err != nil {
				return err
			}
		default:
			t.char()
		}
	}
	return errors.New("a class is not closed")
}

// posix takes a named class such as [:alpha:], or a bracket that is none.
func (t *translator) posix() error {
	name, _, closed := strings.Cut(t.in[2:], ":]")
	if !closed || strings.Trim(name, "^abcdefghijklmnopqrstuvwxyz") != "" {
		t.replace(1, `\[`)
		return nil
	}
	text, ok := map[string]string{
		"alpha": "A-Za-z", "digit": "0-9", "alnum": "A-Za-z0-9", "upper": "A-Z", "lower": "a-z", "word": "A-Za-z0-9_",
		"space": `\t-\r `, "blank": `\t `, "punct": "!-/:-@\\[-`{-~", "print": " -~", "graph": "!-~",
		"cntrl": `\u0000-\u001f\u007f`, "xdigit": "0-9A-Fa-f", "ascii": `\u0000-\u007f`,
	}[name]
	if strings.HasPrefix(name, "^") && len(name) > 1 {
		text, ok = complement(name[1]) // ^digit, ^word, ^space
		ok = ok && (name == "^digit" || name == "^word" || name == "^space")
	}
	if !ok {
		return errors.New("[:" + name + ":] is not supported")
	}
	t.replace(len("[:")+len(name)+len(":]"), text)
	return nil
}

// classEscape takes a backslash and what follows it, within a class.
func (t *translator) classEscape() error {
	if len(t.in) < 2 {
		return errors.New("there is nothing after the last \\")
	}
	c := t.in[1]
	switch {
	case c == 'Q':
		text, rest, _ := strings.Cut(t.in[2:], `\E`)
		t.in = rest
		t.quote(text)
		return nil
	case c == 'E':
		t.in = t.in[2:]
		return nil
	}
	if set, inverted, ok := t.set(c); ok {
		if inverted {
			if set, ok = complement(c | 0x20); !ok {
				return errors.New("\\" + string(c) + " in a class is not supported")
			}
		}
		t.replace(2, set)
		return nil
	}
	return t.plainEscape()
}

// plainEscape takes an escape that stands for one character, or for a property.
func (t *translator) plainEscape() error {
	switch c := t.in[1]; c {
	case 'x':
		digits := t.in[2:]
		if strings.HasPrefix(digits, "{") && !t.on("alt_bsux") {
			number, _, closed := strings.Cut(digits[1:], "}")
			return t.codePoint(number, 16, 4+len(number), closed)
		}
		n := len(digits) - len(strings.TrimLeft(digits, "0123456789abcdefABCDEF"))
		n = min(n, 2)
		if t.on("alt_bsux") && n < 2 {
			t.replace(2, "x")
			return nil
		}
		return t.codePoint("0"+digits[:n], 16, 2+n, true)
	case 'o':
		number, _, closed := strings.Cut(strings.TrimPrefix(t.in[2:], "{"), "}")
		return t.codePoint(number, 8, 4+len(number), closed && strings.HasPrefix(t.in[2:], "{"))
	case 'u', 'U':
		if !t.on("alt_bsux") {
			return errors.New("\\" + string(c) + " is only known with the option alt_bsux")
		}
		if _, err := strconv.ParseUint(t.in[2:min(6, len(t.in))], 16, 16); c == 'u' && err == nil && len(t.in) >= 6 {
			t.copy(6)
		} else {
			t.replace(2, string(c))
		}
	case 'l', 'L':
		return errors.New("\\" + string(c) + " is not supported")
	case 'p', 'P':
		name, n := "", 3
		switch {
		case strings.HasPrefix(t.in[2:], "{"):
			name, _, _ = strings.Cut(t.in[3:], "}")
			n = 4 + len(name)
		case len(t.in) > 2:
			name = t.in[2:3]
		}
		if n > len(t.in) {
			return errors.New("a property has no name")
		}
		if strings.HasPrefix(name, "^") {
			name, c = name[1:], c^0x20
		}
		t.replace(n, "\\"+string(c)+"{"+name+"}")
	default:
		if c >= 0x80 {
			t.in = t.in[1:]
			t.char()
			return nil
		}
		t.copy(2)
	}
	return nil
}

// codePoint takes a character given by its number, n bytes in all.
func (t *translator) codePoint(number string, base, n int, ok bool) error {
	v, err := strconv.ParseUint(number, base, 32)
	switch {
	case err != nil || !ok:
		return errors.New("the number of a character cannot be read")
	case v > 0xffff:
		if !t.on("utf") || v > 0x10ffff {
			return errors.New("there is no such character")
		}
		t.replace(n, string(rune(v)))
	default:
		t.replace(n, `\u`+strconv.FormatUint(0x10000|v, 16)[1:])
	}
	return nil
}
