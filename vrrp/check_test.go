package vrrp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// crafted is a packet under construction: what a peer of the instance p would
// send, to be spoiled before it is finished.
type crafted struct {
	p        Params // the receiver
	d        Datagram
	msg      []byte // VRRP message; the checksum is filled in by finish
	form     ChecksumForm
	sequence uint32

	badSum, badICV, badSPI bool
	noAH, needlessAH       bool
	cut                    int // bytes cut off the end of the payload
	header                 []byte
}

// peerAddr is the sender that tests use.
func peerAddr(ipv6 bool) netip.Addr {
	if ipv6 {
		return netip.MustParseAddr("fe80::2")
	}
	return netip.MustParseAddr("10.77.0.2")
}

// craft makes a right packet from a peer with the given priority.
func craft(p Params, priority uint8) *crafted {
	c := &crafted{p: p, sequence: 1000}
	c.d = Datagram{Source: peerAddr(p.IPv6), Destination: p.group(), TTL: TTL, Interface: p.Interface, Protocol: protocolVRRP}
	if len(p.Peers) > 0 {
		c.d.Source, c.d.Destination = p.Peers[0].Addr, p.Source
	}
	msg, err := p.advertisement(priority).Append(nil, c.d.Source, c.d.Destination, p.Checksum)
	if err != nil {
		panic(err)
	}
	c.msg, c.form = msg, p.Checksum
	return c
}

// finish computes what depends on everything else.
func (c *crafted) finish() *Datagram {
	binary.BigEndian.PutUint16(c.msg[6:], 0)
	ipv6 := !c.d.Source.Is4()
	n := min(len(c.msg), messageLen(c.msg, ipv6))
	form := effectiveForm(c.p.Version, ipv6, c.form)
	sum := ^messageSum(c.msg[:n], c.d.Source, c.d.Destination, form)
	if c.badSum {
		sum ^= 0x0101
	}
	binary.BigEndian.PutUint16(c.msg[6:], sum)
	d := c.d
	d.Payload = slices.Clone(c.msg)
	if (c.p.Auth == AuthAH && !c.noAH) || c.needlessAH {
		h := IPv4{Source: d.Source, Destination: d.Destination, Sequence: c.sequence, TTL: uint8(d.TTL)}
		if c.badSPI {
			h.Source = netip.MustParseAddr("10.9.9.9")
		}
		d.Protocol = protocolAH
		d.Payload = append(appendAH(nil, h), d.Payload...)
		d.Header = c.ipHeader()
		sealAH(d.Header, d.Payload, c.p.Password)
		if c.badICV {
			d.Payload[ahICVOffset] ^= 1
		}
	}
	d.Payload = d.Payload[:max(0, len(d.Payload)-c.cut)]
	return &d
}

func (c *crafted) ipHeader() []byte {
	if c.header != nil {
		return c.header
	}
	h := make([]byte, ipv4HeaderLen)
	h[0], h[8], h[9] = 0x45, byte(c.d.TTL), protocolAH
	src, dst := c.d.Source.As4(), c.d.Destination.As4()
	copy(h[12:], src[:])
	copy(h[16:], dst[:])
	return h
}

// unicastParams are those of an instance with two unicast peers.
func unicastParams(v Version) Params {
	return goldenParams(v, func(p *Params) {
		p.Peers = []Peer{{Addr: netip.MustParseAddr("10.77.0.2")}, {Addr: netip.MustParseAddr("10.77.0.3")}}
	})
}

// receivers are the instances that the checks are tried on.
func receivers() map[string]Params {
	all := map[string]Params{
		"v2-unicast": unicastParams(V2),
		"v3-unicast": unicastParams(V3),
	}
	for _, g := range goldens {
		all[g.name] = g.params
	}
	for name, p := range all {
		p.Interface = 2
		all[name] = p
	}
	return all
}

