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
// then what was read. Of its arguments only those count that 1.31 does not have.
func (s *session) restoreScript(args []string) int {
	s.prog = scriptProg
	line := []string{"--restore"}
	for _, arg := range args {
		switch name, _, _ := strings.Cut(arg, "="); name {
		case "--replace", "--dry-run", "--json":
			line = append(line, arg)
		}
	}
	text, err := io.ReadAll(s.env.Stdin)
	if !s.open() {
		return exitInvalid
	}
	cmd, refused := newParser(s.prog, s.env.Names, s.env.LookupEnv).parse(line)
	if refused != nil {
		return s.refuse(refused)
	}
	s.env.Stdin = io.MultiReader(bytes.NewReader(text), failing{err})
	return s.run(fresh(cmd))
}

// fresh makes the -R of a command one of ipvsadm-restore.
func fresh(cmd Command) Command {
	switch cmd := cmd.(type) {
	case DryRun:
		return DryRun{fresh(cmd.Command)}
	case Restore:
		cmd.Fresh = true
		return cmd
	}
	return cmd
}

// failing is a reader that has nothing but an error, if it has that.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}

// restoreAs is -R in all its forms.
func (s *session) restoreAs(cmd Restore) int {
	switch in := s.env.Stdin; {
	case cmd.Replace != NoReplace:
		return s.replace(in, cmd)
	case cmd.JSON:
		return s.restoreJSON(in, cmd.Fresh)
	case cmd.Fresh:
		return s.restoreFresh(in)
	default:
		return s.restore(in)
	}
}

// restoreFresh empties the table and carries out a stream. Reading first lets it
// sit at the end of a pipe that begins with ipvsadm-save.
func (s *session) restoreFresh(in io.Reader) int {
	text, _ := io.ReadAll(in)
	b := newBatch(s.kernel, s.complain)
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
