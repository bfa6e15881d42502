package vrrp

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
)

const (
	etherTypeARP  = 0x0806
	etherTypeIPv6 = 0x86dd
	protocolICMP6 = 58

	naLen      = 32 // neighbour advertisement with one link layer option
	naRouter   = 0x80
	naOverride = 0x20
)

// AppendAnnouncement appends the Ethernet frame that tells the link that addr is
// at mac: a gratuitous ARP request (RFC 5227 §3) or an unsolicited neighbour
// advertisement (RFC 4861 §7.2.6), to the byte as keepalived sends them. router
// is the R flag of the latter: whether this host forwards.
func AppendAnnouncement(b []byte, addr netip.Addr, mac net.HardwareAddr, router bool) ([]byte, error) {
	if len(mac) != 6 {
		return b, fmt.Errorf("announce %v: %q is no Ethernet address", addr, mac)
	}
	switch {
	case addr.Is4():
		return appendARP(b, addr.As4(), mac), nil
	case addr.Is6() && !addr.Is4In6():
		return appendNA(b, addr.WithZone(""), mac, router), nil
	}
	return b, fmt.Errorf("announce %v: not an IPv4 or IPv6 address", addr)
}

func appendARP(b []byte, addr [4]byte, mac net.HardwareAddr) []byte {
	broadcast := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	b = append(b, broadcast...)
	b = append(b, mac...)
	b = binary.BigEndian.AppendUint16(b, etherTypeARP)
	b = append(b, 0, 1, 8, 0, 6, 4, 0, 1) // Ethernet, IPv4, request
	b = append(b, mac...)
	b = append(b, addr[:]...)
	b = append(b, broadcast...)
	return append(b, addr[:]...)
}

func appendNA(b []byte, addr netip.Addr, mac net.HardwareAddr, router bool) []byte {
	allNodes := netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 1})
	src, dst := addr.As16(), allNodes.As16()
	b = append(b, 0x33, 0x33, 0, 0, 0, 1)
	b = append(b, mac...)
	b = binary.BigEndian.AppendUint16(b, etherTypeIPv6)
	b = append(b, 0x60, 0, 0, 0, 0, naLen, protocolICMP6, 255)
	b = append(b, src[:]...)
	b = append(b, dst[:]...)
	flags := byte(naOverride)
	if router {
		flags |= naRouter
	}
	start := len(b)
	b = append(b, 136, 0, 0, 0, flags, 0, 0, 0)
	b = append(b, src[:]...)
	b = append(b, 2, 1) // target link layer address, 8 bytes
	b = append(b, mac...)
	sum := fold(addrSum(addr) + addrSum(allNodes) + protocolICMP6 + naLen + byteSum(b[start:]))
	binary.BigEndian.PutUint16(b[start+2:], ^sum)
	return b
}

// VirtualMAC is the virtual router's MAC address (RFC 9568 §7.3).
func VirtualMAC(vrid uint8, ipv6 bool) net.HardwareAddr {
	family := byte(1)
	if ipv6 {
		family = 2
	}
	return net.HardwareAddr{0, 0, 0x5e, 0, family, vrid}
}
