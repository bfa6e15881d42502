package vrrp

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Params is all that the machine of one virtual router needs to know. The driver
// makes it from the configuration; the machine never changes the slices.
type Params struct {
	// Version is V2 or V3. IPv6 needs V3.
	Version Version
	// IPv6 is the family of the advertisements.
	IPv6 bool
	// VRID is the Virtual Router ID, 1-255.
	VRID uint8
	// Interface is the index of the interface that advertisements must come in
	// by, 0 for any.
	Interface int
	// Priority is the configured priority, 1-255; 255 owns the addresses.
	Priority uint8
	// AdvertisementInterval is Advertisement_Interval: whole seconds up to 255
	// in version 2, whole centiseconds up to 40.95 s in version 3.
	AdvertisementInterval time.Duration
	// DownAdverts is how many intervals without an advertisement mean that the
	// Active Router is gone, 1-100. The RFCs and a value of 0 say 3.
	DownAdverts int
	// Addresses are the virtual addresses that are advertised, at most 255.
	Addresses []netip.Addr
	// Source is the primary address: advertisements are sent from it and ties
	// are decided by it. Without one the instance is in Fault.
	Source netip.Addr

	// Group is the multicast group when it is not the RFC's.
	Group netip.Addr
	// Peers, when there are any, are sent unicast advertisements instead, and
	// only theirs are accepted.
	Peers []Peer

	// NoPreempt is the opposite of Preempt_Mode. An owner always preempts.
	NoPreempt bool
	// PreemptDelay is how long a Backup Router lets an Active Router of lower
	// priority live before it starts to ignore it (preempt_delay).
	PreemptDelay time.Duration
	// StartBackup makes an owner wait like anybody else when it starts:
	// keepalived does so with "state BACKUP" and priority 255.
	StartBackup bool
	// Accept is Accept_Mode: whether packets to the virtual addresses are
	// accepted by a router that does not own them. keepalived's default is true,
	// the RFCs' is false.
	Accept bool

	// LowerPriorityNoAdvert stops an Active Router from answering an
	// advertisement of lower priority with its own (lower_prio_no_advert).
	// RFC 9568 §6.4.3 wants the answer, RFC 5798 does not.
	LowerPriorityNoAdvert bool
	// HigherPrioritySendAdvert makes an Active Router send a last advertisement
	// before it yields to a better one (higher_prio_send_advert).
	HigherPrioritySendAdvert bool
	// OwnerIgnoreAdverts makes an owner refuse all advertisements
	// (owner_ignore_adverts, RFC 5798 §7.1).
	OwnerIgnoreAdverts bool
	// SkipAddressCheck says nothing of a different address list in packets from
	// the Active Router we know already (skip_check_adv_addr).
	SkipAddressCheck bool

	// Auth and Password are version 2's authentication.
	Auth     AuthType
	Password Password
	// Checksum is the form of version 3 IPv4 checksums we send. StrictChecksum
	// refuses other forms. DetectOldUnicast accepts OldUnicast as well, from
	// unicast peers, and makes us send it once one of them did.
	Checksum         ChecksumForm
	StrictChecksum   bool
	DetectOldUnicast bool

	// Announce is the schedule of gratuitous ARP and unsolicited neighbour
	// advertisements.
	Announce AnnounceSchedule
}

// Peer is a router that advertisements are sent to by unicast.
type Peer struct {
	Addr netip.Addr
	// MinTTL and MaxTTL are the TTLs accepted from it; 0 means 255.
	MinTTL, MaxTTL uint8
}

func (p Peer) ttlRange() (low, high int) {
	low, high = int(p.MinTTL), int(p.MaxTTL)
	if low == 0 {
		low = TTL
	}
	if high == 0 {
		high = TTL
	}
	return low, high
}

// Owner tells whether the router owns the addresses.
func (p *Params) Owner() bool { return p.Priority == PriorityOwner }

// startsActive tells whether the router need not wait to become Active.
func (p *Params) startsActive() bool { return p.Owner() && !p.StartBackup }

// preempts is Preempt_Mode: RFC 9568 §6.1 exempts the owner from it.
func (p *Params) preempts() bool { return !p.NoPreempt || p.Owner() }

