package differ

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"

	"ipvsadm/ipvs"
	"ipvsadm/testdata/lab/compat"
)

// Generator makes invocations. It is not safe for concurrent use.
type Generator struct {
	rnd       *rand.Rand
	options   []opt
	addresses addresses
	ports     portWords
	table     []ipvs.Entry
	chosen    *ipvs.Entry // the service that the command line at hand is about
}

// NewGenerator returns a generator whose invocations depend on the two numbers
// and the tables it is shown, and on nothing else.
func NewGenerator(seed, session uint64) *Generator {
	return &Generator{
		rnd:     rand.New(rand.NewPCG(seed, session)),
		options: options(), addresses: theAddresses(), ports: thePorts(),
	}
}

// Next returns an invocation that does something with a table.
func (g *Generator) Next(table []ipvs.Entry) compat.Invocation {
	g.table = table
	inv := compat.Invocation{Argv: []string{"ipvsadm"}}
	switch {
	case g.chance(0.02):
		inv.Argv[0] = "/sbin/ipvsadm"
	case g.chance(0.015):
		inv.Env = []string{g.one("POSIXLY_CORRECT=1", "POSIX_ME_HARDER=1", "POSIXLY_CORRECT=")}
	}
	switch {
	case g.chance(0.08):
		inv.Argv = append(inv.Argv, g.one("-R", "-R", "-R", "--restore"))
		inv.Stdin = g.stream()
	case g.chance(0.015):
		inv.Argv = append([]string{"ipvsadm-save"}, g.some("-n", "-n", "-x", "foo", "--numeric", "")...)
	case g.chance(0.015):
		inv.Argv = append([]string{"ipvsadm-restore"}, g.some("-n", "foo")...)
		inv.Stdin = g.scriptStream()
	default:
		inv.Argv = append(inv.Argv, g.line()...)
		if g.chance(0.05) {
			inv.Stdin = g.stream() // read by nobody, or by a line that turned out to be -R
		}
	}
	return inv
}

// chance is true with probability p.
func (g *Generator) chance(p float64) bool { return g.rnd.Float64() < p }

func (g *Generator) one(of ...string) string { return of[g.rnd.IntN(len(of))] }

// some returns none, one or two of its arguments.
func (g *Generator) some(of ...string) (words []string) {
	for range g.rnd.IntN(3) {
		words = append(words, g.one(of...))
	}
	return words
}

// A piece is an option on a command line, or a plain word.
type piece struct {
	opt   *opt // nil for a plain word
	value string
	given bool // whether there is a value
}

func (g *Generator) option(long string) *opt {
	i := slices.IndexFunc(g.options, func(o opt) bool { return o.long == long })
	return &g.options[i]
}

// with is an option and a value for it, mostly a good one.
func (g *Generator) with(long string) piece {
	p := piece{opt: g.option(long)}
	switch p.opt.shape {
	case optional:
		p.given = g.chance(0.7)
	case valued:
		p.given = true
	}
	if p.given {
		p.value = g.value(p.opt)
	}
	return p
}

func (g *Generator) value(o *opt) string {
	switch o.long {
	case "tcp-service", "udp-service", "sctp-service":
		return g.endpoint(g.addresses.virtual4, g.addresses.virtual6)
	case "real-server":
		return g.endpoint(g.addresses.server4, g.addresses.server6)
	}
	switch {
	case g.chance(0.06):
		return g.one(o.bad...)
	case o.long == "fwmark-service" && g.chance(0.3):
		return strconv.FormatUint(uint64(g.rnd.Uint32()), 10)
	}
	return g.one(o.good...)
}

// endpoint is an address with a port, mostly.
func (g *Generator) endpoint(v4, v6 []string) string {
	host, port := g.one(v4...), g.one(g.ports.good...)
	ipv6 := g.chance(0.3)
	switch {
	case g.chance(0.15):
		host = g.randomAddr(ipv6)
	case ipv6:
		host = g.one(v6...)
	}
	if g.chance(0.05) {
		host = g.one(g.addresses.odd...)
	}
	switch {
	case g.chance(0.06):
		port = g.one(g.ports.odd...)
	case g.chance(0.1):
		port = strconv.Itoa(g.rnd.IntN(1 << 16))
	}
	return g.join(host, port)
}

