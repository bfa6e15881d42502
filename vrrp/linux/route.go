package linux

import (
	"encoding/binary"
	"net/netip"

	"ipvsadm/vrrp"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// protocolKeepalived marks routes and rules as keepalived's (RTPROT_KEEPALIVED).
const protocolKeepalived = 18

// routeRequest is RTM_NEWROUTE or RTM_DELROUTE.
func (h *Host) routeRequest(c *vrrp.RouteConfig, del bool) (*nl.NetlinkRequest, error) {
	flags := unix.NLM_F_CREATE | unix.NLM_F_REPLACE
	if c.Append {
		flags = unix.NLM_F_CREATE | unix.NLM_F_APPEND
	}
	r := nl.NewNetlinkRequest(unix.RTM_NEWROUTE, flags)
	if del {
		r = nl.NewNetlinkRequest(unix.RTM_DELROUTE, 0)
	}
	msg := &nl.RtMsg{RtMsg: unix.RtMsg{
		Family:   uint8(family(c.Dst.Addr())),
		Dst_len:  uint8(c.Dst.Bits()),
		Tos:      c.TOS,
		Table:    uint8(min(table(c.Table), unix.RT_TABLE_COMPAT)),
		Protocol: protocol(c.Protocol),
		Scope:    uint8(routeScope(c)),
		Type:     uint8(c.Type),
	}}
	r.AddData(msg)
	a := attributes{r}
	a.number(unix.RTA_TABLE, table(c.Table), true)
	if c.Dst.Bits() > 0 {
		a.bytes(unix.RTA_DST, c.Dst.Addr().AsSlice())
	}
	if c.From.IsValid() {
		msg.Src_len = uint8(c.From.Bits())
		a.bytes(unix.RTA_SRC, c.From.Addr().AsSlice())
	}
	if c.Source.IsValid() {
		a.bytes(unix.RTA_PREFSRC, c.Source.AsSlice())
	}
	a.number(unix.RTA_PRIORITY, c.Metric, c.Metric != 0)
	if len(c.Hops) > 0 {
		hops, err := h.multipath(c)
		if err != nil {
			return nil, err
		}
		a.bytes(unix.RTA_MULTIPATH, hops)
	} else if err := h.singleHop(a, msg, c); err != nil {
		return nil, err
	}
	if m := metrics(c); len(m) > 0 {
		a.bytes(unix.RTA_METRICS|unix.NLA_F_NESTED, m)
	}
	a.number(unix.RTA_EXPIRES, uint32(c.Expires.Seconds()), c.Expires > 0)
	if c.HasPreference {
		a.bytes(unix.RTA_PREF, []byte{byte(c.Preference)})
	}
	if c.TTLPropagate != 0 {
		a.bytes(unix.RTA_TTL_PROPAGATE, []byte{c.TTLPropagate & 1})
	}
	return r, nil
}

func (h *Host) singleHop(a attributes, msg *nl.RtMsg, c *vrrp.RouteConfig) error {
	hop := &c.Hop
	if hop.Gateway.IsValid() {
		a.bytes(gateway(c, hop.Gateway))
	}
	if hop.Device != "" {
		index, err := h.index(hop.Device)
		if err != nil {
			return err
		}
		a.number(unix.RTA_OIF, uint32(index), true)
	}
	if hop.OnLink {
		msg.Flags |= unix.RTNH_F_ONLINK
	}
	a.number(unix.RTA_FLOW, hop.Realms, hop.Realms != 0)
	return nil
}

// multipath is a list of struct rtnexthop with attributes.
func (h *Host) multipath(c *vrrp.RouteConfig) ([]byte, error) {
	var all []byte
	for i := range c.Hops {
		hop := &c.Hops[i]
		var index int
		if hop.Device != "" {
			var err error
			if index, err = h.index(hop.Device); err != nil {
				return nil, err
			}
		}
		var attrs []byte
		if hop.Gateway.IsValid() {
			attrs = append(attrs, nl.NewRtAttr(gateway(c, hop.Gateway)).Serialize()...)
		}
		if hop.Realms != 0 {
			attrs = append(attrs, nl.NewRtAttr(unix.RTA_FLOW, nl.Uint32Attr(hop.Realms)).Serialize()...)
		}
		head := make([]byte, unix.SizeofRtNexthop)
		binary.NativeEndian.PutUint16(head, uint16(len(head)+len(attrs)))
		if hop.OnLink {
			head[2] = unix.RTNH_F_ONLINK
		}
		head[3] = uint8(max(hop.Weight, 1) - 1)
		binary.NativeEndian.PutUint32(head[4:], uint32(index))
		all = append(append(all, head...), attrs...)
	}
	return all, nil
}

// gateway is the attribute of a next hop; one of the other family is a "via".
func gateway(c *vrrp.RouteConfig, addr netip.Addr) (kind int, value []byte) {
	if addr.Is4() == c.Dst.Addr().Is4() {
		return unix.RTA_GATEWAY, addr.AsSlice()
	}
	return unix.RTA_VIA, append(binary.NativeEndian.AppendUint16(nil, uint16(family(addr))), addr.AsSlice()...)
}

// routeScope follows iproute2: what leads nowhere further has the scope of its
// type.
func routeScope(c *vrrp.RouteConfig) vrrp.Scope {
	switch {
	case c.HasScope:
		return c.Scope
	case c.Dst.Addr().Is6():
		return vrrp.ScopeUniverse
	}
	switch c.Type {
	case vrrp.RouteLocal, vrrp.RouteNAT:
		return vrrp.ScopeHost
	case vrrp.RouteBroadcast, vrrp.RouteMulticast, vrrp.RouteAnycast:
		return vrrp.ScopeLink
	case vrrp.RouteUnicast:
		if !c.Hop.Gateway.IsValid() && len(c.Hops) == 0 {
			return vrrp.ScopeLink
		}
	}
	return vrrp.ScopeUniverse
}

// metrics are the nested RTAX_* attributes. A set bit in the lock says that the
// kernel may not change the metric of that number.
func metrics(c *vrrp.RouteConfig) []byte {
	const featureECN = 1
	var b []byte
	var lock uint32
	add := func(kind int, value []byte) { b = append(b, nl.NewRtAttr(kind, value).Serialize()...) }
	for _, m := range c.Metrics {
		value := m.Value
		switch m.Kind { // milliseconds, in the kernel's units
		case vrrp.MetricRTT:
			value *= 8
		case vrrp.MetricRTTVar:
			value *= 4
		}
		add(int(m.Kind), nl.Uint32Attr(value))
		if m.Lock {
			lock |= 1 << m.Kind
		}
	}
	if c.ECN {
		add(unix.RTAX_FEATURES, nl.Uint32Attr(featureECN))
	}
	if c.Congestion != "" {
		add(unix.RTAX_CC_ALGO, nl.ZeroTerminated(c.Congestion))
		if c.CongestionLock {
			lock |= 1 << unix.RTAX_CC_ALGO
		}
	}
	if lock != 0 {
		add(unix.RTAX_LOCK, nl.Uint32Attr(lock))
	}
	return b
}

func table(t uint32) uint32 {
	if t == 0 {
		return unix.RT_TABLE_MAIN
	}
	return t
}

func protocol(p uint8) uint8 {
	if p == 0 {
		return protocolKeepalived
	}
	return p
}

// attributes adds attributes to a request.
type attributes struct{ *nl.NetlinkRequest }

func (a attributes) bytes(kind int, value []byte) { a.AddData(nl.NewRtAttr(kind, value)) }

func (a attributes) number(kind int, value uint32, given bool) {
	if given {
		a.bytes(kind, nl.Uint32Attr(value))
	}
}
