package rules

import (
	"encoding/binary"
	"math"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"

	"ipvsadm/ipvs"
)

// endpoint is an address with or without a port.
type endpoint struct {
	addr    netip.Addr
	port    uint16
	hasPort bool
}

// parseEndpoint reads host[:port]. An IPv6 address with a port needs brackets,
// without one it may have them. Hosts are looked up among IPv4 addresses only;
// names of ports are those of the protocol.
//
// As in ipvsadm 1.31 the port after the brackets counts only for IPv6: that of
// [10.0.0.1]:80 is lost.
func parseEndpoint(s string, p ipvs.Protocol, names Names) (endpoint, bool) {
	if allDigits(s) {
		return endpoint{}, false
	}
	host, port, hasPort := s, "", false
	if inner, ok := strings.CutPrefix(s, "["); ok {
		var after string
		if host, after, ok = strings.Cut(inner, "]"); !ok {
			return endpoint{}, false
		}
		port, hasPort = strings.CutPrefix(after, ":")
		if _, isIPv6 := parseIPv6(host); !hasPort && (after != "" || !isIPv6) {
			return endpoint{}, false
		}
	}
	addr, ok := parseIPv6(host)
	if !ok {
		if host, port, hasPort = cutLast(host, ":"); !hasPort {
			port = ""
		}
		if addr, ok = lookupIPv4(host, names); !ok {
			return endpoint{}, false
		}
	}
	if !hasPort {
		return endpoint{addr: addr}, true
	}
	n, ok := parsePort(port, p, names)
	return endpoint{addr, n, true}, ok
}

// cutLast is strings.Cut at the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// parseIPv6 reads an IPv6 literal without a zone.
func parseIPv6(s string) (netip.Addr, bool) {
	if strings.Count(s, ":") < 2 { // to be told so by ParseAddr takes memory
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	return a, err == nil && a.Is6() && a.Zone() == ""
}

// lookupIPv4 reads an IPv4 address in any form inet_aton knows, or asks for the
// address of a host.
func lookupIPv4(s string, names Names) (netip.Addr, bool) {
	if a, ok := inetAton(s); ok {
		return a, true
	}
	a, err := names.LookupHost(s)
	return a, err == nil
}

// inetAton reads an IPv4 address as C's inet_aton does: one to four numbers,
// decimal, octal after 0 or hexadecimal after 0x, the last of which fills all
// bytes that are left. What follows a blank does not count.
func inetAton(s string) (netip.Addr, bool) {
	if i := strings.IndexAny(s, cSpace); i >= 0 {
		s = s[:i]
	}
	var addr uint32
	for left := 4; left > 0; left-- { // bytes not yet filled
		part, rest, more := strings.Cut(s, ".")
		n, ok := parseCUint(part)
		if !ok || more && n > math.MaxUint8 || n >= 1<<(8*left) {
			break
		}
		if !more {
			addr |= uint32(n)
			return netip.AddrFrom4([4]byte{byte(addr >> 24), byte(addr >> 16), byte(addr >> 8), byte(addr)}), true
		}
		addr |= uint32(n) << (8 * (left - 1))
		s = rest
	}
	return netip.Addr{}, false
}

// parseCUint reads an unsigned number as a C program would: 0x10 and 010 are
// hexadecimal and octal.
func parseCUint(s string) (uint64, bool) {
	if s == "" || !isDigit(s[0]) {
		return 0, false
	}
	base := 10
	switch {
	case strings.HasPrefix(s, "0x"), strings.HasPrefix(s, "0X"):
		s, base = s[2:], 16
	case s[0] == '0':
		base = 8
	}
	n, err := strconv.ParseUint(s, base, 32)
	return n, err == nil
}

// parsePort reads the number or the name of a port.
func parsePort(s string, p ipvs.Protocol, names Names) (uint16, bool) {
	if n, ok := parseNumber(s, 0, maxPort); ok {
		return uint16(n), true
	}
	n, err := names.LookupPort(s, p)
	return n, err == nil
}

// parseMask reads an IPv4 netmask: an address (24 is 0.0.0.24), the name of a
// host, or, new here, a prefix length after a slash.
func parseMask(s string, names Names) (uint32, bool) {
	if length, ok := strings.CutPrefix(s, "/"); ok {
		n, ok := parseNumber(length, 0, 32)
		return bits.Reverse32(1<<n - 1), ok
	}
	a, ok := lookupIPv4(s, names)
	if !ok {
		return 0, false
	}
	b := a.As4()
	return binary.BigEndian.Uint32(b[:]), true
}

// parsePrefixLen reads an IPv6 netmask, 1 to 128, as C's atoi does: what follows
// the digits does not count. A slash may stand before it, new here.
func parsePrefixLen(s string) (uint32, bool) {
	if length, ok := strings.CutPrefix(s, "/"); ok {
		n, ok := parseNumber(length, 1, 128)
		return uint32(n), ok
	}
	n, _, _ := leadingNumber(s)
	length := int32(n) // atoi does not look for overflow
	return uint32(length), 1 <= length && length <= 128
}