// faults are the ways to spoil a packet, in the order in which they must be
// found. only says for which instances one makes sense.
var faults = []struct {
	reason Reason
	name   string
	only   func(*Params) bool
	spoil  func(*crafted)
}{
	{ReasonProtocol, "another protocol", func(p *Params) bool { return p.Auth != AuthAH }, func(c *crafted) { c.d.Protocol = 89 }},
	{ReasonPacketLength, "shorter than its header", always, func(c *crafted) { c.cut = len(c.msg) - 7 }},
	{ReasonVersion, "another version", always, func(c *crafted) { c.msg[0] ^= 0x10 }},
	{ReasonType, "another type", always, func(c *crafted) { c.msg[0] = c.msg[0]&0xf0 | 2 }},
	{ReasonTTL, "forwarded once", always, func(c *crafted) { c.d.TTL = 254 }},
	{ReasonChecksum, "wrong checksum", always, func(c *crafted) { c.badSum = true }},
	{ReasonVRID, "another VRID", always, func(c *crafted) { c.msg[1]++ }},
	{ReasonAddressCount, "no addresses", always, func(c *crafted) { c.msg[3] = 0 }},
	{ReasonIntervalZero, "interval 0", always, func(c *crafted) { c.msg[5] = 0; c.msg[4] &= 0xf0 }},
	{ReasonAddressLength, "more addresses counted than sent", always, func(c *crafted) { c.msg[3]++ }},
	{ReasonFamily, "the other family", func(p *Params) bool { return p.Version == V3 }, func(c *crafted) { c.p.IPv6 = !c.p.IPv6 }},
	{ReasonDestination, "not sent to us", always, func(c *crafted) {
		if len(c.p.Peers) > 0 {
			c.d.Destination = c.p.group()
		} else {
			c.d.Destination = c.p.Source
		}
	}},
	{ReasonSource, "not a peer", func(p *Params) bool { return len(p.Peers) > 0 }, func(c *crafted) { c.d.Source = netip.MustParseAddr("10.77.0.9") }},
	{ReasonAuthTypeUnknown, "unknown authentication", isV2, func(c *crafted) { c.msg[4] = 3 }},
	{ReasonAuthTypeMismatch, "another authentication", isV2, func(c *crafted) {
		if c.p.Auth == AuthPass {
			c.msg[4] = byte(AuthAH)
		} else {
			c.msg[4] = byte(AuthPass)
		}
	}},
	{ReasonAuthFailure, "wrong password", func(p *Params) bool { return p.Auth == AuthPass }, func(c *crafted) { c.msg[len(c.msg)-1]++ }},
	{ReasonAuthFailure, "wrong integrity check value", func(p *Params) bool { return p.Auth == AuthAH }, func(c *crafted) { c.badICV = true }},
	{ReasonAuthFailure, "index is not the sender", func(p *Params) bool { return p.Auth == AuthAH }, func(c *crafted) { c.badSPI = true }},
	{ReasonReplay, "old sequence number", func(p *Params) bool { return p.Auth == AuthAH }, func(c *crafted) { c.sequence = 500 }},
	{ReasonInterval, "another interval", isV2, func(c *crafted) { c.msg[5] = 7 }},
}

func always(*Params) bool { return true }
func isV2(p *Params) bool { return p.Version == V2 }

const lastSequence = 500

func TestEachFaultIsRefusedForItsOwnReason(t *testing.T) {
	requirement(t, "3768:7.1-interval", "3768:auth-type", "9568:5.2.2-1", "9568:5.2.5-1", "9568:7.1-1",
		"9568:7.1-2", "9568:7.1-4", "9568:7.1-5")
	for name, p := range receivers() {
		if v := Check(craft(p, 100).finish(), &p, lastSequence); v.Reason != Accepted {
			t.Fatalf("%s: an unspoiled packet is refused for %v", name, v.Reason)
		}
		for _, f := range faults {
			if !f.only(&p) {
				continue
			}
			c := craft(p, 100)
			f.spoil(c)
			if v := Check(c.finish(), &c.p, lastSequence); v.Reason != f.reason {
				t.Errorf("%s: %s: refused for %v, want %v", name, f.name, v.Reason, f.reason)
			}
		}
	}
}

// A packet with two faults is refused for the one that is checked first, so the
// order of the checks is the order of the faults above.
func TestFirstFaultIsReported(t *testing.T) {
	// What cannot be told apart: a fault that hides the other or undoes it.
	hidden := func(a, b string) bool {
		return a == "no addresses" && b == "more addresses counted than sent"
	}
	pairs := 0
	for name, p := range receivers() {
		for i, first := range faults {
			for _, second := range faults[i+1:] {
				if !first.only(&p) || !second.only(&p) || hidden(first.name, second.name) || first.reason == second.reason {
					continue
				}
				c := craft(p, 100)
				// Spoil in reverse: some faults are relative to what is there.
				second.spoil(c)
				first.spoil(c)
				if v := Check(c.finish(), &c.p, lastSequence); v.Reason != first.reason {
					t.Errorf("%s: %s and %s: refused for %v, want %v", name, first.name, second.name, v.Reason, first.reason)
				}
				pairs++
			}
		}
	}
	if pairs < 500 {
		t.Errorf("only %d pairs tried", pairs)
	}
}

