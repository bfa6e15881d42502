package main

import (
	"bufio"
	"cmp"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/testdata/lab/checks"
)

// twin is a director with one of two health checkers, keepalived's or ours: both
// have the same addresses, servers and configuration, so that what they tell can be
// compared word for word.
type twin struct {
	*checks.Director
	t   *testing.T
	dir string

	mu sync.Mutex
	// heard is what was told since the last time somebody asked.
	heard told
	at    time.Time // of the last of it
	known int       // lines of programs that were heard
	stops map[string]func()
}

// told is what a checker told: mails, lines of the FIFO, and programs with what
// they were given.
type told struct{ mails, lines, programs []string }

// newTwins makes both, on machines whose names end in a text. In the
// configuration DIR is a directory of each.
func newTwins(t *testing.T, suffix string, prepare func(*twin), config string) [2]*twin {
	t.Helper()
	var both [2]*twin
	for i, d := range checks.Directors(t, filepath.Join(os.Getenv(programsVar), "ipvsadm"), suffix) {
		w := &twin{Director: d, t: t, stops: map[string]func(){}}
		both[i] = w
		w.world()
		if prepare != nil {
			prepare(w)
		}
		w.configure(config)
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("the log of %s:\n%s", w.Name, w.Log())
			}
		})
		w.Start(w.path("conf"), w.dir)
	}
	return both
}

func (w *twin) path(name string) string { return filepath.Join(w.dir, name) }

