package rules

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"ipvsadm/ipvs"
)

const (
	connectionsFile  = "/proc/net/ip_vs_conn"
	connectionsTitle = "IPVS connection entries\n" +
		"pro expire state       source             virtual            destination"
	connectionsTitlePE = "        pe name          pe_data"
)

// connectionsAhead is how many connections are read before the names of their
// addresses are looked up together.
const connectionsAhead = 512

// listConnections prints the connection table in the kernel's order, in memory
// that does not grow with it.
func (s *session) listConnections(l List) int {
	file, err := s.env.Connections()
	if err != nil {
		s.complain("cannot open file " + connectionsFile)
		return exitListing
	}
	defer file.Close()
	rows := ipvs.NewConnScanner(file)
	more := rows.Scan()
	if !errors.Is(rows.Err(), ipvs.ErrNoTitle) {
		s.out.WriteString(connectionsTitle)
		if l.Persistent {
			s.out.WriteString(connectionsTitlePE)
		}
		s.out.WriteByte('\n')
	}
	text := s.addressText(l.Numeric)
	lookups := connectionsAhead
	if l.Numeric {
		lookups = 1
	}
	ahead := make([]ipvs.Connection, 0, lookups)
	for more {
		ahead = ahead[:0]
		for ; more && len(ahead) < cap(ahead); more = rows.Scan() {
			ahead = append(ahead, rows.Conn())
		}
		text.prefetchConnections(ahead)
		for i := range ahead {
			s.out.Write(text.appendConnection(s.out.AvailableBuffer(), &ahead[i], l.Persistent))
		}
	}
	if err = rows.Err(); err == nil {
		return exitOK
	}
	if !errors.Is(err, ipvs.ErrBlankLine) { // at which 1.31 stops without a word
		s.complain("unexpected input from " + connectionsFile)
	}
	return exitListing
}

func (t addressText) prefetchConnections(conns []ipvs.Connection) {
	p, ok := t.names.(prefetcher)
	if !ok {
		return
	}
	addrs := make([]netip.Addr, 0, 3*len(conns))
	for i := range conns {
		c := &conns[i]
		addrs = append(addrs, c.Client.Addr(), c.Virtual.Addr(), c.Destination.Addr())
	}
	p.Prefetch(addrs)
}

// appendConnection adds the line of a connection. What a persistence engine
// binds it by is shown up to the first blank.
func (t addressText) appendConnection(b []byte, c *ipvs.Connection, engine bool) []byte {
	p := protocolOfWord(c.Protocol)
	b = appendWord(b, c.Protocol, 3)
	b = appendExpiry(b, c.Expires)
	b = appendWord(b, c.State, 11)
	for _, a := range [...]netip.AddrPort{c.Client, c.Virtual} {
		from := len(b)
		b = append(pad(t.append(b, a, p), from, 18), ' ')
	}
	from := len(b)
	b = t.append(b, c.Destination, p)
	if engine && c.PEName != "" && c.PEData != "" {
		b = append(pad(b, from, 16), ' ')
		b = appendWord(b, c.PEName, 18)
		data, _, _ := strings.Cut(c.PEData, " ")
		b = append(b, data...)
	}
	return append(b, '\n')
}

// appendExpiry adds minutes, as many as there are, and seconds.
func appendExpiry(b []byte, d time.Duration) []byte {
	from := len(b)
	b = append(appendTwoDigits(b, seconds(d)/60), ':')
	b = appendTwoDigits(b, seconds(d)%60)
	return append(pad(b, from, 6), ' ')
}

// appendTwoDigits adds n in two digits or more.
func appendTwoDigits(b []byte, n int64) []byte {
	if n < 10 {
		b = append(b, '0')
	}
	return strconv.AppendInt(b, n, 10)
}

// protocolOfWord is the inverse of protocolWord; 0 for protocols whose ports
// have no names.
func protocolOfWord(word string) ipvs.Protocol {
	switch word {
	case "TCP":
		return ipvs.TCP
	case "UDP":
		return ipvs.UDP
	case "SCTP":
		return ipvs.SCTP
	}
	return 0
}
