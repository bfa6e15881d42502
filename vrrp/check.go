package vrrp

import (
	"crypto/subtle"
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
)

// Verdict is what Check found out about a datagram.
type Verdict struct {
	// Reason is Accepted, or the first check that failed. Unless it is Accepted
	// only Source and the two below it mean anything.
	Reason Reason
	// Source is the sender.
	Source netip.Addr
	// Got and Want are the offending value and the one expected, for those
	// reasons where there are such: version, type, TTL, VRID, count, interval in
	// seconds, authentication type, length.
	Got, Want int
	// Advertisement is the message.
	Advertisement Advertisement
	// Checksum is the form of checksum that fits.
	Checksum ChecksumForm
	// OtherAddresses tells that its addresses are not ours. That is no reason to
	// refuse it: see Check.
	OtherAddresses bool
	// Sequence is the sequence number of the authentication header, if any.
	Sequence uint32
}

// Check verifies a datagram for the instance described by p, in the order of
// RFC 9568 §7.1 and RFC 3768 §7.1 (our rungs between them are keepalived's).
// last is the highest sequence number accepted from this sender with AuthAH.
//
// Three decisions where texts differ. A list of addresses that is not ours is
// reported and accepted, as by keepalived from 2.3.3 on: RFC 5798 §7.1 leaves it
// open, RFC 3768 and older keepalived refuse, and then a reload on one side makes
// two Active Routers. A count of 0 is accepted by an instance that has no
// addresses itself, which keepalived permits. Bytes after the message are
// ignored: RFC 9568 §7.1 asks for a complete message, not for a short packet.
func Check(d *Datagram, p *Params, last uint32) Verdict {
	v := Verdict{Source: d.Source}
	msg, r := d.message()
	if r != Accepted {
		v.Got, v.Want = len(d.Payload), headerLen
		return v.refuse(r)
	}
	ipv6 := !d.Source.Is4()
	ok := v.checkVersion(p, msg) && v.checkType(msg) && v.checkTTL(d, p) && v.checkSum(d, p, msg, ipv6) &&
		v.checkVRID(d, p, msg) && v.checkCount(p, msg) && v.checkIntervalZero(p, msg) &&
		v.checkAddressLength(msg, ipv6) && v.checkFamily(p, ipv6) && v.checkDestination(d, p) && v.checkSource(d, p)
	if !ok {
		return v
	}
	v.Advertisement = decodeMessage(msg, ipv6)
	if p.Version == V2 && !(v.checkAuth(d, p, msg, last) && v.checkInterval(p)) {
		return v
	}
	v.OtherAddresses = !sameAddresses(v.Advertisement.Addresses, p.Addresses)
	return v
}

func (v *Verdict) refuse(r Reason) Verdict {
	v.Reason = r
	return *v
}

// need refuses for r unless ok.
func (v *Verdict) need(ok bool, r Reason, got, want int) bool {
	if !ok {
		v.Reason, v.Got, v.Want = r, got, want
	}
	return ok
}

func (v *Verdict) checkVersion(p *Params, msg []byte) bool {
	got := Version(msg[0] >> 4)
	return v.need(got == p.Version, ReasonVersion, int(got), int(p.Version))
}

func (v *Verdict) checkType(msg []byte) bool {
	got := int(msg[0] & 0x0f)
	return v.need(got == typeAdvertisement, ReasonType, got, typeAdvertisement)
}

// checkTTL demands 255. Only the configuration, and only for a listed unicast
// peer, can allow another range (min_ttl, max_ttl).
func (v *Verdict) checkTTL(d *Datagram, p *Params) bool {
	low, high := TTL, TTL
	if peer, ok := p.peer(d.Source); ok {
		low, high = peer.ttlRange()
	}
	return v.need(d.TTL >= low && d.TTL <= high, ReasonTTL, d.TTL, low)
}

// checkSum accepts both forms of version 3 over IPv4 unless told to be strict,
// and the old form of unicast if told to detect it. A message shorter than its
// count says is summed as it came, so that the count is refused under its own
// name.
func (v *Verdict) checkSum(d *Datagram, p *Params, msg []byte, ipv6 bool) bool {
	msg = msg[:min(len(msg), messageLen(msg, ipv6))]
	right := func(form ChecksumForm) bool {
		form = effectiveForm(p.Version, ipv6, form)
		if form == WithPseudoHeader && !d.Destination.IsValid() {
			return false
		}
		v.Checksum = form
		return messageSum(msg, d.Source, d.Destination, form) == 0xffff
	}
	ok := right(p.Checksum) ||
		!p.StrictChecksum && (right(WithPseudoHeader) || right(MessageOnly)) ||
		p.DetectOldUnicast && len(p.Peers) > 0 && right(OldUnicast)
	return v.need(ok, ReasonChecksum, 0, 0)
}

