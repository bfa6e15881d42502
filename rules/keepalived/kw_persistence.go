package keepalived

import (
	"net/netip"
	"strconv"
	"time"

	"ipvsadm/ipvs"
)

// serverPersistence are the words that keep clients with their servers.
func serverPersistence() []word[server] {
	return []word[server]{
		{
			wordInfo: wordInfo{name: "persistence_timeout", args: "[SECONDS]", doc: "Keep a client with its server so long after its last connection, 1 to 2678400 s; 360 without a number. Default not at all."},
			set:      func(s *statement, v *server) { s.persistence(v) },
			show: func(p *printer, v *server) {
				if v.Service.Flags&ipvs.Persistent != 0 {
					p.line(formatSeconds(v.Service.Timeout))
				}
			},
		},
		{
			wordInfo: wordInfo{name: "persistence_granularity", args: "MASK", doc: "Clients that are taken for one: a netmask, or for IPv6 a prefix length. Default each alone."},
			set:      func(s *statement, v *server) { v.granularity = s.str(0) },
			show: func(p *printer, v *server) {
				if v.Service.Flags&ipvs.Persistent != 0 && v.Service.Netmask != ipvs.HostMask(v.Service.Family) {
					p.line(formatMask(v.Service.Family, v.Service.Netmask))
				}
			},
		},
		{
			wordInfo: wordInfo{name: "persistence_engine", args: "NAME", doc: "Persistence engine of the kernel: sip."},
			set: func(s *statement, v *server) {
				const most = 15
				if v.Service.PE = s.str(0); len(v.Service.PE) > most {
					s.warn(KindValue, "the name of a persistence engine has 15 characters at most; the rest is cut off", "")
					v.Service.PE = v.Service.PE[:most]
				}
			},
			show: func(p *printer, v *server) {
				if v.Service.PE != "" {
					p.line(quote(v.Service.PE))
				}
			},
		},
	}
}

func (s *statement) persistence(v *server) {
	v.Service.Flags &^= ipvs.Persistent
	seconds := int64(360)
	if len(s.args) > 0 {
		var ok bool
		if s.args[0] == "0" {
			s.warn(KindValue, "persistence_timeout 0 is taken for no persistence", "leave it out")
			return
		}
		if seconds, ok = inRange[int64](s, 0, 1, 31*24*3600); !ok {
			return
		}
	}
	v.Service.Flags |= ipvs.Persistent
	v.Service.Timeout = time.Duration(seconds) * time.Second
}

// parseMask reads a netmask in dotted notation or as a number of bits.
func parseMask(f ipvs.Family, word string) (uint32, bool) {
	if a, ok := parseAddr(word); ok && a.Is4() && f != ipvs.IPv6 {
		b := a.As4()
		mask := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		return mask, mask != 0
	}
	n, ok := parseInt(word)
	switch {
	case !ok || n < 1:
		return 0, false
	case f == ipvs.IPv6:
		return uint32(n), n <= 128
	}
	return ^uint32(0) << (32 - min(n, 32)), n <= 32
}

func formatMask(f ipvs.Family, mask uint32) string {
	if f == ipvs.IPv6 {
		return strconv.Itoa(int(mask))
	}
	return netip.AddrFrom4([4]byte{byte(mask >> 24), byte(mask >> 16), byte(mask >> 8), byte(mask)}).String()
}
