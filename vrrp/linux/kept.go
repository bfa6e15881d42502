package linux

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"ipvsadm/vrrp"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// kept are the routes and rules that this Host put up, so that Views can tell
// which of them somebody took away. On a machine that has put up none, nobody
// looks at routes at all: there may be a million of them.
type kept struct {
	mu     sync.Mutex
	routes map[routeID]*vrrp.RouteConfig
	rules  map[ruleID]*vrrp.RuleConfig
	// dump is the socket to look with. The kernel leaves out the routes of other
	// tables and protocols.
	dump *nl.SocketHandle
}

// routeID is what the kernel keeps routes apart by.
type routeID struct {
	dst           netip.Prefix
	tos           uint8
	table, metric uint32
}

// ruleID is what keeps rules apart that are at the same place.
type ruleID struct {
	ipv6          bool
	priority      uint32
	action        uint8
	table, target uint32
	src, dst      netip.Prefix
	in, out       string
	mark          uint32
}

// routeTable is a part of the kernel's routes: what is dumped at once.
type routeTable struct {
	family, protocol uint8
	table            uint32
}

// defaultMetric6 is the metric of IPv6 routes that were given none.
const defaultMetric6 = 1024

func idOfRoute(c *vrrp.RouteConfig) routeID {
	id := routeID{c.Dst.Masked(), c.TOS, table(c.Table), c.Metric}
	if id.metric == 0 && id.dst.Addr().Is6() {
		id.metric = defaultMetric6
	}
	return id
}

func idOfRule(c *vrrp.RuleConfig) ruleID {
	id := ruleID{ipv6: c.IPv6, priority: c.Priority, action: uint8(c.Action), src: c.From.Masked(), dst: c.To.Masked(), in: c.In, out: c.Out, mark: c.Mark}
	switch {
	case c.L3MDev:
	case c.Action == vrrp.RuleLookup:
		id.table = table(c.Table)
	case c.Action == vrrp.RuleGoto:
		id.target = c.Goto
	}
	return id
}

// note remembers what a change did. A route that ends by itself is let go.
func (k *kept) note(c *vrrp.Change) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case c.Route != nil && c.Delete:
		delete(k.routes, idOfRoute(c.Route))
	case c.Route != nil && c.Route.Expires == 0:
		k.routes[idOfRoute(c.Route)] = c.Route
	case c.Rule != nil && c.Delete:
		delete(k.rules, idOfRule(c.Rule))
	case c.Rule != nil:
		k.rules[idOfRule(c.Rule)] = c.Rule
	}
}

// concerns tells whether a message of rtnetlink is a reason to look: everything
// about interfaces and addresses is, of routes and rules the end of one of ours.
func (k *kept) concerns(kind uint16, data []byte) bool {
	switch kind {
	case unix.RTM_NEWROUTE, unix.RTM_NEWRULE:
		return false
	case unix.RTM_DELROUTE, unix.RTM_DELRULE:
	default:
		return true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if kind == unix.RTM_DELROUTE {
		id, ok := parseRoute(data)
		return ok && k.routes[id] != nil
	}
	id, ok := parseRule(data)
	return ok && k.rules[id] != nil
}

// lost are the routes and rules that are not there any more.
func (k *kept) lost() (all []vrrp.Change, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.routes) == 0 && len(k.rules) == 0 {
		return nil, nil
	}
	if err := k.open(); err != nil {
		return nil, err
	}
	routes, rules := map[routeID]bool{}, map[ruleID]bool{}
	tables, families := map[routeTable]bool{}, map[bool]bool{}
	for id, c := range k.routes {
		tables[routeTable{uint8(family(id.dst.Addr())), protocol(c.Protocol), id.table}] = true
	}
	for id := range k.rules {
		families[id.ipv6] = true
	}
	for t := range tables {
		if err := k.dumpRoutes(t, routes); err != nil {
			return nil, err
		}
	}
	for ipv6 := range families {
		if err := k.dumpRules(ipv6, rules); err != nil {
			return nil, err
		}
	}
	for id, c := range k.routes {
		if !routes[id] {
			all = append(all, vrrp.Change{Route: c})
		}
	}
	for id, c := range k.rules {
		if !rules[id] {
			all = append(all, vrrp.Change{Rule: c})
		}
	}
	return all, nil
}

func (k *kept) open() error {
	if k.dump != nil {
		return nil
	}
	s, err := nl.Subscribe(unix.NETLINK_ROUTE)
	if err == nil {
		// Before Linux 4.20 there is no such option, and the kernel sends all.
		if err = unix.SetsockoptInt(s.GetFd(), unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1); errors.Is(err, unix.ENOPROTOOPT) {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("look for lost routes: %w", err)
	}
	k.dump = &nl.SocketHandle{Socket: s}
	return nil
}

func (k *kept) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dump != nil {
		k.dump.Close()
	}
}

