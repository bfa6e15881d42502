package ipvs

import (
	"encoding/binary"
	"net/netip"
)

// What /proc/net/ip_vs and /proc/net/ip_vs_conn have in common: words apart by
// blanks, numbers in hexadecimal, addresses in network order.

// word splits the first word from a line; it is empty at the end of the line.
func word(line []byte) (w, rest []byte) {
	start := 0
	for start < len(line) && isBlank(line[start]) {
		start++
	}
	end := start
	for end < len(line) && !isBlank(line[end]) {
		end++
	}
	return line[start:end], line[end:]
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// parseHex reads up to eight hexadecimal digits, and nothing else.
func parseHex(b []byte) (v uint32, ok bool) {
	if len(b) == 0 || len(b) > 8 {
		return 0, false
	}
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | uint32(c)
	}
	return v, true
}

// parseDecimal reads a decimal number of 32 bits.
func parseDecimal(b []byte) (v uint32, ok bool) {
	if len(b) == 0 || len(b) > 10 {
		return 0, false
	}
	var wide uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		wide = wide*10 + uint64(c-'0')
	}
	return uint32(wide), wide <= 1<<32-1
}

// parsePort reads a port in hexadecimal.
func parsePort(b []byte) (port uint16, ok bool) {
	v, ok := parseHex(b)
	if !ok || v > 0xffff {
		return 0, false
	}
	return uint16(v), true
}

// parseAddr reads an address as the kernel prints it, eight hexadecimal digits
// for IPv4 and eight groups of four for IPv6, or in the usual notation.
func parseAddr(b []byte) (netip.Addr, bool) {
	if len(b) == 8 {
		if v, ok := parseHex(b); ok {
			return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, v))), true
		}
	}
	if len(b) == 39 {
		if a, ok := parseFullIPv6(b); ok {
			return a, true
		}
	}
	a, err := netip.ParseAddr(string(b))
	return a, err == nil && a.Zone() == ""
}

// parseFullIPv6 reads the one form the kernel uses, a fourth of the time that
// netip.ParseAddr takes.
func parseFullIPv6(b []byte) (netip.Addr, bool) {
	var raw [16]byte
	for i := range 8 {
		v, ok := parseHex(b[5*i : 5*i+4])
		if !ok || i < 7 && b[5*i+4] != ':' {
			return netip.Addr{}, false
		}
		binary.BigEndian.PutUint16(raw[2*i:], uint16(v))
	}
	return netip.AddrFrom16(raw), true
}
