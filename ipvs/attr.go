package ipvs

import (
	"encoding/binary"
	"errors"
	"net/netip"
)

// Netlink attributes are type-length-value records aligned to four bytes
// (include/uapi/linux/netlink.h). Numbers are in the host's byte order unless
// the kernel says otherwise, so both orders have their own functions.

const (
	attrHeader   = 4
	attrTypeMask = 0x3fff // the two bits above it are flags
	attrNested   = 0x8000
)

// errMalformed is the cause when an answer of the kernel can't be understood.
var errMalformed = errors.New("malformed message")

func appendAttr(b []byte, typ uint16, value []byte) []byte {
	b = appendAttrHeader(b, typ, len(value))
	return appendPadding(append(b, value...), len(value))
}

func appendAttrHeader(b []byte, typ uint16, size int) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(attrHeader+size))
	return binary.NativeEndian.AppendUint16(b, typ)
}

func appendPadding(b []byte, size int) []byte {
	var zero [3]byte
	return append(b, zero[:-size&3]...)
}

func appendU8(b []byte, typ uint16, v uint8) []byte {
	return append(appendAttrHeader(b, typ, 1), v, 0, 0, 0)
}

func appendU16(b []byte, typ uint16, v uint16) []byte {
	b = binary.NativeEndian.AppendUint16(appendAttrHeader(b, typ, 2), v)
	return append(b, 0, 0)
}

func appendBE16(b []byte, typ uint16, v uint16) []byte {
	b = binary.BigEndian.AppendUint16(appendAttrHeader(b, typ, 2), v)
	return append(b, 0, 0)
}

func appendU32(b []byte, typ uint16, v uint32) []byte {
	return binary.NativeEndian.AppendUint32(appendAttrHeader(b, typ, 4), v)
}

func appendBE32(b []byte, typ uint16, v uint32) []byte {
	return binary.BigEndian.AppendUint32(appendAttrHeader(b, typ, 4), v)
}

// appendString appends s with the NUL that ends it.
func appendString(b []byte, typ uint16, s string) []byte {
	b = append(appendAttrHeader(b, typ, len(s)+1), s...)
	return appendPadding(append(b, 0), len(s)+1)
}

// appendAddr appends an address as the kernel's union nf_inet_addr: 16 bytes of
// which IPv4 uses the first four.
func appendAddr(b []byte, typ uint16, a netip.Addr) []byte {
	var union [16]byte
	if a.Is4() {
		v4 := a.As4()
		copy(union[:], v4[:])
	} else {
		union = a.As16()
	}
	return append(appendAttrHeader(b, typ, len(union)), union[:]...)
}

// beginNest starts an attribute that holds attributes; endNest, given what
// beginNest returned, sets its length.
func beginNest(b []byte, typ uint16) (_ []byte, at int) {
	return appendAttrHeader(b, typ|attrNested, 0), len(b)
}

func endNest(b []byte, at int) {
	binary.NativeEndian.PutUint16(b[at:], uint16(len(b)-at))
}

// attrs is a cursor over attributes:
//
//	for a := (attrs{rest: b}); a.next(); { switch a.typ { case x: v = a.u32() } }
//
// with the error, if any, left in err. A value longer than its type is read
// from its start, as the kernel does.
type attrs struct {
	rest  []byte
	typ   uint16
	value []byte
	err   error
}

// next moves to the next attribute. Fewer bytes than a header are padding, a
// length that leads out of the message is an error.
func (a *attrs) next() bool {
	if a.err != nil || len(a.rest) < attrHeader {
		return false
	}
	size := int(binary.NativeEndian.Uint16(a.rest))
	if size < attrHeader || size > len(a.rest) {
		a.err = errMalformed
		return false
	}
	a.typ = binary.NativeEndian.Uint16(a.rest[2:]) & attrTypeMask
	a.value = a.rest[attrHeader:size]
	a.rest = a.rest[min((size+3)&^3, len(a.rest)):]
	return true
}

// bytes returns the first n bytes of the value; if it has fewer, zeros and an
// error for the loop's end.
func (a *attrs) bytes(n int) []byte {
	if len(a.value) < n {
		a.err = errMalformed
		return make([]byte, n)
	}
	return a.value[:n]
}

func (a *attrs) u8() uint8    { return a.bytes(1)[0] }
func (a *attrs) u16() uint16  { return binary.NativeEndian.Uint16(a.bytes(2)) }
func (a *attrs) be16() uint16 { return binary.BigEndian.Uint16(a.bytes(2)) }
func (a *attrs) u32() uint32  { return binary.NativeEndian.Uint32(a.bytes(4)) }

// count returns a counter of 64 bits, or of 32 if it has no more.
func (a *attrs) count() uint64 {
	if len(a.value) >= 8 {
		return binary.NativeEndian.Uint64(a.value)
	}
	return uint64(a.u32())
}

// text returns a string without the NUL that ends it. If it is the same as
// last, last is returned, so that a table full of one name holds it once.
func (a *attrs) text(last string) string {
	b := a.value
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	if string(b) == last {
		return last
	}
	return string(b)
}

// address makes an address of family f from the bytes of a union nf_inet_addr.
func address(f Family, b []byte) (netip.Addr, error) {
	switch {
	case f == IPv4 && len(b) >= 4:
		return netip.AddrFrom4([4]byte(b)), nil
	case f == IPv6 && len(b) >= 16:
		return netip.AddrFrom16([16]byte(b)), nil
	}
	return netip.Addr{}, errMalformed
}
