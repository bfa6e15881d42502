package vrrp

import (
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Config is everything that one configuration says of VRRP. It is plain values,
// checked and complete: defaults are filled in, what an instance inherits is in
// the instance, names refer to something that is there. Whether interfaces,
// scripts and users exist on this machine has not been asked.
type Config struct {
	Instances []InstanceConfig
	Groups    []GroupConfig // sync groups
	Scripts   []ScriptConfig
	Files     []FileConfig
	Processes []ProcessConfig

	// Addresses, Routes and Rules are put up at the start and stay
	// (static_ipaddress, static_routes, static_rules).
	Addresses []AddressConfig
	Routes    []RouteConfig
	Rules     []RuleConfig
	// StaticGroups name the instances that are in Fault while a static address,
	// route or rule that names the group cannot be kept (track_group).
	StaticGroups []StaticGroupConfig

	// ARPInterval and NAInterval are the least time between two gratuitous ARPs
	// and two neighbour advertisements on one interface, 0 for none. Interfaces
	// in Pacing have their own.
	ARPInterval, NAInterval time.Duration
	Pacing                  []PacingConfig
	// Debounce delays what the state of an interface does to instances.
	Debounce []DebounceConfig

	// StartupDelay is how long instances wait after the start before they take
	// part (vrrp_startup_delay).
	StartupDelay time.Duration
	// Dynamic says what to do about interfaces that are not there.
	Dynamic DynamicInterfaces
	// LogUnknownVRIDs logs advertisements of routers that are not configured on
	// the interface they come in by.
	LogUnknownVRIDs bool
	// NoLocalIGMP stops the kernel's IGMP reports for 224.0.0.0/24
	// (disable_local_igmp).
	NoLocalIGMP bool
	// FIFOStatesOnReload writes the states of all instances to the FIFOs after a
	// reload.
	FIFOStatesOnReload bool
	// Sync is the kernel's daemon for synchronising IPVS connections
	// (lvs_sync_daemon), nil for none.
	Sync *SyncConfig
}

// DynamicInterfaces says what becomes of a configuration whose interfaces are
// not there (dynamic_interfaces).
type DynamicInterfaces uint8

const (
	// StaticInterfaces must all be there at the start.
	StaticInterfaces DynamicInterfaces = iota
	// MissingInterfaces may come and go.
	MissingInterfaces
	// ChangingInterfaces may also come back as another kind of interface.
	ChangingInterfaces
)

func (d DynamicInterfaces) String() string {
	switch d {
	case StaticInterfaces:
		return "static"
	case MissingInterfaces:
		return "dynamic"
	case ChangingInterfaces:
		return "changing"
	}
	return fmt.Sprintf("DynamicInterfaces(%d)", uint8(d))
}

// InstanceConfig is a virtual router.
type InstanceConfig struct {
	Name string
	// Params are the machine's. Interface is 0, for the number of Device is not
	// known yet; Source is valid only if one was configured.
	Params
	// Device is the name of the interface, "" for unicast without one. VRF is
	// the device of the domain that unicast is routed in then.
	Device, VRF string
	// TrackSource puts the instance into Fault while Source is on no interface.
	TrackSource bool
	// VMAC is the interface that holds the virtual MAC address, nil for none.
	// VMACAddresses wants such interfaces also for addresses on other interfaces
	// (use_vmac_addr), as an address with VMAC does for itself. AddressVMACs are
	// those: one for each of VMACBases.
	VMAC          *VMACConfig
	VMACAddresses bool
	AddressVMACs  []AddressVMAC

	// UnicastTTL is the TTL of the advertisements sent to Peers, 0-255.
	UnicastTTL uint8
	// FaultWithoutPeer puts an instance without Peers into Fault, instead of
	// sending its advertisements by multicast (unicast_fault_no_peer).
	FaultWithoutPeer bool
	// OldChecksum is for peers that run keepalived up to 1.3.6, which computed
	// the checksum of unicast VRRPv3 with the multicast group.
	OldChecksum OldChecksum
	// Strict says that what the RFCs do not allow was refused (vrrp_strict).
	Strict bool

	// Virtual addresses with all their attributes: those in advertisements, in
	// the order of Params.Addresses, and those that are not in them.
	Virtual, Excluded []AddressConfig
	Routes            []RouteConfig
	Rules             []RuleConfig
	// PromoteSecondaries keeps other addresses of a network when one is removed.
	PromoteSecondaries bool
	// AnnounceAll sends the extra announcements of AnnounceSchedule on every
	// interface of the instance, not only on those with a virtual MAC address.
	AnnounceAll bool

	// Tracked things. TrackDevice is whether Device itself is one of them.
	TrackDevice bool
	Track       TrackConfig

	Notify NotifyConfig
}

// OldChecksum says what to do about the unicast checksum of old keepalived.
type OldChecksum uint8

const (
	// OldChecksumDetect accepts it from a peer that sends it, and answers so.
	OldChecksumDetect OldChecksum = iota
	// OldChecksumAlways sends it.
	OldChecksumAlways
	// OldChecksumNever refuses it.
	OldChecksumNever
)

func (o OldChecksum) String() string {
	switch o {
	case OldChecksumDetect:
		return "detect"
	case OldChecksumAlways:
		return "always"
	case OldChecksumNever:
		return "never"
	}
	return fmt.Sprintf("OldChecksum(%d)", uint8(o))
}

// VMACConfig is a macvlan interface with the virtual MAC address.
type VMACConfig struct {
	// Name is the interface to make.
	Name string
	// Addr is its MAC address: RFC 9568 §7.3 unless another was configured.
	Addr net.HardwareAddr
	// TransmitBase sends and receives advertisements on the interface below
	// (vmac_xmit_base).
	TransmitBase bool
}

// GroupConfig is a set of instances that are Active together or not at all.
type GroupConfig struct {
	Name      string
	Instances []string
	Track     TrackConfig
	// KeepWeights lets the weights of the members' own trackers count; otherwise
	// they are 0 (sync_group_tracking_weight).
	KeepWeights bool
	Notify      NotifyConfig
}

// NotifyConfig says whom to tell of changes of state. A nil Command is none.
type NotifyConfig struct {
	Master, Backup, Fault, Stop, Deleted *Command
	// Any is run at every change, with four words more: INSTANCE or GROUP, the
	// name, the state and the priority.
	Any *Command
	// MasterRxLower is run when an Active Router gets an advertisement of lower
	// priority.
	MasterRxLower *Command
	// DeletedState tells DELETED and not FAULT when an instance is gone after a
	// reload (notify_deleted).
	DeletedState bool
	// Priorities writes changes of priority to the FIFOs.
	Priorities bool
	// Mail sends a mail (smtp_alert).
	Mail bool
}

// Command is a program to run: never by a shell.
type Command struct {
	// Argv has at least the program, as configured: its path may have to be
	// searched for, and it has not been looked at.
	Argv []string
	// User and Group to run it as. "" are the defaults: keepalived_script if
	// there is such a user, else the one we run as; and the user's own group.
	User, Group string
}

// StaticGroupConfig is a track_group.
type StaticGroupConfig struct {
	Name      string
	Instances []string
}

// PacingConfig is a garp_group: interfaces that share the least times between
// announcements.
type PacingConfig struct {
	Devices                 []string
	ARPInterval, NAInterval time.Duration
}

// DebounceConfig is how long an interface must be down, or up, to count as such
// (interface_up_down_delays).
type DebounceConfig struct {
	Device   string
	Down, Up time.Duration
}

// SyncConfig is the kernel's connection synchronisation. Zero values leave the
// choice to the kernel.
type SyncConfig struct {
	Device string
	// Instance is the one that the daemon follows: it sends while the instance
	// is Active, and takes in while it is not. "" for both all the time.
	Instance string
	// ID keeps apart groups of directors, 0-255: the VRID of Instance unless
	// another was configured.
	ID     uint8
	MaxLen uint16 // bytes of a datagram, 1-65507
	Port   uint16
	TTL    uint8
	Group  netip.Addr
}
