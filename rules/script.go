package rules

import (
	"bytes"
	"io"
	"path"
	"strings"

	"ipvsadm/ipvs"
)

// ipvsadm 1.31 comes with two shell scripts. They are other names of the
// program here.

// scriptProg is what the scripts call the program they run; it stands in
// messages.
const scriptProg = "ipvsadm"

// saveScript is ipvsadm-save [-n]: the table on standard output.
func (s *session) saveScript(args []string) int {
	name := path.Base(s.prog)
	s.prog = scriptProg
	numeric := false
	for _, arg := range args {
		switch {
		case arg == "-n":
			numeric = true
		case strings.HasPrefix(arg, "-"):
			s.complain(name + ": Script to save the IPVS table to stdout.\n" +
				"   With the -n option, prints out the table in numeric format.")
			return exitListing
		}
	}
	if !s.open() {
		return exitInvalid
	}
	return s.save(numeric)
}

// restoreScript is ipvsadm-restore: all of standard input, then an empty table,
// then what was read. Reading first lets it sit at the end of a pipe that
// begins with ipvsadm-save.
func (s *session) restoreScript() int {
	s.prog = scriptProg
	text, _ := io.ReadAll(s.env.Stdin)
	if !s.open() {
		return exitInvalid
	}
	b := &batch{kernel: s.kernel, complain: s.complain}
	b.add(ipvs.Flush{})
	if swallowedByEcho(text) {
		text = nil
	}
	return s.carryOut(b, newLineReader(bytes.NewReader(text), func() {}))
}

// swallowedByEcho tells whether text is nothing but options of the shell's echo,
// which the script feeds it through.
func swallowedByEcho(text []byte) bool {
	word := bytes.TrimRight(text, "\n")
	return len(word) > 1 && word[0] == '-' && len(bytes.Trim(word[1:], "neE")) == 0
}
