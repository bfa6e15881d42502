package sched

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

var (
	// ErrUnknownScheduler says that no kernel has a scheduler of that name.
	ErrUnknownScheduler = errors.New("no such scheduler")
	// ErrServerExists says that the service has that server already.
	ErrServerExists = errors.New("server is there already")
	// ErrNoServer says that the service does not have that server.
	ErrNoServer = errors.New("no such server")
	// ErrOutOfRange says that a setting of a server or service can't be.
	ErrOutOfRange = errors.New("out of range")
)

// Options are the settings of a service that matter to its scheduler.
type Options struct {
	// Flags are the scheduler's: fallback and port, for sh and mh.
	Flags Flags
	// IPv6 says that the service's address, or that of its clients, is IPv6.
	IPv6 bool
	// Persistent is how long a client stays bound to its server after its last
	// connection ended, 0 for services without persistence.
	Persistent time.Duration
	// Netmask has the bits of their addresses set that clients have in common
	// whom persistence takes for one; the zero Addr stands for all bits.
	Netmask netip.Addr
	// TableIndex is the kernel's CONFIG_IP_VS_MH_TAB_INDEX, 8 to 17, which sets
	// the size of mh's table; 0 for the usual 12, which is 4093 buckets.
	TableIndex int
	// Expiry is net.ipv4.vs.lblc_expiration or lblcr_expiration, 0 for the
	// usual 24 hours.
	Expiry time.Duration
	// Random draws the numbers of twos. Without it twos takes the likeliest
	// server.
	Random *rand.Rand
	// Generation is the kernel's way to count connections.
	Generation Generation
	// ExpireQuiescent is net.ipv4.vs.expire_quiescent_template: weight 0 ends the
	// bonds of persistence.
	ExpireQuiescent bool
	// Used says that the service has seen connections that the model has not,
	// so that what the scheduler remembers is not known.
	Used bool
	// Told says that Bind was called for every persistence template there is,
	// or at least those of the clients that will be asked about.
	Told bool
}

// algorithm is one scheduler's state and rules.
type algorithm interface {
	// start is called when a service, with the servers it has, gets the scheduler.
	start(*Service)
	// changed is called after the list of servers changed at a place.
	changed(s *Service, how change, at int)
	// choose returns the server for a new connection, nil for none.
	choose(*Service, Connection, *reasons) *server
}

// change is how the list of servers changed.
type change uint8

const (
	added change = iota
	updated
	removed
)

// Service is a model of a virtual service: its servers in the kernel's order,
// newest first, with the state of its scheduler. It is not safe for concurrent
// use.
type Service struct {
	name      string
	options   Options
	algorithm algorithm
	servers   []*server
	known     map[netip.AddrPort]*server // also those removed
	bindings  bindings
}

// New returns a service that gets its scheduler when it has the given servers,
// in the kernel's order, which is that of a listing. A service to which servers
// are added one by one may behave differently under wrr.
func New(scheduler string, o Options, servers ...Server) (*Service, error) {
	a := newAlgorithm(scheduler)
	if a == nil {
		return nil, fmt.Errorf("scheduler %q: %w", scheduler, ErrUnknownScheduler)
	}
	if o.TableIndex == 0 {
		o.TableIndex = 12
	}
	if o.Expiry == 0 {
		o.Expiry = 24 * time.Hour
	}
	if o.TableIndex < 8 || o.TableIndex > 17 || o.Expiry < 0 || o.Persistent < 0 || o.Generation > Totals {
		return nil, fmt.Errorf("options of scheduler %q: %w", scheduler, ErrOutOfRange)
	}
	s := &Service{name: scheduler, options: o, algorithm: a, known: map[netip.AddrPort]*server{}, bindings: bindings{}}
	for _, one := range servers {
		if err := s.insert(one, len(s.servers)); err != nil {
			return nil, err
		}
	}
	a.start(s)
	return s, nil
}

// newAlgorithm returns a scheduler by name, nil if there is none.
func newAlgorithm(name string) algorithm {
	switch name {
	case "rr":
		return &roundRobin{}
	case "wrr":
		return &weightedRoundRobin{}
	case "lc":
		return &indexed{algorithm: leastConnections{}, contest: contest{beaten: lighter}}
	case "wlc":
		return &indexed{algorithm: weightedLeast{(*server).overhead}, contest: contest{beaten: heavierOverhead}}
	case "sed":
		return &indexed{algorithm: weightedLeast{(*server).expected}, contest: contest{beaten: heavierExpected}}
	case "nq":
		return &indexed{algorithm: neverQueue{}, contest: contest{beaten: busier}}
	case "fo":
		return failover{}
	case "ovf":
		return overflow{}
	case "dh":
		return &destinationHash{}
	case "sh":
		return &sourceHash{}
	case "mh":
		return &maglev{}
	case "lblc":
		return &locality{}
	case "lblcr":
		return &locality{replicate: true}
	case "twos":
		return twoChoices{}
	}
	return nil
}

// Servers returns the servers in the kernel's order, newest first.
func (s *Service) Servers() []Server {
	list := make([]Server, len(s.servers))
	for i, one := range s.servers {
		list[i] = one.Server
	}
	return list
}

