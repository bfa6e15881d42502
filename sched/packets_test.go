package sched

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// The flags of TCP packets that the tests send.
const (
	fin = 0x01
	syn = 0x02
)

// wire sends packets with any source from this network namespace.
type wire struct{ ipv4, ipv6 int }

// newWire opens the sockets; what they send has a firewall mark.
func newWire(t *testing.T, mark int) *wire {
	open := func(family int) int {
		fd, err := unix.Socket(family, unix.SOCK_RAW, unix.IPPROTO_RAW)
		if err == nil {
			t.Cleanup(func() { unix.Close(fd) })
			err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, mark)
		}
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	return &wire{open(unix.AF_INET), open(unix.AF_INET6)}
}

// send sends a UDP datagram, or a TCP packet with flags. The error of a packet
// that IPVS has for nobody is none of the sender's business.
func (w *wire) send(from, to netip.AddrPort, tcp bool, flags byte) error {
	payload := make([]byte, 8, 20)
	protocol := byte(unix.IPPROTO_UDP)
	if tcp {
		protocol = unix.IPPROTO_TCP
		payload = payload[:20]
		payload[12], payload[13] = 5<<4, flags
	} else {
		binary.BigEndian.PutUint16(payload[4:], 8)
	}
	binary.BigEndian.PutUint16(payload, from.Port())
	binary.BigEndian.PutUint16(payload[2:], to.Port())

	var err error
	if to.Addr().Is4() {
		header := make([]byte, 20)
		header[0], header[8], header[9] = 0x45, 64, protocol
		binary.BigEndian.PutUint16(header[2:], uint16(20+len(payload)))
		copy(header[12:], from.Addr().AsSlice())
		copy(header[16:], to.Addr().AsSlice())
		err = unix.Sendto(w.ipv4, append(header, payload...), 0, &unix.SockaddrInet4{Addr: to.Addr().As4()})
	} else {
		header := make([]byte, 40)
		header[0], header[6], header[7] = 0x60, protocol, 64
		binary.BigEndian.PutUint16(header[4:], uint16(len(payload)))
		copy(header[8:], from.Addr().AsSlice())
		copy(header[24:], to.Addr().AsSlice())
		err = unix.Sendto(w.ipv6, append(header, payload...), 0, &unix.SockaddrInet6{Addr: to.Addr().As16()})
	}
	if err == unix.EPERM { // dropped by IPVS
		return nil
	}
	return err
}
