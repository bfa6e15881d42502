package keepalived

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// hasMeta tells whether glob(7) sees more than a file name in the pattern.
func hasMeta(pattern string) bool { return strings.ContainsAny(pattern, `*?[\`) }

// expandBraces writes out csh braces, {a,b{c,d}}, in the order glob(3) does. A
// brace that is not closed, and {}, mean themselves. At most limit patterns are
// returned.
func expandBraces(pattern string, limit int) []string {
	open, end := -1, -1
	for i := 0; i < len(pattern) && end < 0; i++ {
		if pattern[i] == '{' && !strings.HasPrefix(pattern[i:], "{}") {
			if e := closing(pattern, i); e > 0 {
				open, end = i, e
			}
		}
	}
	if end < 0 {
		return []string{pattern}
	}
	var out []string
	for _, choice := range splitTop(pattern[open+1 : end]) {
		if len(out) >= limit {
			break
		}
		out = append(out, expandBraces(pattern[:open]+choice+pattern[end+1:], limit-len(out))...)
	}
	return out
}

// closing returns the index of the brace that closes the one at s[i], -1 if
// there is none.
func closing(s string, i int) int {
	depth := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// splitTop cuts at the commas that are not within braces.
func splitTop(s string) []string {
	var parts []string
	depth, start := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '{':
			depth++
		case '}':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, s[start:i])
				start = i + 1
			}
		}
	}
	return append(parts, s[start:])
}

// globber finds the files that a pattern names. It looks at a bounded number of
// directory entries: a pattern such as /*/*/*/* must not walk the disk.
type globber struct {
	files  *files
	budget int
}

// match returns the existing paths that the pattern, without braces, names, in
// the order of their bytes. ok is false when the budget ran out.
func (g *globber) match(pattern string) (paths []string, ok bool) {
	if !hasMeta(pattern) {
		if _, err := fs.Stat(g.files.fs, g.files.fsName(pattern)); err != nil {
			return nil, true
		}
		return []string{pattern}, true
	}
	dir, last := path.Split(pattern)
	dirs := []string{dir}
	if hasMeta(dir) {
		if dirs, ok = g.match(strings.TrimRight(dir, "/")); !ok {
			return nil, false
		}
		for i := range dirs {
			dirs[i] += "/"
		}
	}
	for _, d := range dirs {
		if paths, ok = g.list(paths, d, last); !ok {
			return nil, false
		}
	}
	return paths, true
}

// list appends the entries of one directory that match.
func (g *globber) list(paths []string, dir, pattern string) ([]string, bool) {
	// fs.FS wants [^a] where glob(7) and the shell write [!a].
	fsPattern := strings.ReplaceAll(pattern, "[!", "[^")
	entries, err := fs.ReadDir(g.files.fs, g.files.fsName(dir))
	if err != nil {
		return paths, true
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if g.budget--; g.budget < 0 {
			return nil, false
		}
		if strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(pattern, ".") {
			continue
		}
		if hit, err := path.Match(fsPattern, e.Name()); err == nil && hit {
			names = append(names, dir+e.Name())
		}
	}
	slices.Sort(names)
	return append(paths, names...), true
}
