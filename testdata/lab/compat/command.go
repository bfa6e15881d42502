package compat

import (
	"fmt"
	"strings"
)

// ParseCommand reads a line of a transcript as an invocation: words in a
// shell's quotes, variables set by env before them, and a printf whose output
// they read. ok is false when the line needs a real shell.
func ParseCommand(line string) (inv Invocation, ok bool) {
	words, err := SplitWords(line)
	if err != nil {
		return inv, false
	}
	if len(words) > 0 && words[0] == "printf" {
		bar := indexWord(words, "|")
		if bar < 0 {
			return inv, false
		}
		if inv.Stdin, ok = evalPrintf(words[1:bar]); !ok {
			return inv, false
		}
		words = words[bar+1:]
	}
	if len(words) > 0 && words[0] == "env" {
		for words = words[1:]; len(words) > 0 && strings.Contains(words[0], "="); words = words[1:] {
			inv.Env = append(inv.Env, words[0])
		}
	}
	inv.Argv = words
	if len(words) == 0 || indexWord(words, "|") >= 0 || !strings.HasPrefix(inv.Name(), "ipvsadm") {
		return inv, false
	}
	return inv, true
}

func indexWord(words []string, w string) int {
	for i := range words {
		if words[i] == w {
			return i
		}
	}
	return -1
}

// SplitWords splits a line as a shell does that expands nothing. A bar that
// stands alone and unquoted becomes the word "|"; other characters special to a
// shell are an error outside quotes.
func SplitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	begun := false
	end := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case ' ':
			end()
		case '\'':
			close := strings.IndexByte(line[i+1:], '\'')
			if close < 0 {
				return nil, fmt.Errorf("split %q: quote not closed", line)
			}
			word.WriteString(line[i+1 : i+1+close])
			i += close + 1
			begun = true
		case '"':
			close := strings.IndexByte(line[i+1:], '"')
			if close < 0 || strings.ContainsAny(line[i+1:i+1+close], "$`\\") {
				return nil, fmt.Errorf("split %q: double quotes this does not understand", line)
			}
			word.WriteString(line[i+1 : i+1+close])
			i += close + 1
			begun = true
		case '\\':
			if i++; i == len(line) {
				return nil, fmt.Errorf("split %q: nothing after the backslash", line)
			}
			word.WriteByte(line[i])
			begun = true
		case '$', '`', '<', '>', '&', ';', '(', ')', '#', '*', '?':
			return nil, fmt.Errorf("split %q: %q needs a shell", line, c)
		case '|':
			end()
			words = append(words, "|")
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	end()
	return words, nil
}

// evalPrintf gives what printf prints of one format without a verb, or of '%s\n'
// and words.
func evalPrintf(words []string) (string, bool) {
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	switch {
	case len(words) == 1 && !strings.Contains(strings.ReplaceAll(words[0], "%%", ""), "%"):
		return unescapePrintf(words[0]), true
	case len(words) > 1 && words[0] == `%s\n`:
		return strings.Join(words[1:], "\n") + "\n", true
	}
	return "", false
}

var printfEscapes = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t", `\r`, "\r", "%%", "%")

func unescapePrintf(s string) string { return printfEscapes.Replace(s) }

func escapePrintf(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`, "%", "%%").Replace(s)
}

// Quote returns a word as a shell needs it.
func Quote(w string) string {
	if w != "" && strings.Trim(w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+.,:/@%") == "" {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}