func (k *kept) dumpRoutes(t routeTable, found map[routeID]bool) error {
	r := k.request(unix.RTM_GETROUTE)
	r.AddData(&nl.RtMsg{RtMsg: unix.RtMsg{Family: t.family, Table: uint8(min(t.table, unix.RT_TABLE_COMPAT)), Protocol: t.protocol}})
	r.AddData(nl.NewRtAttr(unix.RTA_TABLE, nl.Uint32Attr(t.table)))
	err := r.ExecuteIter(unix.NETLINK_ROUTE, unix.RTM_NEWROUTE, func(m []byte) bool {
		if id, ok := parseRoute(m); ok {
			found[id] = true
		}
		return true
	})
	if errors.Is(err, unix.ENOENT) {
		return nil // the table is empty
	}
	return err
}

func (k *kept) dumpRules(ipv6 bool, found map[ruleID]bool) error {
	r := k.request(unix.RTM_GETRULE)
	msg := &nl.RtMsg{RtMsg: unix.RtMsg{Family: unix.AF_INET}}
	if ipv6 {
		msg.Family = unix.AF_INET6
	}
	r.AddData(msg)
	return r.ExecuteIter(unix.NETLINK_ROUTE, unix.RTM_NEWRULE, func(m []byte) bool {
		if id, ok := parseRule(m); ok {
			found[id] = true
		}
		return true
	})
}

func (k *kept) request(kind int) *nl.NetlinkRequest {
	r := nl.NewNetlinkRequest(kind, unix.NLM_F_DUMP)
	r.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: k.dump}
	return r
}

// parseRoute reads what identifies a route from its message.
func parseRoute(m []byte) (id routeID, ok bool) {
	if len(m) < unix.SizeofRtMsg {
		return id, false
	}
	msg := nl.DeserializeRtMsg(m)
	if msg.Flags&unix.RTM_F_CLONED != 0 {
		return id, false
	}
	id.tos, id.table = msg.Tos, uint32(msg.Table)
	dst := zero(msg.Family)
	ok = attributesOf(m[unix.SizeofRtMsg:], func(kind uint16, value []byte) {
		switch kind {
		case unix.RTA_DST:
			dst, _ = netip.AddrFromSlice(value)
		case unix.RTA_TABLE:
			id.table = word(value)
		case unix.RTA_PRIORITY:
			id.metric = word(value)
		}
	})
	id.dst = netip.PrefixFrom(dst, int(msg.Dst_len))
	return id, ok && dst.IsValid()
}

// parseRule reads what identifies a rule from its message.
func parseRule(m []byte) (id ruleID, ok bool) {
	if len(m) < unix.SizeofRtMsg {
		return id, false
	}
	msg := nl.DeserializeRtMsg(m) // struct fib_rule_hdr has its layout
	id.ipv6, id.action, id.table = msg.Family == unix.AF_INET6, msg.Type, uint32(msg.Table)
	prefix := func(value []byte, bits uint8) netip.Prefix {
		addr, _ := netip.AddrFromSlice(value)
		return netip.PrefixFrom(addr, int(bits))
	}
	name := func(value []byte) string { return strings.TrimRight(string(value), "\x00") }
	ok = attributesOf(m[unix.SizeofRtMsg:], func(kind uint16, value []byte) {
		switch kind {
		case nl.FRA_PRIORITY:
			id.priority = word(value)
		case nl.FRA_TABLE:
			id.table = word(value)
		case nl.FRA_GOTO:
			id.target = word(value)
		case nl.FRA_SRC:
			id.src = prefix(value, msg.Src_len)
		case nl.FRA_DST:
			id.dst = prefix(value, msg.Dst_len)
		case nl.FRA_IIFNAME:
			id.in = name(value)
		case nl.FRA_OIFNAME:
			id.out = name(value)
		case nl.FRA_FWMARK:
			id.mark = word(value)
		}
	})
	return id, ok
}

// attributesOf calls the function for each attribute, and tells whether they are
// whole.
func attributesOf(b []byte, each func(kind uint16, value []byte)) bool {
	for len(b) >= unix.SizeofRtAttr {
		n := int(binary.NativeEndian.Uint16(b))
		if n < unix.SizeofRtAttr || n > len(b) {
			return false
		}
		each(binary.NativeEndian.Uint16(b[2:])&^unix.NLA_F_NESTED, b[unix.SizeofRtAttr:n])
		b = b[min((n+unix.RTA_ALIGNTO-1)&^(unix.RTA_ALIGNTO-1), len(b)):]
	}
	return true
}

func word(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(b)
}

func zero(family uint8) netip.Addr {
	if family == unix.AF_INET6 {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}
