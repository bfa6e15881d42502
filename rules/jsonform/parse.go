package jsonform

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"ipvsadm/ipvs"
)

// Defaults for what a document leaves out; they are ipvsadm's.
const (
	defaultScheduler = "wlc"
	defaultTimeout   = 360 // seconds, of persistent services
	defaultMethod    = "route"
	defaultWeight    = 1
)

// Parse reads the document of a table: what -L --json prints, with or without
// the members that only tell (counters, connections), or one that a person
// wrote. All that is wrong with it is returned, in the order of the text; each
// is an *Error, and there is no table then.
//
// Left out, sched_name is wlc, timeout of a persistent service 360, netmask
// that of a single host, port of a real server the service's, fwd_method route,
// weight 1, and all else nothing. An unknown member is a mistake.
func Parse(text []byte) ([]ipvs.Wanted, []error) {
	tree, err := parseTree(text)
	if err != nil {
		return nil, []error{err}
	}
	r := &reader{text: text}
	doc, ok := r.object(tree, "", "version", "conn_tab_size", "services")
	if ok && !doc.has("services") {
		doc.fail("services", "is missing: this is not a table")
	}
	var table []ipvs.Wanted
	seen := map[ipvs.ServiceKey]int{}
	for i, n := range doc.objects("services") {
		path := fmt.Sprintf("services[%d]", i)
		w := r.service(n, path)
		if first, twice := seen[w.ServiceKey]; twice && len(r.errs) == 0 {
			r.fail(n, path, "is the same as services[%d]", first)
		}
		seen[w.ServiceKey] = i
		table = append(table, w)
	}
	if len(r.errs) > 0 {
		return nil, r.sorted()
	}
	return table, nil
}

func (r *reader) service(n node, path string) (w ipvs.Wanted) {
	o, ok := r.object(n, path, "af", "fwmark", "protocol", "addr", "port", "sched_name", "flags", "timeout", "netmask",
		"pe_name", "stats", "destinations")
	if !ok {
		return w
	}
	w.ServiceKey = o.key()
	w.Scheduler = o.name("sched_name", defaultScheduler, 15)
	for i, word := range o.strings("flags") {
		flag, err := parseFlag(w.Scheduler, word)
		if err != nil {
			o.fail("flags", "[%d]: %q: %v", i, word, err)
		}
		w.Flags |= flag
	}
	var timeout uint64
	if w.Flags&ipvs.Persistent != 0 {
		timeout = defaultTimeout
	}
	w.Timeout = time.Duration(o.number("timeout", timeout, math.MaxUint32)) * time.Second
	w.Netmask = o.netmask(w.Family)
	w.PE = o.name("pe_name", "", 16)
	seen := map[netip.AddrPort]int{}
	for i, n := range o.objects("destinations") {
		path := fmt.Sprintf("%s.destinations[%d]", path, i)
		d := r.destination(n, path, w.ServiceKey)
		if first, twice := seen[d.Addr]; twice && d.Addr.IsValid() {
			r.fail(n, path, "is the same as destinations[%d]", first)
		}
		seen[d.Addr] = i
		w.Destinations = append(w.Destinations, d)
	}
	return w
}

// key reads what names a service: a mark, or protocol, address and port.
func (o object) key() (k ipvs.ServiceKey) {
	if !o.has("fwmark") {
		for _, name := range []string{"protocol", "addr", "port"} {
			if !o.has(name) {
				o.fail(name, "is missing: a service has a fwmark, or protocol, addr and port")
			}
		}
		n, ok := numberOf(protocolWords[:], o.string("protocol", "tcp"), math.MaxUint16)
		if !ok {
			o.fail("protocol", "want tcp, udp or sctp")
		}
		k.Protocol = ipvs.Protocol(n)
		k.Addr = o.addrPort(0)
		k.Family = ipvs.FamilyOf(k.Addr.Addr())
		if o.has("af") && k.Family != 0 && o.family() != k.Family {
			o.fail("af", "is not that of %s", k.Addr.Addr())
		}
		return k
	}
	for _, name := range []string{"protocol", "addr", "port"} {
		if o.has(name) {
			o.fail(name, "has no place beside fwmark")
		}
	}
	k.Family = o.family()
	if k.FWMark = uint32(o.number("fwmark", 1, math.MaxUint32)); k.FWMark == 0 {
		o.fail("fwmark", "want a number from 1 to %d", uint32(math.MaxUint32))
	}
	return k
}

