package main

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"
)

// stage is where the scenario is shown while it runs.
type stage struct {
	mu    sync.Mutex
	out   io.Writer
	start time.Time
	marks []mark
	over  bool // logs are not shown any more
}

// mark is the beginning of a step.
type mark struct {
	at   time.Time
	name string
}

func newStage(out io.Writer) *stage { return &stage{out: out, start: time.Now()} }

func (s *stage) printf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format, args...)
}

// heading begins a step.
func (s *stage) heading(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marks = append(s.marks, mark{time.Now(), name})
	fmt.Fprintf(s.out, "\n=== %5.1f s: %s\n\n", time.Since(s.start).Seconds(), name)
}

// configs shows the configurations as typed.
func (s *stage) configs() {
	for i, conf := range []string{masterConf, backupConf} {
		s.printf("[root@director%d ~]# cat keepalived.conf\n%s", i+1, conf)
		s.printf("# The post's file, but for the braces in lines %v, which it forgets.\n", addedLines(conf))
		s.printf("[root@director%d ~]# ipvsadm vrrp -f keepalived.conf\n\n", i+1)
	}
	s.printf("# In the other lab: keepalived -f keepalived.conf, with the same two files.\n" +
		"# rs1 and rs2 have the VIP on lo, arp_ignore 1 and arp_announce 2, as in the demo without \"ha\".\n")
}

// tables shows the table of each director.
func (s *stage) tables(sides []*side) {
	var text strings.Builder
	for i := range sides[0].directors {
		mine, theirs := sides[0].directors[i].table(), sides[1].directors[i].table()
		fmt.Fprintf(&text, "\n[root@director%d ~]# ipvsadm -L -n\n%s", i+1, mine)
		if steady(mine) == steady(theirs) {
			fmt.Fprintf(&text, "# the same with keepalived\n")
		} else {
			fmt.Fprintf(&text, "# with keepalived\n%s", theirs)
		}
	}
	s.printf("%s", text.String())
}

// steady is a listing without its numbers of connections.
func steady(listing string) string {
	return regexp.MustCompile(`(?m) +\d+ +\d+ *$`).ReplaceAllString(listing, "")
}

// log returns where a director's log goes: the lines that matter here are shown.
func (s *stage) log(side, machine string) io.Writer {
	return &logLines{stage: s, side: side, machine: machine}
}

type logLines struct {
	stage         *stage
	side, machine string
	mu            sync.Mutex // both outputs of a process may come here
	rest          []byte
}

var (
	// matters are the lines of a log that tell who answers and why.
	matters = regexp.MustCompile(`STATE|failed|Removing service|Adding service|quorum|higher priority|Receive advertisement timeout|success`)
	// stamp is what the daemons begin their lines with.
	stamp = regexp.MustCompile(`^(\w{3} )?\w{3} [ \d]\d \d\d:\d\d:\d\d(\.\d+| \d{4}:) `)
)

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte{'\n'})
		if !whole {
			return len(p), nil
		}
		l.rest = rest
		if text := stamp.ReplaceAll(line, nil); matters.Match(text) {
			l.stage.logged(l.side, l.machine, text)
		}
	}
}

// logged shows a line of a log.
func (s *stage) logged(side, machine string, line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		fmt.Fprintf(s.out, "%7.1f s  %-10s %-9s  %s\n", time.Since(s.start).Seconds(), side, machine, line)
	}
}

// end stops showing logs: what comes is only the end of the demo.
func (s *stage) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
}

// timeline shows who answered when on both sides. Seconds that are alike are one
// line.
func (s *stage) timeline(sides []*side) {
	a, b := sides[0].requests.seconds(s.start), sides[1].requests.seconds(s.start)
	n := min(len(a), len(b))
	var text strings.Builder
	fmt.Fprintf(&text, "\n=== Who answered: requests answered by rs1 and rs2, and lost\n\n")
	fmt.Fprintf(&text, "%-9s   %-10s %5s %5s %5s   %-10s %5s %5s %5s\n", "", "ours", "rs1", "rs2", "lost", "keepalived", "rs1", "rs2", "lost")
	marks := s.marks[1:]
	for i := 0; i < n; {
		for len(marks) > 0 && int(marks[0].at.Sub(s.start)/time.Second) <= i {
			fmt.Fprintf(&text, "%4d s: %s\n", i, marks[0].name)
			marks = marks[1:]
		}
		sumA, sumB, j := a[i], b[i], i+1
		for ; j < n && a[j].same(sumA) && b[j].same(sumB); j++ {
			if len(marks) > 0 && int(marks[0].at.Sub(s.start)/time.Second) <= j {
				break
			}
			sumA, sumB = sumA.plus(a[j]), sumB.plus(b[j])
		}
		if sumA != (second{}) {
			fmt.Fprintf(&text, "%4d-%-4d   %-10s %5d %5d %5d   %-10s %5d %5d %5d\n",
				i, j, sumA.holder, sumA.rs1, sumA.rs2, sumA.lost, sumB.holder, sumB.rs1, sumB.rs2, sumB.lost)
		}
		i = j
	}
	s.printf("%s", text.String())
}

// summary shows what each step cost, and returns the exit code.
func (s *stage) summary(done []outcome, sides []*side) int {
	code := 0
	s.printf("\n=== Requests lost, and the time from the first to the last of them\n\n%-34s  %-34s  %-34s  %s\n",
		"", "ours", "keepalived", "at most")
	for _, o := range done {
		s.printf("%-34s  %-34v  %-34v  %.1f s\n", o.step.name, o.loss[0], o.loss[1], o.allowed().Seconds())
		s.printf("    at most %.1f s: %s; %.1f s: the guest, one slow CPU for all\n",
			o.step.allowed.Seconds(), o.step.why, (slack + o.stall).Seconds())
		for i, side := range sides {
			switch {
			case o.late[i] != nil:
				s.printf("    %s: %v\n", side.kind.name, o.late[i])
			case !o.within(i):
				s.printf("    %s lost requests for longer than it may\n", side.kind.name)
			}
		}
		if !o.within(0) {
			code = 1
		}
	}
	s.printf("\nUnclear: lost while the guest itself stood still for more than %.1f s, since the machine had other things to do.\n", muchStall.Seconds())
	verdict := "Ours stayed within what the timers allow."
	if code != 0 {
		verdict = "Ours did NOT stay within what the timers allow."
	}
	s.printf("\n%s\n", verdict)
	return code
}
