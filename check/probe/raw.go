package probe

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls of a socket that never wait are made without telling Go's scheduler:
// where one takes more than 20 µs it would give the processor to another thread,
// which costs as much as a check.

// name is a sockaddr_in or sockaddr_in6, of which the kernel takes size bytes.
type name struct {
	unix.RawSockaddrInet6
	size uintptr
}

func nameOf(a netip.AddrPort) (n name) {
	var port [2]byte
	binary.BigEndian.PutUint16(port[:], a.Port())
	if a.Addr().Is4() {
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(&n.RawSockaddrInet6))
		in.Family, in.Port, in.Addr = unix.AF_INET, binary.NativeEndian.Uint16(port[:]), a.Addr().As4()
		n.size = unix.SizeofSockaddrInet4
		return n
	}
	n.Family, n.Port, n.Addr = unix.AF_INET6, binary.NativeEndian.Uint16(port[:]), a.Addr().As16()
	n.Scope_id, n.size = zone(a.Addr().Zone()), unix.SizeofSockaddrInet6
	return n
}

func connect(fd int, to *name) error {
	_, _, errno := syscall.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&to.RawSockaddrInet6)), to.size)
	if errno != 0 {
		return errno
	}
	return nil
}

// closeSocket closes a socket that nothing waits for.
func closeSocket(fd int) { syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

func read(fd int, b []byte) (int, error)  { return transfer(unix.SYS_READ, fd, b) }
func write(fd int, b []byte) (int, error) { return transfer(unix.SYS_WRITE, fd, b) }

// transfer reads or writes. n is 0 after an error.
func transfer(call uintptr, fd int, b []byte) (n int, err error) {
	r, _, errno := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}
