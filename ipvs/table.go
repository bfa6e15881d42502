package ipvs

// Entry is one virtual service of the kernel's table with its real servers, in
// the kernel's order.
type Entry struct {
	ServiceState
	Destinations []DestinationState
}

// Detail says how much of the real servers a Query needs. The less it asks, the
// fewer requests the answer takes.
type Detail int

const (
	// Basic is address, forwarding method, weight, active and inactive
	// connections: what /proc/net/ip_vs shows for all services in one read.
	Basic Detail = iota
	// WithTunnels is Basic and the encapsulation of tunnel servers.
	WithTunnels
	// Settings is WithTunnels and all else that can be set, and the number of
	// persistence templates: everything but counters.
	Settings
	// Full is everything.
	Full
)

// Query selects a part of the kernel's table.
type Query struct {
	// Service restricts the answer to one service; its zero value asks for all.
	Service ServiceKey
	Detail  Detail
}