// randomAddr is any address at all; the order of listings depends on its value.
func (g *Generator) randomAddr(ipv6 bool) string {
	var b [16]byte
	for i := range b {
		if g.chance(0.7) { // the rest are zeros, which IPv6 writes as ::
			b[i] = byte(g.rnd.IntN(256))
		}
	}
	if ipv6 {
		return netip.AddrFrom16(b).String()
	}
	return netip.AddrFrom4([4]byte(b[:4])).String()
}

// join writes an address and a port in one of the ways people try.
func (g *Generator) join(host, port string) string {
	colons := slices.Contains([]byte(host), ':')
	switch {
	case g.chance(0.02):
		return host
	case g.chance(0.01):
		return "[" + host + "]" + g.one("", ":", port, ":"+port+":")
	case g.chance(0.01):
		return g.one(":"+port, "["+host+":"+port, host+"]:"+port, port, host+":"+port+":"+port)
	case colons && g.chance(0.96), g.chance(0.015):
		return "[" + host + "]:" + port
	}
	return host + ":" + port
}

// service is the option that names a service, one of the table with
// probability existing.
func (g *Generator) service(existing float64) []piece {
	g.chosen = nil
	if len(g.table) > 0 && g.chance(existing) {
		g.chosen = &g.table[g.rnd.IntN(len(g.table))]
		return g.named(g.chosen.ServiceKey)
	}
	switch n := g.rnd.IntN(100); {
	case n < 55:
		return []piece{g.with("tcp-service")}
	case n < 76:
		return []piece{g.with("udp-service")}
	case n < 83:
		return []piece{g.with("sctp-service")}
	case n < 93:
		return []piece{g.with("fwmark-service")}
	}
	return []piece{g.with("fwmark-service"), g.with("ipv6")}
}

// named is the option that names a service of the table.
func (g *Generator) named(k ipvs.ServiceKey) []piece {
	if k.FWMark != 0 {
		mark := piece{opt: g.option("fwmark-service"), value: strconv.FormatUint(uint64(k.FWMark), 10), given: true}
		if k.Family == ipvs.IPv6 {
			return []piece{mark, g.with("ipv6")}
		}
		return []piece{mark}
	}
	long := map[ipvs.Protocol]string{ipvs.TCP: "tcp-service", ipvs.UDP: "udp-service", ipvs.SCTP: "sctp-service"}[k.Protocol]
	port := strconv.Itoa(int(k.Addr.Port()))
	return []piece{{opt: g.option(long), value: g.join(k.Addr.Addr().String(), port), given: true}}
}

// server is the option that names a real server, one of the chosen service with
// probability existing.
func (g *Generator) server(existing float64) piece {
	if g.chosen == nil || len(g.chosen.Destinations) == 0 || !g.chance(existing) {
		p := g.with("real-server")
		// Mostly the family fits.
		if g.chosen != nil && g.chance(0.85) {
			p.value = g.endpoint(g.addresses.server4, g.addresses.server4)
			if g.chosen.Family == ipvs.IPv6 {
				p.value = g.endpoint(g.addresses.server6, g.addresses.server6)
			}
		}
		return p
	}
	a := g.chosen.Destinations[g.rnd.IntN(len(g.chosen.Destinations))].Addr
	return piece{opt: g.option("real-server"), value: g.join(a.Addr().String(), strconv.Itoa(int(a.Port()))), given: true}
}

// maybe adds each option with its probability.
func (g *Generator) maybe(pieces []piece, p float64, longs ...string) []piece {
	for _, long := range longs {
		if g.chance(p) {
			pieces = append(pieces, g.with(long))
		}
	}
	return pieces
}
