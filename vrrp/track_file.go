package vrrp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxTrackFile is as much of a tracked file as is read: a number and room
	// around it.
	maxTrackFile = 64
	// fileRecheck is how soon a change is seen that the directory does not tell
	// of: in the target of a symbolic link, or on a network file system.
	fileRecheck = 5 * time.Second
)

// fileWatch follows all tracked files.
//
// It watches their directories and not the files: those come and go. A file
// counts when its writer closes it or moves it there, never while it is being
// written, for an empty file would say 0.
type fileWatch struct {
	files  []FileConfig
	old    map[string]bool // those that were watched before a reload
	values []int
	report func(name string, value int)
	log    *slog.Logger
}

// start reads all files, and reports them.
func (w *fileWatch) start() {
	w.values = make([]int, len(w.files))
	for i := range w.files {
		f := &w.files[i]
		if !w.old[f.Name] {
			if err := f.initialize(); err != nil {
				w.log.Warn(fmt.Sprintf("Track file %s cannot be written: %v", f.Name, err))
			}
		}
		w.values[i], _ = readTrackFile(f.Path)
		w.report(f.Name, w.values[i])
	}
}

// check reads files again and reports those that changed: those of a name, or all
// of them for "". When it looks by itself an empty file says nothing, for somebody
// may be about to write it.
func (w *fileWatch) check(name string) {
	for i := range w.files {
		f := &w.files[i]
		if name != "" && filepath.Base(f.Path) != name {
			continue
		}
		v, empty := readTrackFile(f.Path)
		if v != w.values[i] && (name != "" || !empty) {
			w.values[i] = v
			w.report(f.Name, v)
		}
	}
}

// loop follows the files until the context ends.
func (w *fileWatch) loop(ctx context.Context) {
	var names chan string
	directories, err := newDirectoryWatch()
	if err != nil {
		w.log.Warn(fmt.Sprintf("Track files are only looked at every %v: %v", fileRecheck, err))
	} else {
		names = directories.names
		defer directories.close()
	}
	tick := time.NewTicker(fileRecheck)
	defer tick.Stop()
	for {
		if directories != nil {
			directories.add(w.files)
		}
		w.check("") // what changed while nobody told
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return
			case name := <-names:
				w.check(name)
			case <-tick.C:
				waiting = false
			}
		}
	}
}

// initialize writes the number that the file is to begin with.
func (f *FileConfig) initialize() error {
	if !f.Init {
		return nil
	}
	// A symbolic link is not followed, nor a file with another name written: whoever
	// may write the directory could aim it at any file of root's.
	mode := os.O_WRONLY | os.O_CREATE | unix.O_NOFOLLOW | unix.O_NONBLOCK
	if !f.Overwrite {
		mode |= os.O_EXCL
	}
	file, err := os.OpenFile(f.Path, mode, 0o644)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(overwrite(file, strconv.Itoa(f.InitValue)+"\n"), file.Close())
}

// overwrite has a text be all that is in a file of one name.
func overwrite(file *os.File, text string) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink != 1 {
		return errors.New(file.Name() + " is no file of its own")
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteString(text)
	return err
}

// ReadTrackFile is the number in a tracked file, as keepalived reads it: 0 if
// there is none.
func ReadTrackFile(path string) int {
	value, _ := readTrackFile(path)
	return value
}

// readTrackFile is the number at the beginning of the file, and whether the file
// is there and empty. A file that is not there, is no file or begins with no
// number is 0, as for keepalived.
func readTrackFile(path string) (value int, empty bool) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0, false
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	var buf [maxTrackFile]byte
	n, _ := file.Read(buf[:])
	return parseTrackFile(buf[:n]), n == 0
}

func parseTrackFile(text []byte) int {
	text = bytes.TrimLeft(text, " \t\r\n\v\f")
	end := 0
	for end < len(text) && ('0' <= text[end] && text[end] <= '9' || end == 0 && (text[0] == '-' || text[0] == '+')) {
		end++
	}
	v, err := strconv.ParseInt(string(text[:end]), 10, 64)
	if errors.Is(err, strconv.ErrRange) || v != int64(int32(v)) {
		// Such a number times any weight is beyond what counts.
		if text[0] == '-' {
			return math.MinInt32
		}
		return math.MaxInt32
	}
	return int(v)
}

// directoryWatch tells what in a directory was closed after writing, came or went
// (inotify).
type directoryWatch struct {
	file  *os.File
	fd    int
	names chan string   // of what it was, "" if that is not known
	ended chan struct{} // closed by close
}

const directoryEvents = unix.IN_CLOSE_WRITE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_ONLYDIR

func newDirectoryWatch() (*directoryWatch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("inotify: %w", err)
	}
	d := &directoryWatch{
		file: os.NewFile(uintptr(fd), "inotify"), fd: fd, names: make(chan string), ended: make(chan struct{}),
	}
	go d.read()
	return d, nil
}

// add watches the directories of the files. Those that are watched already stay
// so; one that is not there is tried again with the next call.
func (d *directoryWatch) add(files []FileConfig) {
	for i := range files {
		unix.InotifyAddWatch(d.fd, filepath.Dir(files[i].Path), directoryEvents)
	}
}

func (d *directoryWatch) read() {
	buf := make([]byte, 16<<10)
	for {
		n, err := d.file.Read(buf)
		if err != nil || n == 0 {
			return
		}
		for name := range eventNames(buf[:n]) {
			select {
			case d.names <- name:
			case <-d.ended:
				return
			}
		}
	}
}

// eventNames takes apart what the kernel writes (struct inotify_event).
func eventNames(b []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for len(b) >= unix.SizeofInotifyEvent {
			n := int(binary.NativeEndian.Uint32(b[12:]))
			b = b[unix.SizeofInotifyEvent:]
			if n > len(b) {
				return
			}
			name, _, _ := bytes.Cut(b[:n], []byte{0})
			b = b[n:]
			if !yield(string(name)) {
				return
			}
		}
	}
}

func (d *directoryWatch) close() {
	close(d.ended)
	d.file.Close()
}