func (o object) family() ipvs.Family {
	switch o.string("af", "inet") {
	case "inet":
		return ipvs.IPv4
	case "inet6":
		return ipvs.IPv6
	}
	o.fail("af", "want inet or inet6")
	return 0
}

// addrPort reads addr and port.
func (o object) addrPort(port uint16) netip.AddrPort {
	port = uint16(o.number("port", uint64(port), math.MaxUint16))
	text := o.string("addr", "0.0.0.0")
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		o.fail("addr", "%q is not an IP address", text)
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a, port)
}

func (o object) netmask(f ipvs.Family) uint32 {
	text := o.string("netmask", "")
	if !o.has("netmask") {
		return ipvs.HostMask(f)
	}
	if f == ipvs.IPv6 {
		n, err := strconv.ParseUint(strings.TrimPrefix(text, "/"), 10, 8)
		if err != nil || n > 128 {
			o.fail("netmask", "want a prefix length such as /64")
		}
		return uint32(n)
	}
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is4() {
		o.fail("netmask", "want a mask such as 255.255.255.0")
		return 0
	}
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func (r *reader) destination(n node, path string, k ipvs.ServiceKey) (d ipvs.Destination) {
	o, ok := r.object(n, path, "addr", "port", "fwd_method", "weight", "u_thresh", "l_thresh", "tun_type", "tun_port",
		"tun_flags", "active_conns", "inact_conns", "persist_conns", "stats")
	if !ok {
		return d
	}
	if !o.has("addr") {
		o.fail("addr", "is missing")
		return d
	}
	d.Addr = o.addrPort(k.Addr.Port())
	method, ok := numberOf(methodWords[:], o.string("fwd_method", defaultMethod), 7)
	if !ok {
		o.fail("fwd_method", "want masq, tunnel, route, local or bypass")
	}
	d.Forward = ipvs.Forward(method)
	d.Weight = uint32(o.number("weight", defaultWeight, math.MaxInt32))
	d.Upper = uint32(o.number("u_thresh", 0, math.MaxUint32))
	d.Lower = uint32(o.number("l_thresh", 0, math.MaxUint32))
	if d.Lower > d.Upper {
		o.fail("l_thresh", "is above u_thresh, which is %d", d.Upper)
	}
	o.tunnel(&d)
	if f := ipvs.FamilyOf(d.Addr.Addr()); f != k.Family && f != 0 && k.Family != 0 && d.Forward != ipvs.Tunnel {
		o.fail("addr", "another address family than the service's needs fwd_method tunnel")
	}
	return d
}

func (o object) tunnel(d *ipvs.Destination) {
	n, ok := numberOf(tunnelWords[:], o.string("tun_type", "ipip"), math.MaxUint8)
	if !ok {
		o.fail("tun_type", "want ipip, gue or gre")
	}
	d.Tunnel.Type = ipvs.TunnelType(n)
	d.Tunnel.Port = uint16(o.number("tun_port", 0, math.MaxUint16))
	for _, word := range o.strings("tun_flags") {
		switch word {
		case "csum":
			d.Tunnel.Flags |= ipvs.TunnelCsum
		case "remcsum":
			d.Tunnel.Flags |= ipvs.TunnelRemCsum
		default:
			o.fail("tun_flags", "want csum or remcsum, not %q", word)
		}
	}
	if d.Forward == ipvs.Tunnel && d.Tunnel.Type == ipvs.GUE && d.Tunnel.Port == 0 {
		o.fail("tun_port", "is missing: a gue tunnel has one")
	}
}
