package ipvs

import "net/netip"

// Op is a change of the kernel's IPVS state. The set is closed: the types below
// are all there are.
type Op interface{ op() }

type (
	// AddService adds a virtual service.
	AddService struct{ Service Service }
	// EditService replaces everything settable of the service with the same key.
	EditService struct{ Service Service }
	// DeleteService removes a virtual service and its real servers.
	DeleteService struct{ Service ServiceKey }
	// AddDestination adds a real server to a service.
	AddDestination struct {
		Service     ServiceKey
		Destination Destination
	}
	// EditDestination replaces everything settable of the real server with the
	// same address.
	EditDestination struct {
		Service     ServiceKey
		Destination Destination
	}
	// DeleteDestination removes a real server from a service. Established
	// connections to it stay in the connection table.
	DeleteDestination struct {
		Service ServiceKey
		Addr    netip.AddrPort
	}
	// Flush removes all services.
	Flush struct{}
	// Zero sets the counters of one service and its servers to 0, or those of
	// all services and the totals when Service is the zero key.
	Zero struct{ Service ServiceKey }
	// SetTimeouts changes the connection timeouts; zero ones stay as they are.
	SetTimeouts struct{ Timeouts Timeouts }
	// StartDaemon starts a synchronisation daemon.
	StartDaemon struct{ Daemon Daemon }
	// StopDaemon stops one.
	StopDaemon struct{ State DaemonState }
)

func (AddService) op()        {}
func (EditService) op()       {}
func (DeleteService) op()     {}
func (AddDestination) op()    {}
func (EditDestination) op()   {}
func (DeleteDestination) op() {}
func (Flush) op()             {}
func (Zero) op()              {}
func (SetTimeouts) op()       {}
func (StartDaemon) op()       {}
func (StopDaemon) op()        {}
