package keepalived

import (
	"fmt"
	"slices"
	"strings"
)

// acceptable complains of a statement's spelling and number of words, and tells
// whether it is to be carried out.
func (s *statement) acceptable(f *frame) bool {
	info := s.info
	switch {
	case slices.Contains(strings.Fields(info.old), s.name):
		s.warn(KindDeprecated, s.name+" is the old word for "+info.name, "write "+info.name)
	case info.gone != "":
		s.warn(KindDeprecated, s.name+" is no longer a word of keepalived: "+info.gone, "leave it out")
		return false
	case info.refused != "":
		s.fail(KindUnsupported, s.name+" cannot be honoured: "+info.refused, "leave it out")
		return false
	}
	if info.quoted {
		words, missing := splitQuoted(s.text)
		switch {
		case s.pos == s.reader.unclosed: // the reader has complained of the quote
			return false
		case missing == '\\':
			s.fail(KindText, "the line ends behind a backslash: "+abridge(s.text), `write \\ for a backslash`)
			return false
		case missing != 0:
			s.fail(KindText, fmt.Sprintf("a %c is not closed: %s", missing, abridge(s.text)), fmt.Sprintf("write the second %c on the same line", missing))
			return false
		}
		s.args = words[1:]
	}
	if len(s.args) < info.min {
		s.fail(KindMissing, s.name+" has too few words", s.usage())
		return false
	}
	if info.max >= 0 && len(s.args) > info.max && info.oneName {
		s.fail(KindExtra, s.name+" has more than one name: "+abridge(strings.Join(s.args, " ")), "put a name with blanks in quotes")
		return false
	}
	if info.max >= 0 && len(s.args) > info.max {
		last, more := abridge(s.args[max(0, info.max-1)]), ": "+abridge(strings.Join(s.args[info.max:], " "))
		if info.name == passwordWord {
			last, more = "the password", ""
		}
		s.note(KindExtra, "the words after "+last+" are ignored"+more, s.usage())
		s.args = s.args[:info.max]
	}
	if info.unused != "" && s.report.once(info.name) {
		s.note(KindUnused, s.name+" is read and not used: "+info.unused, "")
	}
	if !info.many && f.has(info.name) {
		return s.again(f)
	}
	return true
}

// again complains of a word that was given before, and tells whether this one
// counts.
func (s *statement) again(f *frame) bool {
	which := "the last one counts"
	if s.info.first {
		which = "the first one counts"
	}
	severity := Warning
	for _, m := range f.given {
		if m.word == s.info.name && m.text == s.text && !s.info.first {
			severity = Note // twice the same: nothing is in doubt
		}
	}
	s.report.add(Diagnostic{severity, KindDuplicate, s.pos, fmt.Sprintf("%s was given before, on %s; %s", s.name, lineOf(f.at(s.info.name), s.pos), which), "leave one out"})
	return !s.info.first
}

// usage shows how a word is to be written.
func (s *statement) usage() string {
	return strings.TrimSpace("write " + s.name + " " + s.info.args)
}

// lineOf names a line as seen from another place: without the file if it is the
// same.
func lineOf(p, from Position) string {
	if p.File == from.File {
		return fmt.Sprintf("line %d", p.Line)
	}
	return p.String()
}
