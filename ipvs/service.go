package ipvs

import (
	"net/netip"
	"time"
)

// Family is an address family, with the numbers of Linux.
type Family uint16

const (
	IPv4 Family = 2  // AF_INET
	IPv6 Family = 10 // AF_INET6
)

// FamilyOf returns the family of an address. An IPv4-mapped IPv6 address is
// IPv6, as it is for the kernel. The zero Addr has family 0.
func FamilyOf(a netip.Addr) Family {
	switch {
	case a.Is4():
		return IPv4
	case a.Is6():
		return IPv6
	}
	return 0
}

// Protocol is an IP protocol number. The kernel stores any 16-bit value; it
// balances only TCP, UDP and SCTP.
type Protocol uint16

const (
	TCP  Protocol = 6
	UDP  Protocol = 17
	SCTP Protocol = 132
)

// ServiceKey names a virtual service: either by firewall mark (FWMark not 0,
// Protocol 0 and Addr zero) or by protocol, address and port (FWMark 0). Family
// is always set, also where Addr implies it.
type ServiceKey struct {
	Family   Family
	Protocol Protocol
	FWMark   uint32
	Addr     netip.AddrPort
}

// ServiceFlags are the flag bits of a virtual service (IP_VS_SVC_F_* in
// include/uapi/linux/ip_vs.h).
type ServiceFlags uint32

const (
	Persistent ServiceFlags = 1 << iota // connections of one client stay with one server
	Hashed                              // in the kernel's table: always set on what is read, ignored on what is written
	OnePacket                           // schedule every datagram by itself
	SchedFlag1                          // meaning depends on the scheduler: sh-fallback, mh-fallback
	SchedFlag2                          // sh-port, mh-port
	SchedFlag3

	SchedFlags = SchedFlag1 | SchedFlag2 | SchedFlag3
)

// Service is a virtual service with everything that can be set on it.
type Service struct {
	ServiceKey
	// Scheduler is the name of a scheduling algorithm, 15 bytes at most. "" and
	// "none" stand for a service without one.
	Scheduler string
	Flags     ServiceFlags
	// Timeout is how long a client stays bound to its server after its last
	// connection ended, in whole seconds; used when Flags has Persistent. The
	// kernel keeps it in jiffies and wraps beyond 2^32 of them.
	Timeout time.Duration
	// Netmask groups the clients that persistence treats as one. For IPv4 it is
	// the mask in host byte order (0xffffff00 is 255.255.255.0; the kernel does
	// not ask that its ones be contiguous), for IPv6 the prefix length, 1 to 128.
	Netmask uint32
	// PE is the name of a persistence engine, 16 bytes at most; "" for none.
	PE string
}

// HostMask returns the Netmask that keeps every client apart: /32 or /128.
func HostMask(f Family) uint32 {
	if f == IPv6 {
		return 128
	}
	return 0xffffffff
}

// ServiceState is a virtual service as the kernel shows it.
type ServiceState struct {
	Service
	Stats Stats
}
