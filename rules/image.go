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
//
// It is made with little memory: every page that a process touches for the first
// time costs it as much as several lines of a stream do.
type image struct {
	services map[ipvs.ServiceKey]*imageService
	order    []*imageService // those that are gone as well
	last     *imageService   // of the last change: the next is mostly about it too
	free     []imageService  // where the next ones go
}

// imageService is a service of an image. Line is that of the stream which made
// it what it is, 0 if none did; the same goes for its servers.
type imageService struct {
	ipvs.Service
	line    int
	gone    bool
	counts  bool // it, or one of its servers, has a counter that is not 0
	settled bool // the kernel has it just so
	left    int  // of servers, those that are not gone
	servers []imageServer
	at      map[netip.AddrPort]int // places in servers, if those are many
}

type imageServer struct {
	ipvs.Destination
	line int
	gone bool
}

func newImage() *image {
	return &image{services: map[ipvs.ServiceKey]*imageService{}}
}

// named tells whether a service is or was in the image.
func (m *image) named() map[ipvs.ServiceKey]bool {
	names := make(map[ipvs.ServiceKey]bool, len(m.order))
	for _, s := range m.order {
		names[s.ServiceKey] = true
	}
	return names
}

// imageOf returns the image of a kernel's table.
func imageOf(table []ipvs.Entry) *image {
	m := newImage()
	for i := range table {
		e := &table[i]
		s := m.insert(e.Service, 0)
		s.counts = e.Stats != ipvs.Stats{}
		for j := range e.Destinations {
			d := &e.Destinations[j]
			s.insert(d.Destination, 0)
			s.counts = s.counts || d.Stats != ipvs.Stats{}
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
		return change, m.addService(op, line)
	case ipvs.EditService:
		s := m.find(op.Service.ServiceKey)
		if s == nil {
			return change, syscall.ESRCH
		}
		change.Old = ipvs.AddService{Service: s.Service}
		s.Service, s.line = op.Service, line
	case ipvs.DeleteService:
		s := m.find(op.Service)
		if s == nil {
			return change, syscall.ESRCH
		}
		change.Old = ipvs.AddService{Service: s.Service}
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
		change.Old = ipvs.AddDestination{Service: op.Service, Destination: d.Destination}
		d.Destination, d.line = op.Destination, line
	case ipvs.DeleteDestination:
		d, errno := m.findServer(op.Service, op.Addr)
		if errno != 0 {
			return change, errno
		}
		change.Old = ipvs.AddDestination{Service: op.Service, Destination: d.Destination}
		m.find(op.Service).remove(d)
	case ipvs.Flush:
		for _, s := range m.order {
			m.remove(s)
		}
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

func (m *image) insert(service ipvs.Service, line int) *imageService {
	if len(m.free) == 0 {
		m.free = make([]imageService, 64)
	}
	s := &m.free[0]
	m.free = m.free[1:]
	s.Service, s.line = service, line
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

// fewServers is how many servers are searched one by one.
const fewServers = 8

func (s *imageService) insert(d ipvs.Destination, line int) {
	s.servers = append(s.servers, imageServer{Destination: d, line: line})
	s.left++
	switch n := len(s.servers); {
	case s.at != nil:
		s.at[d.Addr] = n - 1
	case n > fewServers:
		s.at = make(map[netip.AddrPort]int, 2*n)
		for i := range s.servers {
			if !s.servers[i].gone {
				s.at[s.servers[i].Addr] = i
			}
		}
	}
}

func (s *imageService) find(addr netip.AddrPort) *imageServer {
	if s.at != nil {
		if i, there := s.at[addr]; there {
			return &s.servers[i]
		}
		return nil
	}
	for i := range s.servers {
		if d := &s.servers[i]; d.Addr == addr && !d.gone {
			return d
		}
	}
	return nil
}

func (s *imageService) remove(d *imageServer) {
	d.gone = true
	s.left--
	delete(s.at, d.Addr)
}

func (m *image) addService(op ipvs.AddService, line int) syscall.Errno {
	if m.find(op.Service.ServiceKey) != nil {
		return syscall.EEXIST
	}
	m.insert(op.Service, line)
	return 0
}

func (m *image) addServer(op ipvs.AddDestination, line int) syscall.Errno {
	s := m.find(op.Service)
	if s == nil {
		return syscall.ESRCH
	}
	if op.Destination.Lower > op.Destination.Upper {
		return syscall.ERANGE
	}
	if s.find(op.Destination.Addr) != nil {
		return syscall.EEXIST
	}
	s.insert(op.Destination, line)
	return 0
}

// findServer returns a real server, or ESRCH without its service, ENOENT without
// itself.
func (m *image) findServer(k ipvs.ServiceKey, addr netip.AddrPort) (*imageServer, syscall.Errno) {
	s := m.find(k)
	if s == nil {
		return nil, syscall.ESRCH
	}
	d := s.find(addr)
	if d == nil {
		return nil, syscall.ENOENT
	}
	return d, 0
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
		s.counts = false
	}
	return 0
}

// entries returns the image as a kernel shows its table, though in the order in
// which it was made and without counters.
func (m *image) entries() []ipvs.Entry {
	list := make([]ipvs.Entry, 0, len(m.services))
	for _, s := range m.order {
		if s.gone {
			continue
		}
		e := ipvs.Entry{ServiceState: ipvs.ServiceState{Service: s.Service}}
		for i := range s.servers {
			if !s.servers[i].gone {
				e.Destinations = append(e.Destinations, ipvs.DestinationState{Destination: s.servers[i].Destination})
			}
		}
		list = append(list, e)
	}
	return list
}

// differing returns what of a kernel's table and of the image a plan has to look
// at: all but the services that are in both, and just the same. Mostly that is
// next to nothing, and costs no memory.
func (m *image) differing(table []ipvs.Entry) (have []ipvs.Entry, want []ipvs.Wanted) {
	for _, s := range m.order {
		s.settled = false
	}
	for i := range table {
		if s := m.find(table[i].ServiceKey); s != nil && s.is(&table[i]) {
			s.settled = true
			continue
		}
		have = append(have, table[i])
	}
	for _, s := range m.order {
		if !s.gone && !s.settled {
			want = append(want, s.wanted())
		}
	}
	return have, want
}

// is says that a service of the kernel is what it should be, in every bit.
func (s *imageService) is(e *ipvs.Entry) bool {
	have := e.Service
	have.Flags &^= ipvs.Hashed // which is always set
	if have != s.Service || len(e.Destinations) != s.left {
		return false
	}
	for i := range e.Destinations {
		d := s.find(e.Destinations[i].Addr)
		if d == nil || d.Destination != e.Destinations[i].Destination {
			return false
		}
	}
	return true
}

// wanted returns a service as a plan takes it.
func (s *imageService) wanted() ipvs.Wanted {
	w := ipvs.Wanted{Service: s.Service}
	if s.left > 0 {
		w.Destinations = make([]ipvs.Destination, 0, s.left)
	}
	for i := range s.servers {
		if !s.servers[i].gone {
			w.Destinations = append(w.Destinations, s.servers[i].Destination)
		}
	}
	return w
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
	if d := s.find(addr); d != nil {
		return d.line
	}
	return s.line
}
