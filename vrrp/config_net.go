package vrrp

import (
	"fmt"
	"net/netip"
	"time"
)

// Forever is the lifetime of an address that is never deprecated.
const Forever time.Duration = -1

// AddressConfig is an address to put on an interface, with the attributes of ip
// address add.
type AddressConfig struct {
	// Prefix is the address, host bits included, and the length of its network.
	Prefix netip.Prefix
	// Device is where, "" for the instance's interface.
	Device string
	// VMAC puts it on a virtual MAC interface of its own above Device.
	VMAC      bool
	Peer      netip.Prefix
	Broadcast netip.Addr
	Scope     Scope
	Label     string
	// Preferred is the preferred lifetime: 0 makes the address deprecated, so
	// that it is not chosen as a source.
	Preferred time.Duration
	// Flags of the kernel: IFA_F_HOMEADDRESS, NODAD, MANAGETEMPADDR,
	// NOPREFIXROUTE, MCAUTOJOIN.
	Home, NoDAD, ManageTemp, NoPrefixRoute, AutoJoin bool
	// NoTrack leaves the instance as it is when somebody removes the address.
	NoTrack bool
	// StaticGroup names those who are to know when a static address is lost.
	StaticGroup string
}

// Scope is the scope of an address or a route (RT_SCOPE_*).
type Scope uint8

const (
	ScopeUniverse Scope = 0
	ScopeSite     Scope = 200
	ScopeLink     Scope = 253
	ScopeHost     Scope = 254
	ScopeNowhere  Scope = 255
)

func (s Scope) String() string {
	switch s {
	case ScopeUniverse:
		return "global"
	case ScopeSite:
		return "site"
	case ScopeLink:
		return "link"
	case ScopeHost:
		return "host"
	case ScopeNowhere:
		return "nowhere"
	}
	return fmt.Sprint(uint8(s))
}

// RouteType is what becomes of the packets (RTN_*).
type RouteType uint8

const (
	RouteUnicast     RouteType = 1
	RouteLocal       RouteType = 2
	RouteBroadcast   RouteType = 3
	RouteAnycast     RouteType = 4
	RouteMulticast   RouteType = 5
	RouteBlackhole   RouteType = 6
	RouteUnreachable RouteType = 7
	RouteProhibit    RouteType = 8
	RouteThrow       RouteType = 9
	RouteNAT         RouteType = 10
)

func (t RouteType) String() string {
	names := [...]string{"", "unicast", "local", "broadcast", "anycast", "multicast",
		"blackhole", "unreachable", "prohibit", "throw", "nat"}
	if 0 < t && int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("RouteType(%d)", uint8(t))
}

// RouteConfig is a route, with the attributes of ip route add. A zero value of
// an attribute leaves it out.
type RouteConfig struct {
	Type RouteType
	Dst  netip.Prefix // also says the family
	From netip.Prefix // IPv6 only
	// Source is the preferred source address.
	Source   netip.Addr
	TOS      uint8
	Table    uint32 // 0 is the main table
	Protocol uint8  // RTPROT_*; 0 is keepalived's, 18
	Metric   uint32
	// Scope counts if HasScope; otherwise it follows from the type.
	Scope    Scope
	HasScope bool
	// Hop is the next hop. With several, Hop is zero and Hops has them.
	Hop  HopConfig
	Hops []HopConfig

	Metrics    []RouteMetric
	Congestion string // name of the algorithm, with CongestionLock locked
	// CongestionLock keeps the kernel from changing it.
	CongestionLock bool
	ECN            bool // feature ecn
	// Expires removes an IPv6 route after that time.
	Expires time.Duration
	// Preference is the router preference of an IPv6 route if HasPreference.
	Preference    RouterPreference
	HasPreference bool
	// TTLPropagate is for MPLS: 0 unset, 1 on, 2 off.
	TTLPropagate uint8

	// Append puts the route behind those that match, otherwise before.
	Append bool
	// NoTrack leaves the instance as it is when somebody removes the route.
	NoTrack     bool
	StaticGroup string
}

// HopConfig is a next hop.
type HopConfig struct {
	// Gateway may be of the other family than the route.
	Gateway netip.Addr
	Device  string
	OnLink  bool
	// Weight is its share among several, 1-256, 0 for 1.
	Weight int
	// Realms are source<<16 | destination.
	Realms uint32
}

