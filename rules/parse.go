package rules

import (
	"strings"

	"ipvsadm/ipvs"
)

// parser makes Commands of command lines. It may be used for any number of
// them, one after the other.
type parser struct {
	prog  string // argv[0] as given
	names Names
	posix bool
	// stream says that the lines are those of a restore stream, where -R has no
	// place and a plain word that begins with # starts a comment.
	stream bool
	draft  draft // of the line at hand; its memory serves every line
}

// newParser returns a parser for a program called prog. The environment says
// whether the first plain word ends the options.
func newParser(prog string, names Names, lookupEnv func(string) (string, bool)) *parser {
	_, posix := lookupEnv("POSIXLY_CORRECT")
	_, harder := lookupEnv("POSIX_ME_HARDER")
	return &parser{prog: prog, names: names, posix: posix || harder}
}

// parse returns the Command that the words after the program's name stand for.
// No words at all list the table. Errors are *usageError.
//
// Which of several mistakes is reported follows from the order of the checks:
// each value when it is met, then words that do not belong, the flags of the
// scheduler, the options against the command, and what they mean together.
func (p *parser) parse(args []string) (Command, error) {
	op, cmd, err := p.line(args)
	if op != nil {
		cmd = Change{ipvs.ValueOf(op)}
	}
	return cmd, err
}

// line is parse for very many lines: a change comes without a Command around it,
// and its memory is that of every line's, valid until the next.
func (p *parser) line(args []string) (ipvs.Op, Command, error) {
	if len(args) == 0 {
		return nil, List{}, nil
	}
	p.draft = newDraft(p.names)
	d := &p.draft
	s := scanner{args: args, posix: p.posix, notes: p.stream}
	if err := p.first(d, &s); err != nil {
		return nil, nil, err
	}
	switch d.verb {
	case help:
		return nil, Help{}, nil
	case version:
		return nil, Version{}, nil
	}
	if err := p.others(d, &s); err != nil {
		return nil, nil, err
	}
	words := s.plain
	if d.verb == setTimeouts {
		if err := d.setTimeouts(words); err != nil {
			return nil, nil, err
		}
		words = words[3:]
	}
	if len(words) > 0 {
		return nil, nil, invalid("unexpected argument " + words[0])
	}
	if err := d.interpretSchedulerFlags(); err != nil {
		return nil, nil, err
	}
	if err := rulesOf(d.verb).check(d.given, d.verb.String(), "command"); err != nil {
		return nil, nil, err
	}
	if d.verb == restore && p.stream {
		return nil, nil, tryHelp(p.prog)
	}
	if err := d.checkExtra(p.stream); err != nil {
		return nil, nil, err
	}
	return d.command()
}

// first reads the first option, which must be a command.
func (p *parser) first(d *draft, s *scanner) error {
	o, value, err := s.option()
	if err != nil || o == nil || o.verb == noVerb {
		refusal := tryHelp(p.prog)
		if o != nil && o.kind >= optDryRun && o.kind < numOptions { // an option that 1.31 does not know
			refusal.text = "The command comes first, then --" + o.long + ".\n" + refusal.text
		}
		return refusal
	}
	d.verb = o.verb
	if o.read == nil {
		return nil
	}
	return o.read(d, value)
}

// others reads the options after the first.
func (p *parser) others(d *draft, s *scanner) error {
	for {
		o, value, err := s.option()
		if err != nil {
			return unreadable(s.word(), err)
		}
		if o == nil {
			return nil
		}
		if o.verb != noVerb {
			return invalid("invalid option `" + s.word() + "'")
		}
		if o.kind != noOption {
			if d.given.has(o.kind) {
				return invalid("multiple '" + o.kind.String() + "' options specified")
			}
			d.given |= setOf(o.kind)
		}
		if o.read == nil {
			continue
		}
		if err := o.read(d, value); err != nil {
			return err
		}
	}
}

// truncate cuts a name to the n bytes the kernel has room for, and at a NUL as C
// does.
func truncate(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	s, _, _ = strings.Cut(s, "\x00")
	return s
}
