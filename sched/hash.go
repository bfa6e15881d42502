package sched

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// fold makes 32 bits of an address: an IPv6 address is four words in an
// exclusive or. For a service of IPv4 only the first word counts.
func fold(ipv6 bool, a netip.Addr) uint32 {
	if a.Is4() {
		b := a.As4()
		return binary.BigEndian.Uint32(b[:])
	}
	b := a.As16()
	v := binary.BigEndian.Uint32(b[:])
	if ipv6 {
		for i := 4; i < 16; i += 4 {
			v ^= binary.BigEndian.Uint32(b[i:])
		}
	}
	return v
}

// hash32 is the kernel's hash_32 (include/linux/hash.h): a multiplication by
// the golden ratio, of which the upper bits are kept.
func hash32(v uint32, keep int) int { return int(v * 0x61c88647 >> (32 - keep)) }

// sipHash13 is the kernel's hsiphash of one 32-bit word on 64-bit machines
// (lib/siphash.c): SipHash with one round per word and three at the end, of
// which the lower half is kept. Both halves of mh's keys are the same.
func sipHash13(word uint32, key uint64) uint32 {
	v0, v1 := key^0x736f6d6570736575, key^0x646f72616e646f6d
	v2, v3 := key^0x6c7967656e657261, key^0x7465646279746573
	round := func() {
		v0 += v1
		v1 = bits.RotateLeft64(v1, 13) ^ v0
		v0 = bits.RotateLeft64(v0, 32)
		v2 += v3
		v3 = bits.RotateLeft64(v3, 16) ^ v2
		v0 += v3
		v3 = bits.RotateLeft64(v3, 21) ^ v0
		v2 += v1
		v1 = bits.RotateLeft64(v1, 17) ^ v2
		v2 = bits.RotateLeft64(v2, 32)
	}
	b := uint64(4)<<56 | uint64(word)
	v3 ^= b
	round()
	v0 ^= b
	v2 ^= 0xff
	round()
	round()
	round()
	return uint32(v0 ^ v1 ^ v2 ^ v3)
}
