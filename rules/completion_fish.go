package rules

import "strings"

const fishHead = `# Completion of ipvsadm for fish, made by "ipvsadm completion fish".
function __ipvsadm_at
	set -l line (commandline -opc)
	set -e line[1]
	for pattern in $argv
		string match -q -- $pattern "$line[1] $line[2]"; and return
	end
	return 1
end
function __ipvsadm_list
	set -l word (commandline -ct | string replace -r '^--[^=]*=' '')
	set -l before (string match -r '.*,' -- $word)
	set -l words $argv[1]
	test -n "$before"; and set words $argv[2]
	for word in (string split ' ' -- $words)
		echo "$before$word"
	end
end
function __ipvsadm_words
	string split ' ' -- $argv[1]
end
function __ipvsadm_table
	test -e /proc/net/ip_vs; and ipvsadm -S -n 2>/dev/null
end
function __ipvsadm_service
	__ipvsadm_at '-A*' '--add-service *'; and return
	__ipvsadm_table | sed -n "s/^-A $argv[1] \([^ ]*\).*/\1/p"
end
function __ipvsadm_server
	set -l service ' '
	if not __ipvsadm_at '-a*' '--add-server *'
		set -l option
		for word in (commandline -opc)
			string match -qr -- '^(-[^-]*[tuf]|--.*-service)$' "$option"; and set service " $word "
			set option $word
		end
	end
	__ipvsadm_table | grep -F -e "$service" | sed -n 's/^-a .* -r \([^ ]*\).*/\1/p'
end
function __ipvsadm_interface
	ls /sys/class/net
end
complete -c ipvsadm -f
`

func fishCompletion(places []place) string {
	var b strings.Builder
	b.WriteString(fishHead)
	const complete = "complete -c ipvsadm -n "
	for _, p := range places {
		if len(p.words) > 0 {
			itself := "' '"
			if p.isSubcommand() {
				itself = quote(p.heads[0] + " ")
			}
			b.WriteString(complete + quote("__ipvsadm_at "+itself) + " -a " + quote(strings.Join(p.words, " ")) + "\n")
		}
		for _, c := range p.choices {
			b.WriteString(complete + quote(p.fishCondition(places, &c)))
			writeFish(&b, &c)
		}
	}
	return b.String()
}

// fishCondition says when an option may stand there. A command with a value
// stands before it, too.
func (p *place) fishCondition(places []place, c *choice) string {
	if len(p.heads) == 0 {
		if c.value == (value{}) {
			return "__ipvsadm_at ' '"
		}
		return "__ipvsadm_at ' ' " + fishPatterns(c.names)
	}
	longer := ""
	for _, other := range places {
		if len(other.heads) > 0 && strings.HasPrefix(other.heads[0], p.heads[0]+" ") {
			longer += " " + quote(other.heads[0])
		}
	}
	text := "__ipvsadm_at " + fishPatterns(p.heads)
	if longer != "" {
		text += "; and not __ipvsadm_at" + longer
	}
	return text
}

func fishPatterns(heads []string) string {
	var list []string
	for _, head := range heads {
		switch {
		case len(head) == 2:
			head += "*"
		case !strings.Contains(head, " "):
			head += " *"
		}
		list = append(list, quote(head))
	}
	return strings.Join(list, " ")
}

func writeFish(b *strings.Builder, c *choice) {
	for _, name := range c.names {
		if long, ok := strings.CutPrefix(name, "--"); ok {
			b.WriteString(" -l " + long)
		} else {
			b.WriteString(" -s " + name[1:])
		}
	}
	switch helper := c.value.helper; {
	case helper == "file":
		b.WriteString(" -r -F")
	case helper != "" && !c.optional:
		b.WriteString(" -x")
	}
	switch c.value.helper {
	case "", "any", "file":
	default:
		b.WriteString(" -a " + quote("("+c.value.call("__ipvsadm_")+")"))
	}
	if c.usage != "" {
		b.WriteString(" -d " + quote(c.usage))
	}
	b.WriteByte('\n')
}
