package vrrp

// Reason says why a datagram was refused. Each has its own counter. The order is
// that of the checks: a datagram with two faults is refused for the first.
type Reason uint8

const (
	// Accepted is no reason at all.
	Accepted Reason = iota
	// ReasonProtocol: neither VRRP nor VRRP behind an authentication header.
	ReasonProtocol
	// ReasonPacketLength: too short for its headers, truncated, or a fragment.
	ReasonPacketLength
	// ReasonVersion: not the instance's version (RFC 9568 §7.1).
	ReasonVersion
	// ReasonType: not an ADVERTISEMENT (§5.2.2).
	ReasonType
	// ReasonTTL: TTL or hop limit other than 255, or not known (§5.1.1.3).
	ReasonTTL
	// ReasonChecksum: no accepted form of the checksum fits (§7.1).
	ReasonChecksum
	// ReasonVRID: not the instance's VRID on this interface (§7.1).
	ReasonVRID
	// ReasonAddressCount: no addresses (§5.2.5, erratum 8299).
	ReasonAddressCount
	// ReasonIntervalZero: interval of 0 (erratum 8301).
	ReasonIntervalZero
	// ReasonAddressLength: shorter than its address count says (§7.1).
	ReasonAddressLength
	// ReasonFamily: IPv4 where the instance is IPv6 or the other way round (§5.2.9).
	ReasonFamily
	// ReasonDestination: multicast to an instance with unicast peers, unicast to
	// one without, or another group.
	ReasonDestination
	// ReasonSource: not one of the instance's unicast peers.
	ReasonSource
	// ReasonAuthTypeUnknown: version 2, an authentication type that is none of
	// none, PASS and AH (RFC 3768 §5.3.6).
	ReasonAuthTypeUnknown
	// ReasonAuthTypeMismatch: version 2, another authentication type than ours.
	ReasonAuthTypeMismatch
	// ReasonAuthFailure: version 2, wrong password or integrity check value.
	ReasonAuthFailure
	// ReasonReplay: version 2 with AH, a sequence number not above the last one.
	ReasonReplay
	// ReasonInterval: version 2, another interval than ours (RFC 3768 §7.1). In
	// version 3 a different interval is learned, not refused.
	ReasonInterval
	// ReasonOwner: we own the addresses and are told to ignore the others
	// (owner_ignore_adverts, RFC 5798 §7.1).
	ReasonOwner

	reasons // how many there are
)

// reasonTable holds the name of a Reason in metrics and logs, and the counter of
// RFC 6527 (or of RFC 2787, for authentication) that it belongs to.
var reasonTable = [reasons]struct{ name, counter string }{
	Accepted:               {"accepted", "RcvdAdvertisements"},
	ReasonProtocol:         {"protocol", ""},
	ReasonPacketLength:     {"packet-length", "PacketLengthErrors"},
	ReasonVersion:          {"version", "VersionErrors"},
	ReasonType:             {"type", "RcvdInvalidTypePackets"},
	ReasonTTL:              {"ttl", "IpTtlErrors"},
	ReasonChecksum:         {"checksum", "ChecksumErrors"},
	ReasonVRID:             {"vrid", "VrIdErrors"},
	ReasonAddressCount:     {"address-count", "AddressListErrors"},
	ReasonIntervalZero:     {"interval-zero", "AdvIntervalErrors"},
	ReasonAddressLength:    {"address-length", "PacketLengthErrors"},
	ReasonFamily:           {"family", ""},
	ReasonDestination:      {"destination", ""},
	ReasonSource:           {"source", ""},
	ReasonAuthTypeUnknown:  {"auth-type-unknown", "InvalidAuthType"},
	ReasonAuthTypeMismatch: {"auth-type-mismatch", "AuthTypeMismatch"},
	ReasonAuthFailure:      {"auth-failure", "AuthFailures"},
	ReasonReplay:           {"replay", "AuthFailures"},
	ReasonInterval:         {"interval", "AdvIntervalErrors"},
	ReasonOwner:            {"owner", ""},
}

// String is the reason's name in metrics and logs.
func (r Reason) String() string {
	if r < reasons {
		return reasonTable[r].name
	}
	return "unknown"
}

// Counter is the counter of RFC 6527 (without its vrrpv3Statistics or
// vrrpv3Router prefix) or of RFC 2787 that the reason adds to, empty when the
// RFCs have none.
func (r Reason) Counter() string {
	if r < reasons {
		return reasonTable[r].counter
	}
	return ""
}

// Reasons lists every reason to refuse a datagram, in the order of the checks.
func Reasons() []Reason {
	all := make([]Reason, 0, reasons-1)
	for r := Accepted + 1; r < reasons; r++ {
		all = append(all, r)
	}
	return all
}
