package keepalived

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// reference is a use of a definition: $NAME or ${NAME PARAMETERS}.
type reference struct {
	text   string // as written, "" if there is none
	name   string
	params string
}

// parseReference reads the reference that s, which begins with a dollar, begins
// with. $NAME must be followed by a blank, a comma, a closing parenthesis or the
// end of the line; parameters are digits and blanks, or a name for ${_ENV NAME}.
func parseReference(s string) reference {
	i := 1
	braced := i < len(s) && s[i] == '{'
	if braced {
		i++
	}
	start := i
	for i < len(s) && isNameByte(s[i], i == start) {
		i++
	}
	name := s[start:i]
	if name == "" {
		return reference{}
	}
	if !braced {
		if i == len(s) || strings.IndexByte(" \t,)", s[i]) >= 0 {
			return reference{text: s[:i], name: name}
		}
		return reference{}
	}
	params := i
	for i < len(s) && (s[i] == ' ' || isNameByte(s[i], false)) {
		i++
	}
	if i == len(s) || s[i] != '}' {
		return reference{}
	}
	return reference{text: s[:i+1], name: name, params: strings.TrimSpace(s[params:i])}
}

func isNameByte(c byte, first bool) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || !first && '0' <= c && c <= '9'
}

// definition is the value of a name, one line or several. Values are kept as
// written: what they refer to is looked up when they are used.
type definition struct {
	lines []string
	// multi tells a definition that was written over several lines. It can only
	// be used at the end of a line, the rest of it following as further lines.
	multi bool
}

// definitions are the names defined so far.
type definitions struct {
	names map[string]*definition
	// dir, id, env and random serve the names that are defined beforehand. They
	// can be defined anew like any other.
	dir    func() string
	id     string
	env    func(string) (string, bool)
	random *rand.Rand
	// spent counts the bytes written by substitutions: a few short lines can
	// stand for very much text.
	spent int
}

// parseDefinition splits "$NAME=VALUE"; ok is false if line is not of that form.
func parseDefinition(line string) (name, value string, ok bool) {
	if line == "" || line[0] != '$' {
		return "", "", false
	}
	i := 1
	for i < len(line) && isNameByte(line[i], i == 1) {
		i++
	}
	if i == 1 || i == len(line) || line[i] != '=' {
		return "", "", false
	}
	return line[1:i], strings.TrimLeft(line[i+1:], " \t"), true
}

func (d *definitions) set(name string, def *definition) {
	if d.names == nil {
		d.names = make(map[string]*definition)
	}
	d.names[name] = def
}

// find returns what a reference stands for.
func (d *definitions) find(r reference) (*definition, bool) {
	if def, ok := d.names[r.name]; ok {
		return def, r.params == ""
	}
	var value string
	switch {
	case r.name == "_ENV" && r.params != "":
		if v, ok := d.env(r.params); ok {
			value = v
		}
	case r.name == "_RANDOM":
		n, ok := d.randomNumber(r.params)
		if !ok {
			return nil, false
		}
		value = n
	case r.params != "":
		return nil, false
	case r.name == "_PWD":
		value = d.dir()
	case r.name == "_INSTANCE":
		value = d.id
	case r.name == "_HASH":
		value = "#"
	case r.name == "_BANG":
		value = "!"
	default:
		return nil, false
	}
	return &definition{lines: []string{value}}, true
}

// randomNumber serves ${_RANDOM [MIN [MAX]]}.
func (d *definitions) randomNumber(params string) (string, bool) {
	bounds := [2]uint64{0, 32767}
	for i, word := range strings.Fields(params) {
		if i == len(bounds) {
			return "", false
		}
		n, err := strconv.ParseUint(word, 10, 31)
		if err != nil {
			return "", false
		}
		bounds[i] = n
	}
	if bounds[0] > bounds[1] {
		return "", false
	}
	return strconv.FormatUint(bounds[0]+d.random.Uint64N(bounds[1]-bounds[0]+1), 10), true
}

// maxReplacements bounds the substitutions in one line: a name that is defined
// by itself would go on for ever.
const maxReplacements = 1000

// expand replaces the references in line, those in the values that it puts in
// included, until there are none left. rest are the further lines of a
// definition that was used at the end of the line. problem says what went wrong,
// and undefined names a ${NAME} outside quotes that nothing defines.
func (d *definitions) expand(line string) (out string, rest []string, undefined, problem string) {
	at, counted, quotes := 0, 0, 0
	for n := 0; at < len(line); {
		i := strings.IndexByte(line[at:], '$')
		if i < 0 {
			break
		}
		at += i
		ref := parseReference(line[at:])
		if ref.text == "" {
			at++
			continue
		}
		def, ok := d.find(ref)
		if !ok {
			quotes += strings.Count(line[counted:at], `"`)
			counted = at
			if quotes%2 == 0 && line[at+1] == '{' {
				undefined = ref.name
			}
			at++
			continue
		}
		tail := line[at+len(ref.text):]
		if def.multi && (tail != "" || rest != nil) {
			return line, nil, "", "$" + ref.name + " holds several lines and must be the last word of a line"
		}
		if def.multi {
			rest = def.lines[1:]
		}
		line = line[:at] + def.lines[0] + tail
		d.spent += len(line)
		if n++; n > maxReplacements || len(line) > maxLineSize || d.spent > maxTotalSize {
			return "", nil, "", "the definition of $" + ref.name + " is too long or contains itself"
		}
		if repeats(def.lines[0]) && strings.TrimLeft(line[:at], " \t") == "" {
			break // what follows ~SEQ is expanded each time it is repeated
		}
	}
	return line, rest, undefined, ""
}
