package keepalived

import (
	"net"
	"strings"

	"ipvsadm/vrrp"
)

func (l *loader) instanceNetwork() []word[instance] {
	return []word[instance]{
		{
			wordInfo: wordInfo{name: "use_vmac", args: "[NAME] [MAC] [netlink_notify_msg] [group N]", doc: "Put the addresses on an interface with the virtual MAC address; default name vmac_prefix.VRID."},
			set:      func(s *statement, v *instance) { s.useVMAC(v) },
			show: func(p *printer, v *instance) {
				if v.VMAC != nil {
					p.line(vmacWords(v)...)
				}
			},
		},
		{
			wordInfo: wordInfo{name: "vmac_xmit_base", doc: "Send and receive advertisements on the interface below the virtual MAC address."},
			set:      func(_ *statement, v *instance) { v.vmac.base = true },
			show: func(p *printer, v *instance) {
				if v.VMAC != nil && v.VMAC.TransmitBase {
					p.line()
				}
			},
		},
		flag("use_vmac_addr", "Use virtual MAC addresses also for addresses on other interfaces.", func(v *instance) *bool { return &v.VMACAddresses }),
		{wordInfo: wordInfo{name: "use_ipvlan", args: "[WORD…]", doc: "Put the addresses on an ipvlan interface.", refused: "ipvlan interfaces are not made; use_vmac makes macvlan interfaces"}},
		{
			wordInfo: wordInfo{name: "virtual_ipaddress", many: true, doc: "Virtual addresses, one on each line, all of one family; they are in the advertisements."},
			item:     func(s *statement, v *instance) { l.virtualAddress(s, v) },
			show:     func(p *printer, v *instance) { printItems(p, v.Virtual, formatAddress) },
		},
		{
			wordInfo: wordInfo{name: "virtual_ipaddress_excluded", many: true, doc: "More virtual addresses, of any family, that are not in the advertisements."},
			item: func(s *statement, v *instance) {
				if a, ok := l.addressLine(s, lineVirtual); ok {
					v.Excluded = append(v.Excluded, a)
				}
			},
			show: func(p *printer, v *instance) { printItems(p, v.Excluded, formatAddress) },
		},
		{
			wordInfo: wordInfo{name: "no_virtual_ipaddress", doc: "Say that there are no virtual addresses on purpose."},
			set:      func(*statement, *instance) {},
			show: func(p *printer, v *instance) {
				if len(v.Virtual) == 0 {
					p.line()
				}
			},
		},
		{
			wordInfo: wordInfo{name: "virtual_routes", many: true, doc: "Routes to put up as master, written as for ip route add."},
			item: func(s *statement, v *instance) {
				if r, ok := l.routeLine(s, lineVirtual); ok {
					v.Routes = append(v.Routes, r)
				}
			},
			show: func(p *printer, v *instance) { printItems(p, v.Routes, formatRoute) },
		},
		{
			wordInfo: wordInfo{name: "virtual_rules", many: true, doc: "Routing rules to put up as master, written as for ip rule add."},
			item: func(s *statement, v *instance) {
				if r, ok := l.ruleLine(s, lineVirtual); ok {
					v.Rules = append(v.Rules, r)
				}
			},
			show: func(p *printer, v *instance) { printItems(p, v.Rules, formatRule) },
		},
	}
}

// virtualAddress reads a line of virtual_ipaddress.
func (l *loader) virtualAddress(s *statement, v *instance) {
	a, ok := l.addressLine(s, lineVirtual)
	if !ok {
		v.misread = true
		return
	}
	addr := a.Prefix.Addr()
	switch {
	case v.family == familyUnknown:
		v.family = familyOf(addr)
	case v.family != familyOf(addr):
		s.warn(KindConflict, addr.String()+" is ignored: the addresses of an instance are of one family", "write it in virtual_ipaddress_excluded")
		return
	}
	if v.seen.twice(addr) {
		s.note(KindDuplicate, addr.String()+" is given twice and advertised twice", "leave one out")
	}
	v.Virtual = append(v.Virtual, a)
}

// useVMAC reads use_vmac.
func (s *statement) useVMAC(v *instance) {
	v.vmac.name, v.vmac.addr = "", nil
	for i := 0; i < len(s.args); i++ {
		switch arg := s.args[i]; {
		case arg == "name" && i+1 < len(s.args) && !strings.Contains(s.args[i+1], ":"):
		case arg == "netlink_notify_msg":
		case arg == "group" && i+1 < len(s.args):
			i++
		case strings.Contains(arg, ":"):
			if mac, ok := s.mac(arg); ok {
				v.vmac.addr = mac
			}
		case v.vmac.name != "":
			s.warn(KindExtra, s.name+" has a name already, "+abridge(arg)+" is ignored", s.usage())
		case !isInterface(arg):
			s.badValue(arg, "a name for an interface: 1 to 15 characters without /, : and blanks")
		default:
			v.vmac.name = strings.Clone(arg)
		}
	}
}

// mac reads a MAC address of six bytes, or of five that the VRID is put behind.
func (s *statement) mac(word string) (net.HardwareAddr, bool) {
	short := strings.Count(word, ":") == 4
	full := word
	if short {
		full += ":00"
	}
	mac, err := net.ParseMAC(full)
	switch {
	case err != nil || len(mac) != 6:
		s.badValue(word, "a MAC address")
	case mac[0]&1 != 0:
		s.badValue(word, "the MAC address of one interface: it is a multicast address")
	case strings.HasPrefix(mac.String(), "00:00:5e:00:01:") || strings.HasPrefix(mac.String(), "00:00:5e:00:02:"):
		s.badValue(word, "a MAC address that may be chosen: RFC 9568 gives it to another virtual router")
	case short:
		return mac[:5], true
	default:
		return mac, true
	}
	return nil, false
}

func vmacWords(v *instance) []string {
	words := []string{quote(v.VMAC.Name)}
	if mac := v.VMAC.Addr.String(); mac != vrrp.VirtualMAC(v.VRID, v.IPv6).String() {
		words = append(words, mac)
	}
	return words
}
