package keepalived

import (
	"net/netip"
	"strconv"
	"strings"

	"ipvsadm/check"
	"ipvsadm/ipvs"
	"ipvsadm/vrrp"
)

// real is a real_server while it is read.
type real struct {
	base
	check.RealConfig
	timing
	method               method
	inhibit              choice
	alert                choice
	virtualHost          string
	notifyUp, notifyDown *vrrp.Command
	checkers             []*checker
}

func (l *loader) realTable() *table[real] {
	words := []word[real]{
		{
			wordInfo: wordInfo{name: "weight", args: "N", doc: "Share of the connections, 0 to 2147483647; default weight of the virtual server."},
			set: func(s *statement, r *real) {
				if n, ok := inRange[uint32](s, 0, 0, maxCount); ok {
					r.Weight = n
				}
			},
			show: func(p *printer, r *real) { p.line(strconv.FormatUint(uint64(r.Weight), 10)) },
		},
		methodWord("lvs_method", "Default that of the virtual server.", func(r *real) *method { return &r.method }).
			showing(func(p *printer, r *real) { p.line(formatMethod(r.Destination)...) }),
		number("uthreshold", "Connections at which it gets no new ones, 0 for any number; default 0.", 0, 1<<32-1, func(r *real) *uint32 { return &r.Upper }),
		number("lthreshold", "Connections below which it gets them again; default three quarters of uthreshold.", 0, 1<<32-1, func(r *real) *uint32 { return &r.Lower }),
		choiceWord("inhibit_on_failure", "Set the weight to 0 instead of removing it when it is down; default off.", func(r *real) *choice { return &r.inhibit }).
			showing(func(p *printer, r *real) { p.line(formatBool(r.Inhibit)) }),
		commandWord(l, "notify_up", "Program to run when it comes up.", func(r *real) **vrrp.Command { return &r.notifyUp }),
		commandWord(l, "notify_down", "Program to run when it goes down.", func(r *real) **vrrp.Command { return &r.notifyDown }),
		choiceWord("smtp_alert", "Send mail when that happens; default smtp_alert_checker, smtp_alert, on.", func(r *real) *choice { return &r.alert }).
			showing(func(p *printer, r *real) { p.line(formatBool(r.Mail)) }),
		text("virtualhost", "NAME", "Default of virtualhost of HTTP_GET and SSL_GET.", func(r *real) *string { return &r.virtualHost }).hidden(),
		unused[real]("snmp_name", "NAME", noSNMP),
		timeoutOf(func(r *real) *timing { return &r.timing }),
	}
	for kind, doc := range checkerKinds() {
		words = append(words, word[real]{
			wordInfo: wordInfo{name: kind, doc: doc, many: true},
			open:     func(s *statement, r *real) *frame { return l.openChecker(s, r, kind) },
		})
	}
	words = append(words, refusedBlock[real]("BFD_CHECK", "Succeeds while a BFD session is up.", noBFD))
	return newTable("real_server", "A real server.", words, timingWords(1, func(r *real) *timing { return &r.timing }))
}

// openReal begins a real_server.
func (l *loader) openReal(s *statement, v *server) *frame {
	r := &real{timing: newTiming()}
	r.Weight = noWeight
	var ok bool
	if r.Addr, ok = s.realEndpoint(); !ok {
		v.lostReals = true
		return nil
	}
	return enter(s, l.words.real, r, &r.base, func() { v.reals = append(v.reals, r) })
}

// noWeight stands for a weight that was not given; the greatest is 2^31-1.
const noWeight = 1<<32 - 1

// realEndpoint reads the address of a real server. keepalived leaves out a
// server that it cannot read; so do we, unless it was the last one.
func (s *statement) realEndpoint() (netip.AddrPort, bool) {
	a, ok := parseAddr(s.args[0])
	port := int64(0)
	if ok && len(s.args) > 1 {
		port, ok = parseInt(s.args[1])
		ok = ok && port >= 0 && port <= 65535
	}
	if !ok {
		s.warn(KindValue, s.name+" "+abridge(strings.Join(s.args, " "))+" is left out: it is not ADDR PORT", "write an IP address and a number from 1 to 65535")
	}
	return netip.AddrPortFrom(a, uint16(port)), ok
}

func (l *loader) showReals(p *printer, v *server) {
	for i := range v.Reals {
		r := &real{RealConfig: v.Reals[i]}
		r.notifyUp, r.notifyDown = (*vrrp.Command)(r.NotifyUp), (*vrrp.Command)(r.NotifyDown)
		p.word = "real_server"
		p.block(func() {
			l.words.real.print(p, r)
			for j := range r.Checkers {
				l.showChecker(p, &r.Checkers[j])
			}
		}, formatEndpoint(r.Addr)...)
	}
}

// serverGroup is a virtual_server_group while it is read.
type serverGroup struct {
	base
	check.GroupConfig
}

