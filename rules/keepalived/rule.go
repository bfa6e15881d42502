package keepalived

import (
	"net/netip"
	"strconv"
	"strings"

	"ipvsadm/vrrp"
)

// ruleParser reads one line of routing rules.
type ruleParser struct {
	*cursor
	l           *loader
	kind        lineKind
	r           vrrp.RuleConfig
	family      ipFamily
	hasAction   bool
	hasPriority bool
}

// ruleLine reads a rule as it is written for ip rule add.
func (l *loader) ruleLine(s *statement, kind lineKind) (vrrp.RuleConfig, bool) {
	p := &ruleParser{cursor: s.cursor(), l: l, kind: kind}
	p.r.SuppressPrefix, p.r.SuppressGroup = -1, -1
	for p.next < len(p.words) && !p.bad {
		if w := p.word(); !p.selector(w) && !p.action(w) && !p.other(w) && !p.bad {
			p.reject("the word", w, "known")
		}
	}
	if !p.bad {
		p.check()
	}
	return p.r, !p.bad
}

// selector reads which packets the rule is for.
func (p *ruleParser) selector(word string) bool {
	r := &p.r
	switch word {
	case "not":
		r.Not = true
	case "from":
		r.From = p.network(word)
	case "to":
		r.To = p.network(word)
	case "tos", "dsfield":
		r.TOS = uint8(p.cursor.named(p.l.names, word, namesTOS, 255))
	case "fwmark":
		p.mark()
	case "iif", "dev":
		r.In = p.device(word)
	case "oif":
		r.Out = p.device(word)
	case "uidrange":
		r.UIDs = p.ports(word, 1<<32-2, false)
	case "ipproto":
		p.protocol()
	case "sport":
		r.SourcePorts = p.ports(word, 65535, true)
	case "dport":
		r.DestinationPorts = p.ports(word, 65535, true)
	case "tun_id", "tunnel-id":
		r.TunnelID = p.number(word, 64)
	case "inet":
		p.setFamily(family4)
	case "inet6":
		p.setFamily(family6)
	default:
		return false
	}
	return true
}

// network reads a prefix and learns the family from it.
func (p *ruleParser) network(option string) netip.Prefix {
	word := p.value(option)
	if p.bad || word == "all" || word == "any" || word == "default" {
		return netip.Prefix{}
	}
	n := p.prefix(option, word)
	if !p.bad {
		p.setFamily(familyOf(n.Addr()))
	}
	return n
}

func (p *ruleParser) setFamily(f ipFamily) {
	if p.family != familyUnknown && p.family != f {
		p.reject("the rule", p.text, "of one family")
	}
	p.family = f
}

func (p *ruleParser) mark() {
	word := p.value("fwmark")
	mark, mask, has := strings.Cut(word, "/")
	m, err := strconv.ParseUint(mark, 0, 32)
	k := uint64(1<<32 - 1)
	if err == nil && has {
		k, err = strconv.ParseUint(mask, 0, 32)
	}
	if err != nil {
		p.reject("fwmark", word, "MARK[/MASK]")
	}
	p.r.Mark, p.r.Mask, p.r.HasMark = uint32(m), uint32(k), true
}

// ports reads FROM-TO, or a single number if that is allowed.
func (p *ruleParser) ports(option string, most uint64, single bool) vrrp.Range {
	word := p.value(option)
	from, to, has := strings.Cut(word, "-")
	if !has && single {
		to = from
	}
	a, err1 := strconv.ParseUint(from, 10, 32)
	b, err2 := strconv.ParseUint(to, 10, 32)
	if err1 != nil || err2 != nil || a > b || b > most {
		p.reject(option, word, "a range FROM-TO up to "+strconv.FormatUint(most, 10))
	}
	return vrrp.Range{From: uint32(a), To: uint32(b), Set: true}
}

