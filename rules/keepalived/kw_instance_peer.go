package keepalived

import (
	"net/netip"
	"strconv"

	"ipvsadm/vrrp"
)

func instanceUnicast() []word[instance] {
	return []word[instance]{
		{
			wordInfo: wordInfo{name: "unicast_peer", many: true, doc: "Routers to send advertisements to, one on each line, instead of a multicast group: ADDR [min_ttl N] [max_ttl N]."},
			item:     func(s *statement, v *instance) { s.unicastPeer(v) },
			show:     func(p *printer, v *instance) { printItems(p, v.Peers, formatPeer) },
		},
		{
			wordInfo: wordInfo{name: "unicast_src_ip", args: "ADDR", doc: "Source address of unicast advertisements; default the interface's first."},
			set:      func(s *statement, v *instance) { v.unicastSource, _ = s.addr(0) },
			show: func(p *printer, v *instance) {
				if len(v.Peers) > 0 && v.Source.IsValid() {
					p.line(v.Source.String())
				}
			},
		},
		{
			wordInfo: wordInfo{name: "mcast_src_ip", args: "ADDR", doc: "Source address of multicast advertisements; default the interface's first."},
			set:      func(s *statement, v *instance) { v.mcastSource, _ = s.addr(0) },
			show: func(p *printer, v *instance) {
				if len(v.Peers) == 0 && v.Source.IsValid() {
					p.line(v.Source.String())
				}
			},
		},
		{
			wordInfo: wordInfo{name: "mcast_dst_ip", args: "ADDR", doc: "Multicast group; default vrrp_mcast_group4 or vrrp_mcast_group6."},
			set: func(s *statement, v *instance) {
				a, ok := s.addr(0)
				if ok && !a.IsMulticast() {
					s.badValue(s.args[0], "a multicast address")
					return
				}
				v.multicast = a
			},
			show: func(p *printer, v *instance) {
				if v.Group.IsValid() && len(v.Peers) == 0 {
					p.line(v.Group.String())
				}
			},
		},
		number("unicast_ttl", "TTL of unicast advertisements, 0 to 255; default 255.", 0, 255, func(v *instance) *uint8 { return &v.UnicastTTL }),
		flag("unicast_fault_no_peer", "Without peers go to FAULT instead of sending by multicast.", func(v *instance) *bool { return &v.FaultWithoutPeer }),
		unused[instance]("check_unicast_src", "[BOOL]", "it is always done"),
		{
			wordInfo: wordInfo{name: "old_unicast_checksum", args: "[never]", doc: "Send the unicast checksum of keepalived up to 1.3.6; never: do not accept it."},
			set: func(s *statement, v *instance) {
				switch {
				case len(s.args) == 0:
					v.OldChecksum = vrrp.OldChecksumAlways
				case s.args[0] == "never":
					v.OldChecksum = vrrp.OldChecksumNever
				default:
					s.badValue(s.args[0], "never")
				}
			},
			show: func(p *printer, v *instance) {
				switch v.OldChecksum {
				case vrrp.OldChecksumAlways:
					p.line()
				case vrrp.OldChecksumNever:
					p.line("never")
				}
			},
		},
		device("vrf", "VRF to route unicast in, without an interface.", func(v *instance) *string { return &v.VRF }),
		flag("track_src_ip", "Go to FAULT while the source address is on no interface.", func(v *instance) *bool { return &v.TrackSource }),
	}
}

// unicastPeer reads a line of unicast_peer.
func (s *statement) unicastPeer(v *instance) {
	a, ok := parseAddr(s.name)
	if !ok {
		s.warn(KindValue, strconv.Quote(abridge(s.name))+" is ignored: it is not the address of a peer", "")
		return
	}
	low, high, given := -1, -1, false
	for i := 0; i < len(s.args); i += 2 {
		word := s.args[i]
		if word != "min_ttl" && word != "max_ttl" {
			s.warn(KindUnknown, "a peer has no option "+abridge(word), "write each peer on a line of its own: ADDR [min_ttl N] [max_ttl N]")
			i--
			continue
		}
		if i+1 == len(s.args) {
			s.fail(KindMissing, word+" has no value", "write "+word+" N")
			return
		}
		n, ok := inRange(s, i+1, 0, 255)
		if !ok {
			continue
		}
		given = true
		if word == "min_ttl" {
			low = n
		} else {
			high = n
		}
	}
	p := peer{vrrp.Peer{Addr: a}, s.pos}
	if given {
		p.MinTTL, p.MaxTTL = ttlRange(low, high)
		if p.MinTTL > p.MaxTTL {
			s.warn(KindConflict, s.name+" is ignored: no TTL is between its min_ttl and its max_ttl", "exchange them")
			return
		}
	}
	if v.seenPeers.twice(a) {
		s.warn(KindDuplicate, a.String()+" is given twice; the first one counts", "leave one out")
		return
	}
	v.peers = append(v.peers, p)
}

// ttlRange fills in the bound that was not given, as keepalived does. Nothing
// arrives with a TTL of 0, and 0 means the default to package vrrp.
func ttlRange(low, high int) (uint8, uint8) {
	if high < 0 {
		high = 255
	}
	return uint8(max(low, 1)), uint8(max(high, 1))
}

func formatPeer(p vrrp.Peer) []string {
	words := []string{p.Addr.String()}
	if p.MinTTL != 0 {
		words = append(words, "min_ttl", strconv.Itoa(int(p.MinTTL)))
	}
	if p.MaxTTL != 0 {
		words = append(words, "max_ttl", strconv.Itoa(int(p.MaxTTL)))
	}
	return words
}

// sameFamily tells whether an address is of an instance's family, and complains
// of word if it is not.
func (l *loader) sameFamily(v *instance, a netip.Addr, word string, pos Position) bool {
	if !a.IsValid() || a.Is6() == v.IPv6 {
		return a.IsValid()
	}
	l.warn(KindConflict, pos, v.title+": "+word+" "+a.String()+" is ignored: it is not of the family of the virtual addresses", "")
	return false
}