func TestEveryReasonHasAFault(t *testing.T) {
	for _, r := range Reasons() {
		if r == ReasonOwner {
			continue // the machine's: TestOwnerMayIgnoreAdvertisements
		}
		found := false
		for _, f := range faults {
			found = found || f.reason == r
		}
		if !found {
			t.Errorf("no fault is refused for %v", r)
		}
	}
}

func TestOnly255IsAnAcceptableTTL(t *testing.T) {
	requirement(t, "9568:5.1.1.3-1", "9568:5.1.1.3-2", "9568:5.1.2.3-2")
	for name, p := range receivers() {
		for ttl := TTLUnknown; ttl <= 255; ttl++ {
			c := craft(p, 100)
			c.d.TTL = ttl
			want := ReasonTTL
			if ttl == 255 {
				want = Accepted
			}
			if v := Check(c.finish(), &p, 0); v.Reason != want {
				t.Errorf("%s: TTL %d: %v, want %v", name, ttl, v.Reason, want)
			}
		}
	}
}

func TestConfigurationLowersTheTTLOfAListedPeerOnly(t *testing.T) {
	p := unicastParams(V3)
	p.Peers[0].MinTTL, p.Peers[0].MaxTTL = 60, 64
	for _, tc := range []struct {
		from string
		ttl  int
		want Reason
	}{
		{"10.77.0.2", 59, ReasonTTL}, {"10.77.0.2", 60, Accepted}, {"10.77.0.2", 64, Accepted},
		{"10.77.0.2", 65, ReasonTTL}, {"10.77.0.2", TTLUnknown, ReasonTTL},
		{"10.77.0.3", 64, ReasonTTL}, {"10.77.0.3", 255, Accepted},
		{"10.77.0.9", 64, ReasonTTL}, {"10.77.0.9", 255, ReasonSource},
	} {
		c := craft(p, 100)
		c.d.Source, c.d.TTL = netip.MustParseAddr(tc.from), tc.ttl
		if v := Check(c.finish(), &p, 0); v.Reason != tc.want {
			t.Errorf("from %s with TTL %d: %v, want %v", tc.from, tc.ttl, v.Reason, tc.want)
		}
	}
}

// TestChecksumForms: two forms of the checksum, three ways to be configured, two
// versions and two families.
func TestChecksumForms(t *testing.T) {
	requirement(t, "9568:5.2.8-2", "9568:5.2.8-3")
	v6 := goldens[4].params
	for _, tc := range []struct {
		name   string
		p      Params
		sent   ChecksumForm // by the peer
		ours   ChecksumForm
		strict bool
		want   Reason
	}{
		{"v3 default", goldenParams(V3, nil), WithPseudoHeader, WithPseudoHeader, false, Accepted},
		{"v3 default", goldenParams(V3, nil), MessageOnly, WithPseudoHeader, false, Accepted},
		{"v3 as v2", goldenParams(V3, nil), MessageOnly, MessageOnly, false, Accepted},
		{"v3 as v2", goldenParams(V3, nil), WithPseudoHeader, MessageOnly, false, Accepted},
		{"v3 strict", goldenParams(V3, nil), WithPseudoHeader, WithPseudoHeader, true, Accepted},
		{"v3 strict", goldenParams(V3, nil), MessageOnly, WithPseudoHeader, true, ReasonChecksum},
		{"v3 strict as v2", goldenParams(V3, nil), MessageOnly, MessageOnly, true, Accepted},
		{"v3 strict as v2", goldenParams(V3, nil), WithPseudoHeader, MessageOnly, true, ReasonChecksum},
		{"v3 unicast", unicastParams(V3), OldUnicast, WithPseudoHeader, false, ReasonChecksum},
		{"v3 unicast, old", unicastParams(V3), OldUnicast, OldUnicast, true, Accepted},
		{"v3 unicast, old", unicastParams(V3), WithPseudoHeader, OldUnicast, false, Accepted},
		{"v2", goldenParams(V2, nil), MessageOnly, WithPseudoHeader, false, Accepted},
		{"v2", goldenParams(V2, nil), WithPseudoHeader, WithPseudoHeader, false, ReasonChecksum},
		{"v2 strict", goldenParams(V2, nil), MessageOnly, MessageOnly, true, Accepted},
		{"v2 strict", goldenParams(V2, nil), WithPseudoHeader, MessageOnly, true, ReasonChecksum},
		{"IPv6", v6, WithPseudoHeader, WithPseudoHeader, false, Accepted},
		{"IPv6", v6, MessageOnly, MessageOnly, false, ReasonChecksum},
		{"IPv6 strict", v6, WithPseudoHeader, MessageOnly, true, Accepted},
		{"IPv6 strict", v6, MessageOnly, MessageOnly, true, ReasonChecksum},
	} {
		t.Run(fmt.Sprintf("%s/%v", tc.name, tc.sent), func(t *testing.T) {
			tc.p.Checksum, tc.p.StrictChecksum = tc.ours, tc.strict
			d := craft(tc.p, 100).finish()
			binary.BigEndian.PutUint16(d.Payload[6:], 0)
			binary.BigEndian.PutUint16(d.Payload[6:], ^messageSum(d.Payload, d.Source, d.Destination, tc.sent))
			v := Check(d, &tc.p, 0)
			if v.Reason != tc.want || v.Reason == Accepted && v.Checksum != tc.sent {
				t.Errorf("%v, %v; want %v", v.Reason, v.Checksum, tc.want)
			}
		})
	}
}