// protocol reads an IP protocol.
func (p *ruleParser) protocol() {
	word := p.value("ipproto")
	known := map[string]uint8{"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "dccp": 33, "gre": 47, "esp": 50, "ah": 51,
		"ipv6-icmp": 58, "icmpv6": 58, "ospf": 89, "vrrp": 112, "sctp": 132, "udplite": 136}
	n, ok := known[strings.ToLower(word)]
	if !ok {
		v, err := strconv.ParseUint(word, 0, 8)
		if n = uint8(v); err != nil || n == 0 {
			p.reject("ipproto", word, "an IP protocol")
		}
	}
	p.r.IPProtocol = n
}

// action reads what becomes of the packets; there is one action in a rule.
func (p *ruleParser) action(word string) bool {
	r := &p.r
	if word == "type" {
		word = p.value(word)
	}
	switch word {
	case "table", "lookup":
		r.Table = uint32(p.cursor.named(p.l.names, word, namesTable, 1<<32-1))
		p.act(vrrp.RuleLookup)
		if r.Table == 0 && !p.bad {
			p.reject(word, "0", "a table to look into")
		}
	case "goto":
		r.Goto = uint32(p.number(word, 32))
		p.act(vrrp.RuleGoto)
	case "nop":
		p.act(vrrp.RuleNop)
	case "blackhole":
		p.act(vrrp.RuleBlackhole)
	case "unreachable":
		p.act(vrrp.RuleUnreachable)
	case "prohibit":
		p.act(vrrp.RuleProhibit)
	case "l3mdev":
		r.L3MDev = true
		p.act(vrrp.RuleLookup)
	default:
		return false
	}
	return true
}

func (p *ruleParser) act(a vrrp.RuleAction) {
	if p.hasAction {
		p.reject("the rule", p.text, "to have one action: it has several")
	}
	p.r.Action, p.hasAction = a, true
}

// other reads the rest of a rule.
func (p *ruleParser) other(word string) bool {
	r := &p.r
	switch word {
	case "priority", "preference", "order":
		r.Priority, p.hasPriority = uint32(p.number(word, 32)), true
	case "realms":
		r.Realms = p.realmsOf(p.l.names)
	case "suppress_prefixlength", "sup_pl":
		r.SuppressPrefix = int(p.number(word, 8))
	case "suppress_ifgroup", "sup_group":
		r.SuppressGroup = int(p.cursor.named(p.l.names, word, namesGroup, 1<<31-1))
	case "protocol":
		r.Protocol = uint8(p.cursor.named(p.l.names, word, namesProtocol, 255))
	case "no_track":
		r.NoTrack = true
	case "track_group":
		if p.kind != lineStatic {
			return false
		}
		r.StaticGroup = p.l.staticGroup(p.cursor, word)
	default:
		return false
	}
	return true
}

// check looks at the rule as a whole.
func (p *ruleParser) check() {
	r := &p.r
	r.IPv6 = p.family == family6
	switch {
	case !p.hasAction:
		p.reject("the rule", p.text, "complete: it has no action")
		return
	case r.IPv6 && r.Realms != 0:
		p.reject("the rule", p.text, "IPv4, which realms want")
		return
	}
	if !p.hasPriority {
		r.Priority = p.l.freePriority(r.IPv6)
		p.warn(KindIncomplete, "the rule has no priority and gets "+strconv.Itoa(int(r.Priority))+", which is probably not what you want", "write priority N")
	}
	if r.Action == vrrp.RuleGoto && r.Goto <= r.Priority {
		p.reject("goto", strconv.Itoa(int(r.Goto)), "behind the rule itself")
		return
	}
	if r.Protocol != 0 && r.Protocol != 18 && !r.NoTrack {
		p.warn(KindConflict, "protocol is ignored: a rule that is tracked has keepalived's, 18", "write no_track to keep it")
		r.Protocol = 0
	}
}

// freePriority gives rules without a priority one each, as keepalived does:
// downwards from 16384.
func (l *loader) freePriority(ipv6 bool) uint32 {
	n := &l.freeRule[0]
	if ipv6 {
		n = &l.freeRule[1]
	}
	*n++
	return 16385 - *n
}
