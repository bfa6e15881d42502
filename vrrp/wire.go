package vrrp

import (
	"net/netip"
	"time"
)

// Wire sends and receives advertisements. Its methods, but for Interrupt, are
// called by the Manager's goroutine alone.
type Wire interface {
	// Join opens a port, and makes it receive what is sent to the multicast
	// group, which is invalid for unicast. The function takes that back; the last
	// one of a port closes it.
	Join(Port, netip.Addr) (leave func(), err error)
	// Send sends all packets, in their order for each port. It does not wait,
	// and keeps nothing of what it was given. A packet that cannot be sent does
	// not stop the others; the error is that of the first such packet.
	Send([]Outgoing) error
	// Receive calls the function with each packet that has arrived by now,
	// without waiting for more. The datagram is valid during the call. Packets
	// that are refused before they are datagrams come with their Reason.
	Receive(func(Port, Datagram, Reason))
	// Wait waits until there may be something to Receive, until that much time has
	// passed, or until Interrupt is called.
	Wait(time.Duration)
	// Interrupt ends Wait, or the next one if there is none. Any goroutine may
	// call it.
	Interrupt()
}

// Port is where advertisements go out and come in. Instances of equal ports
// share sockets.
type Port struct {
	// Interface is the index of the only interface it uses, or of a VRF, or 0
	// for unicast on any of them.
	Interface int
	// VRF says that Interface is the device of a routing domain, so that packets
	// come in by other interfaces.
	VRF  bool
	IPv6 bool
	// AH is for advertisements behind an authentication header.
	AH bool
}

// Outgoing is a packet to be sent.
type Outgoing struct {
	Port                Port
	Source, Destination netip.Addr
	// HopLimit is the hop limit of an IPv6 packet.
	HopLimit uint8
	// Packet is a whole IPv4 packet, or what follows the header of IPv6.
	Packet []byte
}
