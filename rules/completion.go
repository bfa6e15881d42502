package rules

import (
	"fmt"
	"slices"
	"strings"

	"ipvsadm/sched"
)

// completion returns the script that has a shell complete the command line:
// bash, zsh or fish. It is made of the option table and of the rules of what
// goes with which command. ipvsadm completion SHELL prints it; of 1.31 that is
// a mistake, so nobody's script can mean something else by it.
func completion(shell string) (script string, ok bool) {
	switch shell {
	case "bash":
		return bashCompletion(), true
	case "zsh":
		return zshCompletion(), true
	case "fish":
		return fishCompletion(), true
	}
	return "", false
}

// The words that stand where a command could, and what follows the first.
const otherCommands, shells = "completion check sched vrrp", "bash fish zsh"

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

func namesOf(options []*spelling) (names []string) {
	for _, s := range options {
		names = append(names, s.names()...)
	}
	return names
}

const bashHead = `# Completion of ipvsadm for bash, made by "ipvsadm completion bash".
_ipvsadm() {
	local cur=${COMP_WORDS[COMP_CWORD]} words=
	COMPREPLY=()
	case ${COMP_WORDS[COMP_CWORD-1]} in
`

func bashCompletion() string {
	var b strings.Builder
	b.WriteString(bashHead)
	var free []string // options with a value that nobody can guess
	for s := range spellings() {
		switch words := s.words(); {
		case s.value == "" || s.omitted != "":
		case words == nil:
			free = append(free, s.names()...)
		default:
			fmt.Fprintf(&b, "\t%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n",
				strings.Join(s.names(), "|"), strings.Join(words, " "))
		}
	}
	fmt.Fprintf(&b, "\t%s) return ;;\n\tesac\n", strings.Join(free, "|"))
	b.WriteString("\tif ((COMP_CWORD == 1)); then\n\t\twords='" + strings.Join(namesOf(slices.Concat(commands()...)), " ") + " " + otherCommands + "'\n\tfi\n")
	b.WriteString("\t((COMP_CWORD > 1)) && case ${COMP_WORDS[1]} in\n")
	for _, c := range commands() {
		options := namesOf(optionsOf(c[0].verb))
		if len(options) > 0 {
			fmt.Fprintf(&b, "\t%s) words='%s' ;;\n", strings.Join(namesOf(c), "|"), strings.Join(options, " "))
		}
	}
	b.WriteString("\tcompletion) words='" + shells + "' ;;\n")
	b.WriteString("\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -F _ipvsadm ipvsadm\n")
	return b.String()
}

const zshHead = `#compdef ipvsadm
# Completion of ipvsadm for zsh, made by "ipvsadm completion zsh".
_ipvsadm() {
	local -a options
	case $words[CURRENT-1] in
`

func zshCompletion() string {
	var b strings.Builder
	b.WriteString(zshHead)
	for s := range spellings() {
		names := strings.Join(s.names(), "|")
		switch words := s.words(); {
		case s.value == "" || s.omitted != "":
		case words == nil:
			fmt.Fprintf(&b, "\t%s) _message %s; return ;;\n", names, quote(s.value))
		default:
			fmt.Fprintf(&b, "\t%s) compadd -- %s; return ;;\n", names, strings.Join(words, " "))
		}
	}
	b.WriteString("\tesac\n\tif ((CURRENT == 2)); then\n\t\toptions=(\n")
	writeDescribed(&b, slices.Concat(commands()...))
	b.WriteString("\t\t)\n\t\tcompadd -- " + otherCommands + "\n\tfi\n\t((CURRENT > 2)) && case $words[2] in\n")
	b.WriteString("\tcompletion) compadd -- " + shells + " ;;\n")
	for _, c := range commands() {
		if options := optionsOf(c[0].verb); len(options) > 0 {
			fmt.Fprintf(&b, "\t%s) options=(\n", strings.Join(namesOf(c), "|"))
			writeDescribed(&b, options)
			b.WriteString("\t\t) ;;\n")
		}
	}
	b.WriteString("\tesac\n\t_describe -o option options\n}\ncompdef _ipvsadm ipvsadm\n")
	return b.String()
}

// writeDescribed writes options as zsh's _describe takes them.
func writeDescribed(b *strings.Builder, options []*spelling) {
	for _, s := range options {
		for _, name := range s.names() {
			b.WriteString("\t\t" + quote(name+":"+strings.ReplaceAll(s.usage, ":", `\:`)) + "\n")
		}
	}
}

// quote quotes a word for any shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

const fishHead = `# Completion of ipvsadm for fish, made by "ipvsadm completion fish".
function __ipvsadm_first
	set -l line (commandline -opc)
	test (count $line) -eq 1; and return
	test (count $line) -eq 2; and contains -- $line[2] $argv
end
function __ipvsadm_after
	set -l line (commandline -opc)
	test (count $line) -ge 2; and contains -- $line[2] $argv
end
complete -c ipvsadm -f
`

func fishCompletion() string {
	var b strings.Builder
	b.WriteString(fishHead)
	for _, c := range commands() {
		for _, s := range c {
			when := "__ipvsadm_first"
			if s.value != "" { // which may be asked for
				when += " " + strings.Join(s.names(), " ")
			}
			writeFish(&b, s, when)
		}
	}
	b.WriteString("complete -c ipvsadm -n __ipvsadm_first -a " + quote(otherCommands) + "\n")
	b.WriteString("complete -c ipvsadm -n '__ipvsadm_after completion' -a " + quote(shells) + "\n")
	for s := range spellings() {
		var after []string
		for _, c := range commands() {
			if s.goesWith(c[0].verb) {
				after = append(after, namesOf(c)...)
			}
		}
		if len(after) > 0 {
			writeFish(&b, s, "__ipvsadm_after "+strings.Join(after, " "))
		}
	}
	return b.String()
}

func writeFish(b *strings.Builder, s *spelling, when string) {
	b.WriteString("complete -c ipvsadm -n " + quote(when))
	if s.short != 0 {
		b.WriteString(" -s " + string(s.short))
	}
	if s.long != "" {
		b.WriteString(" -l " + s.long)
	}
	if s.value != "" && s.omitted == "" {
		b.WriteString(" -x")
	}
	if words := s.words(); words != nil {
		b.WriteString(" -a " + quote(strings.Join(words, " ")))
	}
	if s.usage != "" {
		b.WriteString(" -d " + quote(s.usage))
	}
	b.WriteByte('\n')
}
