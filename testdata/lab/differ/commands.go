package differ

import "strconv"

// sensible is a command with options that go with it.
func (g *Generator) sensible() []piece {
	switch n := g.rnd.IntN(200); {
	case n < 40:
		return g.addService()
	case n < 55:
		return g.editService()
	case n < 62:
		return append([]piece{g.with("delete-service")}, g.service(0.85)...)
	case n < 107:
		return g.changeServer("add-server", 0.15)
	case n < 122:
		return g.changeServer("edit-server", 0.85)
	case n < 132:
		pieces := append([]piece{g.with("delete-server")}, g.service(0.9)...)
		return append(pieces, g.server(0.85))
	case n < 168:
		return g.list()
	case n < 176:
		return g.maybe([]piece{g.with("save")}, 0.6, "numeric")
	case n < 181:
		pieces := []piece{g.with("zero")}
		if g.chance(0.6) {
			pieces = append(pieces, g.service(0.8)...)
		}
		return pieces
	case n < 182:
		return []piece{g.with("clear")}
	case n < 188:
		return g.set()
	case n < 194:
		pieces := g.maybe([]piece{g.with("start-daemon")}, 0.9, "mcast-interface")
		return g.maybe(pieces, 0.4, "syncid", "sync-maxlen", "mcast-group", "mcast-port", "mcast-ttl")
	case n < 198:
		return g.maybe([]piece{g.with("stop-daemon")}, 0.2, "syncid")
	}
	return []piece{g.with(g.one("help", "version"))}
}

func (g *Generator) addService() []piece {
	return g.serviceOptions(append([]piece{g.with("add-service")}, g.service(0.1)...))
}

func (g *Generator) editService() []piece {
	return g.serviceOptions(append([]piece{g.with("edit-service")}, g.service(0.9)...))
}

func (g *Generator) serviceOptions(pieces []piece) []piece {
	pieces = g.maybe(pieces, 0.75, "scheduler")
	pieces = g.maybe(pieces, 0.3, "persistent")
	pieces = g.maybe(pieces, 0.15, "netmask")
	pieces = g.maybe(pieces, 0.08, "ops", "pe")
	if !g.chance(0.2) {
		return pieces
	}
	flags := g.with("sched-flags")
	for _, p := range pieces {
		if p.opt.long == "scheduler" && (p.value == "sh" || p.value == "mh") && g.chance(0.6) {
			flags.value = p.value + g.one("-port", "-fallback", "-port,flag-3", "-fallback,"+p.value+"-port")
		}
	}
	return append(pieces, flags)
}

func (g *Generator) changeServer(long string, existing float64) []piece {
	pieces := append([]piece{g.with(long)}, g.service(0.93)...)
	pieces = append(pieces, g.server(existing))
	if g.chance(0.85) {
		pieces = append(pieces, g.with(g.one("gatewaying", "masquerading", "masquerading", "ipip")))
	}
	pieces = g.maybe(pieces, 0.5, "weight")
	pieces = g.maybe(pieces, 0.15, "u-threshold", "l-threshold")
	if pieces[len(pieces)-1].opt.long == "ipip" || g.chance(0.04) {
		pieces = g.tunnelOptions(pieces)
	}
	return pieces
}

func (g *Generator) tunnelOptions(pieces []piece) []piece {
	kind := g.with("tun-type")
	switch {
	case g.chance(0.15):
		return g.maybe(pieces, 0.4, "tun-type", "tun-port", "tun-csum", "tun-nocsum", "tun-remcsum")
	case kind.value == "gue":
		pieces = append(pieces, kind, g.with("tun-port"))
		return g.maybe(pieces, 0.5, g.one("tun-csum", "tun-nocsum", "tun-remcsum"))
	case kind.value == "gre":
		return g.maybe(append(pieces, kind), 0.5, g.one("tun-csum", "tun-nocsum"))
	}
	return g.maybe(pieces, 0.3, "tun-type")
}

func (g *Generator) list() []piece {
	pieces := g.maybe([]piece{g.with("list")}, 0.7, "numeric")
	if g.chance(0.3) {
		pieces = append(pieces, g.service(0.9)...)
	}
	switch {
	case g.chance(0.65):
		pieces = append(pieces, g.with(g.one("stats", "rate", "thresholds", "persistent-conn", "tun-info", "stats", "rate",
			"connection", "timeout", "daemon")))
	case g.chance(0.15):
		pieces = g.maybe(pieces, 0.25, "stats", "rate", "thresholds", "persistent-conn", "tun-info", "connection", "timeout", "daemon")
	}
	return g.maybe(pieces, 0.15, "exact", "nosort", "sort")
}

func (g *Generator) set() []piece {
	pieces := []piece{g.with("set")}
	for range 3 {
		value := strconv.Itoa(g.rnd.IntN(3000))
		if g.chance(0.1) {
			value = g.one("0", "2678400", "2678401", "+5", " 5", "abc", "", "1.5", "-1", "0x10", "00")
		}
		pieces = append(pieces, piece{value: value})
	}
	return pieces
}
