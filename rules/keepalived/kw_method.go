package keepalived

import (
	"strconv"
	"strings"

	"ipvsadm/ipvs"
)

// methodWord is a forwarding method.
func methodWord[T any](name, doc string, at func(*T) *method) word[T] {
	return word[T]{
		wordInfo: wordInfo{name: name, args: "METHOD [OPTION…]", doc: doc + " NAT, DR, or TUN [type {ipip|gue port N|gre} [nocsum|csum|remcsum]]."},
		set: func(s *statement, t *T) {
			if m, ok := s.method(); ok {
				*at(t) = m
			}
		},
	}
}

func (s *statement) method() (m method, ok bool) {
	m.given = true
	switch s.args[0] {
	case "NAT":
		m.forward = ipvs.Masq
	case "DR":
		m.forward = ipvs.Route
	case "TUN":
		m.forward = ipvs.Tunnel
		return m, s.tunnel(&m.tunnel)
	default:
		s.badValue(s.args[0], "NAT, DR or TUN")
		return m, false
	}
	if len(s.args) > 1 {
		s.warn(KindUnknown, abridge(s.args[1])+" is passed over: only TUN has options", s.usage())
	}
	return m, true
}

// tunnel reads the options of TUN.
func (s *statement) tunnel(t *ipvs.Encapsulation) bool {
	args := s.args[1:]
	if len(args) == 0 {
		return true
	}
	bad := func(what string) bool {
		s.warn(KindValue, s.name+" is ignored: "+what, "write TUN type ipip, TUN type gue port N or TUN type gre")
		return false
	}
	if args[0] != "type" || len(args) < 2 {
		return bad(abridge(strings.Join(args, " ")) + " is not an option of TUN")
	}
	switch args[1] {
	case "ipip":
		t.Type = ipvs.IPIP
	case "gue":
		t.Type = ipvs.GUE
	case "gre":
		t.Type = ipvs.GRE
	default:
		return bad("there is no tunnel of type " + abridge(args[1]))
	}
	for i := 2; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "port" && i+1 < len(args):
			i++
			n, ok := parseInt(args[i])
			if !ok || n < 1 || n > 65535 {
				return bad("port " + abridge(args[i]) + " is not a number from 1 to 65535")
			}
			t.Port = uint16(n)
		case arg == "nocsum":
			t.Flags = 0
		case arg == "csum" && t.Type != ipvs.IPIP:
			t.Flags = ipvs.TunnelCsum
		case arg == "remcsum" && t.Type == ipvs.GUE:
			t.Flags = ipvs.TunnelRemCsum
		default:
			return bad("a tunnel of type " + args[1] + " has no option " + abridge(arg))
		}
	}
	if (t.Type == ipvs.GUE) != (t.Port != 0) {
		return bad("a port belongs to gue, and gue needs one")
	}
	return true
}

func formatMethod(d ipvs.Destination) []string {
	switch d.Forward {
	case ipvs.Route:
		return []string{"DR"}
	case ipvs.Tunnel:
	default:
		return []string{"NAT"}
	}
	words := []string{"TUN"}
	switch d.Tunnel.Type {
	case ipvs.GUE:
		words = append(words, "type", "gue", "port", strconv.Itoa(int(d.Tunnel.Port)))
	case ipvs.GRE:
		words = append(words, "type", "gre")
	}
	if d.Tunnel.Flags&ipvs.TunnelCsum != 0 {
		words = append(words, "csum")
	}
	if d.Tunnel.Flags&ipvs.TunnelRemCsum != 0 {
		words = append(words, "remcsum")
	}
	return words
}
