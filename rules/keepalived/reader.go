package keepalived

import (
	"context"
	"path"
	"strings"
)

// tokenKind is what the reader hands to the parser.
type tokenKind uint8

const (
	tokenEnd   tokenKind = iota
	tokenText            // the words of a line, up to a brace
	tokenOpen            // {
	tokenClose           // }
)

type token struct {
	kind tokenKind
	text string
	pos  Position
}

// reader turns configuration files into tokens: it takes off comments, joins
// continued lines, stores definitions and puts them in, repeats, includes, leaves
// out what is for other machines, and cuts at braces.
type reader struct {
	ctx    context.Context
	report *report
	files  files
	glob   globber
	defs   definitions
	id     string // the configuration id that @ID asks for

	sources  []source // those in use, the innermost last
	rest     string   // what is left of the line being cut
	pos      Position // of that line
	physical int      // lines read from files
	includes int      // include lines carried out
	lines    int      // lines handed on
	bytes    int      // their length
	unclosed Position // of the last line with an open quote
	stopped  bool     // a limit was met or the context ended
	ahead    token
	peeked   bool // ahead is the next token
}

// source is somewhere that lines come from: a file, the further lines of a
// definition, or a repetition. Exactly one of the three is in use.
type source struct {
	file   *fileSource
	lines  []string
	repeat *repetition
	pos    Position // of the line that began lines or repeat
}

type fileSource struct {
	path   string // to open and to show
	text   string // not yet read
	line   int    // last line read
	checks includeChecks
}

// next returns the next token. After tokenEnd it is tokenEnd for ever.
func (r *reader) next() token {
	if r.peeked {
		r.peeked = false
		return r.ahead
	}
	for r.rest == "" {
		line, pos, ok := r.line()
		if !ok {
			return token{kind: tokenEnd, pos: r.pos}
		}
		r.rest, r.pos = line, pos
	}
	switch r.rest[0] {
	case '{':
		return r.cut(tokenOpen, 1)
	case '}':
		return r.cut(tokenClose, 1)
	}
	n := nextBrace(r.rest)
	if n < 0 {
		n = len(r.rest)
	}
	return r.cut(tokenText, n)
}

// cut makes a token of the first n bytes of the line in hand.
func (r *reader) cut(kind tokenKind, n int) token {
	t := token{kind: kind, text: strings.TrimRight(r.rest[:n], blanks), pos: r.pos}
	r.rest = strings.TrimLeft(r.rest[n:], blanks)
	return t
}

// peek looks at the next token without taking it.
func (r *reader) peek() token {
	if !r.peeked {
		r.ahead = r.next()
		r.peeked = true
	}
	return r.ahead
}

// line returns the next line that is for the parser, false at the end.
func (r *reader) line() (string, Position, bool) {
	for !r.stopped {
		line, pos, ok := r.raw()
		if !ok {
			return "", r.pos, false
		}
		r.lines++
		r.bytes += len(line)
		if r.lines > maxLines || r.bytes > maxTotalSize {
			r.stop(pos, "the configuration is longer than we read", "leave out a repetition or split it over several processes")
		} else if r.lines%1024 == 0 && r.ctx.Err() != nil {
			r.stop(pos, "reading was broken off: "+context.Cause(r.ctx).Error(), "")
		} else if line = r.process(line, pos); line != "" {
			return line, pos, true
		}
	}
	return "", r.pos, false
}

// stop gives up reading.
func (r *reader) stop(pos Position, what, fix string) {
	if !r.stopped {
		r.report.add(Diagnostic{Error, KindLimit, pos, what, fix})
	}
	r.stopped = true
	r.sources = nil
}

func (r *reader) fail(kind Kind, pos Position, what, fix string) {
	r.report.add(Diagnostic{Error, kind, pos, what, fix})
}

// raw returns the next line of the innermost source, without comments.
func (r *reader) raw() (string, Position, bool) {
	for len(r.sources) > 0 {
		s := &r.sources[len(r.sources)-1]
		switch {
		case s.file != nil:
			if line, pos, ok := r.fileLine(s.file); ok {
				return line, pos, true
			}
			if len(r.sources) == 1 {
				r.pos = Position{s.file.path, s.file.line}
			}
		case s.repeat != nil:
			if values, ok := s.repeat.turn(); ok {
				for i, name := range s.repeat.names {
					r.defs.set(name, &definition{lines: values[i : i+1]})
				}
				return s.repeat.text, s.pos, true
			}
		case len(s.lines) > 0:
			line := s.lines[0]
			s.lines = s.lines[1:]
			return line, s.pos, true
		}
		if !r.stopped { // else there are none left
			r.sources = r.sources[:len(r.sources)-1]
		}
	}
	return "", Position{}, false
}

