package differ

import (
	"slices"
	"strings"
)

// line is a command line, without the name of the program.
func (g *Generator) line() []string {
	pieces := g.sensible()
	if g.chance(0.3) {
		g.shuffle(pieces[1:])
	}
	for g.chance(0.22) {
		pieces = g.misuse(pieces)
	}
	words := g.spell(pieces)
	for g.chance(0.05) {
		words = g.mangle(words)
	}
	return words
}

// shuffle changes the order of options, but mostly leaves -6 and a following
// word of --set where they are.
func (g *Generator) shuffle(pieces []piece) {
	for i := range pieces {
		j := g.rnd.IntN(len(pieces))
		sticky := pieces[i].opt == nil || pieces[j].opt == nil || pieces[i].opt.long == "ipv6" || pieces[j].opt.long == "ipv6"
		if !sticky || g.chance(0.1) {
			pieces[i], pieces[j] = pieces[j], pieces[i]
		}
	}
}

// misuse does one thing wrong on the level of options.
func (g *Generator) misuse(pieces []piece) []piece {
	at := g.rnd.IntN(len(pieces) + 1)
	somewhere := func() int { return g.rnd.IntN(len(pieces)) }
	switch n := g.rnd.IntN(100); {
	case n < 40: // an option that may not belong
		return slices.Insert(pieces, max(at, min(1, len(pieces))), g.anyOption())
	case n < 50: // an option twice
		return slices.Insert(pieces, max(at, min(1, len(pieces))), pieces[somewhere()])
	case n < 62: // an option missing
		if len(pieces) > 1 {
			i := somewhere()
			return slices.Delete(slices.Clone(pieces), i, i+1)
		}
	case n < 85: // a value that is wrong or strange
		i := somewhere()
		if p := pieces[i]; p.opt != nil && p.given {
			pieces = slices.Clone(pieces)
			pieces[i].value = g.badValue(p.opt)
		}
	case n < 93: // a plain word
		return slices.Insert(pieces, at, piece{value: g.one("foo", "-", "", "80", "10.0.0.1:80", "#", "ipvsadm", "rr")})
	default: // a second command
		return slices.Insert(pieces, at, g.with(g.one("list", "add-service", "help", "version", "restore", "set", "start-daemon", "save")))
	}
	return pieces
}

func (g *Generator) anyOption() piece {
	for {
		if o := g.options[g.rnd.IntN(len(g.options))]; !o.command {
			return g.with(o.long)
		}
	}
}

func (g *Generator) badValue(o *opt) string {
	switch o.long {
	case "tcp-service", "udp-service", "sctp-service", "real-server":
		host, port := g.one(g.addresses.odd...), g.one(g.ports.odd...)
		if g.chance(0.4) {
			host = g.one(slices.Concat(g.addresses.server4, g.addresses.virtual6)...)
		} else if g.chance(0.5) {
			port = g.one(g.ports.good...)
		}
		return g.join(host, port)
	}
	if len(o.bad) == 0 || g.chance(0.1) {
		return g.one("", "-", "=", "==", "-t", strings.Repeat("x", 300), "a\nb")
	}
	return g.one(o.bad...)
}

// mangle does one thing wrong on the level of words.
func (g *Generator) mangle(words []string) []string {
	if len(words) == 0 {
		return words
	}
	words = slices.Clone(words)
	i := g.rnd.IntN(len(words))
	switch g.rnd.IntN(8) {
	case 0:
		return slices.Delete(words, i, i+1)
	case 1:
		return slices.Insert(words, i, g.one("--", "-", "", "--sort", "-6", "-n", "-q", "--nosuch", "--num", "-=", "---", "--=", "-p", "-\xff"))
	case 2:
		j := g.rnd.IntN(len(words))
		words[i], words[j] = words[j], words[i]
	case 3:
		words[i] = strings.ToUpper(words[i])
	case 4:
		words[i] += g.one("=", "=x", "x", " ", "n", "-", ",")
	case 5:
		if len(words[i]) > 1 {
			words[i] = words[i][:1+g.rnd.IntN(len(words[i])-1)]
		}
	case 6:
		words[i] = "-" + words[i]
	case 7:
		return words[:i]
	}
	return words
}
