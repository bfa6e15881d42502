package keepalived

import (
	"path"
	"strings"
)

// includeChecks are what an include insists on (include_check).
type includeChecks uint8

const (
	checkReadable includeChecks = 1 << iota // what matches is a readable file
	checkMatch                              // a name without wildcards matches
	checkWildcard                           // a pattern matches
	checkBrace                              // every choice of a brace matches

	checkAll = checkReadable | checkMatch | checkWildcard | checkBrace
)

// includeWords are the spellings of include and the checks each adds.
func includeWord(word string) (includeChecks, bool) {
	switch word {
	case "include":
		return 0, true
	case "includer":
		return checkReadable, true
	case "includem":
		return checkReadable | checkMatch, true
	case "includew":
		return checkReadable | checkWildcard, true
	case "includeb":
		return checkReadable | checkBrace, true
	case "includea":
		return checkAll, true
	}
	return 0, false
}

// maxPattern is the longest file name that an include may give: PATH_MAX.
const maxPattern = 4096

// include carries out an include line and returns every other line as it is.
func (r *reader) include(line string, pos Position) string {
	if !strings.HasPrefix(line, "include") {
		return line
	}
	word, name := line, ""
	if i := strings.IndexAny(line, blanks); i >= 0 {
		word, name = line[:i], strings.Trim(line[i:], blanks)
	}
	checks, ok := includeWord(word)
	if !ok {
		return line
	}
	if len(name) > 1 && name[0] == '"' && name[len(name)-1] == '"' {
		name = name[1 : len(name)-1]
	}
	switch {
	case name == "":
		r.fail(KindMissing, pos, word+" has no file name", "write "+word+" FILE")
		return ""
	case len(name) > maxPattern:
		r.fail(KindLimit, pos, "the file name is longer than 4096 bytes", "")
		return ""
	}
	r.includeFiles(name, checks|r.checks(), pos)
	return ""
}

// checks returns the include_check in force in the file being read.
func (r *reader) checks() includeChecks {
	for i := len(r.sources) - 1; i >= 0; i-- {
		if f := r.sources[i].file; f != nil {
			return f.checks
		}
	}
	return 0
}

// setChecks is include_check: it holds for the rest of the file and what that
// includes.
func (r *reader) setChecks(change func(includeChecks) includeChecks) {
	for i := len(r.sources) - 1; i >= 0; i-- {
		if f := r.sources[i].file; f != nil {
			f.checks = change(f.checks)
			return
		}
	}
}

// includeFiles pushes the files a pattern names, so that the first is read first.
func (r *reader) includeFiles(name string, checks includeChecks, pos Position) {
	full := name
	if !path.IsAbs(name) {
		full = path.Join(r.dir(), name)
	}
	choices := expandBraces(full, maxFiles)
	if r.includes++; r.includes > maxFiles {
		r.stop(pos, "there are more includes than we read", "")
		return
	}
	var paths []string
	for _, choice := range choices {
		found, ok := r.glob.match(choice)
		if !ok {
			r.stop(pos, "include "+abridge(name)+" looks into too many directory entries", "name the directory")
			return
		}
		if len(found) == 0 {
			r.noMatch(choice, len(choices) > 1, checks, pos)
		}
		paths = append(paths, found...)
	}
	inherited := r.checks()
	for i := len(paths) - 1; i >= 0; i-- {
		r.openFile(paths[i], checks, inherited, pos)
	}
}

// noMatch says that an include found nothing, as loudly as its checks want.
func (r *reader) noMatch(pattern string, braced bool, checks includeChecks, pos Position) {
	wanted := checkMatch
	switch {
	case braced:
		wanted = checkBrace
	case hasMeta(pattern):
		wanted = checkWildcard
	}
	switch {
	case checks&wanted != 0:
		r.fail(KindFile, pos, "no file matches "+abridge(pattern), "write include if it may be missing")
	case !hasMeta(pattern):
		r.report.add(Diagnostic{Warning, KindFile, pos, abridge(pattern) + " does not exist", "includem makes this an error"})
	}
}

// openFile pushes one file. checks are those of the include that names it,
// inherited those that hold within it.
func (r *reader) openFile(name string, checks, inherited includeChecks, pos Position) {
	for _, s := range r.sources {
		if s.file != nil && s.file.line > 0 && path.Clean(s.file.path) == path.Clean(name) {
			r.fail(KindFile, pos, abridge(name)+" includes itself", "take the include out")
			return
		}
	}
	text, err := r.files.read(name)
	switch {
	case err == errTooLarge || err == errTooMuch || err == errTooMany:
		r.stop(pos, "cannot include "+abridge(name)+": "+err.Error(), "")
	case err == errDirectory:
		r.report.add(Diagnostic{Note, KindFile, pos, abridge(name) + " is left out: " + err.Error(), ""})
	case err == errExecutable && checks&checkReadable == 0:
		r.report.add(Diagnostic{Warning, KindFile, pos, abridge(name) + " is left out: " + err.Error(), "chmod -x it, or move it elsewhere"})
	case err != nil:
		r.fail(KindFile, pos, "cannot include "+abridge(name)+": "+err.Error(), "")
	default:
		text = r.withoutMark(text, name)
		r.push(source{file: &fileSource{path: name, text: text, checks: inherited}}, pos)
	}
}

// withoutMark takes off the byte order mark that some editors write.
func (r *reader) withoutMark(text, name string) string {
	rest, ok := strings.CutPrefix(text, "\ufeff")
	if ok {
		r.report.add(Diagnostic{Warning, KindText, Position{name, 1}, "the file begins with a byte order mark, which keepalived takes for a word", "save it without"})
	}
	return rest
}
