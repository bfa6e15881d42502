package keepalived

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"ipvsadm/vrrp"
)

// routeTypes are the words for types of routes.
func routeTypes() map[string]vrrp.RouteType {
	return byWord(vrrp.RouteUnicast, vrrp.RouteLocal, vrrp.RouteBroadcast, vrrp.RouteAnycast, vrrp.RouteMulticast,
		vrrp.RouteBlackhole, vrrp.RouteUnreachable, vrrp.RouteProhibit, vrrp.RouteThrow, vrrp.RouteNAT)
}

// metricKinds are the metrics that are written with a number.
func metricKinds() map[string]vrrp.MetricKind {
	return byWord(vrrp.MetricMTU, vrrp.MetricWindow, vrrp.MetricRTT, vrrp.MetricRTTVar, vrrp.MetricSSThresh,
		vrrp.MetricCwnd, vrrp.MetricAdvMSS, vrrp.MetricReordering, vrrp.MetricHopLimit, vrrp.MetricInitCwnd,
		vrrp.MetricRTOMin, vrrp.MetricInitRwnd, vrrp.MetricQuickAck, vrrp.MetricFastOpenNoCookie)
}

// byWord finds values by the words they print as.
func byWord[T interface{ String() string }](values ...T) map[string]T {
	words := make(map[string]T, len(values))
	for _, v := range values {
		words[v.String()] = v
	}
	return words
}

// routeParser reads one line of routes.
type routeParser struct {
	*cursor
	l    *loader
	kind lineKind
	r    vrrp.RouteConfig
	ipv6 bool // said by inet6 or default6
}

// routeLine reads a route as it is written for ip route add.
func (l *loader) routeLine(s *statement, kind lineKind) (vrrp.RouteConfig, bool) {
	p := &routeParser{cursor: s.cursor(), l: l, kind: kind}
	p.r.Type = vrrp.RouteUnicast
	for p.next < len(p.words) && !p.bad {
		p.option(p.word())
	}
	if !p.bad {
		p.check()
	}
	return p.r, !p.bad
}

// option reads one word and what belongs to it.
func (p *routeParser) option(word string) {
	if k, ok := p.l.metrics[word]; ok {
		p.metric(k)
		return
	}
	if t, ok := p.l.types[word]; ok {
		p.r.Type = t
		return
	}
	if p.hopOption(word, &p.r.Hop) || p.numbers(word) || p.flags(word) {
		return
	}
	switch word {
	case "to":
		p.destination(p.value(word))
	case "src":
		p.r.Source = p.ip(word)
	case "from":
		if p.r.From = p.prefix(word, p.value(word)); !p.bad && !p.r.From.Addr().Is6() {
			p.reject(word, p.r.From.String(), "an IPv6 network")
		}
	case "congctl":
		p.r.CongestionLock = p.take("lock")
		p.r.Congestion = strings.Clone(p.value(word))
	case "nexthop":
		p.hop()
	case "track_group":
		if p.kind == lineStatic {
			p.r.StaticGroup = p.l.staticGroup(p.cursor, word)
			return
		}
		p.destination(word)
	case "encap":
		p.fail(KindUnsupported, "encap cannot be honoured: routes with encapsulation are not made", "put the route up in a notify script")
		p.bad = true
	default:
		p.destination(word)
	}
}

// destination reads the network that the route leads to.
func (p *routeParser) destination(word string) {
	switch {
	case p.bad:
	case p.r.Dst.IsValid():
		p.reject("the word", word, "known")
	case word == "default" || word == "all" || word == "any":
		p.r.Dst = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	case word == "default6":
		p.r.Dst = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	default:
		p.r.Dst = p.prefix("the destination", word)
	}
}

