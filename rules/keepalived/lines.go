package keepalived

import "strings"

// cleanLine takes comments and surrounding blanks off a line of a file. A
// comment begins with # or ! anywhere outside double quotes; \# and \! stand for
// the characters themselves. continued tells that the line ended in a backslash,
// which is taken off with the blanks before it; open that a double quote is not
// closed.
func cleanLine(line string) (text string, continued, open bool) {
	line = strings.TrimLeft(line, " \t")
	var escaped []int // places of backslashes to leave out
	comment := -1
scan:
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"' && comment < 0:
			open = !open
		case c == '\\':
			if i+1 == len(line) {
				continued = true
				line = line[:i]
				break scan
			}
			if n := line[i+1]; !open && comment < 0 && (n == '#' || n == '!') {
				escaped = append(escaped, i)
			}
			i++
		case (c == '#' || c == '!') && !open && comment < 0:
			comment = i
		}
	}
	if comment >= 0 {
		line = line[:comment]
	}
	if len(escaped) > 0 {
		line = without(line, escaped)
	}
	return strings.TrimRight(line, blanks), continued, open
}

// without returns s less the bytes at the given places, which rise.
func without(s string, places []int) string {
	var b strings.Builder
	start := 0
	for _, i := range places {
		b.WriteString(s[start:i])
		start = i + 1
	}
	b.WriteString(s[start:])
	return b.String()
}

// nextBrace returns the place of the first brace in text that opens or closes a
// block, -1 if there is none. Double quotes protect braces, and so does the
// dollar of ${NAME}.
func nextBrace(text string) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '}':
			return i
		case '"':
			end := strings.IndexByte(text[i+1:], '"')
			if end < 0 {
				return -1
			}
			i += end + 1
		case '$':
			if n := len(parseReference(text[i:]).text); n > 0 && text[i+1] == '{' {
				i += n - 1
			}
		}
	}
	return -1
}
