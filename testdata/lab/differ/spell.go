package differ

// spell writes pieces as words, each in one of the ways there are.
func (g *Generator) spell(pieces []piece) []string {
	var words []string
	bundle := false // the last word can take more short options
	for _, p := range pieces {
		if p.opt == nil {
			words, bundle = append(words, p.value), false
			continue
		}
		short := p.opt.short
		if p.opt.long == "list" {
			short = g.one("L", "L", "L", "l")
		}
		if short == "" || g.chance(0.2) {
			words, bundle = append(words, g.long(p)...), false
			continue
		}
		if bundle && g.chance(0.3) {
			words[len(words)-1] += short
		} else {
			words = append(words, "-"+short)
		}
		if bundle = !p.given; !bundle {
			words = g.attach(words, p)
		}
	}
	return words
}

// attach adds the value of an option that ends the last word.
func (g *Generator) attach(words []string, p piece) []string {
	last := len(words) - 1
	switch n := g.rnd.IntN(100); {
	case n < 10 && p.value != "":
		words[last] += p.value
	case n < 16:
		words[last] += "=" + p.value
	default:
		return append(words, p.value)
	}
	return words
}

func (g *Generator) long(p piece) []string {
	word := "--" + p.opt.long
	switch {
	case !p.given:
		return []string{word}
	case g.chance(0.5):
		return []string{word + "=" + p.value}
	}
	return []string{word, p.value}
}
