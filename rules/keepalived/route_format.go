package keepalived

import (
	"strconv"
	"time"

	"ipvsadm/vrrp"
)

func formatRoute(r vrrp.RouteConfig) []string {
	w := &lineWriter{}
	if r.Type != vrrp.RouteUnicast {
		w.word(r.Type.String())
	}
	w.word(r.Dst.String())
	if r.From.IsValid() {
		w.pair("from", r.From.String())
	}
	if r.Source.IsValid() {
		w.pair("src", r.Source.String())
	}
	w.hop(r.Hop)
	w.number("tos", uint64(r.TOS))
	w.number("table", uint64(r.Table))
	w.number("protocol", uint64(r.Protocol))
	w.number("metric", uint64(r.Metric))
	if r.HasScope {
		w.pair("scope", r.Scope.String())
	}
	for _, m := range r.Metrics {
		w.word(m.Kind.String())
		w.flag("lock", m.Lock)
		w.word(strconv.FormatUint(uint64(m.Value), 10))
	}
	if r.Congestion != "" {
		w.word("congctl")
		w.flag("lock", r.CongestionLock)
		w.word(quote(r.Congestion))
	}
	if r.ECN {
		w.pair("features", "ecn")
	}
	w.number("expires", uint64(r.Expires/time.Second))
	if r.HasPreference {
		w.pair("pref", r.Preference.String())
	}
	if r.TTLPropagate != 0 {
		w.pair("ttl-propagate", []string{"enabled", "disabled"}[r.TTLPropagate-1])
	}
	w.flag("append", r.Append)
	w.flag("no_track", r.NoTrack)
	if r.StaticGroup != "" {
		w.pair("track_group", quote(r.StaticGroup))
	}
	for _, h := range r.Hops {
		w.word("nexthop")
		w.hop(h)
		w.number("weight", uint64(h.Weight))
	}
	return w.words
}

// lineWriter collects the words of a line.
type lineWriter struct{ words []string }

func (w *lineWriter) word(s string)         { w.words = append(w.words, s) }
func (w *lineWriter) pair(word, arg string) { w.words = append(w.words, word, arg) }
func (w *lineWriter) flag(s string, on bool) {
	if on {
		w.word(s)
	}
}

// number writes a number that is not 0.
func (w *lineWriter) number(word string, n uint64) {
	if n != 0 {
		w.pair(word, strconv.FormatUint(n, 10))
	}
}

func (w *lineWriter) hop(h vrrp.HopConfig) {
	if h.Gateway.IsValid() {
		w.pair("via", h.Gateway.String())
	}
	if h.Device != "" {
		w.pair("dev", quote(h.Device))
	}
	w.flag("onlink", h.OnLink)
	if h.Realms != 0 {
		w.pair("realms", strconv.Itoa(int(h.Realms>>16))+"/"+strconv.Itoa(int(h.Realms&0xffff)))
	}
}

func formatRule(r vrrp.RuleConfig) []string {
	w := &lineWriter{}
	if r.IPv6 {
		w.word("inet6")
	} else {
		w.word("inet")
	}
	w.flag("not", r.Not)
	if r.From.IsValid() {
		w.pair("from", r.From.String())
	}
	if r.To.IsValid() {
		w.pair("to", r.To.String())
	}
	w.number("tos", uint64(r.TOS))
	if r.HasMark {
		w.pair("fwmark", strconv.FormatUint(uint64(r.Mark), 10)+"/0x"+strconv.FormatUint(uint64(r.Mask), 16))
	}
	for _, d := range [][2]string{{"iif", r.In}, {"oif", r.Out}} {
		if d[1] != "" {
			w.pair(d[0], quote(d[1]))
		}
	}
	w.ports("uidrange", r.UIDs)
	w.number("ipproto", uint64(r.IPProtocol))
	w.ports("sport", r.SourcePorts)
	w.ports("dport", r.DestinationPorts)
	w.number("tun_id", r.TunnelID)
	w.pair("priority", strconv.FormatUint(uint64(r.Priority), 10))
	switch {
	case r.L3MDev:
		w.word("l3mdev")
	case r.Action == vrrp.RuleLookup:
		w.number("table", uint64(r.Table))
	case r.Action == vrrp.RuleGoto:
		w.pair("goto", strconv.FormatUint(uint64(r.Goto), 10))
	default:
		w.word(r.Action.String())
	}
	if r.Realms != 0 {
		w.pair("realms", strconv.Itoa(int(r.Realms>>16))+"/"+strconv.Itoa(int(r.Realms&0xffff)))
	}
	if r.SuppressPrefix >= 0 {
		w.pair("suppress_prefixlength", strconv.Itoa(r.SuppressPrefix))
	}
	if r.SuppressGroup >= 0 {
		w.pair("suppress_ifgroup", strconv.Itoa(r.SuppressGroup))
	}
	w.number("protocol", uint64(r.Protocol))
	w.flag("no_track", r.NoTrack)
	if r.StaticGroup != "" {
		w.pair("track_group", quote(r.StaticGroup))
	}
	return w.words
}

func (w *lineWriter) ports(word string, r vrrp.Range) {
	if r.Set {
		w.pair(word, strconv.FormatUint(uint64(r.From), 10)+"-"+strconv.FormatUint(uint64(r.To), 10))
	}
}
