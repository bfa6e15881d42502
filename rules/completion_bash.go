package rules

import (
	"fmt"
	"strings"
)

// bashHead splits the line itself: bash would break it at each : and = as well,
// of which addresses and --replace=services are full.
const bashHead = `# Completion of ipvsadm for bash, made by "ipvsadm completion bash".
_ipvsadm() {
	local line=${COMP_LINE:0:COMP_POINT} cur option prefix=
	local -a before
	read -ra before <<<"$line"
	[[ $line == *[[:blank:]] ]] && before+=('')
	cur=${before[-1]} option=${before[-2]}
	before=("${before[@]:1:${#before[@]}-2}")
	COMPREPLY=()
	if [[ $option == *[\<\>] ]]; then
		_ipvsadm_file
		return
	fi
	if [[ $cur == --*=* ]]; then
		option=${cur%%=*} prefix=${cur%%=*}= cur=${cur#*=}
	fi
	_ipvsadm_place
	# What stands before the last break is no part of what bash completes.
	local breaks=${COMP_WORDBREAKS//[^:=]/}
	if [[ $breaks ]]; then
		local word=$prefix$cur
		word=${word%"${word##*[$breaks]}"}
		COMPREPLY=("${COMPREPLY[@]#"$word"}")
	fi
}
_ipvsadm_any() { :; }
_ipvsadm_file() { compopt -o default; }
_ipvsadm_words() {
	mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -P "$prefix" -W "$1" -- "$cur")
}
_ipvsadm_options() { [[ $prefix ]] || _ipvsadm_words "$1"; }
_ipvsadm_list() {
	local words=$1
	if [[ $cur == *,* ]]; then
		words=$2 prefix+=${cur%"${cur##*,}"} cur=${cur##*,}
	fi
	_ipvsadm_words "$words"
}
_ipvsadm_table() { [[ -e /proc/net/ip_vs ]] && ipvsadm -S -n 2>/dev/null; }
_ipvsadm_service() {
	[[ ${before[0]} == -A* || ${before[0]} == --add-service ]] && return
	_ipvsadm_words "$(_ipvsadm_table | sed -n "s/^-A $1 \([^ ]*\).*/\1/p")"
}
_ipvsadm_server() {
	local i service=' '
	if [[ ${before[0]} != -a* && ${before[0]} != --add-server ]]; then
		for ((i = 1; i < ${#before[@]}; i++)); do
			case ${before[i-1]} in -*[tuf]|--*-service) service=" ${before[i]} " ;; esac
		done
	fi
	_ipvsadm_words "$(_ipvsadm_table | grep -F -e "$service" | sed -n 's/^-a .* -r \([^ ]*\).*/\1/p')"
}
_ipvsadm_interface() { _ipvsadm_words "$(ls /sys/class/net)"; }
_ipvsadm_place() {
	if [[ ${before[0]} == -* ]]; then
		case $option in
`

func bashCompletion(places []place) string {
	var b strings.Builder
	b.WriteString(bashHead)
	writeBashValues(&b, valueChoices())
	b.WriteString("\t\tesac\n\tfi\n\tcase \"${before[0]} ${before[1]}\" in\n")
	for _, p := range inOrderOfMatching(places) {
		fmt.Fprintf(&b, "\t%s)\n", p.pattern())
		if p.isSubcommand() {
			b.WriteString("\t\tcase $option in\n")
			writeBashValues(&b, p.choices)
			b.WriteString("\t\tesac\n")
		}
		if len(p.words) > 0 {
			fmt.Fprintf(&b, "\t\t[[ ${before[1]} ]] || _ipvsadm_options %s\n", quote(strings.Join(p.words, " ")))
		}
		fmt.Fprintf(&b, "\t\t_ipvsadm_options %s ;;\n", quote(strings.Join(optionNames(p.choices), " ")))
	}
	b.WriteString("\tesac\n}\ncomplete -F _ipvsadm ipvsadm\n")
	return b.String()
}

// writeBashValues writes a case for each option with a value. A value that may be
// left out is certain only behind an equals sign.
func writeBashValues(b *strings.Builder, choices []choice) {
	for _, c := range choices {
		end := "return ;;"
		if c.optional {
			end = "[[ $prefix ]] && return ;;"
		}
		if c.value != (value{}) {
			fmt.Fprintf(b, "\t\t%s) %s; %s\n", c.pattern(), c.value.call("_ipvsadm_"), end)
		}
	}
}

// pattern matches the names of an option, the short one also behind others, as
// the t of -At.
func (c *choice) pattern() string {
	text := strings.Join(c.names, "|")
	if short := c.names[0]; len(short) == 2 {
		text = short + "|-[!-]*" + short[1:] + text[2:]
	}
	return text
}

// pattern matches the first two words of a line that is at the place, or goes on
// from it.
func (p *place) pattern() string {
	if len(p.heads) == 0 {
		return "' '"
	}
	var list []string
	for _, head := range p.heads {
		switch {
		case len(head) == 2: // other options may follow at once
			list = append(list, head+"*")
		case strings.Contains(head, " "):
			list = append(list, quote(head))
		default:
			list = append(list, quote(head+" ")+"*")
		}
	}
	return strings.Join(list, "|")
}

// inOrderOfMatching puts places with longer heads first: sched predict before
// sched.
func inOrderOfMatching(places []place) (list []place) {
	for _, long := range []bool{true, false} {
		for _, p := range places {
			if (len(p.heads) == 1 && strings.Contains(p.heads[0], " ")) == long {
				list = append(list, p)
			}
		}
	}
	return list
}
