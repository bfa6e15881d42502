package linux

import (
	"errors"
	"fmt"
	"net"
	"unsafe"

	"ipvsadm/vrrp"

	"golang.org/x/sys/unix"
)

// packetSocket sends frames on any interface. Its protocol is 0, so that it
// receives nothing.
type packetSocket struct {
	fd     int
	out    messages
	frames [batch][]byte
}

func openPacketSocket() (*packetSocket, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	return &packetSocket{fd: fd}, nil
}

func (p *packetSocket) close() error { return unix.Close(p.fd) }

// Announce implements vrrp.Host. Interfaces without an Ethernet address have
// nobody to tell.
func (h *Host) Announce(all []vrrp.Announcement) error {
	links := map[string]*announcer{}
	queued := 0
	var failed error
	keep := func(err error) {
		if failed == nil && err != nil {
			failed = fmt.Errorf("announce addresses: %w", err)
		}
	}
	p := h.packets
	for _, a := range all {
		l := links[a.Device]
		if l == nil {
			l = newAnnouncer(a.Device)
			links[a.Device] = l
			keep(l.err)
		}
		if len(l.mac) != 6 {
			continue
		}
		frame, err := vrrp.AppendAnnouncement(p.frames[queued][:0], a.Addr, l.mac, l.router)
		if err != nil {
			keep(err)
			continue
		}
		p.frames[queued] = frame
		to := (*unix.RawSockaddrLinklayer)(unsafe.Pointer(&p.out.names[queued]))
		*to = unix.RawSockaddrLinklayer{Family: unix.AF_PACKET, Ifindex: int32(l.index)}
		p.out.set(queued, frame, unix.SizeofSockaddrLinklayer, 0)
		if queued++; queued == batch {
			keep(p.out.send(p.fd, queued))
			queued = 0
		}
	}
	keep(p.out.send(p.fd, queued))
	return failed
}

// announcer is what announcements on one interface need.
type announcer struct {
	index  int
	mac    net.HardwareAddr
	router bool
	err    error
}

func newAnnouncer(device string) *announcer {
	link, err := net.InterfaceByName(device)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return &announcer{err: fmt.Errorf("interface %s: %w", device, err)}
	}
	forwarding, _ := readSysctl("net/ipv6/conf/" + device + "/forwarding")
	a := &announcer{index: link.Index, router: forwarding != "" && forwarding != "0"}
	if link.Flags&net.FlagLoopback == 0 {
		a.mac = link.HardwareAddr
	}
	return a
}
