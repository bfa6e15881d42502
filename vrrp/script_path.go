package vrrp

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// maxSymlinks is the kernel's limit (MAXSYMLINKS), so that a loop ends here too.
const maxSymlinks = 40

// pathWalk follows an absolute path from the root, symbolic links included, and
// looks at everything it passes.
//
// If nobody but root and the owner can change a directory, nobody else can put
// something else in place of what is in it. So when all that was passed is safe,
// what is run afterwards is what was looked at here, however long that takes.
type pathWalk struct {
	owner uint32 // who besides root may own what is passed
	links int
	weak  string // the first thing that somebody else could change
}

// follow returns what path leads to, without symbolic links in it.
func (w *pathWalk) follow(path string) (string, unix.Stat_t, error) {
	at := "/"
	var st unix.Stat_t
	if err := w.look(at, &st); err != nil {
		return "", st, err
	}
	for rest := split(path); len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		if err := w.look(next, &st); err != nil {
			return "", st, err
		}
		if st.Mode&unix.S_IFMT != unix.S_IFLNK {
			at = next
			continue
		}
		target, err := os.Readlink(next)
		if err != nil {
			return "", st, err
		}
		if w.links++; w.links > maxSymlinks {
			return "", st, unix.ELOOP
		}
		if strings.HasPrefix(target, "/") {
			at = "/"
		}
		rest = append(split(target), rest...)
	}
	// The last step may have been "..", which looked at nothing.
	return at, st, unix.Lstat(at, &st)
}

// split takes a path apart. Names that mean nothing are left out; ".." stays,
// for it is taken after the links before it have been followed.
func split(path string) (names []string) {
	for name := range strings.SplitSeq(path, "/") {
		if name != "" && name != "." {
			names = append(names, name)
		}
	}
	return names
}

// look reads the attributes of one thing and notes whether others can change it.
func (w *pathWalk) look(path string, st *unix.Stat_t) error {
	if err := unix.Lstat(path, st); err != nil {
		return err
	}
	if w.weak == "" {
		w.weak = weakness(path, st, w.owner)
	}
	return nil
}

// weakness says why somebody other than root and owner could change a file, a
// directory or a link, "" if nobody can.
func weakness(path string, st *unix.Stat_t, owner uint32) string {
	if st.Uid != 0 && st.Uid != owner {
		return fmt.Sprintf("%s belongs to user %d", path, st.Uid)
	}
	kind := st.Mode & unix.S_IFMT
	// The mode of a link means nothing. In a sticky directory such as /tmp only
	// the owner of a thing can replace it, and who that is is looked at next.
	if kind == unix.S_IFLNK || kind == unix.S_IFDIR && st.Mode&unix.S_ISVTX != 0 {
		return ""
	}
	switch {
	case st.Mode&unix.S_IWOTH != 0:
		return path + " can be written by everybody"
	case st.Mode&unix.S_IWGRP != 0 && st.Gid != 0:
		return fmt.Sprintf("%s can be written by group %d", path, st.Gid)
	}
	return ""
}
