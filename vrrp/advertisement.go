package vrrp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// Version is a version of the protocol.
type Version uint8

const (
	// V2 is RFC 3768: IPv4 only, intervals in whole seconds.
	V2 Version = 2
	// V3 is RFC 9568 and RFC 5798: IPv4 and IPv6, intervals in centiseconds.
	V3 Version = 3
)

func (v Version) String() string { return fmt.Sprintf("VRRPv%d", uint8(v)) }

// AuthType is the Auth Type field of version 2 (RFC 2338 §5.3.6). Version 3 has
// no authentication.
type AuthType uint8

const (
	// AuthNone is no authentication, type 0.
	AuthNone AuthType = 0
	// AuthPass is a password sent in clear in every advertisement, type 1.
	AuthPass AuthType = 1
	// AuthAH is an IPsec authentication header before the message, type 2.
	AuthAH AuthType = 2
)

func (t AuthType) String() string {
	switch t {
	case AuthNone:
		return "none"
	case AuthPass:
		return "PASS"
	case AuthAH:
		return "AH"
	}
	return fmt.Sprintf("AuthType(%d)", uint8(t))
}

// Password is the eight bytes of auth_pass, padded with zeros. It never prints.
type Password [8]byte

// String hides the password.
func (Password) String() string { return "***" }

// GoString hides the password from %#v.
func (Password) GoString() string { return "***" }

const (
	typeAdvertisement = 1
	headerLen         = 8 // both versions, RFC 9568 §5.1
	authDataLen       = 8 // version 2 only, after the addresses
	maxAddresses      = 255

	// PriorityStop says that the Active Router gives up (RFC 9568 §5.2.4).
	PriorityStop = 0
	// PriorityOwner belongs to the router that owns the addresses.
	PriorityOwner = 255
	// PriorityDefault is what a Backup Router uses when none is configured.
	PriorityDefault = 100
)

// Advertisement is a VRRP ADVERTISEMENT, with the names of RFC 9568 §5.2. The
// checksum and the reserved bits have no field: they are computed when it is
// encoded and checked or ignored when it is decoded.
type Advertisement struct {
	Version  Version
	VRID     uint8 // Virtual Router ID, 1-255
	Priority uint8 // 0 gives up, 255 owns the addresses
	// MaxAdvertiseInterval is carried in centiseconds by version 3 (at most
	// 40.95 s) and in seconds by version 2 (at most 255 s).
	MaxAdvertiseInterval time.Duration
	// Addresses are the virtual addresses, at most 255 of one family. The slice
	// is shared, never changed.
	Addresses []netip.Addr
	// AuthType and Password are version 2 only. The password is sent with
	// AuthPass and is zero otherwise.
	AuthType AuthType
	Password Password
}

// Append appends the VRRP message to b, with the checksum for a packet from src
// to dst. Neither an IP nor an authentication header is part of it: see
// AppendIPv4. The form of the checksum matters for version 3 over IPv4 only. It
// fails when the advertisement cannot be expressed.
func (a Advertisement) Append(b []byte, src, dst netip.Addr, form ChecksumForm) ([]byte, error) {
	interval, err := a.intervalField()
	if err != nil {
		return b, err
	}
	if len(a.Addresses) > maxAddresses {
		return b, fmt.Errorf("encode advertisement: %d addresses, the count field holds %d", len(a.Addresses), maxAddresses)
	}
	ipv6 := dst.Is6() && !dst.Is4In6()
	if a.Version == V2 && ipv6 {
		return b, fmt.Errorf("encode advertisement: version 2 is IPv4 only")
	}
	start := len(b)
	b = append(b, byte(a.Version)<<4|typeAdvertisement, a.VRID, a.Priority, byte(len(a.Addresses)))
	if a.Version == V2 {
		b = append(b, byte(a.AuthType), byte(interval))
	} else {
		b = binary.BigEndian.AppendUint16(b, interval)
	}
	b = append(b, 0, 0) // checksum
	for _, addr := range a.Addresses {
		if addr.Is6() != ipv6 {
			return b[:start], fmt.Errorf("encode advertisement: address %v in a packet to %v", addr, dst)
		}
		if ipv6 {
			a16 := addr.As16()
			b = append(b, a16[:]...)
		} else {
			a4 := addr.As4()
			b = append(b, a4[:]...)
		}
	}
	if a.Version == V2 {
		if a.AuthType == AuthPass {
			b = append(b, a.Password[:]...)
		} else {
			b = append(b, make([]byte, authDataLen)...)
		}
	}
	msg := b[start:]
	binary.BigEndian.PutUint16(msg[6:], ^messageSum(msg, src, dst, effectiveForm(a.Version, ipv6, form)))
	return b, nil
}

// intervalField is the interval as it stands in the packet.
func (a Advertisement) intervalField() (uint16, error) {
	unit, limit := unitOf(a.Version)
	if unit == 0 {
		return 0, fmt.Errorf("encode advertisement: unknown version %d", a.Version)
	}
	n := a.MaxAdvertiseInterval / unit
	if n < 0 || n > limit || n*unit != a.MaxAdvertiseInterval {
		return 0, fmt.Errorf("encode advertisement: interval %v cannot be sent in %v", a.MaxAdvertiseInterval, a.Version)
	}
	return uint16(n), nil
}

// unitOf is the unit of the interval field and the largest count of it.
func unitOf(v Version) (unit, limit time.Duration) {
	switch v {
	case V2:
		return time.Second, 255
	case V3:
		return Centisecond, 4095
	}
	return 0, 0
}

// messageLen is the length the header of msg asks for: fixed part, addresses
// and, in version 2, the authentication data. msg has at least headerLen bytes.
func messageLen(msg []byte, ipv6 bool) int {
	n := headerLen + int(msg[3])*addressLen(ipv6)
	if Version(msg[0]>>4) == V2 {
		n += authDataLen
	}
	return n
}

func addressLen(ipv6 bool) int {
	if ipv6 {
		return 16
	}
	return 4
}

// decodeMessage reads a message whose length has been checked.
func decodeMessage(msg []byte, ipv6 bool) Advertisement {
	a := Advertisement{
		Version:  Version(msg[0] >> 4),
		VRID:     msg[1],
		Priority: msg[2],
	}
	if a.Version == V2 {
		a.AuthType = AuthType(msg[4])
		a.MaxAdvertiseInterval = time.Duration(msg[5]) * time.Second
	} else {
		// The four reserved bits are ignored (RFC 9568 §5.2.6).
		a.MaxAdvertiseInterval = time.Duration(binary.BigEndian.Uint16(msg[4:])&0x0fff) * Centisecond
	}
	n, size := int(msg[3]), addressLen(ipv6)
	if n > 0 {
		a.Addresses = make([]netip.Addr, n)
	}
	for i := range a.Addresses {
		addr, _ := netip.AddrFromSlice(msg[headerLen+i*size:][:size])
		a.Addresses[i] = addr
	}
	if a.AuthType == AuthPass {
		copy(a.Password[:], msg[headerLen+n*size:])
	}
	return a
}
