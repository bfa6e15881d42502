package schedule

import (
	"fmt"
	"strings"

	"ipvsadm/sched"
)

// list shows all schedulers.
func (c *command) list() error {
	found := presences(c.env.Root)
	t := table{header: []string{"name", "module", "kernel", "flags", "the next connection goes to"}}
	for _, s := range sched.All() {
		t.rows = append(t.rows, []string{
			s.Name, s.Module(), string(found[s.Name]), strings.Join(ownFlags(s.Name), "\n"), wrap(s.Summary, 35),
		})
	}
	c.write(t)
	c.out.WriteByte('\n')
	c.paragraph("", "loaded: in this kernel now; available: a module that the kernel loads when a service wants it; "+
		"absent: neither; unknown: there is no list of this kernel's modules. `ipvsadm sched NAME' explains one.")
	return nil
}

// ownFlags returns the words for the flags that a scheduler reads.
func ownFlags(name string) []string {
	var own []string
	for _, word := range sched.FlagNames(name, sched.Flag1|sched.Flag2|sched.Flag3) {
		if strings.HasPrefix(word, name+"-") {
			own = append(own, word)
		}
	}
	return own
}

// explain says all there is to say of a scheduler.
func (c *command) explain(s sched.Scheduler) error {
	g := s.Guide()
	fmt.Fprintf(c.out, "%s (module %s, in this kernel: %s)\n\n", s.Name, s.Module(), presences(c.env.Root)[s.Name])
	c.paragraph("", g.About)
	for _, part := range [][2]string{{"Use it", g.Use}, {"Avoid it", g.Avoid}, {"Rule", g.Formula}, {"Flags", flagsText(s.Name)}} {
		fmt.Fprintf(c.out, "\n%s:\n", part[0])
		c.paragraph("  ", part[1])
	}
	if strings.ContainsAny(g.Formula, "WAI") {
		legend := "W is a server's weight, A its active and I its inactive connections. Servers at weight 0 and overloaded ones get nothing."
		if strings.Contains(g.Formula, "256") {
			legend += " Kernels that count all connections of a server together, as 6.1.192 and 6.12.117 do, have 257 for 256."
		}
		c.out.WriteByte('\n')
		c.paragraph("", legend)
	}
	return c.example(s.Name)
}

// flagsText says what the flags of a scheduler do and how they are spelled.
func flagsText(name string) string {
	own := ownFlags(name)
	if len(own) == 0 {
		return "none"
	}
	return fmt.Sprintf("-b %s: if the server of the bucket is out, other buckets are tried. -b %s: the client's port is hashed too, "+
		"so that the connections of one client spread. Both: -b %s.", own[0], own[1], strings.Join(own, ","))
}
