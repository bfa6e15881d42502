package rules

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"ipvsadm/sched"
)

// Subcommand is a command that is a word, such as sched or sched predict, as
// completion has to know it.
type Subcommand struct {
	Name  string   // one word or two; the first is a subcommand as well
	Words []string // what else may follow them
	// Flags are the options that may. What a value can be is told by its name in
	// the usage (pflag.UnquoteUsage): FILE or PATH, SERVER, NAME[,FLAG], or
	// words with a | between two.
	Flags *pflag.FlagSet
}

// completion returns the script that has a shell complete the command line:
// bash, zsh or fish. It is made of the option table, of the rules of what goes
// with which command, and of the options of the subcommands. ipvsadm completion
// SHELL prints it; of 1.31 that is a mistake, so nobody's script can mean
// something else by it.
func completion(shell string, subcommands []Subcommand) (script string, ok bool) {
	places := places(subcommands)
	switch shell {
	case "bash":
		return bashCompletion(places), true
	case "zsh":
		return zshCompletion(places), true
	case "fish":
		return fishCompletion(places), true
	}
	return "", false
}

// place is where something can be completed.
type place struct {
	// heads are the words that it comes after: the spellings of a command, or the
	// name of a subcommand. The beginning of the line has none.
	heads   []string
	words   []string // that may stand there, and nowhere after
	choices []choice // that may stand there and after
}

func (p *place) isSubcommand() bool { return len(p.heads) > 0 && p.heads[0][0] != '-' }

// choice is an option as a shell offers it.
type choice struct {
	names    []string // -w and --weight
	usage    string
	value    value
	optional bool // the value may be left out
}

// value says what the value of an option may be: which helper of the script
// knows that, and what it has to be told. The helpers are any, words, list (of
// the first words, then of more, commas between them), service (of an option),
// server, interface and file. The zero value is that of an option without.
type value struct{ helper, words, more string }

// call is the call of the helper in a script.
func (v value) call(prefix string) string {
	text := prefix + v.helper
	for _, w := range []string{v.words, v.more} {
		if w != "" {
			text += " " + quote(w)
		}
	}
	return text
}

// places returns all places: first the beginning of the line, then those after
// commands, then those after subcommands.
func places(subcommands []Subcommand) []place {
	list := []place{{}}
	for _, c := range commands() {
		p := place{}
		for _, s := range c {
			p.heads = append(p.heads, s.names()...)
			list[0].choices = append(list[0].choices, s.choice())
		}
		for _, s := range optionsOf(c[0].verb) {
			p.choices = append(p.choices, s.choice())
		}
		list = append(list, p)
	}
	subcommands = append([]Subcommand{{Name: "completion", Words: []string{"bash", "fish", "zsh"}}}, subcommands...)
	for _, c := range subcommands {
		p := place{heads: []string{c.Name}, words: c.Words}
		if c.Flags != nil {
			c.Flags.VisitAll(func(f *pflag.Flag) {
				if !f.Hidden {
					p.choices = append(p.choices, flagChoice(f))
				}
			})
		}
		list = append(list, p)
	}
	for _, c := range subcommands { // each is a word of the place before it
		before, word := 0, c.Name
		if head, last, nested := strings.Cut(c.Name, " "); nested {
			before = slices.IndexFunc(list, func(p place) bool { return len(p.heads) == 1 && p.heads[0] == head })
			word = last
		}
		list[before].words = append(list[before].words, word)
	}
	return list
}

// valueChoices are the options of all commands that have a value, each once.
func valueChoices() (list []choice) {
	for s := range spellings() {
		if s.value != "" {
			list = append(list, s.choice())
		}
	}
	return list
}

func (s *spelling) choice() choice {
	c := choice{names: s.names(), usage: s.usage, optional: s.omitted != ""}
	words := strings.Join(s.words(), " ")
	switch {
	case s.value == "":
	case s.kind == optService:
		c.value = value{helper: "service", words: c.names[0]}
	case s.kind == optServer:
		c.value.helper = "server"
	case s.kind == optInterface:
		c.value.helper = "interface"
	case s.kind == optSchedFlags:
		c.value = value{"list", words, words}
	case words != "":
		c.value = value{helper: "words", words: words}
	default:
		c.value = value{helper: "any", words: s.value}
	}
	return c
}