// RouteMetric is one of the RTAX_* values of a route.
type RouteMetric struct {
	Kind  MetricKind
	Value uint32
	Lock  bool // the kernel may not change it
}

// MetricKind is the number of a route metric (RTAX_* in linux/rtnetlink.h).
// Times are in milliseconds, as the kernel's own unit needs them scaled.
type MetricKind uint8

const (
	MetricMTU              MetricKind = 2
	MetricWindow           MetricKind = 3
	MetricRTT              MetricKind = 4 // 1/8 ms for the kernel
	MetricRTTVar           MetricKind = 5 // 1/4 ms for the kernel
	MetricSSThresh         MetricKind = 6
	MetricCwnd             MetricKind = 7
	MetricAdvMSS           MetricKind = 8
	MetricReordering       MetricKind = 9
	MetricHopLimit         MetricKind = 10
	MetricInitCwnd         MetricKind = 11
	MetricRTOMin           MetricKind = 13
	MetricInitRwnd         MetricKind = 14
	MetricQuickAck         MetricKind = 15
	MetricFastOpenNoCookie MetricKind = 17
)

func (k MetricKind) String() string {
	names := [...]string{2: "mtu", "window", "rtt", "rttvar", "ssthresh", "cwnd", "advmss",
		"reordering", "hoplimit", "initcwnd", 13: "rto_min", "initrwnd", "quickack", 17: "fastopen_no_cookie"}
	if int(k) < len(names) && names[k] != "" {
		return names[k]
	}
	return fmt.Sprintf("MetricKind(%d)", uint8(k))
}

// RouterPreference is the preference of RFC 4191.
type RouterPreference uint8

const (
	PreferenceMedium RouterPreference = 0
	PreferenceHigh   RouterPreference = 1
	PreferenceLow    RouterPreference = 3
)

func (r RouterPreference) String() string {
	switch r {
	case PreferenceMedium:
		return "medium"
	case PreferenceHigh:
		return "high"
	case PreferenceLow:
		return "low"
	}
	return fmt.Sprintf("RouterPreference(%d)", uint8(r))
}

// RuleAction is what a rule does with a packet that matches (FR_ACT_*).
type RuleAction uint8

const (
	RuleLookup      RuleAction = 1 // in Table
	RuleGoto        RuleAction = 2 // to the rule with that priority
	RuleNop         RuleAction = 3
	RuleBlackhole   RuleAction = 6
	RuleUnreachable RuleAction = 7
	RuleProhibit    RuleAction = 8
)

func (a RuleAction) String() string {
	switch a {
	case RuleLookup:
		return "lookup"
	case RuleGoto:
		return "goto"
	case RuleNop:
		return "nop"
	case RuleBlackhole:
		return "blackhole"
	case RuleUnreachable:
		return "unreachable"
	case RuleProhibit:
		return "prohibit"
	}
	return fmt.Sprintf("RuleAction(%d)", uint8(a))
}

// RuleConfig is a routing rule, with the selectors of ip rule add. A zero value
// of a selector matches everything.
type RuleConfig struct {
	IPv6     bool
	Not      bool
	From, To netip.Prefix
	TOS      uint8
	// Mark and Mask select by firewall mark if HasMark.
	Mark, Mask uint32
	HasMark    bool
	In, Out    string // interfaces
	UIDs       Range
	IPProtocol uint8
	// SourcePorts and DestinationPorts select by port.
	SourcePorts, DestinationPorts Range
	TunnelID                      uint64

	// Priority is the rule's place, which says who comes first; it is always set.
	Priority uint32
	Action   RuleAction
	Table    uint32 // for RuleLookup
	Goto     uint32 // for RuleGoto
	// L3MDev looks into the table of the packet's VRF.
	L3MDev bool
	// SuppressPrefix and SuppressGroup reject a route found in Table whose
	// prefix is no longer, or whose interface is in that group; -1 for not.
	SuppressPrefix, SuppressGroup int
	// Realms are source<<16 | destination.
	Realms   uint32
	Protocol uint8 // RTPROT_*; 0 is keepalived's, 18

	NoTrack     bool
	StaticGroup string
}

// Range is a range of numbers if Set.
type Range struct {
	From, To uint32
	Set      bool
}
