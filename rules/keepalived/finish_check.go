package keepalived

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"ipvsadm/check"
	"ipvsadm/ipvs"
	"ipvsadm/sched"
)

// maxServices bounds the services that the groups of a configuration stand for:
// a group of one line can mean sixteen million.
const maxServices = 1 << 16

// finishServers completes the virtual servers, and leaves out those that cannot
// be balanced.
func (l *loader) finishServers() {
	for _, g := range l.vsGroups {
		l.groupByName[g.Name] = g
	}
	for _, f := range l.files {
		l.fileByName[f.Name] = f
	}
	l.servers = slices.DeleteFunc(l.servers, func(v *server) bool { return !l.finishServer(v) })
	l.distinctServers()
}

// finishServer completes a virtual server, and tells whether it is one.
func (l *loader) finishServer(v *server) bool {
	if !l.findServerGroup(v) || !l.livingReals(v) {
		return false
	}
	l.settleProtocol(v)
	if !l.settleServerFamily(v) {
		return false
	}
	l.settleScheduler(v)
	l.settlePersistence(v)
	if !v.method.given {
		v.method.forward = ipvs.Masq
		if slices.ContainsFunc(v.reals, func(r *real) bool { return !r.method.given }) {
			l.warn(KindIncomplete, v.pos, v.title+" has no lvs_method and is taken for NAT", "write lvs_method NAT, DR or TUN")
		}
	}
	v.Mail = v.alert.or(l.global.alertChecker.or(l.global.alert.or(false)))
	v.QuorumUp, v.QuorumDown = (*check.Command)(v.quorumUp), (*check.Command)(v.quorumDown)
	if v.Suspend && !v.Service.Addr.IsValid() {
		l.warn(KindConflict, v.at("ha_suspend"), v.title+": ha_suspend is ignored: it has no address of its own", "leave it out")
		v.Suspend = false
	}
	l.settleSorry(v)
	v.Reals = slices.Grow(v.Reals, len(v.reals))
	for _, r := range v.reals {
		l.finishReal(v, r)
	}
	if !l.distinctReals(v) {
		return false
	}
	l.settleQuorum(v)
	return true
}

// findServerGroup looks up the group of a virtual server.
func (l *loader) findServerGroup(v *server) bool {
	if v.Group == "" {
		return true
	}
	if l.groupByName[v.Group] != nil || l.lostGroups[v.Group] {
		return l.groupByName[v.Group] != nil
	}
	l.fail(KindReference, v.pos, v.title+": there is no virtual_server_group "+abridge(v.Group),
		l.meantOr(v.Group, maps.Keys(l.groupByName), "define virtual_server_group "+abridge(v.Group)))
	return false
}

// livingReals refuses a virtual server that lost its real servers to a typing
// error: running without it would take its service out of the kernel's table.
func (l *loader) livingReals(v *server) bool {
	if len(v.reals) > 0 {
		return true
	}
	if v.lostReals || v.misread {
		l.fail(KindIncomplete, v.pos, v.title+" has lost its real servers to a typing error", "see the messages above")
	} else {
		l.warn(KindIncomplete, v.pos, v.title+" has no real_server and is left out", "write real_server ADDR PORT { … } in it")
	}
	return false
}

func (l *loader) settleProtocol(v *server) {
	s := &v.Service
	switch {
	case !l.hasAddresses(v):
		if s.Protocol != 0 {
			l.warn(KindConflict, v.at("protocol"), v.title+": protocol is ignored: a firewall mark has none", "leave it out")
			s.Protocol = 0
		}
	case s.Protocol == 0:
		l.warn(KindIncomplete, v.pos, v.title+" has no protocol and is taken for UDP", "write protocol TCP or protocol UDP")
		s.Protocol = ipvs.UDP
	}
	if s.Flags&ipvs.OnePacket != 0 && s.Protocol != ipvs.UDP {
		l.warn(KindConflict, v.at("ops"), v.title+": ops is ignored: it is for UDP", "leave it out, or write protocol UDP")
		s.Flags &^= ipvs.OnePacket
	}
}

