package ipvs

import (
	"bufio"
	"bytes"
	"cmp"
	"hash/maphash"
	"io"
	"net/netip"
	"slices"
)

// procTable is what /proc/net/ip_vs says of a list of services: the real servers
// of all of them in few reads, though only as much of them as Basic has, and
// without the family of firewall mark services.
//
// It is joined with the list as it is read, place by place: the kernel has the
// same order for both.
type procTable struct {
	list  []Entry
	known []bool // whether the file told the servers of list[i], and no doubt is left
	next  int    // where the next line's service should be
	lines int    // services in the file
	hits  int    // of these in the list
	twins bool   // some of the list look the same in the file
	free  []DestinationState
}

func newProcTable(list []Entry) *procTable {
	return &procTable{list: list, known: make([]bool, len(list))}
}

// readProc fills in the real servers of a list of services as far as the file
// tells what d needs of them; nil if it can't be read.
func (c *Client) readProc(list []Entry, d Detail) *procTable {
	f, err := c.sock.openFile("ip_vs")
	if err != nil {
		return nil
	}
	defer f.Close()
	p := newProcTable(list)
	if !p.parse(f, d) {
		return nil
	}
	p.doubt(d)
	return p
}

// procKey is the key of a service in the file: it does not tell the family of
// firewall marks.
func procKey(e *Entry) ServiceKey {
	if e.FWMark != 0 {
		return ServiceKey{FWMark: e.FWMark}
	}
	return e.ServiceKey
}

// doubt takes back what is not quite certain, or not enough.
func (p *procTable) doubt(d Detail) {
	again := repeated(p.list, procKey)
	p.twins = len(again) > 0
	for i := range p.list {
		e := &p.list[i]
		tunnel := func(s DestinationState) bool { return s.Forward == Tunnel }
		if d == Full || again[procKey(e)] || d != Basic && slices.ContainsFunc(e.Destinations, tunnel) {
			p.known[i] = false
		}
		e.Destinations = slices.Clip(e.Destinations)
	}
}

// confirms says that the file has the same services as the list.
func (p *procTable) confirms() bool {
	return p != nil && !p.twins && p.hits == p.lines && p.hits == len(p.list)
}

// knows says whether the servers of list[i] are filled in.
func (p *procTable) knows(i int) bool { return p != nil && p.known[i] }

// repeated returns the keys that stand in a list more than once. A map of all
// keys would take more memory than many a list.
func repeated[K comparable, V any](list []V, key func(*V) K) map[K]bool {
	type place struct {
		hash  uint64
		index int
	}
	seed := maphash.MakeSeed()
	places := make([]place, len(list))
	for i := range list {
		places[i] = place{maphash.Comparable(seed, key(&list[i])), i}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.hash, b.hash) })
	var again map[K]bool
	for i := 1; i < len(places); i++ {
		if a, b := places[i-1], places[i]; a.hash == b.hash {
			if again == nil {
				again = map[K]bool{}
			}
			again[key(&list[a.index])], again[key(&list[b.index])] = true, true
		}
	}
	return again
}

// parse reads the file as ip_vs_info_seq_show writes it. It returns false if
// there is anything in it that it does not understand.
func (p *procTable) parse(r io.Reader, d Detail) bool {
	b := bufio.NewReaderSize(r, 64<<10)
	var current *Entry
	for n := 0; ; n++ {
		line, err := b.ReadSlice('\n')
		if err == io.EOF && len(line) == 0 && n >= 3 {
			return true
		}
		if err != nil {
			return false
		}
		switch {
		case n < 3: // titles
			if n == 0 && !bytes.HasPrefix(line, []byte("IP Virtual Server ")) {
				return false
			}
		case bytes.HasPrefix(line, []byte("  ->")):
			s, ok := parseProcDest(line[len("  ->"):])
			if !ok || p.lines == 0 {
				return false
			}
			if current != nil && d != Full {
				p.addDest(current, s)
			}
		default:
			k, ok := parseProcService(line)
			if !ok {
				return false
			}
			current = p.join(k)
		}
	}
}

// join returns the service of the list that the next line of the file is about,
// nil if there is none.
func (p *procTable) join(k ServiceKey) *Entry {
	p.lines++
	for range p.list {
		if p.next >= len(p.list) {
			p.next = 0
		}
		i := p.next
		p.next++
		if e := &p.list[i]; !p.known[i] && procKey(e) == k {
			p.hits++
			p.known[i] = true
			e.Destinations = nil
			return e
		}
	}
	return nil
}

// addDest adds a real server to the service that was joined last.
func (p *procTable) addDest(e *Entry, d DestinationState) {
	list := e.Destinations
	if n := len(list); n == cap(list) {
		if len(p.free) == 0 {
			p.free = make([]DestinationState, max(atOnce, 2*n))
		}
		// All that is free is e's until the next service begins.
		list = append(p.free[:0], list...)
		p.free = p.free[n:]
	}
	e.Destinations = append(list, d)
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
