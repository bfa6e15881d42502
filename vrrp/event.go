package vrrp

import (
	"fmt"
	"net/netip"
	"time"
)

// Event is something that happened to a virtual router. The set is closed.
type Event interface {
	event()
	String() string
}

type (
	// Startup starts a machine that is in Initialize. For the first Delay it
	// hears nothing and does not count silence (vrrp_startup_delay).
	Startup struct{ Delay time.Duration }
	// Shutdown ends it: an Active Router says so with priority 0.
	Shutdown struct{}
	// Tick says that time has passed. Whatever was due by now is done; a Tick
	// too early does nothing. Before a Tick the driver must have handed over
	// every datagram that was received (drain before promote).
	Tick struct{}
	// Packet is a received datagram, not verified yet.
	Packet struct{ Datagram Datagram }
	// Failed adds a cause of fault.
	Failed struct{ Cause Cause }
	// Healed takes it away.
	Healed struct{ Cause Cause }
	// Weighed sets the sum that trackers add to the priority.
	Weighed struct{ Weight int }
	// SourceChanged gives the interface another primary address, or none.
	SourceChanged struct{ Source netip.Addr }
	// AddressesLost says that somebody else removed virtual addresses that this
	// router holds.
	AddressesLost struct{}
	// Reload replaces the parameters. The state stays, unless the VRID or the
	// family changed: then it is another virtual router, which starts afresh.
	Reload struct{ Params Params }
)

func (Startup) event()       {}
func (Shutdown) event()      {}
func (Tick) event()          {}
func (Packet) event()        {}
func (Failed) event()        {}
func (Healed) event()        {}
func (Weighed) event()       {}
func (SourceChanged) event() {}
func (AddressesLost) event() {}
func (Reload) event()        {}

func (e Startup) String() string {
	if e.Delay > 0 {
		return fmt.Sprintf("startup in %v", e.Delay)
	}
	return "startup"
}
func (Shutdown) String() string { return "shutdown" }
func (Tick) String() string     { return "tick" }
func (e Packet) String() string {
	return fmt.Sprintf("packet of %d bytes from %v", len(e.Datagram.Payload), e.Datagram.Source)
}
func (e Failed) String() string        { return "failed " + e.Cause.String() }
func (e Healed) String() string        { return "healed " + e.Cause.String() }
func (e Weighed) String() string       { return fmt.Sprintf("weighed %+d", e.Weight) }
func (e SourceChanged) String() string { return fmt.Sprintf("source %v", e.Source) }
func (AddressesLost) String() string   { return "addresses lost" }
func (e Reload) String() string        { return fmt.Sprintf("reload priority %d", e.Params.Priority) }
