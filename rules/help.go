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

Exit status: 0 done; 1 the listing failed; 2 a mistake on the command line, or
no IPVS; 255 an option that cannot be read, or the kernel refused.
`

// helpText is what -h prints after the version. The option table is its source,
// so that it names what scan reads, no more and no less.
func helpText() string {
	var b strings.Builder
	b.WriteString(helpHead)
	for _, g := range optionGroups() {
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		set.SortFlags = false
		for i := range g.flags {
			set.AddFlag(&g.flags[i])
		}
		b.WriteString("\n" + g.title + ":\n" + set.FlagUsagesWrapped(80))
	}
	b.WriteString("\nSchedulers:\n ")
	for _, s := range sched.All() {
		b.WriteString(" " + s.Name)
	}
	b.WriteByte('\n')
	b.WriteString(helpTail)
	return b.String()
}
