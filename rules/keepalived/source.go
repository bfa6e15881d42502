package keepalived

import (
	"strings"
)

// readLine returns the next line of a file as it is written.
func (r *reader) readLine(f *fileSource) (string, bool) {
	if f.text == "" {
		return "", false
	}
	if r.physical++; r.physical > maxPhysical {
		r.stop(Position{f.path, f.line}, "the files have more lines than we read", "is this a configuration file?")
		return "", false
	}
	line, rest, _ := strings.Cut(f.text, "\n")
	f.text = rest
	f.line++
	return strings.TrimRight(line, "\r"), true
}

// fileLine returns the next line of a file that is not blank, joined with those
// it is continued by. A definition that is continued is stored instead.
func (r *reader) fileLine(f *fileSource) (string, Position, bool) {
	for {
		text, ok := r.readLine(f)
		if !ok {
			return "", Position{}, false
		}
		pos := Position{f.path, f.line}
		line, continued := r.clean(text, pos)
		name, value, isDef := parseDefinition(line)
		switch {
		case continued && isDef:
			r.defineLines(f, name, value)
		case continued:
			return r.join(f, line, pos), pos, true
		case line != "":
			return line, pos, true
		}
	}
}

// clean takes the comment off a line and complains of what no line may have.
func (r *reader) clean(text string, pos Position) (line string, continued bool) {
	if len(text) > maxLineSize {
		r.fail(KindLimit, pos, "the line is longer than 64 KiB", "is this a configuration file?")
		return "", false
	}
	if strings.IndexByte(text, 0) >= 0 {
		r.fail(KindText, pos, "the line contains a NUL byte", "is this a configuration file?")
		return "", false
	}
	line, continued, open := cleanLine(text)
	if open {
		r.unclosed = pos
		r.fail(KindText, pos, "a double quote is not closed: "+abridge(line), `write the second " on the same line`)
	}
	return line, continued
}

// defineLines reads the further lines of a definition that ends in a backslash.
// A blank line ends it, as the first line without a backslash does.
func (r *reader) defineLines(f *fileSource, name, value string) {
	def := &definition{}
	size := len(value)
	if value != "" {
		def.lines = append(def.lines, value)
	}
	for more := true; more; {
		text, ok := r.readLine(f)
		if !ok || strings.Trim(text, blanks) == "" {
			break
		}
		var line string
		line, more = r.clean(text, Position{f.path, f.line})
		if line != "" {
			def.lines = append(def.lines, line)
		}
		if size += len(line); size > maxTotalSize {
			break
		}
	}
	def.multi = len(def.lines) > 0
	if !def.multi {
		def.lines = []string{""}
	}
	r.defs.set(name, def)
}

// join puts the lines together that a line ending in a backslash is continued by.
func (r *reader) join(f *fileSource, line string, pos Position) string {
	parts := []string{line}
	size := len(line)
	for more := true; more; {
		text, ok := r.readLine(f)
		if !ok {
			break
		}
		line, more = r.clean(text, Position{f.path, f.line})
		parts = append(parts, line)
		if size += len(line) + 1; size > maxLineSize {
			r.fail(KindLimit, pos, "the line and those that continue it are longer than 64 KiB", "")
			return ""
		}
	}
	return strings.Join(parts, " ")
}
