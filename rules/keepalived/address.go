package keepalived

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"ipvsadm/vrrp"
)

// lineKind is whether an address, route or rule is put up at the start or by an
// instance.
type lineKind uint8

const (
	lineVirtual lineKind = iota
	lineStatic
)

// cursor goes through the words of a line of addresses, routes or rules.
type cursor struct {
	*statement
	words []string
	next  int
	bad   bool // the line is to be left out
}

func (s *statement) cursor() *cursor {
	return &cursor{statement: s, words: append([]string{s.name}, s.args...)}
}

// word returns the next word, "" at the end.
func (c *cursor) word() string {
	if c.next >= len(c.words) {
		return ""
	}
	c.next++
	return c.words[c.next-1]
}

// value returns the word behind an option; the line is bad without.
func (c *cursor) value(option string) string {
	if c.next >= len(c.words) {
		c.fail(KindMissing, option+" has no value: "+abridge(c.text), "write "+option+" VALUE")
		c.bad = true
		return ""
	}
	return c.word()
}

// take accepts a word if it comes next.
func (c *cursor) take(word string) bool {
	if c.next < len(c.words) && c.words[c.next] == word {
		c.next++
		return true
	}
	return false
}

// reject leaves the line out because of a value.
func (c *cursor) reject(option, value, wanted string) {
	if !c.bad {
		c.warn(KindValue, "the line is left out: "+option+" "+strconv.Quote(abridge(value))+" is not "+wanted+": "+abridge(c.text), "")
	}
	c.bad = true
}

// number reads the value of an option in any notation of C.
func (c *cursor) number(option string, bits int) uint64 {
	v := c.value(option)
	n, err := strconv.ParseUint(v, 0, bits)
	if err != nil && !c.bad {
		c.reject(option, v, "a number of "+strconv.Itoa(bits)+" bits")
	}
	return n
}

// device reads the name of an interface.
func (c *cursor) device(option string) string {
	v := c.value(option)
	if !c.bad && !isInterface(v) {
		c.reject(option, v, "a name for an interface")
	}
	return strings.Clone(v)
}

// ip reads an address.
func (c *cursor) ip(option string) netip.Addr {
	v := c.value(option)
	a, ok := parseAddr(v)
	if !ok && !c.bad {
		c.reject(option, v, "an IP address")
	}
	return a
}

// prefix reads ADDR[/LEN] as keepalived does: without a length, or with one that
// cannot be, it is the address alone.
func (c *cursor) prefix(option, word string) netip.Prefix {
	text, length, has := strings.Cut(word, "/")
	a, ok := parseAddr(text)
	if !ok {
		c.reject(option, word, "an IP address")
		return netip.Prefix{}
	}
	bits := a.BitLen()
	if has && length != "" {
		n, ok := parseInt(length)
		if ok && n >= 0 && n <= int64(bits) {
			bits = int(n)
		} else {
			c.warn(KindValue, strconv.Quote(abridge(length))+" is not a prefix length and taken for "+strconv.Itoa(bits)+": "+abridge(word), "write a number of bits")
		}
	}
	return netip.PrefixFrom(a, bits)
}

// scope reads a scope.
func (c *cursor) scope(word string) (vrrp.Scope, bool) {
	for _, s := range []vrrp.Scope{vrrp.ScopeUniverse, vrrp.ScopeSite, vrrp.ScopeLink, vrrp.ScopeHost, vrrp.ScopeNowhere} {
		if s.String() == word {
			return s, true
		}
	}
	n, err := strconv.ParseUint(word, 0, 8)
	return vrrp.Scope(n), err == nil
}

// addressLine reads ADDR[/LEN] and its attributes.
func (l *loader) addressLine(s *statement, kind lineKind) (vrrp.AddressConfig, bool) {
	c := s.cursor()
	a := vrrp.AddressConfig{Preferred: vrrp.Forever}
	a.Prefix = c.prefix("the address", c.word())
	if c.bad {
		return a, false
	}
	lifetime := false
	for c.next < len(c.words) && !c.bad {
		option := c.word()
		switch option {
		case "dev":
			if a.Device != "" {
				c.reject("dev", c.value(option), "to be given twice")
				break
			}
			a.Device = c.device(option)
		case "peer":
			c.peer(&a)
		case "preferred_lft":
			lifetime = c.lifetime(&a) || lifetime
		case "label":
			if a.Label = strings.Clone(c.value(option)); len(a.Label) > maxInterface {
				c.reject(option, a.Label, "a label of at most 15 characters")
			}
		case "track_group":
			if kind != lineStatic {
				c.unknownWord(option)
				break
			}
			a.StaticGroup = l.staticGroup(c, option)
		default:
			c.addressWord(&a, option)
		}
	}
	if addr := a.Prefix.Addr(); !lifetime && addr.Is6() && a.Prefix.IsSingleIP() {
		a.Preferred = 0 // so that a virtual address is not chosen as a source
	}
	return a, !c.bad
}