// entries returns the addresses and marks of the group of a virtual server.
func (l *loader) entries(v *server) []check.GroupEntry {
	if g := l.groupByName[v.Group]; g != nil {
		return g.Entries
	}
	return nil
}

// hasAddresses tells whether a virtual server has any: a group can be of marks
// alone.
func (l *loader) hasAddresses(v *server) bool {
	return v.Service.Addr.IsValid() || slices.ContainsFunc(l.entries(v), func(e check.GroupEntry) bool { return e.First.IsValid() })
}

// settleServerFamily finds the family of a mark or a group, and leaves out the
// servers of another one that are not tunnelled.
func (l *loader) settleServerFamily(v *server) bool {
	tunnelled := func(r *real) bool { return l.methodOf(v, r).forward == ipvs.Tunnel }
	s := &v.Service
	if s.Family == 0 {
		s.Family = l.deducedFamily(v, tunnelled)
	}
	v.reals = slices.DeleteFunc(v.reals, func(r *real) bool {
		other := ipvs.FamilyOf(r.Addr.Addr()) != s.Family && !tunnelled(r)
		if other {
			l.warn(KindConflict, r.pos, r.title+" is left out: it is not of the family of "+v.title, "only tunnels lead to another family")
			v.lostReals = true
		}
		return other
	})
	return l.livingReals(v)
}

// deducedFamily is the family of what the virtual server balances.
func (l *loader) deducedFamily(v *server, tunnelled func(*real) bool) ipvs.Family {
	for _, e := range l.entries(v) {
		if e.First.IsValid() {
			return ipvs.FamilyOf(e.First)
		}
		if e.Family != 0 {
			return e.Family
		}
	}
	families := make(map[ipvs.Family]bool)
	for _, r := range v.reals {
		f := ipvs.FamilyOf(r.Addr.Addr())
		if !tunnelled(r) {
			return f
		}
		families[f] = true
	}
	if len(families) == 1 && families[ipvs.IPv6] {
		return ipvs.IPv6
	}
	return ipvs.IPv4
}

func (l *loader) settleScheduler(v *server) {
	s := &v.Service
	if s.Scheduler == "" {
		l.warn(KindIncomplete, v.pos, v.title+" has no lvs_sched and is taken for wlc", "write lvs_sched wlc")
		s.Scheduler = "wlc"
	}
	for _, f := range v.flagWords {
		bit, err := sched.ParseFlag(s.Scheduler, f.word)
		if err != nil {
			l.warn(KindConflict, f.pos, v.title+": "+f.word+" is ignored: it is not a flag of "+s.Scheduler, "leave it out")
			continue
		}
		s.Flags |= ipvs.ServiceFlags(bit)
	}
}

func (l *loader) settlePersistence(v *server) {
	s := &v.Service
	if s.Addr.IsValid() && s.Addr.Port() == 0 && s.Flags&ipvs.Persistent == 0 {
		l.warn(KindIncomplete, v.pos, v.title+" has no port and so must be persistent: it keeps clients for 360 s", "write a port, or persistence_timeout")
		s.Flags |= ipvs.Persistent
		s.Timeout = 360 * time.Second
	}
	s.Netmask = ipvs.HostMask(s.Family)
	if v.granularity != "" {
		mask, ok := parseMask(s.Family, v.granularity)
		if !ok {
			l.warn(KindValue, v.at("persistence_granularity"), "persistence_granularity is ignored: "+strconv.Quote(abridge(v.granularity))+" is not a netmask", "write a netmask such as 255.255.255.0, or for IPv6 a number from 1 to 128")
			return
		}
		if s.Flags&ipvs.Persistent == 0 && mask != s.Netmask {
			l.report.add(Diagnostic{Note, KindIncomplete, v.at("persistence_granularity"), v.title + " has a persistence_granularity and so is persistent: it keeps clients for 360 s", "write persistence_timeout 360"})
			s.Flags |= ipvs.Persistent
			s.Timeout = 360 * time.Second
		}
		s.Netmask = mask
	}
}