// hopOption reads what a next hop has, in a list of them or alone.
func (p *routeParser) hopOption(word string, h *vrrp.HopConfig) bool {
	switch word {
	case "via", "gw":
		if word == "gw" {
			p.warn(KindDeprecated, "gw is the old word for via", "write via")
		}
		_ = p.take("inet") || p.take("inet6")
		h.Gateway = p.ip(word)
	case "or":
		p.warn(KindDeprecated, "or is the old way to give a second next hop", "write nexthop via … nexthop via …")
		second := vrrp.HopConfig{Gateway: p.ip(word)}
		p.r.Hops = append(p.r.Hops, second)
	case "dev", "oif":
		h.Device = p.device(word)
	case "onlink":
		h.OnLink = true
	case "realms":
		h.Realms = p.realms()
	default:
		return false
	}
	return true
}

// hop reads a next hop of several.
func (p *routeParser) hop() {
	var h vrrp.HopConfig
	for p.next < len(p.words) && !p.bad {
		if p.take("weight") {
			if h.Weight = int(p.number("weight", 16)); h.Weight < 1 || h.Weight > 256 {
				p.reject("weight", strconv.Itoa(h.Weight), "from 1 to 256")
			}
			continue
		}
		if !slices.Contains([]string{"via", "dev", "onlink", "realms", "oif"}, p.words[p.next]) {
			break
		}
		p.hopOption(p.word(), &h)
	}
	p.r.Hops = append(p.r.Hops, h)
}

// realms reads [SOURCE/]DESTINATION.
func (p *cursor) realmsOf(names *iprouteNames) uint32 {
	word := p.value("realms")
	source, destination, both := strings.Cut(word, "/")
	if !both {
		source, destination = "0", source
	}
	s, ok1 := names.find(namesRealm, source, 0xffff)
	d, ok2 := names.find(namesRealm, destination, 0xffff)
	if !ok1 || !ok2 {
		p.reject("realms", word, "known")
	}
	return uint32(s<<16 | d)
}

func (p *routeParser) realms() uint32 { return p.realmsOf(p.l.names) }

// named reads a number or a name of iproute2.
func (p *routeParser) named(option, file string, most uint64) uint64 {
	return p.cursor.named(p.l.names, option, file, most)
}

func (p *cursor) named(names *iprouteNames, option, file string, most uint64) uint64 {
	word := p.value(option)
	n, ok := names.find(file, word, most)
	if !ok && !p.bad {
		p.reject(option, word, "a known name or a number to "+strconv.FormatUint(most, 10))
	}
	return n
}

// numbers reads options with a number or a name.
func (p *routeParser) numbers(word string) bool {
	r := &p.r
	switch word {
	case "table":
		r.Table = uint32(p.named(word, namesTable, 1<<32-1))
	case "tos", "dsfield":
		r.TOS = uint8(p.named(word, namesTOS, 255))
	case "protocol":
		r.Protocol = uint8(p.named(word, namesProtocol, 255))
	case "metric", "priority", "preference":
		r.Metric = uint32(p.number(word, 32))
	case "scope":
		v := p.value(word)
		scope, ok := p.scope(v)
		if !ok && !p.bad {
			p.reject(word, v, "a known scope")
		}
		r.Scope, r.HasScope = scope, true
	case "expires":
		r.Expires = time.Duration(p.number(word, 32)) * time.Second
	case "pref":
		p.preference()
	case "ttl-propagate":
		switch v := p.value(word); v {
		case "enabled":
			r.TTLPropagate = 1
		case "disabled":
			r.TTLPropagate = 2
		default:
			p.reject(word, v, "enabled or disabled")
		}
	default:
		return false
	}
	return true
}

func (p *routeParser) preference() {
	v := p.value("pref")
	p.r.HasPreference = true
	for _, pref := range []vrrp.RouterPreference{vrrp.PreferenceLow, vrrp.PreferenceMedium, vrrp.PreferenceHigh} {
		if n, ok := parseInt(v); v == pref.String() || ok && n == int64(pref) {
			p.r.Preference = pref
			return
		}
	}
	p.reject("pref", v, "low, medium or high")
}

