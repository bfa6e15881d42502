package ipvs

import (
	"net/netip"

	moby "github.com/moby/ipvs"
)

// Forward is a packet-forwarding method. The kernel stores three bits; 4 is its
// own Bypass, 5 to 7 have no meaning but can be read back.
type Forward uint32

const (
	Masq      Forward = moby.ConnFwdMasq        // network address translation
	LocalNode Forward = moby.ConnFwdLocalNode   // to a process on the director
	Tunnel    Forward = moby.ConnFwdTunnel      // encapsulated, see TunnelType
	Route     Forward = moby.ConnFwdDirectRoute // by link-layer address: direct routing
	Bypass    Forward = moby.ConnFwdBypass
)

// TunnelType is the encapsulation used by Tunnel destinations.
type TunnelType uint8

const (
	IPIP TunnelType = iota
	GUE             // generic UDP encapsulation, since Linux 5.2
	GRE             // since Linux 5.3
)

// TunnelFlags say how a GUE or GRE tunnel treats checksums.
type TunnelFlags uint16

const (
	TunnelCsum    TunnelFlags = 1 << iota // compute the outer checksum
	TunnelRemCsum                         // GUE remote checksum offload
)

// Encapsulation describes the tunnel to a destination whose Forward is Tunnel.
type Encapsulation struct {
	Type TunnelType
	// Port is the UDP port of a GUE tunnel, 1 to 65535; 0 for the others.
	Port  uint16
	Flags TunnelFlags
}

// Destination is a real server with everything that can be set on it. Its
// address family may differ from the service's only when Forward is Tunnel.
type Destination struct {
	Addr    netip.AddrPort
	Forward Forward
	// Weight is the server's share, 0 to 2147483647. 0 keeps established
	// connections and gives no new ones.
	Weight uint32
	// Upper is the number of connections at which the server gets no new ones, 0
	// for no limit; Lower the number below which it gets them again, 0 for three
	// quarters of Upper. Lower must not exceed Upper.
	Upper, Lower uint32
	Tunnel       Encapsulation
}

// DestinationState is a real server as the kernel shows it.
type DestinationState struct {
	Destination
	// Active, Inactive and Persistent count connections in the established
	// state, in all others, and persistence templates.
	Active, Inactive, Persistent uint32
	Stats                        Stats
}
