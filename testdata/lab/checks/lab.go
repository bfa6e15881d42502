package checks

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/testdata/lab/uml"
)

const (
	// least is how long a phase goes on at least: a server that says nothing has
	// been given up by then.
	least = 6 * time.Second
	// most is how long one may go on. It ends before, when all is as it should be.
	most = 4 * time.Minute
	// again is how long it must stay so.
	again = 1500 * time.Millisecond
	// enough is how often each checker must have been at each server.
	enough = 3
	// forgotten is how often keepalived has been at half of the servers when one at
	// which it was not enough times is forgotten by it.
	forgotten = 4 * enough
)

// Lab has both checkers at work on all cases.
type Lab struct {
	t       testing.TB
	cases   []Case
	sides   [2]*Director // keepalived, ours
	servers *uml.NetNS
	reals   [][]*server // by case
}

// New starts everything: servers, keepalived, and the program that is ours. It
// all ends with the test.
func New(t testing.TB, program string, cases []Case) *Lab {
	t.Helper()
	l := &Lab{t: t, cases: cases, sides: Directors(t, program, "")}
	l.network()
	dir := t.TempDir()
	var conf strings.Builder
	conf.WriteString("global_defs {\n\tscript_user root\n\tmax_auto_priority -1\n}\n")
	for i := range cases {
		var servers []*server
		for j := range cases[i].Reals {
			s := &server{ns: l.servers, address: cases[i].real(i, j), file: file(dir, i, j)}
			if err := s.become(cases[i].Reals[j].behaviour(0)); err != nil {
				t.Fatal(err)
			}
			servers = append(servers, s)
		}
		l.reals = append(l.reals, servers)
		conf.WriteString(cases[i].config(i, dir))
	}
	name := filepath.Join(dir, "check.conf")
	if err := os.WriteFile(name, []byte(conf.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, d := range l.sides {
		d.Start(name, dir)
	}
	return l
}

// Change makes the servers do what they do in a phase, 0 or 1.
func (l *Lab) Change(phase int) {
	for i := range l.cases {
		for j := range l.cases[i].Reals {
			if err := l.reals[i][j].become(l.cases[i].Reals[j].behaviour(phase)); err != nil {
				l.t.Fatal(err)
			}
		}
	}
}

// Row is what became of a case on both sides.
type Row struct {
	Case         *Case
	Theirs, Ours string // the table, as in Case.Want
	// Rest says how the services differ in what Theirs and Ours do not tell.
	Rest string
	// Unchecked names a checker that was not often enough at a server.
	Unchecked string
	// Forgotten says that keepalived was at the server so seldom, and so often at
	// others, that it does not check it any more, which happens to it when the
	// machine is slow: only ours is to be as it should be.
	Forgotten bool
	number    int
}

// Settle waits until all cases of a phase are as they should be, or until it is
// clear that they will not, and returns a row for each.
func (l *Lab) Settle(phase int) []Row {
	begin := time.Now()
	for {
		rows := l.rows()
		if good := l.good(rows, phase); time.Since(begin) > most || good && time.Since(begin) > least {
			time.Sleep(again)
			if rows = l.rows(); !good || l.good(rows, phase) {
				return rows
			}
		}
		if !l.sides[0].Running() || !l.sides[1].Running() {
			return rows
		}
		time.Sleep(time.Second)
	}
}

func (l *Lab) good(rows []Row, phase int) bool {
	return !slices.ContainsFunc(rows, func(r Row) bool { return r.Wrong(phase) != "" })
}

// anything is a Want that is not looked at.
const anything = "anything"

// Wrong says what is not as it should be, "" for nothing.
func (r *Row) Wrong(phase int) string {
	theirs, ours := r.Case.wants(phase)
	var wrong []string
	if theirs == anything || r.Forgotten {
		theirs = anything
	}
	if r.Theirs != theirs && theirs != anything {
		wrong = append(wrong, fmt.Sprintf("keepalived has %s, the case says %s", r.Theirs, theirs))
	}
	if r.Ours != ours {
		wrong = append(wrong, fmt.Sprintf("ours has %s, want %s", r.Ours, ours))
	}
	if r.Rest != "" && theirs == ours {
		wrong = append(wrong, r.Rest)
	}
	if r.Unchecked != "" && theirs != anything {
		wrong = append(wrong, r.Unchecked)
	}
	return strings.Join(wrong, "; ")
}

// Logs are the last lines that both sides have logged about a case.
func (l *Lab) Logs(r Row) string {
	words := []string{"[" + r.Case.vip(r.number) + "]", " " + r.Case.vip(r.number) + ":"}
	for i := range r.Case.Reals {
		words = append(words, "["+r.Case.real(r.number, i)+"]")
	}
	text := ""
	for _, s := range l.sides {
		text += s.Name + ":\n" + s.logged(12, words...)
		if !s.Running() {
			text += "\tit has ended\n" + s.logged(12, "")
		}
	}
	return text
}

// rows reads both tables.
func (l *Lab) rows() []Row {
	var tables [2]map[ipvs.ServiceKey]ipvs.Entry
	for i, s := range l.sides {
		var err error
		if tables[i], err = s.table(); err != nil {
			l.t.Fatalf("the table of %s: %v", s.Name, err)
		}
	}
	late := l.usual() >= forgotten
	rows := make([]Row, len(l.cases))
	for i := range l.cases {
		c := &l.cases[i]
		theirs, had := l.find(tables[0], c, i)
		ours, have := l.find(tables[1], c, i)
		rows[i] = Row{Case: c, number: i, Theirs: c.show(theirs, had, i), Ours: c.show(ours, have, i)}
		l.unchecked(&rows[i], late)
		if had && have && !reflect.DeepEqual(theirs, ours) {
			rows[i].Rest = fmt.Sprintf("keepalived has %+v, ours %+v", theirs, ours)
		}
	}
	return rows
}

// find returns the service of a case.
func (l *Lab) find(table map[ipvs.ServiceKey]ipvs.Entry, c *Case, n int) (ipvs.Entry, bool) {
	vip := netip.AddrPortFrom(netip.MustParseAddr(c.vip(n)), 80)
	var mark uint32
	fmt.Sscanf(c.Address, "fwmark %d", &mark)
	for k, e := range table {
		if mark == 0 && k.Addr == vip || mark != 0 && k.FWMark == mark {
			return e, true
		}
	}
	return ipvs.Entry{}, false
}

// show writes a service as Case.Want does.
func (c *Case) show(e ipvs.Entry, there bool, n int) string {
	if !there {
		return "gone"
	}
	var servers []string
	for _, d := range e.Destinations {
		name := d.Addr.String()
		switch d.Addr.Addr().String() {
		case c.sorry(n):
			name = "s"
		default:
			for i := range c.Reals {
				if d.Addr.Addr().String() == c.real(n, i) {
					name = fmt.Sprint(i + 1)
				}
			}
		}
		servers = append(servers, fmt.Sprintf("%s:%d", name, d.Weight))
	}
	if len(servers) == 0 {
		return "-"
	}
	return strings.Join(servers, " ")
}

// usual is how often keepalived has been at half of the servers.
func (l *Lab) usual() int {
	var all []int
	for i, servers := range l.reals {
		for j, s := range servers {
			if times, told := s.visited(l.cases[i].Reals[j].Block, l.sides[0]); told {
				all = append(all, times)
			}
		}
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// unchecked finds a checker that was not often enough at the servers of a row. late
// says that it should have been there long ago.
func (l *Lab) unchecked(r *Row, late bool) {
	for i, s := range l.reals[r.number] {
		for _, side := range l.sides {
			times, told := s.visited(r.Case.Reals[i].Block, side)
			if !told || times >= enough {
				continue
			}
			r.Unchecked = fmt.Sprintf("%s was at server %d only %d times", side.Name, i+1, times)
			if side == l.sides[0] && r.Case.Want[0] != anything {
				r.Forgotten = r.Forgotten || late
			}
		}
	}
}