// Whatever single bit of the message is flipped, the packet is refused. (In
// version 2 with AH too, which has a checksum beside the check value.)
func TestEveryFlippedBitIsRefused(t *testing.T) {
	requirement(t, "9568:5.2.8-1")
	for _, g := range goldens {
		ds, _ := g.datagrams(t)
		d := ds[0]
		payload := d.Payload
		for bit := range len(payload) * 8 {
			d.Payload = slices.Clone(payload)
			d.Payload[bit/8] ^= 1 << (bit % 8)
			if v := Check(&d, &g.params, 0); v.Reason == Accepted {
				t.Errorf("%s: accepted with bit %d flipped", g.name, bit)
			}
		}
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	requirement(t, "9568:7.1-3")
	for _, g := range goldens {
		ds, frames := g.datagrams(t)
		payload := ds[0].Payload
		for n := range len(payload) {
			d := ds[0]
			d.Payload = payload[:n]
			if v := Check(&d, &g.params, 0); v.Reason == Accepted {
				t.Errorf("%s: accepted with %d of %d bytes", g.name, n, len(payload))
			}
		}
		if g.params.IPv6 {
			continue
		}
		for n := range len(frames[0].payload) {
			if _, r := ParseIPv4(frames[0].payload[:n], 2); r != ReasonPacketLength {
				t.Errorf("%s: IPv4 packet of %d bytes: %v", g.name, n, r)
			}
		}
	}
}

// Ethernet pads short packets; the padding is not part of them (keepalived 2.3.2).
func TestLinkPaddingIsIgnored(t *testing.T) {
	requirement(t, "9568:7.1-3")
	for _, g := range goldens[:4] {
		_, frames := g.datagrams(t)
		d, r := ParseIPv4(append(slices.Clone(frames[0].payload), make([]byte, 20)...), 2)
		if r != Accepted {
			t.Fatalf("%s: %v", g.name, r)
		}
		if v := Check(&d, &g.params, 0); v.Reason != Accepted {
			t.Errorf("%s: %v", g.name, v.Reason)
		}
	}
	// Bytes within the packet but after the message are ignored as well.
	p := goldenParams(V3, nil)
	d := craft(p, 100).finish()
	d.Payload = append(d.Payload, 1, 2, 3)
	if v := Check(d, &p, 0); v.Reason != Accepted {
		t.Errorf("bytes after the message: %v", v.Reason)
	}
}

func TestReservedBitsAreIgnored(t *testing.T) {
	requirement(t, "9568:5.2.6-1")
	for name, p := range receivers() {
		if p.Version != V3 {
			continue
		}
		for bits := range byte(16) {
			c := craft(p, 100)
			c.msg[4] |= bits << 4
			v := Check(c.finish(), &p, 0)
			if v.Reason != Accepted || v.Advertisement.MaxAdvertiseInterval != p.AdvertisementInterval {
				t.Errorf("%s: reserved bits %x: %v, interval %v", name, bits, v.Reason, v.Advertisement.MaxAdvertiseInterval)
			}
		}
	}
}

func TestAuthenticationDataOfTypeNoneIsIgnored(t *testing.T) {
	requirement(t, "3768:auth-field")
	p := goldenParams(V2, nil)
	c := craft(p, 100)
	copy(c.msg[len(c.msg)-8:], "whatever")
	if v := Check(c.finish(), &p, 0); v.Reason != Accepted || v.Advertisement.Password != (Password{}) {
		t.Errorf("%v, password kept: %t", v.Reason, v.Advertisement.Password != (Password{}))
	}
}

// An authentication header says what it is, whatever the message in it says.
func TestAuthenticationHeaderWhereThereShouldBeNone(t *testing.T) {
	for _, g := range goldens[:3] {
		c := craft(g.params, 100)
		if g.params.Auth == AuthAH {
			c.noAH = true
		} else {
			c.needlessAH = true
		}
		if v := Check(c.finish(), &g.params, 0); v.Reason != ReasonAuthTypeMismatch {
			t.Errorf("%s: %v", g.name, v.Reason)
		}
	}
}

func TestIntervalInVersion3IsNoReasonToRefuse(t *testing.T) {
	requirement(t, "9568:7.1-8")
	for name, p := range receivers() {
		if p.Version != V3 {
			continue
		}
		for _, cs := range []uint16{1, 11, 4095} {
			c := craft(p, 100)
			binary.BigEndian.PutUint16(c.msg[4:], cs)
			v := Check(c.finish(), &p, 0)
			if v.Reason != Accepted || v.Advertisement.MaxAdvertiseInterval != time.Duration(cs)*Centisecond {
				t.Errorf("%s: %d cs: %v, decoded as %v", name, cs, v.Reason, v.Advertisement.MaxAdvertiseInterval)
			}
		}
	}
}

func TestOtherAddressesAreReportedAndAccepted(t *testing.T) {
	requirement(t, "3768:7.1-addresses", "9568:7.1-addresses")
	a := func(s ...string) (out []netip.Addr) {
		for _, x := range s {
			out = append(out, netip.MustParseAddr(x))
		}
		return out
	}
	for _, version := range []Version{V2, V3} {
		for _, tc := range []struct {
			ours, theirs []netip.Addr
			other        bool
		}{
			{a("10.0.0.1"), a("10.0.0.1"), false},
			{a("10.0.0.1", "10.0.0.2"), a("10.0.0.2", "10.0.0.1"), false},
			{a("10.0.0.1"), a("10.0.0.2"), true},
			{a("10.0.0.1"), a("10.0.0.1", "10.0.0.2"), true},
			{a("10.0.0.1", "10.0.0.2"), a("10.0.0.1"), true},
			{a("10.0.0.1", "10.0.0.2"), a("10.0.0.1", "10.0.0.1"), true},
			{nil, a("10.0.0.1"), true},
			{nil, nil, false},
		} {
			sender := goldenParams(version, func(p *Params) { p.Addresses = tc.theirs })
			receiver := goldenParams(version, func(p *Params) { p.Addresses = tc.ours })
			v := Check(craft(sender, 100).finish(), &receiver, 0)
			if v.Reason != Accepted || v.OtherAddresses != tc.other {
				t.Errorf("%v: ours %v, theirs %v: %v, reported %t", version, tc.ours, tc.theirs, v.Reason, v.OtherAddresses)
			}
		}
	}
}

func TestReasonsHaveNamesAndCounters(t *testing.T) {
	names := map[string]bool{}
	rfc := map[string]bool{}
	for _, r := range Reasons() {
		if r.String() == "" || r.String() == "unknown" || names[r.String()] {
			t.Errorf("reason %d is named %q", r, r)
		}
		names[r.String()] = true
		rfc[r.Counter()] = true
	}
	for _, c := range []string{"ChecksumErrors", "VersionErrors", "VrIdErrors", "AdvIntervalErrors", "IpTtlErrors",
		"RcvdInvalidTypePackets", "AddressListErrors", "PacketLengthErrors", "InvalidAuthType", "AuthTypeMismatch", "AuthFailures"} {
		if !rfc[c] {
			t.Errorf("no reason adds to %s", c)
		}
	}
	if r := reasons; r.String() != "unknown" || r.Counter() != "" {
		t.Errorf("a reason that does not exist is %q", r)
	}
}
