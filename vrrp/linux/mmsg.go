package linux

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batch is how many packets go through one system call.
const batch = 64

const (
	// maxPacket is more than the largest advertisement: 255 IPv6 addresses.
	maxPacket = 8 + 255*16 + 512
	// controlLen has room for the packet information and the hop limit of IPv6.
	controlLen = 96
)

// mmsghdr is struct mmsghdr of sendmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   [4]byte
}

// messages are the buffers of one batch. They are made once and point at each
// other, so they must not be copied.
type messages struct {
	hdrs    [batch]mmsghdr
	iovs    [batch]unix.Iovec
	names   [batch]sockaddr
	control [batch][controlLen]byte
}

// sockaddr has room for any address that we use.
type sockaddr [unix.SizeofSockaddrInet6]byte

// set points the i-th message at data and at the first n bytes of its address,
// and at m bytes of its control data.
func (m *messages) set(i int, data []byte, n, control int) {
	m.iovs[i].Base = unsafe.SliceData(data)
	m.iovs[i].SetLen(len(data))
	h := &m.hdrs[i].hdr
	h.Iov = &m.iovs[i]
	h.SetIovlen(1)
	h.Name, h.Namelen = &m.names[i][0], uint32(n)
	h.Control = &m.control[i][0]
	h.SetControllen(control)
	h.Flags = 0
}

// send sends the first n messages, and goes on after one that fails. It returns
// the first failure.
func (m *messages) send(fd, n int) (failed error) {
	for i := 0; i < n; {
		sent, _, errno := syscall.Syscall6(unix.SYS_SENDMMSG, uintptr(fd),
			uintptr(unsafe.Pointer(&m.hdrs[i])), uintptr(n-i), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == unix.EINTR:
		case errno != 0:
			// The first one failed: those before it have been reported as sent.
			if failed == nil {
				failed = errno
			}
			i++
		default:
			i += int(sent)
		}
	}
	return failed
}

// receive receives up to a batch of messages without waiting. An error that the
// socket had stored up, such as that its interface went down, is passed over.
func (m *messages) receive(fd int) int {
	for {
		n, _, errno := syscall.Syscall6(unix.SYS_RECVMMSG, uintptr(fd),
			uintptr(unsafe.Pointer(&m.hdrs[0])), batch, unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			return int(n)
		case unix.EINTR, unix.ENETDOWN:
		default:
			return 0
		}
	}
}

// putSockaddr writes a sockaddr_in or sockaddr_in6 and returns its length.
func putSockaddr(s *sockaddr, addr netip.Addr, scope int) int {
	*s = sockaddr{}
	if addr.Is4() {
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(s))
		in.Family, in.Addr = unix.AF_INET, addr.As4()
		return unix.SizeofSockaddrInet4
	}
	in := (*unix.RawSockaddrInet6)(unsafe.Pointer(s))
	in.Family, in.Addr = unix.AF_INET6, addr.As16()
	if addr.IsLinkLocalUnicast() || addr.IsLinkLocalMulticast() {
		in.Scope_id = uint32(scope)
	}
	return unix.SizeofSockaddrInet6
}

// putControl writes the source, the interface and the hop limit of an IPv6
// packet, and returns the length.
func putControl(b *[controlLen]byte, src netip.Addr, ifindex int, hopLimit uint8) int {
	info := unix.Inet6Pktinfo{Addr: src.As16(), Ifindex: uint32(ifindex)}
	n := putMessage(b[:], unix.IPV6_PKTINFO, unsafe.Slice((*byte)(unsafe.Pointer(&info)), unix.SizeofInet6Pktinfo))
	limit := int32(hopLimit)
	return n + putMessage(b[n:], unix.IPV6_HOPLIMIT, unsafe.Slice((*byte)(unsafe.Pointer(&limit)), 4))
}

func putMessage(b []byte, kind int32, data []byte) int {
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = unix.IPPROTO_IPV6, kind
	h.SetLen(unix.CmsgLen(len(data)))
	copy(b[unix.CmsgLen(0):], data)
	return unix.CmsgSpace(len(data))
}

// parseControl reads what putControl writes, as the kernel does on receipt. The
// hop limit is -1 if it is not there.
func parseControl(b []byte) (dst netip.Addr, ifindex, hopLimit int) {
	hopLimit = -1
	for len(b) >= unix.CmsgLen(0) {
		h, data, rest, err := unix.ParseOneSocketControlMessage(b)
		if err != nil {
			break
		}
		switch {
		case h.Level != unix.IPPROTO_IPV6:
		case h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			dst = netip.AddrFrom16([16]byte(data[:16]))
			ifindex = int(*(*uint32)(unsafe.Pointer(&data[16])))
		case h.Type == unix.IPV6_HOPLIMIT && len(data) >= 4:
			hopLimit = int(*(*int32)(unsafe.Pointer(&data[0])))
		}
		b = rest
	}
	return dst, ifindex, hopLimit
}
