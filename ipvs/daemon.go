package ipvs

import (
	"net/netip"
	"time"
)

// DaemonState says which half of connection synchronisation a daemon is.
type DaemonState uint32

const (
	Master DaemonState = 1 // sends this director's connections
	Backup DaemonState = 2 // takes in another's
)

// Daemon is a connection synchronisation daemon of the kernel. Zero MaxLen,
// Group, Port and TTL leave the choice to the kernel (1472 or what the MTU
// allows, 224.0.0.81, 8848, 1).
type Daemon struct {
	State     DaemonState
	Interface string // at most 15 bytes
	// SyncID keeps apart groups of directors on one network: 0 to 255.
	SyncID uint32
	// MaxLen is the largest datagram payload, in bytes.
	MaxLen uint16
	Group  netip.Addr // IPv4 or IPv6 multicast
	Port   uint16
	TTL    uint8
}

// Timeouts are those of connections without a persistence of their own. When
// they are set, zero keeps the kernel's value. Whole seconds.
type Timeouts struct {
	TCP, TCPFin, UDP time.Duration
}

// Info is what the kernel says of its IPVS.
type Info struct {
	Version       uint32 // 0x010201 is 1.2.1
	ConnTableSize uint32 // buckets of the connection table
}
