package differ

import "strings"

// A token is an option found in the words of a command line, or a plain word.
type token struct {
	opt *opt // nil for a plain word
	// word is the index of the word that holds the value, or is the plain word;
	// the value begins at byte from of it.
	word, from int
	value      string
	given      bool // whether there is a value
}

// scan finds the options in words as popt does, up to the first mistake. It
// knows just enough to say where values and plain words are.
func scan(options []opt, words []string, posix bool) []token {
	var tokens []token
	ended := false
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case ended || w == "-" || !strings.HasPrefix(w, "-"):
			tokens = append(tokens, token{word: i, value: w})
			ended = ended || posix
		case w == "--":
			ended = true
		case strings.HasPrefix(w, "--"):
			name, value, given := strings.Cut(w[2:], "=")
			o := find(options, func(o *opt) bool { return o.long == name })
			if o == nil || given && o.shape == flag {
				return tokens
			}
			t := token{opt: o, word: i, from: len(w) - len(value), value: value, given: given}
			if !given && !t.next(words, &i) {
				return tokens
			}
			tokens = append(tokens, t)
		default:
			found, ok := bundle(options, words, &i)
			if tokens = append(tokens, found...); !ok {
				return tokens
			}
		}
	}
	return tokens
}

// bundle reads the short options of words[*i].
func bundle(options []opt, words []string, i *int) (tokens []token, ok bool) {
	w := words[*i]
	for at := 1; at < len(w); at++ {
		o := find(options, func(o *opt) bool { return o.short == w[at:at+1] })
		if o == nil || o.shape == flag && strings.HasPrefix(w[at+1:], "=") {
			return tokens, false
		}
		t := token{opt: o, word: *i}
		if o.shape == flag {
			tokens = append(tokens, t)
			continue
		}
		if rest := w[at+1:]; rest != "" {
			t.value, t.given = strings.TrimPrefix(rest, "="), true
			t.from = len(w) - len(t.value)
		} else if !t.next(words, i) {
			return tokens, false
		}
		return append(tokens, t), true
	}
	return tokens, true
}

// next takes the value of an option from the next word, if it has one there.
func (t *token) next(words []string, i *int) bool {
	last := *i+1 == len(words)
	switch {
	case t.opt.shape == flag, t.opt.shape == optional && (last || strings.HasPrefix(words[*i+1], "-")):
		return true
	case last:
		return false
	}
	*i++
	t.word, t.from, t.value, t.given = *i, 0, words[*i], true
	return true
}

func find(options []opt, is func(*opt) bool) *opt {
	for i := range options {
		if is(&options[i]) {
			return &options[i]
		}
	}
	return nil
}