// Add adds a server, in front of the others. One that was there before comes
// back with the connections it still has; Active, Inactive and Overloaded of a
// new one are taken as given.
func (s *Service) Add(to Server) error {
	if err := s.insert(to, 0); err != nil {
		return err
	}
	s.algorithm.changed(s, added, 0)
	return nil
}

func (s *Service) insert(to Server, at int) error {
	if err := check(to); err != nil {
		return err
	}
	one := s.known[to.Addr]
	switch {
	case one == nil:
		one = &server{
			Server:     Server{Addr: to.Addr, Active: to.Active, Inactive: to.Inactive},
			generation: s.options.Generation,
			id:         len(s.known),
		}
		one.set(to, true)
		one.Overloaded = to.Overloaded || to.Upper != 0 && one.total() >= to.Upper
		s.known[to.Addr] = one
	case one.present:
		return fmt.Errorf("server %s: %w", to.Addr, ErrServerExists)
	default:
		one.set(to, true)
	}
	one.present = true
	s.servers = slices.Insert(s.servers, at, one)
	s.number(at)
	return nil
}

// number tells the servers from a place on where they are.
func (s *Service) number(from int) {
	for i, one := range s.servers[from:] {
		one.at = from + i
	}
}

// Update changes weight and thresholds of a server; its counters stay.
func (s *Service) Update(to Server) error {
	if err := check(to); err != nil {
		return err
	}
	at := s.index(to.Addr)
	if at < 0 {
		return fmt.Errorf("server %s: %w", to.Addr, ErrNoServer)
	}
	s.servers[at].set(to, false)
	s.algorithm.changed(s, updated, at)
	return nil
}

// Remove removes a server. Its connections go on until they are closed.
func (s *Service) Remove(addr netip.AddrPort) error {
	at := s.index(addr)
	if at < 0 {
		return fmt.Errorf("server %s: %w", addr, ErrNoServer)
	}
	s.servers[at].present = false
	s.servers = slices.Delete(s.servers, at, at+1)
	s.number(at)
	s.algorithm.changed(s, removed, at)
	return nil
}

// Opened counts a connection with a server, which Next and Choose don't.
func (s *Service) Opened(addr netip.AddrPort, active bool) {
	if one := s.known[addr]; one != nil {
		s.opened(one, active)
	}
}

func (s *Service) opened(one *server, active bool) {
	one.opened(active)
	s.counted(one)
}

// Moved counts a connection that has become active, or inactive.
func (s *Service) Moved(addr netip.AddrPort, active bool) {
	if one := s.known[addr]; one != nil {
		s.moved(one, active)
	}
}

func (s *Service) moved(one *server, active bool) {
	if active {
		one.Active++
		one.Inactive--
	} else {
		one.Active--
		one.Inactive++
	}
	s.counted(one)
}

// Closed takes away a connection, which was active or not, from a server.
func (s *Service) Closed(addr netip.AddrPort, active bool) {
	if one := s.known[addr]; one != nil {
		s.closed(one, active)
	}
}

func (s *Service) closed(one *server, active bool) {
	one.closed(active)
	s.counted(one)
}

// counted tells an index that a server's load has changed.
func (s *Service) counted(one *server) {
	if i, ok := s.algorithm.(*indexed); ok && one.present {
		i.contest.update(one)
	}
}

// Next gives a new connection its server, the zero AddrPort if there is none,
// and moves the scheduler on.
func (s *Service) Next(c Connection) netip.AddrPort {
	if one := s.choose(c, nil); one != nil {
		return one.Addr
	}
	return netip.AddrPort{}
}

// Choose is Next with reasons.
func (s *Service) Choose(c Connection) Choice {
	doubts := s.doubts(c) // before the choice changes anything
	var why reasons
	one := s.choose(c, &why)
	if one == nil {
		why.add(Nobody, nil, 0, 0)
		return Choice{Doubts: doubts, Why: why.list}
	}
	return Choice{Server: one.Addr, Doubts: doubts, Why: why.list}
}

func (s *Service) choose(c Connection, why *reasons) *server {
	if s.options.Persistent > 0 {
		return s.bound(c, why)
	}
	return s.algorithm.choose(s, c, why)
}

// index returns the place of a server, -1 if it is not there.
func (s *Service) index(addr netip.AddrPort) int {
	return slices.IndexFunc(s.servers, func(one *server) bool { return one.Addr == addr })
}

// check refuses what the kernel refuses (ip_vs_add_dest in ip_vs_ctl.c).
func check(s Server) error {
	const most = 1<<31 - 1
	switch {
	case !s.Addr.IsValid():
		return fmt.Errorf("server without an address: %w", ErrOutOfRange)
	case s.Weight < 0 || s.Weight > most:
		return fmt.Errorf("server %s: weight %d: %w", s.Addr, s.Weight, ErrOutOfRange)
	case s.Active < 0 || s.Inactive < 0:
		return fmt.Errorf("server %s: number of connections: %w", s.Addr, ErrOutOfRange)
	case s.Lower < 0 || s.Upper > most || s.Lower > s.Upper:
		return fmt.Errorf("server %s: thresholds %d and %d: %w", s.Addr, s.Upper, s.Lower, ErrOutOfRange)
	}
	return nil
}
