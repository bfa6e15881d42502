package ipvstest

import (
	"net/netip"
	"slices"

	"ipvsadm/ipvs"
)

// unicast says whether the kernel takes an address for a new real server
// (ip_vs_new_dest). It refuses
//
//   - of IPv4 what inet_addr_type calls broadcast or multicast: 0.0.0.0,
//     255.255.255.255, 224.0.0.0/4 and the last address of every network of
//     Options.Addresses that has more than two;
//   - of IPv6 what is not unicast, ::, ff00::/8 and IPv4-mapped addresses, and
//     fe80::/10, unless the address is one of Options.Addresses.
//
// Everything else is taken, reachable or not. Local routes that do not come
// from an address are not imitated.
func (k *Kernel) unicast(a netip.Addr) bool {
	local := func(p netip.Prefix) bool { return p.Addr() == a }
	if a.Is6() {
		global := !a.IsUnspecified() && !a.IsMulticast() && !a.Is4In6() && !a.IsLinkLocalUnicast()
		return global || slices.ContainsFunc(k.opt.Addresses, local)
	}
	if a.IsMulticast() || a.IsUnspecified() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return false
	}
	broadcast := func(p netip.Prefix) bool { return a == lastAddr(p) }
	return slices.ContainsFunc(k.opt.Addresses, local) || !slices.ContainsFunc(k.opt.Addresses, broadcast)
}

// lastAddr returns the broadcast address of an IPv4 network, the zero Addr if it
// has none (fib_add_ifaddr in net/ipv4/fib_frontend.c).
func lastAddr(p netip.Prefix) netip.Addr {
	if !p.Addr().Is4() || p.Bits() > 30 {
		return netip.Addr{}
	}
	b := p.Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(b)
}

// addressBytes returns the address of a service in the 16 bytes the kernel keeps
// for it; an IPv4 address fills the first four.
func addressBytes(key ipvs.ServiceKey) [16]byte {
	var b [16]byte
	copy(b[:], key.Addr.Addr().AsSlice())
	return b
}