// addressWord reads the attributes that need no context.
func (c *cursor) addressWord(a *vrrp.AddressConfig, option string) {
	switch option {
	case "brd", "broadcast":
		c.broadcast(a, option)
	case "scope":
		if v := c.value(option); !c.bad {
			scope, ok := c.scope(v)
			if !ok {
				c.warn(KindValue, "scope "+strconv.Quote(abridge(v))+" is ignored: it is not known", "write global, site, link, host, nowhere or a number")
				return
			}
			a.Scope = scope
		}
	case "use_vmac":
		a.VMAC = true
	case "home":
		a.Home = true
	case "-nodad", "nodad":
		a.NoDAD = true
	case "mngtmpaddr":
		a.ManageTemp = true
	case "noprefixroute":
		a.NoPrefixRoute = true
	case "autojoin":
		a.AutoJoin = true
	case "no_track":
		a.NoTrack = true
	default:
		c.unknownWord(option)
	}
}

// unknownWord passes over a word of an address.
func (c *cursor) unknownWord(word string) {
	fix := ""
	if _, ok := parseAddr(strings.Split(word, "/")[0]); ok {
		fix = "write each address on a line of its own"
	}
	c.warn(KindUnknown, abridge(word)+" is not a word for an address and passed over", fix)
}

func (c *cursor) broadcast(a *vrrp.AddressConfig, option string) {
	addr, bits := a.Prefix.Addr(), a.Prefix.Bits()
	switch v := c.value(option); {
	case c.bad:
	case v == "+" && addr.Is4():
		a.Broadcast = fillHost(a.Prefix, true)
	case v == "-" && addr.Is4():
		a.Broadcast = fillHost(a.Prefix, false)
	default:
		b, ok := parseAddr(v)
		if !ok || !b.Is4() || bits < 0 {
			c.reject(option, v, "a broadcast address")
		}
		a.Broadcast = b
	}
}

// fillHost sets the host bits of a network, or clears them.
func fillHost(p netip.Prefix, ones bool) netip.Addr {
	b := p.Masked().Addr().As4()
	if ones {
		for i := p.Bits(); i < 32; i++ {
			b[i/8] |= 1 << (7 - i%8)
		}
	}
	return netip.AddrFrom4(b)
}

func (c *cursor) peer(a *vrrp.AddressConfig) {
	v := c.value("peer")
	if c.bad {
		return
	}
	p, ok := parseAddr(v)
	if !ok || p.Is6() != a.Prefix.Addr().Is6() {
		c.warn(KindValue, "peer "+strconv.Quote(abridge(v))+" is ignored: it is not an address of the same family", "")
		return
	}
	a.Peer = netip.PrefixFrom(p, a.Prefix.Bits())
}

func (c *cursor) lifetime(a *vrrp.AddressConfig) bool {
	v := c.value("preferred_lft")
	if v == "forever" {
		a.Preferred = vrrp.Forever
		return true
	}
	n, ok := parseInt(v)
	if c.bad || !ok || n < 0 || n > 1<<32-2 {
		c.warn(KindValue, "preferred_lft "+strconv.Quote(abridge(v))+" is ignored: it is neither forever nor a number of seconds", "")
		return false
	}
	a.Preferred = time.Duration(n) * time.Second
	return true
}

// staticGroup reads the name of a track_group.
func (l *loader) staticGroup(c *cursor, option string) string {
	name := strings.Clone(c.value(option))
	if name != "" {
		l.references = append(l.references, staticReference{name, c.pos})
	}
	return name
}

func formatAddress(a vrrp.AddressConfig) []string {
	words := []string{a.Prefix.String()}
	add := func(word, value string) {
		if value != "" {
			words = append(words, word, value)
		}
	}
	set := func(word string, on bool) {
		if on {
			words = append(words, word)
		}
	}
	if a.Broadcast.IsValid() {
		add("brd", a.Broadcast.String())
	}
	if a.Device != "" {
		add("dev", quote(a.Device))
	}
	set("use_vmac", a.VMAC)
	add("scope", a.Scope.String())
	if a.Label != "" {
		add("label", quote(a.Label))
	}
	if a.Peer.IsValid() {
		add("peer", a.Peer.Addr().String())
	}
	set("home", a.Home)
	set("-nodad", a.NoDAD)
	set("mngtmpaddr", a.ManageTemp)
	set("noprefixroute", a.NoPrefixRoute)
	set("autojoin", a.AutoJoin)
	set("no_track", a.NoTrack)
	if a.StaticGroup != "" {
		add("track_group", quote(a.StaticGroup))
	}
	if a.Preferred == vrrp.Forever {
		add("preferred_lft", "forever")
	} else {
		add("preferred_lft", formatSeconds(a.Preferred))
	}
	return words
}
