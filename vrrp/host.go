package vrrp

import (
	"net"
	"net/netip"
	"slices"
)

// Host is the network configuration of the machine, or of a network namespace.
// Apply and Announce are called by the Manager's goroutine alone.
type Host interface {
	// Views delivers what is there: once at the start, after each change by
	// anybody, and after each Apply. Who reads late gets the latest only.
	Views() <-chan *View
	// Apply makes the changes, in their order and in as few system calls as it
	// can. The errors are those of the changes at the same index; nil says that
	// all succeeded. That what is added is there, and that what is deleted is
	// not, is no error.
	Apply([]Change) []error
	// Announce tells the link where addresses are, in the order given.
	Announce([]Announcement) error
}

// View is what a Host looked like at one moment. It is never changed.
type View struct {
	Links []Link
	// Lost are the routes and rules that were added by Apply, not deleted by it,
	// and are not there any more.
	Lost []Change
	// Applied is how many calls of Apply had ended before it was taken. What an
	// older view does not show may have been added since.
	Applied uint64
}

// Link is a network interface.
type Link struct {
	Index int
	Name  string
	// Up says that it is up and that its carrier is there (IFF_UP and
	// IFF_RUNNING).
	Up   bool
	Addr net.HardwareAddr
	// Base is the index of the interface below, 0 if there is none.
	Base      int
	Addresses []LinkAddress
}

// LinkAddress is an address of an interface.
type LinkAddress struct {
	Prefix netip.Prefix // host bits included
	// Secondary addresses are not chosen as sources by the kernel. Tentative
	// ones cannot be used yet, or ever.
	Secondary, Tentative bool
}

// Link returns the interface of a name.
func (v *View) Link(name string) (Link, bool) {
	i := slices.IndexFunc(v.Links, func(l Link) bool { return l.Name == name })
	if i < 0 {
		return Link{}, false
	}
	return v.Links[i], true
}

// Has tells whether the interface of that name has the address, with whatever
// length of prefix.
func (v *View) Has(device string, addr netip.Addr) bool {
	l, ok := v.Link(device)
	return ok && slices.ContainsFunc(l.Addresses, func(a LinkAddress) bool { return a.Prefix.Addr() == addr })
}

// HasAnywhere tells whether some interface has the address, ready for use.
func (v *View) HasAnywhere(addr netip.Addr) bool {
	for _, l := range v.Links {
		if slices.ContainsFunc(l.Addresses, func(a LinkAddress) bool { return a.Prefix.Addr() == addr && !a.Tentative }) {
			return true
		}
	}
	return false
}

// primary is the address that advertisements are sent from: the first one of
// IPv4 (RFC 9568 §5.1.1.1), the link-local one of IPv6 (§5.1.2.1). Virtual
// addresses, which come and go, are none.
func (l Link) primary(ipv6 bool, virtual func(netip.Addr) bool) netip.Addr {
	for _, a := range l.Addresses {
		addr := a.Prefix.Addr()
		if a.Tentative || addr.Is6() != ipv6 || virtual(addr) {
			continue
		}
		if !ipv6 || addr.IsLinkLocalUnicast() {
			return addr
		}
	}
	return netip.Addr{}
}

// Change is something to add or, with Delete, to take away. Exactly one of the
// pointers is set.
type Change struct {
	Delete bool
	// Address is put on its Device, which is not "".
	Address *AddressConfig
	Route   *RouteConfig
	Rule    *RuleConfig
	// Refuse is an address to which packets are dropped.
	Refuse *netip.Addr
	VMAC   *VMACLink
	// Setting is one of the kernel's. To delete it puts back what was there
	// before it was first added.
	Setting *Setting
}

// VMACLink is a macvlan interface with a virtual router's MAC address. One that
// is there already is taken over.
type VMACLink struct {
	Name, Base string
	Addr       net.HardwareAddr
	IPv6       bool
	// Source is the link-local address that it sends from, as the interface
	// below does. It is invalid if the interface only holds addresses.
	Source netip.Addr
}

// Setting is a value of a sysctl, with its path below /proc/sys.
type Setting struct{ Path, Value string }

// Announcement is a gratuitous ARP request or an unsolicited neighbour
// advertisement for an address, to be sent on an interface.
type Announcement struct {
	Device string
	Addr   netip.Addr
}