func (v *Verdict) checkVRID(d *Datagram, p *Params, msg []byte) bool {
	elsewhere := p.Interface != 0 && d.Interface != 0 && p.Interface != d.Interface
	return v.need(msg[1] == p.VRID && !elsewhere, ReasonVRID, int(msg[1]), int(p.VRID))
}

func (v *Verdict) checkCount(p *Params, msg []byte) bool {
	return v.need(msg[3] != 0 || len(p.Addresses) == 0, ReasonAddressCount, 0, len(p.Addresses))
}

func (v *Verdict) checkIntervalZero(p *Params, msg []byte) bool {
	field := binary.BigEndian.Uint16(msg[4:]) & 0x0fff
	if p.Version == V2 {
		field = uint16(msg[5])
	}
	return v.need(field != 0, ReasonIntervalZero, 0, 1)
}

func (v *Verdict) checkAddressLength(msg []byte, ipv6 bool) bool {
	want := messageLen(msg, ipv6)
	return v.need(len(msg) >= want, ReasonAddressLength, len(msg), want)
}

func (v *Verdict) checkFamily(p *Params, ipv6 bool) bool {
	family := func(ipv6 bool) int {
		if ipv6 {
			return 6
		}
		return 4
	}
	return v.need(ipv6 == p.IPv6, ReasonFamily, family(ipv6), family(p.IPv6))
}

func (v *Verdict) checkDestination(d *Datagram, p *Params) bool {
	if len(p.Peers) > 0 {
		return v.need(!d.Destination.IsMulticast(), ReasonDestination, 0, 0)
	}
	return v.need(d.Destination == p.group(), ReasonDestination, 0, 0)
}

func (v *Verdict) checkSource(d *Datagram, p *Params) bool {
	_, listed := p.peer(d.Source)
	return v.need(listed || len(p.Peers) == 0, ReasonSource, 0, 0)
}

// checkAuth follows RFC 2338 §7.1 as keepalived does. An authentication header
// in front of the message is a type of its own, whatever the message says.
func (v *Verdict) checkAuth(d *Datagram, p *Params, msg []byte, last uint32) bool {
	got := AuthType(msg[4])
	if !v.need(got <= AuthAH, ReasonAuthTypeUnknown, int(got), int(p.Auth)) {
		return false
	}
	headed := d.Protocol == protocolAH
	if !v.need(got == p.Auth && headed == (got == AuthAH), ReasonAuthTypeMismatch, int(got), int(p.Auth)) {
		return false
	}
	switch got {
	case AuthPass:
		sent := v.Advertisement.Password
		return v.need(subtle.ConstantTimeCompare(sent[:], p.Password[:]) == 1, ReasonAuthFailure, 0, 0)
	case AuthAH:
		if !v.need(verifyAH(d, p.Password), ReasonAuthFailure, 0, 0) {
			return false
		}
		v.Sequence = ahSequence(d.Payload)
		return v.need(v.Sequence > last, ReasonReplay, int(v.Sequence), int(last))
	}
	return true
}

// checkInterval is RFC 3768 §7.1: version 2 refuses another interval.
func (v *Verdict) checkInterval(p *Params) bool {
	got := v.Advertisement.MaxAdvertiseInterval
	return v.need(got == p.AdvertisementInterval, ReasonInterval, int(got/time.Second), int(p.AdvertisementInterval/time.Second))
}

// sameAddresses compares two lists as sets; keepalived's order is the
// configuration's and means nothing.
func sameAddresses(a, b []netip.Addr) bool {
	if slices.Equal(a, b) {
		return true
	}
	if len(a) != len(b) {
		return false
	}
	x, y := slices.Clone(a), slices.Clone(b)
	slices.SortFunc(x, netip.Addr.Compare)
	slices.SortFunc(y, netip.Addr.Compare)
	return slices.Equal(x, y)
}
