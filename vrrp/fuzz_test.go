package vrrp

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
)

// FuzzCheck feeds arbitrary packets to instances of every kind. What is accepted
// must encode to the same bytes again, apart from those a receiver ignores; what
// is refused must have a Reason. Nothing may panic.
func FuzzCheck(f *testing.F) {
	for i, g := range goldens {
		_, frames := g.datagrams(f)
		for _, fr := range []frame{frames[0], frames[len(frames)-1]} {
			f.Add(uint8(i), fr.payload, int16(255))
		}
	}
	for i, p := range fuzzReceivers() {
		d := craft(p, 100).finish()
		f.Add(uint8(i), d.Payload, int16(TTLUnknown))
	}
	f.Add(uint8(3), []byte{}, int16(255))
	f.Add(uint8(4), make([]byte, 47), int16(255))
	f.Fuzz(func(t *testing.T, which uint8, packet []byte, ttl int16) {
		all := fuzzReceivers()
		p := all[int(which)%len(all)]
		d, r := fuzzDatagram(&p, packet, ttl)
		if r != Accepted {
			if r >= reasons {
				t.Fatalf("no such reason: %d", r)
			}
			return
		}
		v := Check(&d, &p, 0)
		if v.Reason >= reasons {
			t.Fatalf("no such reason: %d", v.Reason)
		}
		if v.Reason != Accepted {
			if v.Reason.String() == "unknown" {
				t.Fatalf("reason %d has no name", v.Reason)
			}
			return
		}
		checkReencodes(t, &d, &p, &v)
	})
}

// fuzzReceivers are the golden instances and the unicast ones, in fixed order.
func fuzzReceivers() (all []Params) {
	for _, g := range goldens {
		all = append(all, g.params)
	}
	return append(all, unicastParams(V2), unicastParams(V3))
}

// fuzzDatagram makes a datagram of a packet: IPv4 with its header, IPv6 with it
// too, to keep the corpus uniform.
func fuzzDatagram(p *Params, packet []byte, ttl int16) (Datagram, Reason) {
	if !p.IPv6 {
		return ParseIPv4(packet, 0)
	}
	if len(packet) < 40 {
		return NewIPv6(packet, peerAddr(true), GroupIPv6(), int(ttl), 0), Accepted
	}
	src, dst := netip.AddrFrom16([16]byte(packet[8:24])), netip.AddrFrom16([16]byte(packet[24:40]))
	return NewIPv6(packet[40:], src, dst, int(ttl), 0), Accepted
}

func checkReencodes(t *testing.T, d *Datagram, p *Params, v *Verdict) {
	t.Helper()
	msg, _ := d.message()
	msg = slices.Clone(msg[:messageLen(msg, p.IPv6)])
	// A receiver ignores the reserved bits of version 3 and, in version 2, the
	// authentication data that the type does not use.
	if p.Version == V3 {
		msg[4] &= 0x0f
	} else if v.Advertisement.AuthType != AuthPass {
		clear(msg[len(msg)-authDataLen:])
	}
	form := v.Checksum
	binary.BigEndian.PutUint16(msg[6:], 0)
	binary.BigEndian.PutUint16(msg[6:], ^messageSum(msg, d.Source, d.Destination, form))
	got, err := v.Advertisement.Append(nil, d.Source, d.Destination, form)
	if err != nil {
		t.Fatalf("accepted, but cannot be encoded: %v", err)
	}
	if !bytes.Equal(got, msg) {
		t.Fatalf("accepted %x, encoded again as %x", msg, got)
	}
}
