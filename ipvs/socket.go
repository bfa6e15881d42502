package ipvs

import (
	"io"
	"os"
	"syscall"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// datagram is what one receive brought: messages, and the port they came from.
type datagram struct {
	data   []byte
	sender uint32
}

// socket carries netlink messages. The kernel's is kernelSocket; tests have one
// that plays back what they want to see handled.
type socket interface {
	// send hands over whole messages. The kernel has carried all of them out
	// when it returns.
	send(b []byte) error
	// receive returns at least one datagram, valid until the next call. It waits
	// for one at most so long, then returns os.ErrDeadlineExceeded; 0 is a look
	// without waiting.
	receive(wait time.Duration) ([]datagram, error)
	// receiveSpace returns how many bytes of answers the kernel keeps for the
	// socket, after trying to make them at least want.
	receiveSpace(want int) int
	// again opens another socket in the same network namespace.
	again() (socket, error)
	// openFile opens a file of that namespace's /proc/net.
	openFile(name string) (io.ReadCloser, error)
	close()
}

// receiveBuffer holds the largest datagram of a dump: the kernel fills at most
// 32 KiB for readers that have room for them (netlink_recvmsg).
const receiveBuffer = 32 << 10

// mmsghdr is struct mmsghdr of recvmmsg(2), which x/sys lacks.
type mmsghdr struct {
	unix.Msghdr
	n uint32
}

// kernelSocket is a netlink socket of package nl, read with recvmmsg: the end
// of a dump comes as a datagram of its own, made when the last data are read,
// so that two at a time save a system call for every dump.
type kernelSocket struct {
	nl     *nl.NetlinkSocket
	fd     int
	buf    []byte
	iov    [2]unix.Iovec
	from   [2]unix.RawSockaddrNetlink
	hdr    [2]mmsghdr
	result [2]datagram
}

// openSocket opens a generic netlink socket in a network namespace, in that of
// the calling thread if ns is not open.
func openSocket(ns netns.NsHandle) (*kernelSocket, error) {
	s, err := nl.GetNetlinkSocketAt(ns, netns.None(), unix.NETLINK_GENERIC)
	if err != nil {
		return nil, err
	}
	k := &kernelSocket{nl: s, fd: s.GetFd(), buf: make([]byte, 2*receiveBuffer)}
	for i := range k.hdr {
		k.iov[i].Base = &k.buf[i*receiveBuffer]
		k.iov[i].SetLen(receiveBuffer)
		k.hdr[i].Iov = &k.iov[i]
		k.hdr[i].SetIovlen(1)
		k.hdr[i].Name = (*byte)(unsafe.Pointer(&k.from[i]))
	}
	return k, nil
}

func (k *kernelSocket) send(b []byte) error {
	for {
		// Without an address the message goes to port 0, the kernel.
		if _, err := unix.Write(k.fd, b); err != syscall.EINTR {
			return err
		}
	}
}

func (k *kernelSocket) receive(wait time.Duration) ([]datagram, error) {
	for {
		for i := range k.hdr {
			k.hdr[i].Namelen = unix.SizeofSockaddrNetlink
		}
		// It never blocks, so the scheduler need not know: telling it costs as
		// much as the call where there is one CPU.
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(k.fd),
			uintptr(unsafe.Pointer(&k.hdr[0])), uintptr(len(k.hdr)), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			return k.received(int(n))
		case syscall.EINTR:
		case syscall.EAGAIN:
			if err := k.wait(wait); err != nil {
				return nil, err
			}
		default:
			return nil, errno
		}
	}
}

func (k *kernelSocket) received(n int) ([]datagram, error) {
	for i := range n {
		if k.hdr[i].Flags&unix.MSG_TRUNC != 0 {
			return nil, errMalformed
		}
		start := i * receiveBuffer
		k.result[i] = datagram{data: k.buf[start : start+int(k.hdr[i].n)], sender: k.from[i].Pid}
	}
	return k.result[:n], nil
}

// wait returns when there is something to receive. The kernel answers within
// send, so this is rare, and only here the clock is looked at.
func (k *kernelSocket) wait(most time.Duration) error {
	if most <= 0 {
		return os.ErrDeadlineExceeded
	}
	deadline := time.Now().Add(most)
	for left := most; left > 0; left = time.Until(deadline) {
		ms := int(min(left, time.Hour).Milliseconds()) + 1
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(k.fd), Events: unix.POLLIN}}, ms)
		if n > 0 || err != nil && err != syscall.EINTR {
			return err
		}
	}
	return os.ErrDeadlineExceeded
}

func (k *kernelSocket) close() { k.nl.Close() }

// receiveSpace returns how many bytes of answers the kernel keeps for the
// socket, after trying to make them at least want.
func (k *kernelSocket) receiveSpace(want int) int {
	n, err := unix.GetsockoptInt(k.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err == nil && n < want {
		if k.nl.SetReceiveBufferSize(want, true) != nil {
			_ = k.nl.SetReceiveBufferSize(want, false)
		}
		n, _ = unix.GetsockoptInt(k.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	}
	return n
}
