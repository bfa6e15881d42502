package rules

import "strings"

// scanner finds the options in the words of a command line, one after the
// other, as popt 1.19 does. Differences from getopt, and from package pflag,
// that scripts can see:
//
//   - a value is the next word whatever it looks like (-w -1), but the optional
//     value of -p is not if it starts with a dash;
//   - one = between a letter and its value is dropped (-w=5);
//   - a long name must be whole;
//   - words that are no options may stand anywhere; they are kept aside;
//   - a value may hold !#:+, which stands for the next such word.
type scanner struct {
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
// option whose value is optional and missing has what stands for an omitted one.
func (s *scanner) option() (*spelling, string, error) {
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
func (s *scanner) long(word string) (*spelling, string, error) {
	name, value, given := strings.Cut(word, "=")
	o := findLong(name)
	if o == nil {
		return nil, "", unknownOption
	}
	switch {
	case !given:
		return s.following(o)
	case o.value == "":
		return nil, "", unwantedValue
	}
	return o, s.expand(value), nil
}

// short reads the first letter of what is left of a word, and the value that
// the letters after it may be.
func (s *scanner) short() (*spelling, string, error) {
	o := findShort(s.rest[0])
	if o == nil {
		return nil, "", unknownOption
	}
	s.rest = s.rest[1:]
	if o.value == "" {
		if strings.HasPrefix(s.rest, "=") {
			return nil, "", unwantedValue
		}
		return o, "", nil
	}
	if s.rest == "" {
		return s.following(o)
	}
	value := strings.TrimPrefix(s.rest, "=")
	s.rest = ""
	return o, s.expand(value), nil
}

// following takes the value of an option, if it has one, from the next word.
func (s *scanner) following(o *spelling) (*spelling, string, error) {
	if o.value == "" {
		return o, "", nil
	}
	last := s.next == len(s.args)
	switch optional := o.omitted != ""; {
	case optional && (last || strings.HasPrefix(s.args[s.next], "-") || s.isNote(s.args[s.next])):
		return o, o.omitted, nil
	case last:
		return nil, "", missingArgument
	}
	s.next++
	return o, s.expand(s.word()), nil
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
