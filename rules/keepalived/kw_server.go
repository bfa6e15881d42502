package keepalived

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ipvsadm/check"
	"ipvsadm/ipvs"
	"ipvsadm/sched"
	"ipvsadm/vrrp"
)

// server is a virtual_server while it is read.
type server struct {
	base
	check.ServerConfig
	timing
	method      method
	weight      uint32 // of real servers without their own
	virtualHost string
	inhibit     bool
	flagWords   []flagWord // sh-port and the others
	granularity string
	sorry       sorry
	alert       choice
	quorumUp    *vrrp.Command
	quorumDown  *vrrp.Command
	reals       []*real
	lostReals   bool // a real_server could not be read
}

// flagWord is a scheduler flag as written.
type flagWord struct {
	word string
	pos  Position
}

// method is lvs_method.
type method struct {
	given   bool
	forward ipvs.Forward
	tunnel  ipvs.Encapsulation
}

// sorry is sorry_server with what belongs to it.
type sorry struct {
	addr    netip.Addr
	port    uint16
	method  method
	inhibit bool
}

func (l *loader) serverTable() *table[server] {
	return newTable("virtual_server", "A virtual server and the real servers behind it.",
		l.serverService(), serverPersistence(), timingWords(1, func(v *server) *timing { return &v.timing }), l.serverQuorum(), sorryWords(), []word[server]{
			timeoutOf(func(v *server) *timing { return &v.timing }),
			{
				wordInfo: wordInfo{name: "real_server", args: "ADDR [PORT]", doc: "A real server.", many: true},
				open:     l.openReal,
				show:     func(p *printer, v *server) { l.showReals(p, v) },
			},
		})
}

// openServer begins virtual_server ADDR [PORT], fwmark N or group NAME.
func (l *loader) openServer(s *statement) *frame {
	v := &server{timing: newTiming(), weight: 1}
	v.Quorum = 1
	switch {
	case s.args[0] == "fwmark" || s.args[0] == "group":
		if len(s.args) < 2 {
			s.fail(KindMissing, "virtual_server "+s.args[0]+" has no value", "write virtual_server fwmark N or virtual_server group NAME")
			return nil
		}
		if s.args[0] == "group" {
			v.Group = s.str(1)
			break
		}
		n, ok := parseInt(s.args[1])
		if !ok || n < 1 || n > 1<<32-1 {
			s.fail(KindValue, "virtual_server fwmark "+strconv.Quote(abridge(s.args[1]))+" is not a number from 1 to 4294967295", "write virtual_server fwmark N {")
			return nil
		}
		v.Service.FWMark = uint32(n)
	default:
		addr, ok := s.endpoint("virtual_server ADDR [PORT] {")
		if !ok {
			return nil
		}
		v.Service.Addr, v.Service.Family = addr, ipvs.FamilyOf(addr.Addr())
	}
	return enter(s, l.words.server, v, &v.base, func() { l.servers = append(l.servers, v) })
}

// endpoint reads ADDR [PORT]. A server that cannot be named is lost, with all
// that is in its block: an error.
func (s *statement) endpoint(usage string) (netip.AddrPort, bool) {
	a, ok := parseAddr(s.args[0])
	if !ok {
		fix := "write " + usage
		if host, _, found := strings.Cut(s.args[0], ":"); found {
			if _, ok := parseAddr(host); ok {
				fix = "write the port behind a blank: " + usage
			}
		}
		s.fail(KindValue, s.name+" "+strconv.Quote(abridge(s.args[0]))+" is not an IP address", fix)
		return netip.AddrPort{}, false
	}
	var port int64
	if len(s.args) > 1 {
		if port, ok = parseInt(s.args[1]); !ok || port < 0 || port > 65535 {
			s.fail(KindValue, s.name+" port "+strconv.Quote(abridge(s.args[1]))+" is not a number from 1 to 65535", "write "+usage)
			return netip.AddrPort{}, false
		}
	}
	return netip.AddrPortFrom(a, uint16(port)), true
}

