package rules

import (
	"fmt"
	"strings"
)

const zshHead = `#compdef ipvsadm
# Completion of ipvsadm for zsh, made by "ipvsadm completion zsh".
_ipvsadm_any() { _message -e value "$1" }
_ipvsadm_file() { _files }
_ipvsadm_words() { compadd -- ${=1} }
_ipvsadm_list() {
	if compset -P '*,'; then compadd -- ${=2}; else compadd -- ${=1}; fi
}
_ipvsadm_table() { [[ -e /proc/net/ip_vs ]] && ipvsadm -S -n 2>/dev/null }
_ipvsadm_service() {
	[[ $before[1] == -A* || $before[1] == --add-service ]] && return
	compadd -- ${(f)"$(_ipvsadm_table | sed -n "s/^-A $1 \([^ ]*\).*/\1/p")"}
}
_ipvsadm_server() {
	local i service=' '
	if [[ $before[1] != -a* && $before[1] != --add-server ]]; then
		for ((i = 2; i <= $#before; i++)); do
			case $before[i-1] in (-*[tuf]|--*-service) service=" ${(Q)before[i]} " ;; esac
		done
	fi
	compadd -- ${(f)"$(_ipvsadm_table | grep -F -e "$service" | sed -n 's/^-a .* -r \([^ ]*\).*/\1/p')"}
}
_ipvsadm_interface() { compadd -- ${(f)"$(ls /sys/class/net)"} }
_ipvsadm() {
	local option=$words[CURRENT-1] prefix=
	local -a options before
	before=("${(@)words[2,CURRENT-1]}")
	if [[ $words[CURRENT] == --*=* ]]; then
		option=${words[CURRENT]%%=*} prefix=$option=
		compset -P 1 '*='
	fi
	if [[ $before[1] == -* ]]; then
		case $option in
`

// zshTail is for both ways to install the script: as a function of its own that
// zsh loads when it is first needed, or read by .zshrc.
const zshTail = `	esac
	[[ -n $prefix ]] || _describe -o option options
}
if [[ $funcstack[1] == _ipvsadm ]]; then
	_ipvsadm "$@"
else
	compdef _ipvsadm ipvsadm
fi
`

func zshCompletion(places []place) string {
	var b strings.Builder
	b.WriteString(zshHead)
	writeZshValues(&b, valueChoices())
	b.WriteString("\t\tesac\n\tfi\n\tcase \"$before[1] $before[2]\" in\n")
	for _, p := range inOrderOfMatching(places) {
		fmt.Fprintf(&b, "\t%s)\n", p.pattern())
		if p.isSubcommand() {
			b.WriteString("\t\tcase $option in\n")
			writeZshValues(&b, p.choices)
			b.WriteString("\t\tesac\n")
		}
		if len(p.words) > 0 {
			fmt.Fprintf(&b, "\t\t[[ -n $prefix$before[2] ]] || compadd -- %s\n", strings.Join(p.words, " "))
		}
		b.WriteString("\t\toptions=(\n")
		writeDescribed(&b, p.choices)
		b.WriteString("\t\t) ;;\n")
	}
	b.WriteString(zshTail)
	return b.String()
}

// writeZshValues is writeBashValues for zsh.
func writeZshValues(b *strings.Builder, choices []choice) {
	for _, c := range choices {
		end := "return ;;"
		if c.optional {
			end = "[[ -n $prefix ]] && return ;;"
		}
		if c.value != (value{}) {
			fmt.Fprintf(b, "\t\t%s) %s; %s\n", c.pattern(), c.value.call("_ipvsadm_"), end)
		}
	}
}

// writeDescribed writes options as zsh's _describe takes them.
func writeDescribed(b *strings.Builder, options []choice) {
	for _, c := range options {
		for _, name := range c.names {
			b.WriteString("\t\t" + quote(name+":"+strings.ReplaceAll(c.usage, ":", `\:`)) + "\n")
		}
	}
}
