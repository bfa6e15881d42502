package rules

import (
	"strings"

	"github.com/spf13/pflag"

	"ipvsadm/sched"
)

const helpHead = `
Shows and changes the kernel's table of virtual services and their servers.

  ipvsadm                                    list the table
  ipvsadm -L [SERVICE] [listing options]     list as you like it
  ipvsadm -A|-E SERVICE [service options]    add or replace a virtual service
  ipvsadm -D SERVICE                         remove it
  ipvsadm -a|-e SERVICE -r HOST:PORT [server options]
                                             add or replace a real server
  ipvsadm -d SERVICE -r HOST:PORT            remove it
  ipvsadm -S [-n] > FILE                     save the table
  ipvsadm -R < FILE                          add what was saved
  ipvsadm -C | -Z [SERVICE]                  remove everything; reset counters
  ipvsadm --set TCP TCPFIN UDP               set timeouts
  ipvsadm --start-daemon|--stop-daemon master|backup [daemon options]

What ipvsadm 1.31 cannot do:

  ipvsadm -R --replace < FILE                make it the table, in place
  ipvsadm COMMAND --dry-run                  show what it would change
  ipvsadm -d SERVICE -r HOST:PORT --drain    remove it when its connections end
  ipvsadm -L --json, ipvsadm -R --json       the table as JSON, there and back
  ipvsadm -L --watch                         the table live, with rates
  ipvsadm completion bash|zsh|fish           a script for the shell
  ipvsadm vrrp|check|sched                   failover, health checks, schedulers

SERVICE is one of -t, -u, --sctp-service and -f. The command comes first.
IPv6 addresses with a port stand in brackets: [2001:db8::1]:80.
`

const helpTail = `
Examples:
  ipvsadm -A -t 192.168.40.17:80 -s rr
  ipvsadm -a -t 192.168.40.17:80 -r 192.168.40.18 -g -w 2
  ipvsadm -e -t 192.168.40.17:80 -r 192.168.40.18 -g -w 0
  ipvsadm -A -f 7 -6 -s sh -b sh-port -p 600
  ipvsadm -L -n --stats

Exit status: 0 done; 1 the listing failed, or a drain's time was over first; 2 a
mistake on the command line, or no IPVS; 3 a dry run found something to change;
255 an option that cannot be read, or the kernel refused.
`

// usage is an option as pflag sees it, which lays out the help. It knows no
// optional values as we write them, --watch[=SECONDS], so those are in the name.
type usage struct{ *spelling }

func (usage) String() string   { return "" }
func (usage) Set(string) error { return nil }

// Type names the value; pflag shows none for "bool".
func (u usage) Type() string {
	if u.value == "" || u.omitted != "" {
		return "bool"
	}
	return u.value
}

func (u usage) flag() *pflag.Flag {
	f := &pflag.Flag{Name: u.long, Usage: u.usage, Value: u}
	if u.short != 0 {
		f.Shorthand = string(u.short)
	}
	if u.omitted != "" {
		f.Name += "[=" + u.value + "]"
		f.Usage += " (" + u.omitted + " if left out)"
	}
	return f
}

// helpText is what -h prints after the version. The option table is its source,
// so that it names what scan reads, no more and no less.
func helpText() string {
	var b strings.Builder
	b.WriteString(helpHead)
	for _, g := range optionTable {
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		set.SortFlags = false
		for i := range g.options {
			if s := &g.options[i]; s.usage != "" { // else a second spelling of the one before
				set.AddFlag(usage{s}.flag())
			}
		}
		b.WriteString("\n" + g.title + ":\n" + set.FlagUsagesWrapped(80))
	}
	b.WriteString("\nSchedulers, explained by ipvsadm sched:\n ")
	for _, s := range sched.All() {
		b.WriteString(" " + s.Name)
	}
	b.WriteByte('\n')
	b.WriteString(helpTail)
	return b.String()
}
