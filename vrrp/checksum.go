package vrrp

import (
	"encoding/binary"
	"net/netip"
)

// ChecksumForm says what the checksum of a version 3 message over IPv4 covers.
// Version 2 always covers the message alone, IPv6 always the pseudo-header too.
type ChecksumForm uint8

const (
	// WithPseudoHeader is RFC 5798 as keepalived, FRR and tcpdump read it, and
	// what keepalived sends unless v3_checksum_as_v2 is set.
	WithPseudoHeader ChecksumForm = iota
	// MessageOnly is RFC 9568 §5.2.8, and what Cisco and Juniper send.
	MessageOnly
	// OldUnicast is a pseudo-header with the multicast group for the destination
	// of a unicast packet: a mistake of keepalived up to 1.3.6
	// (old_unicast_checksum).
	OldUnicast

	checksumForms
)

func (f ChecksumForm) String() string {
	switch f {
	case MessageOnly:
		return "message-only"
	case OldUnicast:
		return "old unicast"
	}
	return "pseudo-header"
}

// effectiveForm leaves a choice only where there is one: version 3 over IPv4.
func effectiveForm(v Version, ipv6 bool, form ChecksumForm) ChecksumForm {
	switch {
	case v == V2:
		return MessageOnly
	case ipv6:
		return WithPseudoHeader
	}
	return form
}

// messageSum is the one's complement sum of msg, and of the pseudo-header when
// the form asks for it. It is 0xffff for a message with a right checksum.
func messageSum(msg []byte, src, dst netip.Addr, form ChecksumForm) uint16 {
	var sum uint32
	switch form {
	case OldUnicast:
		dst = GroupIPv4()
		fallthrough
	case WithPseudoHeader:
		sum = addrSum(src) + addrSum(dst) + protocolVRRP + uint32(len(msg))
	}
	return fold(sum + byteSum(msg))
}

func addrSum(a netip.Addr) uint32 {
	if a.Is4() {
		b := a.As4()
		return byteSum(b[:])
	}
	b := a.As16()
	return byteSum(b[:])
}

// byteSum adds b as 16 bit words without folding: 64 kB cannot overflow it.
func byteSum(b []byte) (sum uint32) {
	for len(b) >= 2 {
		sum += uint32(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

func fold(sum uint32) uint16 {
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}