// accepts is whether packets to the virtual addresses are for us (RFC 9568
// §6.4.3): the owner always accepts.
func (p *Params) accepts() bool { return p.Accept || p.Owner() }

func (p *Params) downAdverts() int {
	if p.DownAdverts == 0 {
		return 3
	}
	return p.DownAdverts
}

func (p *Params) group() netip.Addr {
	switch {
	case p.Group.IsValid():
		return p.Group
	case p.IPv6:
		return GroupIPv6()
	}
	return GroupIPv4()
}

func (p *Params) peer(addr netip.Addr) (Peer, bool) {
	for _, peer := range p.Peers {
		if peer.Addr == addr {
			return peer, true
		}
	}
	return Peer{}, false
}

// Destinations are where an advertisement is sent: the peers, or the group.
func (p *Params) Destinations() []netip.Addr {
	if len(p.Peers) == 0 {
		return []netip.Addr{p.group()}
	}
	all := make([]netip.Addr, len(p.Peers))
	for i, peer := range p.Peers {
		all[i] = peer.Addr
	}
	return all
}

// advertisement is the one this router sends with the given priority.
func (p *Params) advertisement(priority uint8) Advertisement {
	a := Advertisement{
		Version:              p.Version,
		VRID:                 p.VRID,
		Priority:             priority,
		MaxAdvertiseInterval: p.AdvertisementInterval,
		Addresses:            p.Addresses,
		AuthType:             p.Auth,
	}
	if p.Auth == AuthPass {
		a.Password = p.Password
	}
	return a
}

// sameRouter tells whether two sets of parameters are of one virtual router, so
// that a reload can keep its state (keepalived's rule; the version may change).
func (p *Params) sameRouter(q *Params) bool {
	return p.VRID == q.VRID && p.IPv6 == q.IPv6
}

// Validate reports everything that the machine cannot work with. Whether it is
// wise as well is for the configuration to say.
func (p *Params) Validate() error {
	var errs []error
	bad := func(cond bool, format string, args ...any) {
		if cond {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	unit, limit := unitOf(p.Version)
	bad(unit == 0, "version %d, want 2 or 3", p.Version)
	bad(p.Version == V2 && p.IPv6, "IPv6 needs version 3")
	bad(p.VRID == 0, "virtual router ID 0, want 1-255")
	bad(p.Priority == 0, "priority 0, want 1-255")
	if unit != 0 {
		n := p.AdvertisementInterval / unit
		bad(n < 1 || n > limit || n*unit != p.AdvertisementInterval,
			"advertisement interval %v, want a multiple of %v up to %v", p.AdvertisementInterval, unit, limit*unit)
	}
	bad(p.DownAdverts < 0 || p.DownAdverts > 100, "down timer of %d advertisements, want 1-100", p.DownAdverts)
	bad(len(p.Addresses) > maxAddresses, "%d advertised addresses, want at most %d", len(p.Addresses), maxAddresses)
	family := func(what string, a netip.Addr) {
		bad(a.Is6() != p.IPv6 || a.Is4In6() || a.Zone() != "", "%s %v is of another family or has a zone", what, a)
	}
	for _, a := range p.Addresses {
		family("virtual address", a)
	}
	for _, peer := range p.Peers {
		family("unicast peer", peer.Addr)
		low, high := peer.ttlRange()
		bad(low > high, "unicast peer %v: smallest TTL %d above largest %d", peer.Addr, low, high)
	}
	if p.Source.IsValid() {
		family("source address", p.Source)
	}
	if p.Group.IsValid() {
		family("multicast group", p.Group)
		bad(!p.Group.IsMulticast(), "%v is no multicast group", p.Group)
	}
	bad(p.PreemptDelay < 0, "preempt delay %v is negative", p.PreemptDelay)
	bad(p.Checksum >= checksumForms, "checksum form %d", p.Checksum)
	bad(p.Auth > AuthAH, "authentication type %d", p.Auth)
	bad(p.Auth != AuthNone && p.Version == V3, "version 3 has no authentication")
	errs = append(errs, p.Announce.validate()...)
	return errors.Join(errs...)
}

// clone copies p with slices of its own.
func (p *Params) clone() Params {
	c := *p
	c.Addresses, c.Peers = slices.Clone(p.Addresses), slices.Clone(p.Peers)
	return c
}
