package linux

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"unsafe"

	"ipvsadm/vrrp"

	"golang.org/x/sys/unix"
)

// receiveBuffer holds what arrives while the process does not run: 255 routers'
// advertisements of a second at 10 ms would need more, but those that are there
// tell that the Active Routers live.
const receiveBuffer = 4 << 20

// socket is the raw socket of one port.
type socket struct {
	port vrrp.Port
	fd   int
	// joined counts, by group, who wants to receive. The zero Addr is unicast.
	joined map[netip.Addr]int
	out    messages
	queued int
}

// openSocket opens the port. Packets sent to it queue up from here on.
func openSocket(port vrrp.Port) (*socket, error) {
	family, protocol := unix.AF_INET, 112
	if port.IPv6 {
		family = unix.AF_INET6
	}
	if port.AH {
		protocol = 51
	}
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return nil, fmt.Errorf("open raw socket for protocol %d: %w", protocol, err)
	}
	s := &socket{port: port, fd: fd, joined: map[netip.Addr]int{}}
	if err := s.configure(); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("open raw socket for protocol %d: %w", protocol, err)
	}
	return s, nil
}

func (s *socket) configure() error {
	set := func(level, option, value int) func() error {
		return func() error { return unix.SetsockoptInt(s.fd, level, option, value) }
	}
	// The traffic class is that of keepalived, "internet control".
	steps := []func() error{
		set(unix.SOL_IP, unix.IP_HDRINCL, 1),
		set(unix.SOL_IP, unix.IP_MULTICAST_LOOP, 0),
		// Only the groups joined here, not those of other sockets of the host.
		set(unix.SOL_IP, unix.IP_MULTICAST_ALL, 0),
	}
	if s.port.IPv6 {
		steps = []func() error{
			set(unix.SOL_IPV6, unix.IPV6_MULTICAST_LOOP, 0),
			set(unix.SOL_IPV6, unix.IPV6_MULTICAST_ALL, 0),
			set(unix.SOL_IPV6, unix.IPV6_RECVPKTINFO, 1),
			set(unix.SOL_IPV6, unix.IPV6_RECVHOPLIMIT, 1),
			set(unix.SOL_IPV6, unix.IPV6_TCLASS, 0xc0),
		}
	}
	steps = append(steps, set(unix.SOL_SOCKET, unix.SO_PRIORITY, 6)) // TC_PRIO_CONTROL
	if s.port.Interface != 0 {
		steps = append(steps, func() error { return s.bind() })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer); err != nil {
		return unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	}
	return nil
}

// bind binds to the interface, whose name is looked up because kernels before
// 5.7 know no other way.
func (s *socket) bind() error {
	link, err := net.InterfaceByIndex(s.port.Interface)
	if err != nil {
		return fmt.Errorf("bind to interface %d: %w", s.port.Interface, err)
	}
	if err := unix.BindToDevice(s.fd, link.Name); err != nil {
		return fmt.Errorf("bind to interface %s: %w", link.Name, err)
	}
	if s.port.IPv6 {
		err = unix.SetsockoptInt(s.fd, unix.SOL_IPV6, unix.IPV6_MULTICAST_IF, s.port.Interface)
	} else {
		err = unix.SetsockoptIPMreqn(s.fd, unix.SOL_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(s.port.Interface)})
	}
	if err != nil {
		return fmt.Errorf("send multicast on %s: %w", link.Name, err)
	}
	return nil
}

func (s *socket) join(group netip.Addr) error {
	if s.joined[group]++; s.joined[group] > 1 || !group.IsValid() {
		return nil
	}
	if err := s.member(group, unix.IP_ADD_MEMBERSHIP, unix.IPV6_JOIN_GROUP); err != nil && !errors.Is(err, unix.EADDRINUSE) {
		return fmt.Errorf("join %v on interface %d: %w", group, s.port.Interface, err)
	}
	return nil
}

func (s *socket) leave(group netip.Addr) {
	if s.joined[group]--; s.joined[group] > 0 {
		return
	}
	delete(s.joined, group)
	if group.IsValid() {
		// It fails if the interface is gone, and the membership with it.
		_ = s.member(group, unix.IP_DROP_MEMBERSHIP, unix.IPV6_LEAVE_GROUP)
	}
}

func (s *socket) member(group netip.Addr, option4, option6 int) error {
	if group.Is4() {
		return unix.SetsockoptIPMreqn(s.fd, unix.SOL_IP, option4, &unix.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(s.port.Interface)})
	}
	return unix.SetsockoptIPv6Mreq(s.fd, unix.SOL_IPV6, option6, &unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(s.port.Interface)})
}

// queue puts a packet into the next batch, and sends the batch if it is full.
func (s *socket) queue(o *vrrp.Outgoing) error {
	i := s.queued
	scope := s.port.Interface
	n, control := putSockaddr(&s.out.names[i], o.Destination, scope), 0
	if s.port.IPv6 {
		control = putControl(&s.out.control[i], o.Source, scope, o.HopLimit)
	}
	s.out.set(i, o.Packet, n, control)
	if s.queued++; s.queued == batch {
		return s.flush()
	}
	return nil
}

// flush sends what is queued.
func (s *socket) flush() error {
	n := s.queued
	if s.queued = 0; n == 0 {
		return nil
	}
	if err := s.out.send(s.fd, n); err != nil {
		return fmt.Errorf("send on interface %d: %w", s.port.Interface, err)
	}
	return nil
}

// datagram makes a datagram of a received message: a whole packet of IPv4, the
// payload of IPv6.
func (s *socket) datagram(data, control []byte, from *sockaddr, flags int32) (vrrp.Datagram, vrrp.Reason) {
	if flags&unix.MSG_TRUNC != 0 {
		return vrrp.Datagram{}, vrrp.ReasonPacketLength
	}
	ifindex := s.port.Interface
	if s.port.VRF {
		ifindex = 0
	}
	if !s.port.IPv6 {
		return vrrp.ParseIPv4(data, ifindex)
	}
	dst, in, hopLimit := parseControl(control)
	if !s.port.VRF && in != 0 {
		ifindex = in
	}
	src := (*unix.RawSockaddrInet6)(unsafe.Pointer(from))
	return vrrp.NewIPv6(data, netip.AddrFrom16(src.Addr), dst, hopLimit, ifindex), vrrp.Accepted
}
