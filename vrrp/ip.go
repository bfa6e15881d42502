package vrrp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

const (
	protocolVRRP  = 112
	protocolAH    = 51
	ipv4HeaderLen = 20
	// networkControl is the TOS keepalived sends, precedence "internet control".
	networkControl = 0xc0

	// TTL is the only TTL or hop limit an advertisement may have: it proves that
	// no router forwarded it (RFC 9568 §5.1.1.3).
	TTL = 255
	// TTLUnknown is the TTL of a datagram of which the kernel did not tell it.
	TTLUnknown = -1
)

// GroupIPv4 is 224.0.0.18 (RFC 9568 §5.1.1.2).
func GroupIPv4() netip.Addr { return netip.AddrFrom4([4]byte{224, 0, 0, 18}) }

// GroupIPv6 is ff02::12 (RFC 9568 §5.1.2.2).
func GroupIPv6() netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 0x12})
}

// Datagram is one received packet: its bytes, and what the kernel said of it.
type Datagram struct {
	// Source and Destination are the addresses of the IP header. Without a
	// destination (no packet information) an IPv6 checksum cannot be verified.
	Source, Destination netip.Addr
	// TTL is the TTL or hop limit, TTLUnknown when the kernel did not tell.
	TTL int
	// Interface is the index of the interface it came in by, 0 when unknown.
	Interface int
	// Protocol is 112, or 51 when an authentication header comes first.
	Protocol uint8
	// Header is the IPv4 header with its options, which an authentication
	// header covers. It is nil for IPv6.
	Header []byte
	// Payload is what follows the IP header.
	Payload []byte
}

// ParseIPv4 reads what an IPv4 raw socket delivers: a packet with its header.
// Lengths come from the bytes received; the header's total length may only make
// the packet shorter (padding of the link), never longer.
func ParseIPv4(b []byte, ifindex int) (Datagram, Reason) {
	d := Datagram{Interface: ifindex, TTL: TTLUnknown}
	if len(b) < ipv4HeaderLen || b[0]>>4 != 4 {
		return d, ReasonPacketLength
	}
	hlen, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
	d.Source = netip.AddrFrom4([4]byte(b[12:16]))
	d.Destination = netip.AddrFrom4([4]byte(b[16:20]))
	d.TTL, d.Protocol = int(b[8]), b[9]
	// A fragment is not a complete packet; the kernel puts them together.
	fragment := binary.BigEndian.Uint16(b[6:])&0x3fff != 0
	if hlen < ipv4HeaderLen || total < hlen || total > len(b) || fragment {
		return d, ReasonPacketLength
	}
	d.Header, d.Payload = b[:hlen], b[hlen:total]
	return d, Accepted
}

// NewIPv6 makes a datagram of what an IPv6 raw socket delivers: the payload
// without its header, and the rest as ancillary data. Zones are dropped.
func NewIPv6(payload []byte, src, dst netip.Addr, hopLimit, ifindex int) Datagram {
	return Datagram{
		Source:      src.WithZone(""),
		Destination: dst.WithZone(""),
		TTL:         hopLimit,
		Interface:   ifindex,
		Protocol:    protocolVRRP,
		Payload:     payload,
	}
}

// VRID is the Virtual Router ID in the datagram, to find the instance it is for.
// It is false when there is none to read. Nothing has been verified.
func (d Datagram) VRID() (uint8, bool) {
	msg, r := d.message()
	if r != Accepted {
		return 0, false
	}
	return msg[1], true
}

// message is the VRRP message: the payload after an authentication header.
func (d Datagram) message() ([]byte, Reason) {
	msg := d.Payload
	if d.Protocol == protocolAH {
		if len(msg) < ahLen {
			return nil, ReasonPacketLength
		}
		if msg[0] != protocolVRRP {
			return nil, ReasonProtocol
		}
		msg = msg[ahLen:]
	} else if d.Protocol != protocolVRRP {
		return nil, ReasonProtocol
	}
	if len(msg) < headerLen {
		return nil, ReasonPacketLength
	}
	return msg, Accepted
}

// IPv4 is what AppendIPv4 needs beside the advertisement.
type IPv4 struct {
	Source, Destination netip.Addr
	// ID is the identification field. keepalived counts it from 1, without 0.
	ID uint16
	// TTL is 255; keepalived's unicast_ttl may lower it towards unicast peers.
	TTL uint8
	// Checksum is the form of a version 3 checksum.
	Checksum ChecksumForm
	// Password and Sequence are the key and the sequence number of the
	// authentication header, for AuthAH.
	Password Password
	Sequence uint32
}

// AppendIPv4 appends a whole IPv4 packet, header included, as a raw socket with
// IP_HDRINCL takes it and as keepalived sends it, to the byte.
func AppendIPv4(b []byte, h IPv4, a Advertisement) ([]byte, error) {
	if !h.Source.Is4() || !h.Destination.Is4() {
		return b, fmt.Errorf("encode packet: %v to %v is not IPv4", h.Source, h.Destination)
	}
	start := len(b)
	src, dst := h.Source.As4(), h.Destination.As4()
	protocol := byte(protocolVRRP)
	if a.AuthType == AuthAH {
		protocol = protocolAH
	}
	b = append(b, 0x45, networkControl, 0, 0)
	b = binary.BigEndian.AppendUint16(b, h.ID)
	b = append(b, 0, 0, h.TTL, protocol, 0, 0)
	b = append(b, src[:]...)
	b = append(b, dst[:]...)
	if a.AuthType == AuthAH {
		b = appendAH(b, h)
	}
	b, err := a.Append(b, h.Source, h.Destination, h.Checksum)
	if err != nil {
		return b[:start], err
	}
	packet := b[start:]
	binary.BigEndian.PutUint16(packet[2:], uint16(len(packet)))
	if a.AuthType == AuthAH {
		sealAH(packet[:ipv4HeaderLen], packet[ipv4HeaderLen:], h.Password)
	}
	binary.BigEndian.PutUint16(packet[10:], ^fold(byteSum(packet[:ipv4HeaderLen])))
	return b, nil
}