func (w *twin) configure(config string) {
	w.t.Helper()
	if err := os.WriteFile(w.path("conf"), []byte(strings.ReplaceAll(config, "DIR", w.dir)), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// note is a program that writes down how it was run: by whom, and with what.
const note = `#!/bin/sh
args=$*
while read -r key rest; do
	set -- $rest
	case $key in
	Uid:) uid=$*;;
	Gid:) gid=$*;;
	Groups:) groups=$*;;
	NSpgid:) [ "$1" = $$ ] && leads=leads;;
	esac
done < /proc/$$/status
vars=$(export -p)
[ "$groups" = "${gid%% *}" ] && groups=
echo "$args | uid $uid, gid $gid, groups $groups, $leads |" $vars >> DIR/programs
`

// world makes what there is besides the checker: a mail server, a FIFO, programs.
func (w *twin) world() {
	t := w.t
	t.Helper()
	var err error
	if w.dir, err = os.MkdirTemp("/run", "twin"); err != nil { // where others come to, too
		t.Fatal(err)
	}
	os.Chmod(w.dir, 0o755)
	t.Cleanup(func() { os.RemoveAll(w.dir) })
	for name, mode := range map[string]os.FileMode{"note": 0o755, "programs": 0o666} {
		text := ""
		if name == "note" {
			text = strings.ReplaceAll(note, "DIR", w.dir)
		}
		if err := os.WriteFile(w.path(name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		os.Chmod(w.path(name), mode) // whatever the umask
	}
	w.up("127.0.0.1:25", w.takeMail)
	if err := unix.Mkfifo(w.path("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	os.Chmod(w.path("fifo"), 0o666) // also for those who are not root
	f, err := os.OpenFile(w.path("fifo"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	go func() {
		for s := bufio.NewScanner(f); s.Scan(); {
			w.hear(func(h *told) { h.lines = append(h.lines, s.Text()) })
		}
	}()
}

func (w *twin) hear(what func(*told)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	what(&w.heard)
	w.at = time.Now()
}

// up has a server listen, down has it stop.
func (w *twin) up(addr string, serve func(net.Conn)) {
	w.t.Helper()
	if w.stops[addr] != nil {
		return
	}
	l, err := w.NS.Listen("tcp", addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.stops[addr] = func() { l.Close() }
	w.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(time.Minute))
				serve(c)
			}()
		}
	}()
}

func (w *twin) down(addr string) {
	if stop := w.stops[addr]; stop != nil {
		stop()
	}
	delete(w.stops, addr)
}

// upUDP is up for a server that answers with the datagram it got, changed.
func (w *twin) upUDP(addr string, change func([]byte)) {
	w.t.Helper()
	if w.stops[addr] != nil {
		return
	}
	var c net.PacketConn
	var err error
	w.NS.Do(func() { c, err = net.ListenPacket("udp", addr) })
	if err != nil {
		w.t.Fatal(err)
	}
	w.stops[addr] = func() { c.Close() }
	w.t.Cleanup(func() { c.Close() })
	go func() {
		for b := make([]byte, 1500); ; {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			change(b[:n])
			c.WriteTo(b[:n], from)
		}
	}()
}

// write puts a file in the place of another, whole at once: it may be in use.
func (w *twin) write(name, text string, mode os.FileMode) {
	w.t.Helper()
	if err := os.WriteFile(w.path(name+".new"), []byte(text), mode); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(w.path(name+".new"), w.path(name)); err != nil {
		w.t.Fatal(err)
	}
}

// date is the only line of a mail that is different each time.
var date = regexp.MustCompile(`(?m)^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000(\r?)$`)

// takeMail is the mail server: it keeps all that it is told, word for word.
func (w *twin) takeMail(c net.Conn) {
	r, data := bufio.NewReader(c), false
	var said strings.Builder
	fmt.Fprint(c, "220 hello\r\n")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			break
		}
		said.WriteString(line)
		switch {
		case data && line == ".\r\n":
			data = false
			fmt.Fprint(c, "250 taken\r\n")
		case data:
		case line == "DATA\r\n":
			data = true
			fmt.Fprint(c, "354 go on\r\n")
		case line == "QUIT\r\n":
			fmt.Fprint(c, "221 bye\r\n")
		default:
			fmt.Fprint(c, "250 fine\r\n")
		}
	}
	if said.Len() == 0 {
		return // the checker ended before it had said anything
	}
	w.hear(func(h *told) { h.mails = append(h.mails, date.ReplaceAllString(said.String(), "Date: DATE$1")) })
}

// toldList is one kind of what was told.
type toldList struct {
	name string
	told []string
}

// settle waits until each has told at least so much as is asked of it, and then
// nothing for a while. It looks at all of them each time: what programs have
// written is only noticed, and its time taken, when somebody looks.
func settle(t *testing.T, least map[*twin]int) {
	t.Helper()
	const quiet, limit = 2 * time.Second, 3 * time.Minute
	for begun := time.Now(); time.Since(begun) < limit; time.Sleep(100 * time.Millisecond) {
		settled := time.Since(begun) > quiet
		for w, n := range least {
			settled = w.quiet(n, quiet) && settled
		}
		if settled {
			return
		}
	}
	t.Errorf("after %v not all is told, or still more comes", limit)
}

// quiet says whether it has told so much, and then nothing for a while.
func (w *twin) quiet(least int, span time.Duration) bool {
	w.takePrograms()
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.heard.lines)+len(w.heard.mails)+len(w.heard.programs) >= least && time.Since(w.at) > span
}

// takeTold returns what it told since the last time: mails and programs sorted,
// for there is no order among them, and lines by virtual server.
func (w *twin) takeTold() []toldList {
	w.mu.Lock()
	h := w.heard
	w.heard = told{}
	w.mu.Unlock()
	slices.Sort(h.mails)
	slices.Sort(h.programs)
	slices.SortStableFunc(h.lines, func(a, b string) int { return cmp.Compare(service(a), service(b)) })
	return []toldList{{"mails", h.mails}, {"lines", h.lines}, {"programs", h.programs}}
}

// service is the virtual server that a line of the FIFO is about.
func service(line string) string {
	words := strings.Fields(line)
	if len(words) > 1 {
		return words[len(words)-2]
	}
	return ""
}

// takePrograms takes in what the programs have written.
func (w *twin) takePrograms() {
	text, err := os.ReadFile(w.path("programs"))
	if err != nil {
		w.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(text) == 0 {
		lines = nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := w.known; len(lines) > n {
		for _, line := range lines[n:] {
			w.heard.programs = append(w.heard.programs, sortedVars(line))
		}
		w.known, w.at = len(lines), time.Now()
	}
}

// sortedVars sorts the variables in a line of note.
func sortedVars(line string) string {
	head, vars, _ := strings.Cut(line, "| export ")
	all := strings.Split(vars, " export ")
	slices.Sort(all)
	return head + "| export " + strings.Join(all, " export ")
}
