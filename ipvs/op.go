package ipvs

import "net/netip"

// Op is a change of the kernel's IPVS state. The set is closed: the types below
// are all there are. A pointer to one of them stands for its value; who makes
// many changes can so use the memory of those that are done again.
type Op interface{ value() Op }

// ValueOf returns what an Op that is a pointer points to, and others as they are.
// Who keeps an Op that somebody else made keeps its value.
func ValueOf(op Op) Op {
	if op == nil {
		return nil
	}
	return op.value()
}

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

func (o AddService) value() Op        { return o }
func (o EditService) value() Op       { return o }
func (o DeleteService) value() Op     { return o }
func (o AddDestination) value() Op    { return o }
func (o EditDestination) value() Op   { return o }
func (o DeleteDestination) value() Op { return o }
func (o Flush) value() Op             { return o }
func (o Zero) value() Op              { return o }
func (o SetTimeouts) value() Op       { return o }
func (o StartDaemon) value() Op       { return o }
func (o StopDaemon) value() Op        { return o }
