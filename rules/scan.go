package rules

import (
	"strings"

	"github.com/spf13/pflag"
)

// scanner finds the options in the words of a command line, one after the
// other, as popt 1.19 does. Differences from getopt, and from pflag's own
// parser, that scripts can see:
//
//   - a value is the next word whatever it looks like (-w -1), but the optional
//     value of -p is not if it starts with a dash;
//   - one = between a letter and its value is dropped (-w=5);
//   - a long name must be whole;
//   - words that are no options may stand anywhere; they are kept aside;
//   - a value may hold !#:+, which stands for the next such word.
type scanner struct {
	table *pflag.FlagSet
	args  []string
	next  int      // the word to look at
	rest  string   // what is left of a word of short options
	plain []string // the words that are no options
	ended bool     // after --: only plain words follow
	posix bool     // the first plain word ends the options
	notes bool     // a word that begins with # and is no value ends the line
	taken []bool   // words used up by !#:+; nil if there are none
}

// scanError says why the words cannot be read as options.
type scanError string

const (
	unknownOption   scanError = "unknown option"
	missingArgument scanError = "missing argument"
	unwantedValue   scanError = "option does not take an argument"
)

func (e scanError) Error() string { return string(e) }

// option returns the next option and its value, or nil after the last one. An
// option whose value is optional and missing has its NoOptDefVal.
func (s *scanner) option() (*pflag.Flag, string, error) {
	if s.rest != "" {
		return s.short()
	}
	for s.next < len(s.args) {
		word := s.args[s.next]
		s.next++
		switch {
		case s.taken != nil && s.taken[s.next-1]:
		case s.isNote(word):
			return nil, "", nil
		case s.ended || word == "-" || !strings.HasPrefix(word, "-"):
			s.plain = append(s.plain, word)
			s.ended = s.ended || s.posix
		case word == "--":
			s.ended = true
		case strings.HasPrefix(word, "--"):
			return s.long(word[2:])
		default:
			s.rest = word[1:]
			return s.short()
		}
	}
	return nil, "", nil
}

// word returns the last word that was looked at: the one messages name.
func (s *scanner) word() string { return s.args[s.next-1] }

// isNote tells whether a word begins a note, unless it is a value.
func (s *scanner) isNote(word string) bool { return s.notes && strings.HasPrefix(word, "#") }

// long reads an option from a word without its two dashes.
func (s *scanner) long(word string) (*pflag.Flag, string, error) {
	name, value, given := strings.Cut(word, "=")
	f := s.table.Lookup(name)
	if f == nil {
		return nil, "", unknownOption
	}
	switch {
	case !given:
		return s.following(f)
	case spellingOf(f).value == "":
		return nil, "", unwantedValue
	}
	return f, s.expand(value), nil
}

// short reads the first letter of what is left of a word, and the value that
// the letters after it may be.
func (s *scanner) short() (*pflag.Flag, string, error) {
	f := s.table.ShorthandLookup(s.rest[:1])
	if f == nil {
		return nil, "", unknownOption
	}
	s.rest = s.rest[1:]
	if spellingOf(f).value == "" {
		if strings.HasPrefix(s.rest, "=") {
			return nil, "", unwantedValue
		}
		return f, "", nil
	}
	if s.rest == "" {
		return s.following(f)
	}
	value := strings.TrimPrefix(s.rest, "=")
	s.rest = ""
	return f, s.expand(value), nil
}

// following takes the value of an option, if it has one, from the next word.
func (s *scanner) following(f *pflag.Flag) (*pflag.Flag, string, error) {
	if spellingOf(f).value == "" {
		return f, "", nil
	}
	last := s.next == len(s.args)
	switch optional := f.NoOptDefVal != ""; {
	case optional && (last || strings.HasPrefix(s.args[s.next], "-") || s.isNote(s.args[s.next])):
		return f, f.NoOptDefVal, nil
	case last:
		return nil, "", missingArgument
	}
	s.next++
	return f, s.expand(s.word()), nil
}

// expand replaces every !#:+ in a value by the first plain word that follows,
// and takes that word out of the line. Without such a word the value stays as
// it is.
func (s *scanner) expand(value string) string {
	const nextWord = "!#:+"
	if !strings.Contains(value, nextWord) {
		return value
	}
	for i := s.next; i < len(s.args); i++ {
		if strings.HasPrefix(s.args[i], "-") || s.taken != nil && s.taken[i] {
			continue
		}
		if s.taken == nil {
			s.taken = make([]bool, len(s.args))
		}
		s.taken[i] = true
		return strings.ReplaceAll(value, nextWord, s.args[i])
	}
	return value
}