// push makes s the source of the next lines.
func (r *reader) push(s source, pos Position) {
	if len(r.sources) >= maxNesting {
		r.stop(pos, "files, definitions and repetitions are nested too deeply", "")
		return
	}
	r.sources = append(r.sources, s)
}

// process carries out what a line says to the reader itself and returns what is
// left for the parser, "" if nothing is.
func (r *reader) process(line string, pos Position) string {
	switch {
	case line == "":
		return ""
	case line[0] != '@' && line[0] != '~' && strings.IndexByte(line, '$') < 0:
		return r.include(line, pos)
	}
	for {
		for line != "" && line[0] == '@' {
			line = r.condition(line)
		}
		if line == "" {
			return ""
		}
		if name, value, ok := parseDefinition(line); ok {
			r.defs.set(name, &definition{lines: []string{value}})
			return ""
		}
		if repeats(line) {
			r.repeat(line, pos)
			return ""
		}
		expanded := r.expand(line, pos)
		if expanded == "" {
			return ""
		}
		if expanded == line || expanded[0] != '@' && expanded[0] != '~' && expanded[0] != '$' {
			return r.include(expanded, pos)
		}
		line = expanded
	}
}

// condition returns what stands behind @ID or @^ID when it is for this machine.
// A machine without an ID has no line with @ID and every line with @^ID.
func (r *reader) condition(line string) string {
	id, rest := line[1:], ""
	if i := strings.IndexAny(id, " \t"); i >= 0 {
		id, rest = id[:i], strings.TrimLeft(id[i:], " \t")
	}
	id, not := strings.CutPrefix(id, "^")
	if (r.id != "" && id == r.id) == not {
		return ""
	}
	return rest
}

func (r *reader) repeat(line string, pos Position) {
	rep, problem := parseRepetition(line, func(s string) string { return r.expand(s, pos) })
	if problem != "" {
		r.fail(KindText, pos, problem+": "+abridge(line), "write ~SEQ(NAME, START, STEP, END) TEXT or ~LST(NAME, VALUE, …) TEXT")
		return
	}
	r.push(source{repeat: rep, pos: pos}, pos)
}

// expand puts the definitions in.
func (r *reader) expand(line string, pos Position) string {
	out, rest, undefined, problem := r.defs.expand(line)
	switch {
	case problem != "" && r.defs.spent > maxTotalSize:
		r.stop(pos, "the definitions stand for more text than we read", "")
		return ""
	case problem != "":
		r.fail(KindText, pos, problem, "")
		return ""
	}
	if undefined != "" && r.report.once("undefined "+undefined) {
		r.report.add(Diagnostic{Warning, KindReference, pos, "${" + undefined + "} is not defined and stays as it is", "define it before with $" + undefined + "=VALUE"})
	}
	if len(rest) > 0 {
		r.push(source{lines: rest, pos: pos}, pos)
	}
	return strings.Trim(out, blanks)
}

// workingDir is ${_PWD}: that directory from the root.
func (r *reader) workingDir() string { return r.files.from(r.dir()) }

// dir returns the directory that the file being read is in, as it was named.
func (r *reader) dir() string {
	for i := len(r.sources) - 1; i >= 0; i-- {
		if f := r.sources[i].file; f != nil {
			return path.Dir(f.path)
		}
	}
	return "."
}

// maxExcerpt is how many characters of a text messages show.
const maxExcerpt = 60

// passwordWord is the word that a password follows.
const passwordWord = "auth_pass"

// abridge shortens text for a message and makes it printable. Messages go to logs that
// many can read, so what follows the word of a password is left out.
func abridge(s string) string {
	clean := strings.ToValidUTF8(s, "?")
	clean = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, clean)
	if before, _, found := strings.Cut(clean, passwordWord+" "); found {
		return before + passwordWord + " …"
	}
	if runes := []rune(clean); len(runes) > maxExcerpt {
		return string(runes[:maxExcerpt]) + "…"
	}
	return clean
}
