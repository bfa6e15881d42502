package checks

import (
	"slices"
	"strings"
)

// What a case with one real server of weight 1 wants.
const (
	up   = "1:1"
	down = "-"
)

// Cases are all cases, in the order of their numbers.
func Cases() []Case {
	return slices.Concat(tcpCases(), httpCases(), bodyCases(), slowCases(), tlsCases(), mailCases(),
		dnsCases(), udpCases(), pingCases(), miscCases(), fileCases(), poolCases(), quorumCases(), addressCases())
}

// block writes a block of lines that semicolons separate.
func block(name, lines string) string {
	return name + " {\n" + strings.ReplaceAll(lines, ";", "\n") + "\n}\n"
}

// one is a case of one real server with one checker. then is "" if nothing changes.
func one(name, checker, first, then string, does ...Behaviour) Case {
	r := Real{Block: checker}
	copy(r.Does[:], does)
	return Case{Name: name, Reals: []Real{r}, Want: [2]string{first, then}}
}

// with adds lines to the virtual server.
func (c Case) with(service string) Case {
	c.Service += strings.ReplaceAll(service, ";", "\n") + "\n"
	return c
}

// differently says what ours does instead, and the name of that difference.
func (c Case) differently(name, first, then string) Case {
	c.Differ, c.Ours = name, [2]string{first, then}
	return c
}

// hasty makes a case wait no longer than it must.
func (c Case) hasty() Case { return c.with("connect_timeout 1") }

// tcp is a server of connections.
func tcp(s Stream) Behaviour { return Behaviour{TCP: s} }

// udp is a server of datagrams.
func udp(d Datagram) Behaviour { return Behaviour{UDP: d} }

// route is a server that packets do not reach.
func route(kind string) Behaviour { return Behaviour{Route: kind} }

// contains is a file.
func contains(text string) Behaviour { return Behaviour{File: text} }

// runs is a program that says, by the size of a file, how often it was run by whom.
func runs(script string) Behaviour { return contains("echo >>$0.$PPID\n" + script) }

// refuses is a server with its port closed.
var refuses = Behaviour{Route: refusing}
