package differ

import (
	"slices"
	"strconv"
	"strings"
)

// stream is the input of -R.
func (g *Generator) stream() string {
	if g.chance(0.06) {
		return g.bulk()
	}
	var b strings.Builder
	lines := 1 + g.rnd.IntN(12)
	if g.chance(0.1) {
		lines *= 20
	}
	for range lines {
		b.WriteString(g.streamLine())
		b.WriteString(g.lineEnd())
	}
	text := b.String()
	switch n := g.rnd.IntN(20); {
	case n == 0:
		return strings.TrimSuffix(text, "\n")
	case n == 1:
		return strings.TrimSuffix(text, "\n") + g.one(" ", "  ", "\t \t", "\r")
	case n == 2:
		return ""
	}
	return text
}

// bulk is a stream that makes a large table, all lines of which are right: its
// listings show how addresses, ports and marks are sorted.
func (g *Generator) bulk() string {
	var b strings.Builder
	for range 20 + g.rnd.IntN(150) {
		ipv6 := g.chance(0.3)
		service := g.one("-t ", "-u ", "--sctp-service ") + g.randomEndpoint(ipv6)
		if g.chance(0.2) {
			service = "-f " + strconv.FormatUint(1+uint64(g.rnd.Uint32N(1<<32-1)), 10)
			if ipv6 {
				service += " -6"
			}
		}
		b.WriteString("-A " + service + " -s " + g.one("rr", "wrr", "wlc") + g.one("", "", " -p 60") + "\n")
		for range g.rnd.IntN(4) {
			b.WriteString("-a " + service + " -r " + g.randomEndpoint(ipv6) + g.one(" -m", " -i", " -g") + "\n")
		}
	}
	return b.String()
}

func (g *Generator) randomEndpoint(ipv6 bool) string {
	port := strconv.Itoa(1 + g.rnd.IntN(1<<16-1))
	if ipv6 {
		return "[" + g.randomAddr(true) + "]:" + port
	}
	return g.randomAddr(false) + ":" + port
}

// scriptStream is the input of ipvsadm-restore. Its shell makes no difference
// between a text and the same with more line feeds at the end.
func (g *Generator) scriptStream() string {
	text := g.stream()
	if g.chance(0.3) {
		return g.one("# a comment\n", "#a comment\n\n", " # indented\n", "-n\n", "-n", "-e", "") + text
	}
	return text
}

func (g *Generator) lineEnd() string {
	switch g.rnd.IntN(30) {
	case 0:
		return "\r\n"
	case 1:
		return "\n\n"
	case 2:
		return "  \t\n"
	}
	return "\n"
}

// streamLine is a line of a stream. Most do no harm to those after it.
func (g *Generator) streamLine() string {
	switch n := g.rnd.IntN(200); {
	case n < 4:
		return g.one("", "   ", "# a comment", "#", "\t# indented", "ipvsadm", "ipvsadm ipvsadm")
	case n < 5:
		return g.one("-R", "-v", "-h", "foo", "--", "-", "-n", "/sbin/ipvsadm -C")
	}
	var pieces []piece
	switch n := g.rnd.IntN(100); {
	case n < 40:
		pieces = g.addService()
	case n < 85:
		pieces = g.changeServer("add-server", 0.1)
	default:
		pieces = g.sensible()
	}
	words := g.spell(pieces)
	switch {
	case g.chance(0.02):
		words = g.mangle(g.spell(g.misuse(pieces)))
	case g.chance(0.004): // about as long as a word may be
		words = append(words, "--"+strings.Repeat("x", 4090+g.rnd.IntN(20)), g.one("--sort", "-q", ""))
	case g.chance(0.004):
		words = append(words, slices.Repeat([]string{"--sort"}, 1000)...)
	}
	if g.chance(0.04) {
		words = append([]string{"ipvsadm"}, words...)
	}
	if g.chance(0.02) {
		words = append(words, g.one("#", "# why", "#why", "ipvsadm"))
	}
	return g.layOut(words)
}

// layOut writes words into a line. A word cannot hold a blank there.
func (g *Generator) layOut(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 || g.chance(0.03) {
			b.WriteString(" ")
		}
		if g.chance(0.02) {
			b.WriteString(g.one("\t", "  ", " \t "))
		}
		b.WriteString(strings.ReplaceAll(w, "\n", "."))
	}
	return b.String()
}
