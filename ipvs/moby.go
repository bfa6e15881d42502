package ipvs

import (
	"encoding/binary"
	"net"
	"net/netip"
	"time"

	moby "github.com/moby/ipvs"
)

// The conversions to and from github.com/moby/ipvs are for programs that have
// its types already. They keep what those can hold. moby's Handle holds less:
// see its parseDestination, which cuts weights to 16 bits, and its
// fillDestination, which takes every real server for one of the service's
// family.

// ServiceFromMoby returns a service as moby/ipvs has it.
func ServiceFromMoby(m *moby.Service) Service {
	s := Service{
		ServiceKey: ServiceKey{Family: Family(m.AddressFamily), FWMark: m.FWMark},
		Scheduler:  m.SchedName,
		Flags:      ServiceFlags(m.Flags),
		Timeout:    time.Duration(m.Timeout) * time.Second,
		Netmask:    swapIPv4Mask(Family(m.AddressFamily), m.Netmask),
		PE:         m.PEName,
	}
	if m.FWMark == 0 {
		s.Protocol = Protocol(m.Protocol)
		s.Addr = netip.AddrPortFrom(addrFromIP(m.Address, s.Family), m.Port)
	}
	return s
}

// Moby returns the service as moby/ipvs has it.
func (s *Service) Moby() *moby.Service {
	return &moby.Service{
		Address:       s.Addr.Addr().AsSlice(),
		Protocol:      uint16(s.Protocol),
		Port:          s.Addr.Port(),
		FWMark:        s.FWMark,
		SchedName:     s.Scheduler,
		Flags:         uint32(s.Flags),
		Timeout:       uint32(s.Timeout / time.Second),
		Netmask:       swapIPv4Mask(s.Family, s.Netmask),
		AddressFamily: uint16(s.Family),
		PEName:        s.PE,
	}
}

// DestinationFromMoby returns a real server as moby/ipvs has it, of a service
// of the given family.
func DestinationFromMoby(m *moby.Destination, service Family) Destination {
	family := Family(m.AddressFamily)
	if family == 0 {
		family = service
	}
	return Destination{
		Addr:    netip.AddrPortFrom(addrFromIP(m.Address, family), m.Port),
		Forward: Forward(m.ConnectionFlags) & forwardMask,
		Weight:  uint32(m.Weight),
		Upper:   m.UpperThreshold,
		Lower:   m.LowerThreshold,
	}
}

// Moby returns the real server as moby/ipvs has it, which is without its
// Tunnel.
func (d *Destination) Moby() *moby.Destination {
	return &moby.Destination{
		Address:         d.Addr.Addr().AsSlice(),
		Port:            d.Addr.Port(),
		Weight:          int(d.Weight),
		ConnectionFlags: uint32(d.Forward),
		AddressFamily:   uint16(FamilyOf(d.Addr.Addr())),
		UpperThreshold:  d.Upper,
		LowerThreshold:  d.Lower,
	}
}

// addrFromIP takes an IPv4 address in either of the forms of net.IP, unless
// the family says that it is an IPv6 one.
func addrFromIP(ip net.IP, f Family) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	if f == IPv4 {
		return a.Unmap()
	}
	return a
}

// swapIPv4Mask converts a netmask between our order, that of the host, and that
// of moby/ipvs, which leaves it as it is in the message.
func swapIPv4Mask(f Family, mask uint32) uint32 {
	if f == IPv6 {
		return mask
	}
	return binary.NativeEndian.Uint32(binary.BigEndian.AppendUint32(nil, mask))
}
