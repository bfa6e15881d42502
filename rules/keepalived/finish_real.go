package keepalived

import (
	"fmt"
	"net/netip"
	"slices"

	"ipvsadm/check"
	"ipvsadm/ipvs"
)

// portFor is the port of a server: that of the service unless addresses are
// translated, for nothing else can change it.
func (l *loader) portFor(v *server, port uint16, m method, what string, pos Position) uint16 {
	s := &v.Service
	translated := m.forward == ipvs.Masq
	switch {
	case v.Group != "" && !translated:
		if port != 0 && slices.ContainsFunc(l.entries(v), func(e check.GroupEntry) bool { return e.Port != port }) {
			l.warn(KindConflict, pos, what+": its port is ignored: each service of the group has its own, or none", "leave it out")
		}
		return 0
	case v.Group != "":
		return port
	case s.FWMark != 0:
		if port != 0 && !translated {
			l.warn(KindConflict, pos, what+": its port is ignored: a firewall mark has none", "leave it out")
			return 0
		}
		return port
	case port == 0:
		return s.Addr.Port()
	case port != s.Addr.Port() && !translated:
		l.warn(KindConflict, pos, fmt.Sprintf("%s: its port is taken for %d, for only NAT can change ports", what, s.Addr.Port()), fmt.Sprintf("write port %d", s.Addr.Port()))
		return s.Addr.Port()
	}
	return port
}

// finishReal completes a real server and its checkers.
func (l *loader) finishReal(v *server, r *real) {
	m := l.methodOf(v, r)
	written := r.Addr
	if written.Port() == 0 && v.Service.Addr.IsValid() {
		written = netip.AddrPortFrom(r.Addr.Addr(), v.Service.Addr.Port())
	}
	r.Addr = netip.AddrPortFrom(r.Addr.Addr(), l.portFor(v, r.Addr.Port(), m, r.title, r.pos))
	r.Forward, r.Tunnel = m.forward, m.tunnel
	if r.Weight == noWeight {
		r.Weight = v.weight
	}
	if r.Lower > r.Upper && r.Upper > 0 {
		l.warn(KindConflict, r.at("lthreshold"), r.title+": lthreshold is ignored: it is more than uthreshold", "exchange them")
		r.Lower = 0
	}
	r.Inhibit = r.inhibit.or(v.inhibit)
	r.Mail = r.alert.or(l.global.alertChecker.or(l.global.alert.or(true)))
	r.NotifyUp, r.NotifyDown = (*check.Command)(r.notifyUp), (*check.Command)(r.notifyDown)
	if r.virtualHost == "" {
		r.virtualHost = v.virtualHost
	}
	r.timing.inherit(&v.timing)
	r.Checkers = slices.Grow(r.Checkers, len(r.checkers))
	for _, c := range r.checkers {
		c.timing.inherit(&r.timing)
		l.finishChecker(r, c, written)
	}
	v.Reals = append(v.Reals, r.RealConfig)
}
