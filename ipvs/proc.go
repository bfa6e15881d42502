package ipvs

import (
	"bufio"
	"bytes"
	"io"
	"net/netip"
	"slices"
)

// procTable is the content of /proc/net/ip_vs: the real servers of all services
// in few reads, though only as much of them as Basic has, and without the
// family of firewall mark services.
type procTable struct {
	index    map[ServiceKey]*procService // with Family 0 for firewall marks
	services int                         // with those whose key is not understood
	free     []DestinationState          // where the next real servers go
}

type procService struct {
	seen   int // lines with this key
	joined int // services of the netlink list with this key
	dests  []DestinationState
}

// readProc reads the table and joins it with the list of services; nil if that
// is not possible.
func (c *Client) readProc(services []Entry) *procTable {
	f, err := c.sock.openFile("ip_vs")
	if err != nil {
		return nil
	}
	defer f.Close()
	p := parseProc(f)
	if p == nil {
		return nil
	}
	for i := range services {
		if s := p.index[procKey(&services[i].ServiceKey)]; s != nil {
			s.joined++
		}
	}
	return p
}

func procKey(k *ServiceKey) ServiceKey {
	if k.FWMark != 0 {
		return ServiceKey{FWMark: k.FWMark}
	}
	return *k
}

// confirms says that both lists have the same n services.
func (p *procTable) confirms(n int) bool {
	if p == nil || p.services != n || len(p.index) != n {
		return false
	}
	for _, s := range p.index {
		if s.joined != 1 {
			return false
		}
	}
	return true
}

// destinations returns the real servers of a service, false if it is not quite
// certain that they are those, or if more has to be known of them.
func (p *procTable) destinations(k *ServiceKey, d Detail) ([]DestinationState, bool) {
	if p == nil {
		return nil, false
	}
	s := p.index[procKey(k)]
	if s == nil || s.seen != 1 || s.joined != 1 {
		return nil, false
	}
	if d != Basic {
		for i := range s.dests {
			if s.dests[i].Forward == Tunnel {
				return nil, false
			}
		}
	}
	return slices.Clip(s.dests), true
}

// parseProc reads /proc/net/ip_vs as ip_vs_info_seq_show writes it. It returns
// nil if there is anything in it that it does not understand.
func parseProc(r io.Reader) *procTable {
	b := bufio.NewReaderSize(r, 64<<10)
	p := &procTable{index: map[ServiceKey]*procService{}}
	var current *procService
	for n := 0; ; n++ {
		line, err := b.ReadSlice('\n')
		if err == io.EOF && len(line) == 0 && n >= 3 {
			return p
		}
		if err != nil {
			return nil
		}
		switch {
		case n < 3: // titles
			if n == 0 && !bytes.HasPrefix(line, []byte("IP Virtual Server ")) {
				return nil
			}
		case bytes.HasPrefix(line, []byte("  ->")):
			d, ok := parseProcDest(line[len("  ->"):])
			if !ok || current == nil {
				return nil
			}
			p.addDest(current, d)
		default:
			k, ok := parseProcService(line)
			if !ok {
				return nil
			}
			current = p.add(k)
		}
	}
}

// add returns the place of a service; one whose key is the zero key has none.
func (p *procTable) add(k ServiceKey) *procService {
	p.services++
	s := &procService{}
	if k == (ServiceKey{}) {
		return s
	}
	if other := p.index[k]; other != nil {
		s.seen = other.seen
	}
	s.seen++
	p.index[k] = s
	return s
}

// destsAtOnce is the number of real servers that room is made for. Every page of
// memory that a process touches for the first time costs it as much as several
// lines do, and a list that grows as it is read leaves most of them behind.
const destsAtOnce = 512

// addDest adds a real server to the service that was read last.
func (p *procTable) addDest(s *procService, d DestinationState) {
	if n := len(s.dests); n == cap(s.dests) {
		if len(p.free) == 0 {
			p.free = make([]DestinationState, max(destsAtOnce, 2*n))
		}
		// All that is free is s's until the next service begins.
		s.dests = append(p.free[:0], s.dests...)
		p.free = p.free[n:]
	}
	s.dests = append(s.dests, d)
	p.free = p.free[1:]
}

// parseProcService reads a line such as "TCP  0A000001:0050 rr ". The key is
// zero for a protocol other than the three that IPVS balances.
func parseProcService(line []byte) (k ServiceKey, ok bool) {
	proto, rest := word(line)
	name, _ := word(rest)
	switch string(proto) {
	case "FWM":
		k.FWMark, ok = parseHex(name)
		return k, ok && k.FWMark != 0
	case "TCP":
		k.Protocol = TCP
	case "UDP":
		k.Protocol = UDP
	case "SCTP":
		k.Protocol = SCTP
	default:
		return ServiceKey{}, len(name) > 0
	}
	k.Addr, ok = parseProcEnd(name)
	k.Family = FamilyOf(k.Addr.Addr())
	return k, ok
}

// parseProcDest reads a line such as "0A000002:0050 Masq 1 0 0".
func parseProcDest(line []byte) (d DestinationState, ok bool) {
	w, rest := word(line)
	if d.Addr, ok = parseProcEnd(w); !ok {
		return d, false
	}
	w, rest = word(rest)
	switch string(w) {
	case "Masq": // and 4 to 7, which nothing but a program of its own can set
		d.Forward = Masq
	case "Local":
		d.Forward = LocalNode
	case "Tunnel":
		d.Forward = Tunnel
	case "Route":
		d.Forward = Route
	default:
		return d, false
	}
	for _, v := range [...]*uint32{&d.Weight, &d.Active, &d.Inactive} {
		w, rest = word(rest)
		if *v, ok = parseDecimal(w); !ok {
			return d, false
		}
	}
	w, _ = word(rest)
	return d, len(w) == 0
}

// parseProcEnd reads "0A000001:0050" or "[2001:0db8:…:0001]:0050".
func parseProcEnd(b []byte) (netip.AddrPort, bool) {
	colon := bytes.LastIndexByte(b, ':')
	if colon < 2 {
		return netip.AddrPort{}, false
	}
	host := b[:colon]
	if host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	addr, ok := parseAddr(host)
	port, ok2 := parsePort(b[colon+1:])
	return netip.AddrPortFrom(addr, port), ok && ok2
}
