package ipvs

import (
	"io"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// procFile is an open file of /proc. To read it never blocks, so the runtime's
// scheduler need not know of it: telling it costs as much as the read where there
// is one CPU, because another thread is woken up to take over.
type procFile int

// OpenProc opens a file of /proc for reading, such as /proc/net/ip_vs_conn. The
// error is an *os.PathError.
func OpenProc(name string) (io.ReadCloser, error) {
	for {
		fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			return procFile(fd), nil
		}
		if err != syscall.EINTR {
			return nil, &os.PathError{Op: "open", Path: name, Err: err}
		}
	}
}

func (f procFile) Read(b []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(f), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch {
		case errno == syscall.EINTR:
		case errno != 0:
			return 0, errno
		case n == 0 && len(b) > 0:
			return 0, io.EOF
		default:
			return int(n), nil
		}
	}
}

func (f procFile) Close() error { return unix.Close(int(f)) }