func (l *loader) serverService() []word[server] {
	words := []word[server]{
		{
			wordInfo: wordInfo{name: "lvs_sched", also: "lb_algo", args: "SCHEDULER", doc: "Scheduler: " + schedulers() + "; default wlc."},
			set: func(s *statement, v *server) {
				if _, ok := sched.Find(s.args[0]); !ok {
					fix := ""
					if near := nearest(s.args[0], strings.Fields(strings.ReplaceAll(schedulers(), ",", ""))); near != "" {
						fix = "did you mean " + near + "?"
					}
					s.warn(KindValue, s.name+" is ignored: "+strconv.Quote(abridge(s.args[0]))+" is no scheduler", fix)
					return
				}
				v.Service.Scheduler = s.str(0)
			},
			show: func(p *printer, v *server) { p.line(v.Service.Scheduler) },
		},
		methodWord("lvs_method", "NAT, DR or TUN; a tunnel is ipip unless it is said otherwise. Default NAT.", func(v *server) *method { return &v.method }).spelled("lb_kind"),
		{
			wordInfo: wordInfo{name: "protocol", args: "TCP|UDP|SCTP", doc: "Protocol; default UDP."},
			set: func(s *statement, v *server) {
				switch strings.ToUpper(s.args[0]) {
				case "TCP":
					v.Service.Protocol = ipvs.TCP
				case "UDP":
					v.Service.Protocol = ipvs.UDP
				case "SCTP":
					v.Service.Protocol = ipvs.SCTP
				default:
					s.badValue(s.args[0], "TCP, UDP or SCTP")
				}
			},
			show: func(p *printer, v *server) {
				if v.Service.Protocol != 0 {
					p.line(strings.ToUpper(protocolWord(v.Service.Protocol)))
				}
			},
		},
		{
			wordInfo: wordInfo{name: "ops", doc: "Schedule every UDP datagram by itself."},
			set:      func(_ *statement, v *server) { v.Service.Flags |= ipvs.OnePacket },
			show: func(p *printer, v *server) {
				if v.Service.Flags&ipvs.OnePacket != 0 {
					p.line()
				}
			},
		},
		unused[server]("hashed", "", "the kernel sets that flag itself"),
		{
			wordInfo: wordInfo{name: "ip_family", args: "inet|inet6", doc: "Family of a firewall mark whose servers are all tunnelled; default inet."},
			set:      func(s *statement, v *server) { s.family(v) },
			show: func(p *printer, v *server) {
				if v.Service.FWMark != 0 {
					p.line(familyWord(v.Service.Family))
				}
			},
		},
	}
	for _, name := range []string{"sh-port", "sh-fallback", "mh-port", "mh-fallback", "flag-1", "flag-2", "flag-3"} {
		words = append(words, schedulerFlag(name))
	}
	return words
}

// schedulerFlag is a flag of a scheduler; whether of this one is known when the
// block was read.
func schedulerFlag(name string) word[server] {
	return word[server]{
		wordInfo: wordInfo{name: name, doc: "Flag of the scheduler."},
		set:      func(s *statement, v *server) { v.flagWords = append(v.flagWords, flagWord{name, s.pos}) },
		show: func(p *printer, v *server) {
			if slices.Contains(sched.FlagNames(v.Service.Scheduler, sched.Flags(v.Service.Flags)), name) {
				p.line()
			}
		},
	}
}

func schedulers() string {
	var names []string
	for _, s := range sched.All() {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

func protocolWord(p ipvs.Protocol) string {
	switch p {
	case ipvs.UDP:
		return "udp"
	case ipvs.SCTP:
		return "sctp"
	}
	return "tcp"
}

func familyWord(f ipvs.Family) string {
	if f == ipvs.IPv6 {
		return "inet6"
	}
	return "inet"
}

func (s *statement) family(v *server) {
	var f ipvs.Family
	switch s.args[0] {
	case "inet":
		f = ipvs.IPv4
	case "inet6":
		f = ipvs.IPv6
	default:
		s.badValue(s.args[0], "inet or inet6")
		return
	}
	if v.Service.Addr.IsValid() && v.Service.Family != f {
		s.warn(KindConflict, s.name+" is ignored: the address says another family", "leave it out")
		return
	}
	v.Service.Family = f
}

func formatEndpoint(a netip.AddrPort) []string {
	words := []string{a.Addr().String()}
	if a.Port() != 0 {
		words = append(words, strconv.Itoa(int(a.Port())))
	}
	return words
}
