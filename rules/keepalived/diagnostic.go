package keepalived

import "fmt"

// Severity says what a diagnostic means for running the file.
type Severity uint8

const (
	// Note is worth reading and changes nothing: a word that we accept and do
	// not need, a word given to keepalived that it ignores as well.
	Note Severity = iota
	// Warning is for what keepalived runs with a warning. So do we.
	Warning
	// Error leaves the meaning of the file in doubt. Nothing of it is run.
	Error
)

func (s Severity) String() string {
	switch s {
	case Note:
		return "note"
	case Warning:
		return "warning"
	}
	return "error"
}

// Kind is a class of diagnostics. Whoever maps diagnostics to exit statuses or
// counts them goes by it, never by the words.
type Kind uint8

const (
	// KindUnknown is a word that is not known where it stands.
	KindUnknown Kind = iota
	// KindDeprecated is an old spelling; Fix names the new one.
	KindDeprecated
	// KindUnused is a word that is read and not needed. It is reported once.
	KindUnused
	// KindUnsupported is a word we know and cannot honour.
	KindUnsupported
	// KindMissing is an argument that is not there: keepalived ends with exit
	// status 2.
	KindMissing
	// KindIncomplete is a block without something it needs.
	KindIncomplete
	// KindExtra is a word too many, which keepalived passes over in silence.
	KindExtra
	// KindValue is an argument that cannot be read or is out of range.
	KindValue
	// KindConflict is a pair of statements that cannot both be meant.
	KindConflict
	// KindDuplicate is a name, address or word given twice.
	KindDuplicate
	// KindReference is a name that nothing in the file defines.
	KindReference
	// KindBraces is a block that is opened or closed at the wrong place.
	KindBraces
	// KindText is a line that cannot be taken apart: quotes, NUL bytes, a
	// definition or a repetition that makes no sense.
	KindText
	// KindFile is a file that cannot be read.
	KindFile
	// KindLimit is a file that is larger, deeper or longer than we read.
	KindLimit

	kinds
)

var kindNames = [kinds]string{
	"unknown", "deprecated", "unused", "unsupported", "missing", "incomplete", "extra", "value",
	"conflict", "duplicate", "reference", "braces", "text", "file", "limit",
}

func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Position is a line of a file. The zero Position is the configuration as a
// whole.
type Position struct {
	// File is the name by which the file was opened: the one given to Load, or
	// for an included file its path from there.
	File string
	Line int // from 1; 0 for the file as a whole
}

func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Diagnostic is one thing to say about a configuration.
type Diagnostic struct {
	Severity Severity
	Kind     Kind
	Position Position
	// What is wrong, and Fix what to write instead; Fix may be "".
	What, Fix string
}

// String gives "FILE:LINE: what; what to write instead".
func (d Diagnostic) String() string {
	s := d.What
	if d.Fix != "" {
		s += "; " + d.Fix
	}
	if d.Position.File == "" {
		return s
	}
	return d.Position.String() + ": " + s
}

// Diagnostics is everything said about a configuration, in the order of its
// lines as they were read; what concerns the whole comes last.
type Diagnostics []Diagnostic

// Worst returns the highest severity among them, Note if there are none.
func (ds Diagnostics) Worst() Severity {
	worst := Note
	for _, d := range ds {
		worst = max(worst, d.Severity)
	}
	return worst
}

// Has tells whether any of them has that severity and kind.
func (ds Diagnostics) Has(s Severity, k Kind) bool {
	for _, d := range ds {
		if d.Severity == s && d.Kind == k {
			return true
		}
	}
	return false
}

// maxDiagnostics bounds what one file can make us say: a binary file taken for a
// configuration would fill the log.
const maxDiagnostics = 1000

// report collects diagnostics.
type report struct {
	list    Diagnostics
	failed  bool // an Error was reported, kept or not
	dropped int
	said    map[string]bool // words whose note was given
}

func (r *report) add(d Diagnostic) {
	r.failed = r.failed || d.Severity == Error
	if r.full() {
		r.dropped++
		return
	}
	r.list = append(r.list, d)
}

// full tells that what is added now is counted and not kept: then the words of a
// message need not be found.
func (r *report) full() bool { return len(r.list) >= maxDiagnostics }

// once tells whether it is the first time that key is asked for.
func (r *report) once(key string) bool {
	if r.said[key] {
		return false
	}
	if r.said == nil {
		r.said = make(map[string]bool)
	}
	r.said[key] = true
	return true
}

// all returns what was collected. When something had to be left out the last
// entry says so, and is an Error if there was one.
func (r *report) all() Diagnostics {
	if r.dropped == 0 {
		return r.list
	}
	last := Diagnostic{Severity: Warning, Kind: KindLimit, What: fmt.Sprintf("%d more messages are not shown", r.dropped)}
	if r.failed {
		last.Severity = Error
	}
	return append(r.list, last)
}