// flags reads options without a value.
func (p *routeParser) flags(word string) bool {
	switch word {
	case "inet":
	case "inet6":
		p.ipv6 = true
	case "features":
		p.features()
	case "append":
		p.r.Append = true
	case "no_track":
		p.r.NoTrack = true
	default:
		return false
	}
	return true
}

func (p *routeParser) features() {
	if v := p.value("features"); v != "ecn" {
		p.reject("features", v, "ecn")
		return
	}
	p.r.ECN = true
	p.take("add") // as the manual writes it
}

// metric reads the number of a metric; times may have a unit.
func (p *routeParser) metric(kind vrrp.MetricKind) {
	m := vrrp.RouteMetric{Kind: kind, Lock: p.take("lock")}
	word := p.value(kind.String())
	digits, scale := word, uint64(1)
	switch kind {
	case vrrp.MetricRTT, vrrp.MetricRTTVar, vrrp.MetricRTOMin:
		if d, ok := strings.CutSuffix(word, "ms"); ok {
			digits = d
		} else if d, ok := strings.CutSuffix(word, "s"); ok {
			digits, scale = d, 1000
		}
	}
	n, err := strconv.ParseUint(digits, 0, 32)
	most := uint64(1<<32-1) / 8
	switch kind {
	case vrrp.MetricHopLimit:
		most = 255
	case vrrp.MetricQuickAck, vrrp.MetricFastOpenNoCookie:
		most = 1
	}
	if n *= scale; err != nil || n > most {
		p.reject(kind.String(), word, "a number to "+strconv.FormatUint(most, 10))
	}
	m.Value = uint32(n)
	p.r.Metrics = slices.DeleteFunc(p.r.Metrics, func(o vrrp.RouteMetric) bool { return o.Kind == kind })
	p.r.Metrics = append(p.r.Metrics, m)
}

// check looks at the route as a whole.
func (p *routeParser) check() {
	r := &p.r
	if !r.Dst.IsValid() {
		p.reject("the route", p.text, "complete: it has no destination")
		return
	}
	if p.ipv6 && r.Dst.Bits() == 0 {
		r.Dst = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	ipv6 := r.Dst.Addr().Is6()
	if len(r.Hops) > 0 && r.Hop != (vrrp.HopConfig{}) {
		// "via A or B dev IF": both hops are on the interface.
		first := r.Hop
		for i := range r.Hops {
			if r.Hops[i].Device == "" {
				r.Hops[i].Device = first.Device
			}
		}
		if first.Gateway.IsValid() {
			r.Hops = append([]vrrp.HopConfig{first}, r.Hops...)
		}
		r.Hop = vrrp.HopConfig{}
	}
	for _, h := range append([]vrrp.HopConfig{r.Hop}, r.Hops...) {
		// IPv4 can be routed over an IPv6 gateway, but keepalived refuses it, and
		// so would the node that is to take over.
		if h.Gateway.IsValid() && h.Gateway.Is6() != ipv6 {
			p.reject("via", h.Gateway.String(), "of the family of the destination")
		}
	}
	switch {
	case r.Source.IsValid() && r.Source.Is6() != ipv6:
		p.reject("src", r.Source.String(), "of the family of the destination")
	case !ipv6 && (r.Expires != 0 || r.HasPreference):
		p.reject("the route", p.text, "IPv6, which expires and pref want")
	case r.Hop.Device == "" && !r.NoTrack:
		// Nobody can know which interface's routes to watch.
		r.NoTrack = true
		p.warn(KindConflict, "the route is not tracked, because it names no interface: "+abridge(p.text), "write dev IF, or no_track")
	case r.Protocol != 0 && r.Protocol != 18 && !r.NoTrack:
		p.warn(KindConflict, "protocol is ignored: a route that is tracked has keepalived's, 18", "write no_track to keep it")
		r.Protocol = 0
	}
}
