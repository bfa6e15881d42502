package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// pidFile is a file with our number in it, which is locked as long as we run.
// The lock says whether somebody runs, never the number: after a crash the number
// may be that of anybody.
type pidFile struct {
	path string
	file *os.File
}

// errRunning says that somebody holds the lock.
var errRunning = errors.New("it is running already")

// lockPID makes the file, or takes over one that nobody holds. A link is not
// followed, and a file of somebody else or with another name is not taken:
// whoever put it there could have it overwrite what it is a link to.
func lockPID(path string) (*pidFile, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	for {
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o644)
		if err != nil {
			return nil, fmt.Errorf("open PID file %s: %w", path, err)
		}
		p := &pidFile{path: path, file: os.NewFile(uintptr(fd), path)}
		again, err := p.take()
		if err == nil && !again {
			return p, nil
		}
		p.file.Close()
		if err != nil {
			return nil, fmt.Errorf("PID file %s: %w", path, err)
		}
	}
}

// take locks and writes the file. again says that it was removed meanwhile, by
// the one who held it.
func (p *pidFile) take() (again bool, err error) {
	fd := int(p.file.Fd())
	var st, there unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return false, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink > 1 || int(st.Uid) != os.Geteuid() {
		return false, errors.New("it is not a file of ours")
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			return false, errRunning
		}
		return false, err
	}
	if err := unix.Lstat(p.path, &there); err != nil || there.Ino != st.Ino || there.Dev != st.Dev {
		return true, nil
	}
	// Whatever the umask was when it was made: everybody may read the number,
	// nobody else may change it.
	if err := p.file.Chmod(0o644); err != nil {
		return false, err
	}
	if err := p.file.Truncate(0); err != nil {
		return false, err
	}
	_, err = p.file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return false, err
}

// remove takes the file away and gives up the lock.
func (p *pidFile) remove() error {
	return errors.Join(os.Remove(p.path), p.file.Close())
}
