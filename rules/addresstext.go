package rules

import (
	"net/netip"
	"strconv"

	"ipvsadm/ipvs"
)

// Lengths at which ipvsadm cuts the text of an address and its port, in bytes.
// The first hits every listing, the others only columns, and there only what is
// not IPv6.
const (
	addressBytes = 59
	serverBytes  = 28 // the column of a real server
	serviceBytes = 33 // that of a service, its protocol included
)

// addressText writes addresses with their ports: as numbers, or by name where
// there is one.
type addressText struct {
	names Names // nil for numbers
	// readBack is there if only such names will do as parse reads back as the
	// same address. It holds those that were tried, "" for a number.
	readBack map[netip.Addr]string
}

// addressText returns the writer of addresses for one listing.
func (s *session) addressText(numeric bool) addressText {
	if numeric {
		return addressText{}
	}
	return addressText{names: s.env.Names}
}

// prefetcher is a Names that finds the names of many addresses faster together
// than one by one.
type prefetcher interface{ Prefetch([]netip.Addr) }

// prefetch looks up the names of all addresses of a table.
func (t addressText) prefetch(table []ipvs.Entry) {
	p, ok := t.names.(prefetcher)
	if !ok {
		return
	}
	var addrs []netip.Addr
	add := func(a netip.Addr) {
		if a.IsValid() && (t.readBack == nil || a.Is4()) {
			addrs = append(addrs, a)
		}
	}
	for i := range table {
		add(table[i].Addr.Addr())
		for j := range table[i].Destinations {
			add(table[i].Destinations[j].Addr.Addr())
		}
	}
	p.Prefetch(addrs)
}

// append adds a's address and port, 59 bytes at most in a listing. Ports have
// names only under TCP, UDP and SCTP.
func (t addressText) append(b []byte, a netip.AddrPort, p ipvs.Protocol) []byte {
	from := len(b)
	addr := a.Addr()
	if addr.Is6() {
		b = append(b, '[')
	}
	if name := t.hostName(addr); name != "" {
		b = append(b, name...)
	} else {
		b = appendAddr(b, addr)
	}
	if addr.Is6() {
		b = append(b, ']')
	}
	b = t.appendPort(append(b, ':'), a.Port(), p)
	if t.readBack != nil {
		return b
	}
	return b[:min(len(b), from+addressBytes)]
}

// hostName returns the name to write for an address, "" to write the number.
func (t addressText) hostName(a netip.Addr) string {
	switch {
	case t.names == nil:
		return ""
	case t.readBack == nil:
		name, _ := t.names.HostName(a)
		return name
	case !a.Is4():
		return "" // parse looks names up among IPv4 addresses only
	}
	name, tried := t.readBack[a]
	if !tried {
		name, _ = t.names.HostName(a)
		if e, ok := parseEndpoint(name, 0, t.names); !ok || e.addr != a || e.hasPort {
			name = ""
		}
		t.readBack[a] = name
	}
	return name
}

func (t addressText) appendPort(b []byte, port uint16, p ipvs.Protocol) []byte {
	if t.names != nil && (p == ipvs.TCP || p == ipvs.UDP || p == ipvs.SCTP) {
		name, ok := t.names.PortName(port, p)
		if ok && t.readBack != nil {
			back, err := t.names.LookupPort(name, p)
			ok = err == nil && back == port
		}
		if ok {
			return append(b, name...)
		}
	}
	return strconv.AppendUint(b, uint64(port), 10)
}

// appendAddr adds an address as the C library's inet_ntop writes it. That is
// netip's text but for the IPv4-compatible addresses of old, ::a.b.c.d.
func appendAddr(b []byte, a netip.Addr) []byte {
	if a.Is6() {
		w := a.As16()
		if [12]byte(w[:12]) == [12]byte{} && (w[12] != 0 || w[13] != 0) {
			return netip.AddrFrom4([4]byte(w[12:])).AppendTo(append(b, "::"...))
		}
	}
	return a.AppendTo(b)
}

// appendMask adds an IPv4 netmask, dotted.
func appendMask(b []byte, mask uint32) []byte {
	return netip.AddrFrom4([4]byte{byte(mask >> 24), byte(mask >> 16), byte(mask >> 8), byte(mask)}).AppendTo(b)
}
