package rules

import (
	"net/netip"
	"syscall"

	"ipvsadm/ipvs"
)

// image is a table in memory on which changes can be tried. It refuses what a
// kernel refuses because of what is in the table or not. What else a kernel may
// refuse, a scheduler it does not have or an address it does not like, only a
// kernel can tell.
type image struct {
	services map[ipvs.ServiceKey]*imageService
	order    []*imageService // those that are gone as well
	named    map[ipvs.ServiceKey]bool
	last     *imageService // of the last change: the next is mostly about it too
}

// imageService is a service of an image. Line is that of the stream which made
// it what it is, 0 if none did; the same goes for its servers.
type imageService struct {
	ipvs.ServiceState
	line    int
	gone    bool
	servers []imageServer
	at      map[netip.AddrPort]int // places in servers
}

type imageServer struct {
	ipvs.DestinationState
	line int
	gone bool
}

func newImage() *image {
	return &image{services: map[ipvs.ServiceKey]*imageService{}, named: map[ipvs.ServiceKey]bool{}}
}

// imageOf returns the image of a kernel's table.
func imageOf(table []ipvs.Entry) *image {
	m := newImage()
	for i := range table {
		e := &table[i]
		s := m.insert(e.ServiceState, 0)
		for j := range e.Destinations {
			s.insert(e.Destinations[j], 0)
		}
	}
	return m
}

// apply carries out a change of the table, which came from a line of a stream,
// or says why a kernel would not. The Change tells what was there before.
func (m *image) apply(op ipvs.Op, line int) (ipvs.Change, syscall.Errno) {
	change := ipvs.Change{Op: op}
	switch op := op.(type) {
	case ipvs.AddService:
		m.named[op.Service.ServiceKey] = true
		if m.find(op.Service.ServiceKey) != nil {
			return change, syscall.EEXIST
		}
		m.insert(ipvs.ServiceState{Service: op.Service}, line)
	case ipvs.EditService:
		s := m.find(op.Service.ServiceKey)
		if s == nil {
			return change, syscall.ESRCH
		}
		change.OldService = s.Service
		s.Service, s.line = op.Service, line
	case ipvs.DeleteService:
		s := m.find(op.Service)
		if s == nil {
			return change, syscall.ESRCH
		}
		change.OldService = s.Service
		m.remove(s)
	case ipvs.AddDestination:
		return change, m.addServer(op, line)
	case ipvs.EditDestination:
		d, errno := m.findServer(op.Service, op.Destination.Addr)
		switch {
		case errno == syscall.ESRCH:
			return change, errno
		case op.Destination.Lower > op.Destination.Upper:
			return change, syscall.ERANGE
		case errno != 0:
			return change, errno
		}
		change.OldDestination = d.Destination
		d.Destination, d.line = op.Destination, line
	case ipvs.DeleteDestination:
		d, errno := m.findServer(op.Service, op.Addr)
		if errno != 0 {
			return change, errno
		}
		change.OldDestination = d.Destination
		d.gone = true
		delete(m.find(op.Service).at, op.Addr)
	case ipvs.Flush:
		for _, s := range m.order {
			m.remove(s)
		}
		m.order = nil
	case ipvs.Zero:
		return change, m.zero(op.Service)
	}
	return change, 0
}

func (m *image) find(k ipvs.ServiceKey) *imageService {
	if m.last == nil || m.last.gone || m.last.ServiceKey != k {
		m.last = m.services[k]
	}
	return m.last
}

func (m *image) insert(state ipvs.ServiceState, line int) *imageService {
	s := &imageService{ServiceState: state, line: line}
	m.services[s.ServiceKey] = s
	m.order = append(m.order, s)
	m.last = s
	return s
}

func (m *image) remove(s *imageService) {
	if !s.gone {
		s.gone = true
		delete(m.services, s.ServiceKey)
	}
}

func (s *imageService) insert(state ipvs.DestinationState, line int) {
	if s.at == nil {
		s.at = map[netip.AddrPort]int{}
	}
	s.at[state.Addr] = len(s.servers)
	s.servers = append(s.servers, imageServer{DestinationState: state, line: line})
}

func (m *image) addServer(op ipvs.AddDestination, line int) syscall.Errno {
	s := m.find(op.Service)
	if s == nil {
		return syscall.ESRCH
	}
	if op.Destination.Lower > op.Destination.Upper {
		return syscall.ERANGE
	}
	if _, there := s.at[op.Destination.Addr]; there {
		return syscall.EEXIST
	}
	s.insert(ipvs.DestinationState{Destination: op.Destination}, line)
	return 0
}

// findServer returns a real server, or ESRCH without its service, ENOENT without
// itself.
func (m *image) findServer(k ipvs.ServiceKey, addr netip.AddrPort) (*imageServer, syscall.Errno) {
	s := m.find(k)
	if s == nil {
		return nil, syscall.ESRCH
	}
	i, there := s.at[addr]
	if !there {
		return nil, syscall.ENOENT
	}
	return &s.servers[i], 0
}

func (m *image) zero(k ipvs.ServiceKey) syscall.Errno {
	list := m.order
	if k != (ipvs.ServiceKey{}) {
		s := m.find(k)
		if s == nil {
			return syscall.ESRCH
		}
		list = []*imageService{s}
	}
	for _, s := range list {
		s.Stats = ipvs.Stats{}
		for i := range s.servers {
			s.servers[i].Stats = ipvs.Stats{}
		}
	}
	return 0
}

// entries returns the image as a kernel shows its table, though in the order in
// which it was made.
func (m *image) entries() []ipvs.Entry {
	list := make([]ipvs.Entry, 0, len(m.services))
	for _, s := range m.order {
		if s.gone {
			continue
		}
		e := ipvs.Entry{ServiceState: s.ServiceState}
		for i := range s.servers {
			if !s.servers[i].gone {
				e.Destinations = append(e.Destinations, s.servers[i].DestinationState)
			}
		}
		list = append(list, e)
	}
	return list
}

// wanted returns the image as a plan takes it.
func (m *image) wanted() []ipvs.Wanted {
	list := make([]ipvs.Wanted, 0, len(m.services))
	for _, s := range m.order {
		if s.gone {
			continue
		}
		w := ipvs.Wanted{Service: s.Service}
		if len(s.at) > 0 {
			w.Destinations = make([]ipvs.Destination, 0, len(s.at))
		}
		for i := range s.servers {
			if !s.servers[i].gone {
				w.Destinations = append(w.Destinations, s.servers[i].Destination)
			}
		}
		list = append(list, w)
	}
	return list
}

// lineOf returns the line of the stream that asks for a change, 0 if none does.
func (m *image) lineOf(op ipvs.Op) int {
	var k ipvs.ServiceKey
	var addr netip.AddrPort
	switch op := op.(type) {
	case ipvs.AddService:
		k = op.Service.ServiceKey
	case ipvs.EditService:
		k = op.Service.ServiceKey
	case ipvs.AddDestination:
		k, addr = op.Service, op.Destination.Addr
	case ipvs.EditDestination:
		k, addr = op.Service, op.Destination.Addr
	}
	s := m.find(k)
	if s == nil {
		return 0
	}
	if i, there := s.at[addr]; there {
		return s.servers[i].line
	}
	return s.line
}
