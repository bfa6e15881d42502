package keepalived

import (
	"strconv"
	"strings"
)

// repetition is a ~SEQ or ~LST and the text it repeats.
type repetition struct {
	names []string
	text  string
	// A sequence counts, a list has its values.
	next, last, step int64
	hex              bool
	values           [][]string
}

// repeats tells whether a line is one.
func repeats(line string) bool {
	line = strings.TrimLeft(line, " \t")
	return strings.HasPrefix(line, "~SEQ") || strings.HasPrefix(line, "~LST")
}

// turn returns the values of the next turn, false when all are done.
func (r *repetition) turn() ([]string, bool) {
	if r.values != nil {
		if r.next == int64(len(r.values)) {
			return nil, false
		}
		r.next++
		return r.values[r.next-1], true
	}
	if r.step > 0 && r.next > r.last || r.step < 0 && r.next < r.last {
		return nil, false
	}
	base := 10
	if r.hex {
		base = 16
	}
	v := strconv.FormatInt(r.next, base)
	r.next += r.step
	return []string{v}, true
}

// parseRepetition reads "~SEQ(NAME, [START, [STEP,]] END) TEXT", ~SEQx, and
// "~LST(NAME, VALUE…) TEXT" or "~LST({NAME…}, {VALUE…}…) TEXT". expand replaces
// definitions in what is between the parentheses. problem says why it makes no
// sense.
func parseRepetition(line string, expand func(string) string) (r *repetition, problem string) {
	kind := line[:4]
	rest := line[4:]
	hex := kind == "~SEQ" && strings.HasPrefix(rest, "x")
	if hex {
		rest = rest[1:]
	}
	rest = strings.TrimLeft(rest, " \t")
	if !strings.HasPrefix(rest, "(") {
		return nil, kind + " needs its values in parentheses"
	}
	inside, text, found := strings.Cut(rest[1:], ")")
	if !found {
		return nil, "the parenthesis of " + kind + " is not closed"
	}
	name, args, found := cutTop(inside)
	if !found {
		return nil, kind + " needs a name and values"
	}
	args = expand(args)
	text = strings.Trim(text, " \t")
	if kind == "~LST" {
		return parseList(name, args, text)
	}
	return parseSequence(name, args, text, hex)
}

// cutTop cuts at the first comma that is not within braces.
func cutTop(s string) (first, rest string, found bool) {
	parts := splitTop(s)
	if len(parts) == 1 {
		return strings.TrimSpace(s), "", false
	}
	return strings.TrimSpace(parts[0]), s[len(parts[0])+1:], true
}

func parseSequence(name, args, text string, hex bool) (*repetition, string) {
	if !isName(name) {
		return nil, "~SEQ needs a name to count in"
	}
	var n []int64
	for _, word := range strings.Split(args, ",") {
		v, err := strconv.ParseInt(strings.TrimSpace(word), 0, 32)
		if err != nil {
			return nil, "~SEQ cannot count with " + strconv.Quote(strings.TrimSpace(word))
		}
		n = append(n, v)
	}
	r := &repetition{names: []string{name}, text: text, hex: hex, step: 1}
	switch len(n) {
	case 1:
		r.next, r.last = 1, n[0]
		if n[0] < 0 {
			r.next = -1
		}
		if n[0] < 1 {
			r.step = -1
		}
	case 2:
		r.next, r.last = n[0], n[1]
		if n[0] > n[1] {
			r.step = -1
		}
	case 3:
		r.next, r.step, r.last = n[0], n[1], n[2]
		if r.step == 0 || r.next < r.last && r.step < 0 || r.next > r.last && r.step > 0 {
			return nil, "~SEQ never gets from its start to its end with that step"
		}
	default:
		return nil, "~SEQ takes a start, a step and an end"
	}
	if hex && (r.next < 0 || r.last < 0) {
		return nil, "~SEQx counts only with positive numbers"
	}
	return r, ""
}

func parseList(name, args, text string) (*repetition, string) {
	names, isBraced := unbrace(name)
	for _, n := range names {
		if !isName(n) {
			return nil, "~LST needs a name, or names in braces"
		}
	}
	if strings.Contains(args, `"`) {
		return nil, "the values of ~LST cannot be quoted"
	}
	r := &repetition{names: names, text: text}
	for _, part := range splitTop(args) {
		values, braced := unbrace(strings.TrimSpace(part))
		if len(values) > len(names) || braced && !isBraced {
			return nil, "~LST has more values than names"
		}
		for len(values) < len(names) {
			values = append(values, "")
		}
		r.values = append(r.values, values)
	}
	return r, ""
}

// unbrace returns the words of {a, b}, or a alone.
func unbrace(s string) (words []string, braced bool) {
	if !strings.HasPrefix(s, "{") || !strings.HasSuffix(s, "}") {
		return []string{s}, false
	}
	words = splitTop(s[1 : len(s)-1])
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	return words, true
}

func isName(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isNameByte(s[i], i == 0) {
			return false
		}
	}
	return s != ""
}
