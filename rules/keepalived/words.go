package keepalived

import "strings"

// blanks separate words. keepalived's list, which lacks the no-break space that
// web pages put into copied text.
const blanks = " \t\f\n\r\v"

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// splitWords cuts a line into words the plain way: blanks separate, and a pair
// of double quotes makes one word of what is between, even in the middle of
// another (a"b c"d is three words). Nothing is an escape. The words are parts of
// line and are appended to words.
func splitWords(words []string, line string) []string {
	for i := 0; i < len(line); {
		switch c := line[i]; {
		case isBlank(c):
			i++
		case c == '"':
			end := strings.IndexByte(line[i+1:], '"')
			if end < 0 { // the reader has complained of it
				return append(words, line[i+1:])
			}
			words = append(words, line[i+1:i+1+end])
			i += end + 2
		default:
			start := i
			for i < len(line) && !isBlank(line[i]) && line[i] != '"' {
				i++
			}
			words = append(words, line[start:i])
		}
	}
	return words
}

// splitQuoted cuts a line into words the way of scripts and patterns: both kinds
// of quotes group and can stand inside a word (a"b c"'d' is one word), and a
// backslash takes the special meaning from the next character or gives it one
// (\n, \x41, \101, \cA). missing is the quote that is never closed, or '\\' when
// the line ends behind a backslash.
func splitQuoted(line string) (words []string, missing byte) {
	var word []byte
	var quote byte
	inWord := false
	for i := 0; i < len(line); {
		c := line[i]
		switch {
		case c == '\\':
			if i+1 == len(line) {
				return words, '\\'
			}
			var b byte
			b, i = unescape(line, i+1)
			word, inWord = append(word, b), true
			continue
		case quote != 0:
			if c == quote {
				quote = 0
			} else {
				word = append(word, c)
			}
		case c == '"' || c == '\'':
			quote, inWord = c, true
		case isBlank(c):
			if inWord {
				words, word, inWord = append(words, string(word)), word[:0], false
			}
		default:
			word, inWord = append(word, c), true
		}
		i++
	}
	if inWord {
		words = append(words, string(word))
	}
	return words, quote
}

// unescape reads what stands behind a backslash at line[i] and returns the
// character meant and where to go on.
func unescape(line string, i int) (byte, int) {
	const hexDigits = "0123456789abcdefABCDEF"
	c := line[i]
	switch {
	case c == 'x' && i+1 < len(line) && strings.IndexByte(hexDigits, line[i+1]) >= 0:
		var b byte
		for i++; i < len(line) && strings.IndexByte(hexDigits, line[i]) >= 0; i++ {
			b = b<<4 | hexValue(line[i])
		}
		return b, i
	case c == 'c' && i+1 < len(line):
		return line[i+1] & 0x1f, i + 2
	case '0' <= c && c <= '7':
		var b byte
		for n := 0; n < 3 && i < len(line) && '0' <= line[i] && line[i] <= '7'; n++ {
			b = b<<3 + line[i] - '0'
			i++
		}
		return b, i
	}
	if n := strings.IndexByte("abEfnrtv", c); n >= 0 {
		return "\a\b\x1b\f\n\r\t\v"[n], i + 1
	}
	return c, i + 1
}

func hexValue(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}

// quote writes a word so that splitWords reads it back, if there is a way: a
// double quote inside a word has none. The word can be the first of a line, where
// some words speak to the reader.
func quote(word string) string {
	if word == "" || strings.ContainsAny(word, blanks+"{}#!") || strings.IndexByte("@~$", word[0]) >= 0 || strings.HasPrefix(word, "include") {
		return `"` + word + `"`
	}
	return word
}

// quoteFor writes a word so that splitQuoted reads it back, and so that the
// readers before it, which look for comments, braces and definitions, see
// nothing in it.
func quoteFor(word string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(word); i++ {
		switch c := word[i]; {
		case c == '\\':
			b.WriteString(`\\`)
		case c < ' ' || c == 0x7f || c == '$' || c == '"':
			b.WriteString(octal(c))
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func octal(c byte) string {
	return string([]byte{'\\', '0' + c>>6, '0' + c>>3&7, '0' + c&7})
}