// openServerGroup begins a virtual_server_group, a block of lines.
func (l *loader) openServerGroup(s *statement) *frame {
	g := &serverGroup{}
	g.Name = s.str(0)
	if !l.define(s, "virtual_server_group", g.Name) {
		return nil
	}
	g.title, g.pos = s.title(), s.pos
	f := s.lines(func(line *statement) {
		if e, ok := line.groupEntry(); ok {
			g.Entries = append(g.Entries, e)
		} else {
			g.misread = true
		}
	})
	f.end = func() {
		if len(g.Entries) == 0 {
			l.lost(&g.base, "has no entries")
			l.lostGroups[g.Name] = g.misread // and so the error is reported
			return
		}
		l.vsGroups = append(l.vsGroups, g)
	}
	return f
}

// groupEntry reads ADDR PORT, A.B.C.D-E PORT, A-B PORT, A/LEN PORT or fwmark N
// [inet|inet6].
func (s *statement) groupEntry() (e check.GroupEntry, ok bool) {
	bad := func(why string) (check.GroupEntry, bool) {
		s.warn(KindValue, "the line is left out: "+why+": "+abridge(s.text), "write ADDR PORT, ADDR-ADDR PORT, ADDR/LEN PORT or fwmark N")
		return e, false
	}
	if s.name == "fwmark" {
		if len(s.args) == 0 {
			s.fail(KindMissing, "fwmark has no value", "write fwmark N")
			return e, false
		}
		n, ok := parseInt(s.args[0])
		if !ok || n < 1 || n > 1<<32-1 {
			return bad("a mark is a number from 1 to 4294967295")
		}
		e.Mark = uint32(n)
		if len(s.args) > 1 {
			switch s.args[1] {
			case "inet":
				e.Family = ipvs.IPv4
			case "inet6":
				e.Family = ipvs.IPv6
			default:
				return bad("the family of a mark is inet or inet6")
			}
		}
		return e, true
	}
	if len(s.args) > 0 {
		n, ok := parseInt(s.args[0])
		if !ok || n < 1 || n > 65535 {
			return bad("a port is a number from 1 to 65535")
		}
		e.Port = uint16(n)
	}
	if len(s.args) > 1 {
		s.note(KindExtra, "the words after the port are ignored: "+abridge(strings.Join(s.args[1:], " ")), "")
	}
	var why string
	if e.First, e.Last, why = parseRange(s.name); why != "" {
		return bad(why)
	}
	return e, true
}

// parseRange reads a range of addresses; why says what is wrong with it.
func parseRange(word string) (first, last netip.Addr, why string) {
	if from, to, ok := strings.Cut(word, "-"); ok {
		first, ok = parseAddr(from)
		if !ok {
			return first, last, "the range does not begin with an address"
		}
		if last, ok = rangeEnd(first, to); !ok {
			return first, last, "the range does not end with an address, or with the end of one"
		}
		if first.Compare(last) >= 0 {
			return first, last, "the range ends before it begins"
		}
		return first, last, ""
	}
	if strings.Contains(word, "/") {
		p, err := netip.ParsePrefix(word)
		switch {
		case err != nil || p.Addr().Zone() != "":
			return first, last, "it is not a network"
		case p.Masked() != p:
			return first, last, "the network has host bits: it begins at " + p.Masked().Addr().String()
		}
		return p.Addr(), lastOf(p), ""
	}
	a, ok := parseAddr(word)
	if !ok {
		return a, a, "it is not an address"
	}
	return a, a, ""
}

// rangeEnd reads the end of a range: an address of the same family, or its last
// byte, or for IPv6 its last two in hexadecimal.
func rangeEnd(first netip.Addr, word string) (netip.Addr, bool) {
	if a, ok := parseAddr(word); ok {
		return a, a.Is6() == first.Is6()
	}
	if first.Is4() {
		n, err := strconv.ParseUint(word, 10, 8)
		b := first.As4()
		b[3] = byte(n)
		return netip.AddrFrom4(b), err == nil
	}
	n, err := strconv.ParseUint(word, 16, 16)
	b := first.As16()
	b[14], b[15] = byte(n>>8), byte(n)
	return netip.AddrFrom16(b), err == nil
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func formatEntry(e check.GroupEntry) []string {
	if !e.First.IsValid() {
		words := []string{"fwmark", strconv.FormatUint(uint64(e.Mark), 10)}
		if e.Family != 0 {
			words = append(words, familyWord(e.Family))
		}
		return words
	}
	addr := e.First.String()
	if e.First != e.Last {
		addr += "-" + e.Last.String()
	}
	if e.Port == 0 {
		return []string{addr}
	}
	return []string{addr, strconv.Itoa(int(e.Port))}
}

// tls is SSL while it is read.
type tls struct {
	base
	check.TLSConfig
}

func tlsTable() *table[tls] {
	return newTable("SSL", "Files for SSL_GET.", []word[tls]{
		{
			wordInfo: wordInfo{name: "password", args: "PASSWORD", doc: "Password of the key."},
			set: func(s *statement, t *tls) {
				t.Password = check.Secret(s.str(0))
				s.secretRead()
			},
			show: func(p *printer, t *tls) {
				if t.Password != "" {
					p.line(p.secret(string(t.Password)))
				}
			},
		},
		text("ca", "FILE", "Certificates of authorities.", func(t *tls) *string { return &t.CA }),
		text("certificate", "FILE", "Our certificate.", func(t *tls) *string { return &t.Certificate }),
		text("key", "FILE", "Its key.", func(t *tls) *string { return &t.Key }),
	})
}