// methodOf returns how packets get to a real server.
func (l *loader) methodOf(v *server, r *real) method {
	if r.method.given {
		return r.method
	}
	return v.method
}

func (l *loader) settleSorry(v *server) {
	o := &v.sorry
	if !o.addr.IsValid() {
		return
	}
	m := v.method
	if o.method.given {
		m = o.method
	}
	if ipvs.FamilyOf(o.addr) != v.Service.Family && m.forward != ipvs.Tunnel {
		l.warn(KindConflict, v.at("sorry_server"), v.title+": sorry_server is ignored: it is of another family", "only tunnels lead to another family")
		return
	}
	port := l.portFor(v, o.port, m, "sorry_server", v.at("sorry_server"))
	v.Sorry = &check.SorryConfig{
		Destination: ipvs.Destination{Addr: netip.AddrPortFrom(o.addr, port), Forward: m.forward, Tunnel: m.tunnel, Weight: 1},
		Inhibit:     o.inhibit,
	}
}

// distinctReals refuses a real server that is there twice.
func (l *loader) distinctReals(v *server) bool {
	clear(l.realAt)
	ok := true
	for _, r := range v.reals {
		if other := l.realAt[r.Addr]; other != nil {
			l.fail(KindDuplicate, r.pos, r.title+" is in "+v.title+" already, on "+lineOf(other.pos, r.pos), "take one of them out")
			ok = false
		}
		l.realAt[r.Addr] = r
	}
	return ok
}

// distinctServers refuses two virtual servers that would be one service, and
// groups that stand for more than we will put into the kernel.
func (l *loader) distinctServers() {
	config := check.Config{}
	for _, g := range l.vsGroups {
		config.Groups = append(config.Groups, g.GroupConfig)
	}
	total := uint64(0)
	seen := make(map[ipvs.ServiceKey]*server)
	for _, v := range l.servers {
		for _, e := range l.entries(v) {
			total += e.Size()
		}
		if total > maxServices {
			l.fail(KindLimit, v.pos, fmt.Sprintf("%s and the groups before it stand for more than %d services", v.title, maxServices), "balance a firewall mark instead")
			return
		}
		for _, key := range config.Services(&v.ServerConfig) {
			other := seen[key]
			if other == nil {
				seen[key] = v
				continue
			}
			if other == v {
				continue // an address twice in a group is one service
			}
			l.fail(KindDuplicate, v.pos, v.title+" is the same service as "+other.title+" on "+lineOf(other.pos, v.pos), "put the real servers of both into one")
			break
		}
	}
}

// settleQuorum lowers a quorum that could never be reached.
func (l *loader) settleQuorum(v *server) {
	total := uint64(0)
	for _, r := range v.Reals {
		total += uint64(r.Weight)
	}
	if uint64(v.Quorum) > total {
		l.warn(KindConflict, v.at("quorum"), fmt.Sprintf("%s: quorum %d is taken for %d, the weight of all its servers", v.title, v.Quorum, total), "write a quorum that can be reached")
		v.Quorum = uint32(total)
	}
	if v.Hysteresis > 0 && v.Hysteresis >= v.Quorum {
		l.warn(KindConflict, v.at("hysteresis"), fmt.Sprintf("%s: hysteresis is ignored: it is not less than quorum %d", v.title, v.Quorum), "write a smaller one")
		v.Hysteresis = 0
	}
	if need := uint64(v.Quorum) + uint64(v.Hysteresis); need > total {
		l.warn(KindConflict, v.at("hysteresis"), fmt.Sprintf("%s cannot gain its quorum: that takes quorum and hysteresis, %d, and all its servers weigh %d", v.title, need, total), "write a smaller hysteresis or quorum")
	}
}
