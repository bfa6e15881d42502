package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// Packet is a packet as a client sends it.
type Packet struct {
	// Protocol is unix.IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP; a packet of the
	// last is an INIT.
	Protocol byte
	From, To netip.AddrPort
	// Flags are those of TCP.
	Flags byte
}

// Flags of TCP.
const (
	FIN = 0x01
	SYN = 0x02
)

// Wire sends packets with any source from the network namespace it was opened in.
type Wire struct{ ipv4, ipv6 int }

// Open opens the sockets; what they send has a firewall mark, if that is not 0.
func Open(mark int) (*Wire, error) {
	w := &Wire{-1, -1}
	for _, socket := range []struct {
		family int
		fd     *int
	}{{unix.AF_INET, &w.ipv4}, {unix.AF_INET6, &w.ipv6}} {
		fd, err := unix.Socket(socket.family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		if err == nil {
			*socket.fd = fd
			err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, mark)
		}
		if err != nil {
			w.Close()
			return nil, fmt.Errorf("raw socket: %w", err)
		}
	}
	return w, nil
}

// Close gives the sockets back.
func (w *Wire) Close() {
	unix.Close(w.ipv4)
	unix.Close(w.ipv6)
}

// Send sends a packet. That IPVS has nobody for it is none of the sender's
// business, and no error.
func (w *Wire) Send(p Packet) error {
	payload := p.payload()
	var err error
	if p.To.Addr().Is4() {
		header := make([]byte, 20)
		header[0], header[8], header[9] = 0x45, 64, p.Protocol
		binary.BigEndian.PutUint16(header[2:], uint16(20+len(payload)))
		copy(header[12:], p.From.Addr().AsSlice())
		copy(header[16:], p.To.Addr().AsSlice())
		err = unix.Sendto(w.ipv4, append(header, payload...), 0, &unix.SockaddrInet4{Addr: p.To.Addr().As4()})
	} else {
		header := make([]byte, 40)
		header[0], header[6], header[7] = 0x60, p.Protocol, 64
		binary.BigEndian.PutUint16(header[4:], uint16(len(payload)))
		copy(header[8:], p.From.Addr().AsSlice())
		copy(header[24:], p.To.Addr().AsSlice())
		err = unix.Sendto(w.ipv6, append(header, payload...), 0, &unix.SockaddrInet6{Addr: p.To.Addr().As16()})
	}
	if errors.Is(err, unix.EPERM) { // dropped by IPVS
		return nil
	}
	return err
}

// payload is what follows the IP header.
func (p Packet) payload() []byte {
	b := make([]byte, 32)
	switch p.Protocol {
	case unix.IPPROTO_TCP:
		b = b[:20]
		b[12], b[13] = 5<<4, p.Flags
	case unix.IPPROTO_UDP:
		b = b[:8]
		binary.BigEndian.PutUint16(b[4:], 8)
	default: // SCTP: a header of 12 bytes and an INIT chunk of 20
		b[12], b[15] = 1, 20
		binary.BigEndian.PutUint32(b[16:], 1) // the tag, which is not 0
		binary.BigEndian.PutUint32(b[20:], 65535)
		binary.BigEndian.PutUint16(b[24:], 1)
		binary.BigEndian.PutUint16(b[26:], 1)
	}
	binary.BigEndian.PutUint16(b, p.From.Port())
	binary.BigEndian.PutUint16(b[2:], p.To.Port())
	return b
}

// Dead gives every address of the network namespace a way out that leads nowhere.
func Dead() error {
	ip := exec.Command("ip", "-batch", "-")
	ip.Stdin = strings.NewReader(`link add out type dummy
link set out up
addr add 192.0.2.1/24 dev out
addr add 2001:db8:ffff::1/64 dev out nodad
route add default dev out
route add ::/0 dev out
`)
	if out, err := ip.CombinedOutput(); err != nil {
		return fmt.Errorf("ip: %w: %s", err, out)
	}
	return nil
}