// flagChoice is the choice of a subcommand's option. One that is called like an
// option of ipvsadm's commands, and does not say what it is, is that.
func flagChoice(f *pflag.Flag) choice {
	if own := findLong(f.Name); own != nil && f.Usage == "" {
		return own.choice()
	}
	c := choice{names: []string{"--" + f.Name}}
	if f.Shorthand != "" {
		c.names = []string{"-" + f.Shorthand, "--" + f.Name}
	}
	var name string
	name, c.usage = pflag.UnquoteUsage(f)
	if f.Value.Type() == "bool" {
		return c
	}
	c.optional = f.NoOptDefVal != ""
	switch {
	case name == "FILE" || name == "PATH":
		c.value.helper = "file"
	case name == "SERVER":
		c.value.helper = "server"
	case name == "NAME[,FLAG]":
		schedulers, flags := findLong("scheduler").words(), findLong("sched-flags").words()
		c.value = value{"list", strings.Join(schedulers, " "), strings.Join(flags, " ")}
	case strings.Contains(name, "|"):
		c.value = value{helper: "words", words: strings.ReplaceAll(name, "|", " ")}
	default:
		c.value = value{helper: "any", words: name}
	}
	return c
}

// names returns an option as it can be typed: -w and --weight.
func (s *spelling) names() []string {
	var names []string
	if s.short != 0 {
		names = append(names, "-"+string(s.short))
	}
	if s.long != "" {
		names = append(names, "--"+s.long)
	}
	return names
}

// words returns what the value of an option may be, if that is one of a few
// words.
func (s *spelling) words() []string {
	switch {
	case s.kind == optScheduler:
		var names []string
		for _, k := range sched.All() {
			names = append(names, k.Name)
		}
		return names
	case s.kind == optSchedFlags:
		return []string{"sh-fallback", "sh-port", "mh-fallback", "mh-port", "flag-1", "flag-2", "flag-3"}
	case s.kind == optPE:
		return []string{"sip"}
	case s.kind == optTunType:
		return []string{"ipip", "gue", "gre"}
	case s.kind == optReplace:
		return []string{"all", "services"}
	case s.verb == startDaemon || s.verb == stopDaemon:
		return strings.Split(s.value, "|")
	}
	return nil
}

// commands returns the spellings of the table that are commands, those of one
// verb together.
func commands() (list [][]*spelling) {
	of := map[verb]int{}
	for s := range spellings() {
		if s.verb == noVerb {
			continue
		}
		at, known := of[s.verb]
		if !known {
			at = len(list)
			of[s.verb] = at
			list = append(list, nil)
		}
		list[at] = append(list[at], s)
	}
	return list
}

// spellings yields every option of the table.
func spellings() func(yield func(*spelling) bool) {
	return func(yield func(*spelling) bool) {
		for i := range optionTable {
			for j := range optionTable[i].options {
				if !yield(&optionTable[i].options[j]) {
					return
				}
			}
		}
	}
}

// goesWith tells whether an option makes sense after a command.
func (s *spelling) goesWith(v verb) bool {
	g := rulesOf(v)
	switch {
	case s.verb != noVerb:
		return false
	case s.kind != noOption:
		return (g.required | g.allowed | g.oneOf).has(s.kind)
	case s.long == "sort":
		return v == list
	}
	return (g.required | g.allowed | g.oneOf).has(optService) // -6
}

// optionsOf returns the options that go with a command.
func optionsOf(v verb) (options []*spelling) {
	for s := range spellings() {
		if s.goesWith(v) {
			options = append(options, s)
		}
	}
	return options
}

// optionNames are the names of all options.
func optionNames(options []choice) (names []string) {
	for _, c := range options {
		names = append(names, c.names...)
	}
	return names
}

// quote quotes a word for any shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
