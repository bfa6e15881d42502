package keepalived

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// What one configuration may cost. keepalived has no such limits; its largest
// known configurations, tens of thousands of real servers, are a few megabytes.
const (
	maxFileSize  = 16 << 20  // bytes of one file
	maxTotalSize = 32 << 20  // bytes of all files, of all expanded lines, of all substitutions
	maxLineSize  = 64 << 10  // bytes of one line, before and after expansion
	maxPhysical  = 2_000_000 // lines of files
	maxLines     = 600_000   // lines after expansion
	maxFiles     = 4096      // files opened, and include lines
	maxNesting   = 64        // files, definitions and repetitions within each other
	maxDepth     = 32        // blocks within each other
	maxGlob      = 100_000   // directory entries looked at
)

// hostFS is the machine's file tree, from the root, as an fs.FS. Opening never
// waits for the writer of a FIFO and never goes through to a device.
type hostFS struct{}

func (hostFS) Open(name string) (fs.File, error) {
	fd, err := unix.Open("/"+name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: "/" + name, Err: err}
	}
	return os.NewFile(uintptr(fd), "/"+name), nil
}

func (hostFS) Stat(name string) (fs.FileInfo, error)      { return os.Stat("/" + name) }
func (hostFS) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir("/" + name) }

// files opens configuration files and keeps count of what they cost.
type files struct {
	fs     fs.FS
	base   string // what relative names start from, as a path from the root
	opened int
	bytes  int
	// public are the files that everybody on the machine can read.
	public map[string]bool
}

// from makes a path absolute.
func (f *files) from(p string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return path.Join("/", f.base, p)
}

// fsName turns a path into the name that an fs.FS wants.
func (f *files) fsName(p string) string {
	p = strings.TrimPrefix(f.from(p), "/")
	if p == "" {
		return "."
	}
	return p
}

var (
	errDirectory  = errors.New("it is a directory")
	errIrregular  = errors.New("it is not a regular file")
	errExecutable = errors.New("it is executable, and keepalived reads no executable file")
	errTooLarge   = fmt.Errorf("it is larger than %d MiB", maxFileSize>>20)
	errTooMuch    = fmt.Errorf("the files together are larger than %d MiB", maxTotalSize>>20)
	errTooMany    = fmt.Errorf("more than %d files are included", maxFiles)
)

// read returns the text of a regular file. Whether it is one is asked of what
// was opened, so that nobody can put something else in its place meanwhile.
func (f *files) read(name string) (string, error) {
	if f.opened++; f.opened > maxFiles {
		return "", errTooMany
	}
	file, err := f.fs.Open(f.fsName(name))
	if err != nil {
		return "", reason(err)
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return "", reason(err)
	case info.IsDir():
		return "", errDirectory
	case !info.Mode().IsRegular():
		return "", errIrregular
	case info.Mode()&0o111 != 0:
		return "", errExecutable
	case info.Size() > maxFileSize:
		return "", errTooLarge
	}
	if info.Mode()&0o004 != 0 {
		if f.public == nil {
			f.public = make(map[string]bool)
		}
		f.public[name] = true
	}
	var text strings.Builder
	text.Grow(int(info.Size()))
	n, err := io.Copy(&text, io.LimitReader(file, maxFileSize+1))
	f.bytes += int(n)
	switch {
	case err != nil:
		return "", reason(err)
	case n > maxFileSize:
		return "", errTooLarge
	case f.bytes > maxTotalSize:
		return "", errTooMuch
	}
	return text.String(), nil
}

// reason strips the file's name from an error: the diagnostic names it already.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
