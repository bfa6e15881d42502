package vrrp

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/subtle"
	"encoding/binary"
)

// The authentication header is RFC 2402 with HMAC-MD5-96 (RFC 2403), as RFC 2338
// §5.3.6.3 asked for and keepalived sends it: 24 bytes between the IPv4 header
// and the message. The index (SPI) is the sender's address. MD5 is what is on
// the wire; it keeps accidents out, not an attacker.
const (
	ahLen       = 24
	ahICVOffset = 12
	ahICVLen    = 12
	// ahPayloadLen is the header's length in 32 bit words less two.
	ahPayloadLen = ahLen/4 - 2
)

// appendAH appends the header with an empty integrity check value.
func appendAH(b []byte, h IPv4) []byte {
	spi := h.Source.As4()
	b = append(b, protocolVRRP, ahPayloadLen, 0, 0)
	b = append(b, spi[:]...)
	b = binary.BigEndian.AppendUint32(b, h.Sequence)
	return append(b, make([]byte, ahICVLen)...)
}

// sealAH fills in the integrity check value.
func sealAH(header, payload []byte, key Password) {
	copy(payload[ahICVOffset:ahLen], icv(header, payload, key))
}

// verifyAH tells whether the datagram's authentication header is right: made
// with the key, and its index the sender's address.
func verifyAH(d *Datagram, key Password) bool {
	if len(d.Header) < ipv4HeaderLen || len(d.Payload) < ahLen {
		return false
	}
	want := icv(d.Header, d.Payload, key)
	if subtle.ConstantTimeCompare(want, d.Payload[ahICVOffset:ahLen]) != 1 {
		return false
	}
	src := d.Source.As4()
	return [4]byte(d.Payload[4:8]) == src
}

// ahSequence is the header's sequence number.
func ahSequence(payload []byte) uint32 { return binary.BigEndian.Uint32(payload[8:]) }

// icv is the integrity check value over the packet with the fields that routers
// may change set to zero (RFC 2402 §3.3.3.1.1.1). keepalived leaves the TTL in
// for multicast, where no router may touch it, and so must we.
func icv(header, payload []byte, key Password) []byte {
	var h [60]byte // the longest IPv4 header
	n := copy(h[:], header)
	h[1] = 0                // TOS
	h[6], h[7] = 0, 0       // flags, fragment offset
	h[10], h[11] = 0, 0     // checksum
	if h[16]&0xf0 != 0xe0 { // not to a multicast group
		h[8] = 0 // TTL
	}
	mac := hmac.New(md5.New, key[:])
	mac.Write(h[:n])
	mac.Write(payload[:ahICVOffset])
	mac.Write(make([]byte, ahICVLen))
	mac.Write(payload[ahLen:])
	return mac.Sum(nil)[:ahICVLen]
}
