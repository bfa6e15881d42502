package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/rules"
	"ipvsadm/testdata/lab/uml"
)

// killsVar says how often TestReplaceKilled kills the program in each kind of
// change, and replacementsVar how many replacements the connections of
// TestConnectionsSurviveReplacements have to survive.
const (
	killsVar        = "REPLACE_KILLS"
	replacementsVar = "REPLACEMENTS"
)

// serviceStream is a saved table of services on the given ports of 10.1.x.y, of
// which one in so many has other settings.
func serviceStream(n int, port, server string, otherEvery int) string {
	var b strings.Builder
	for i := range n {
		scheduler, weight := "rr", 1
		if otherEvery > 0 && i%otherEvery == 0 {
			scheduler, weight = "wlc -p 60", 5
		}
		name := fmt.Sprintf("-t 10.1.%d.%d:%s", i>>8, i&255, port)
		fmt.Fprintf(&b, "-A %s -s %s\n-a %s -r 10.2.0.%s:80 -m -w %d\n", name, scheduler, name, server, weight)
	}
	return b.String()
}

// tableRow is a service, with the zero address, or a real server.
type tableRow struct {
	service ipvs.ServiceKey
	addr    netip.AddrPort
}

func tableRows(c *ipvs.Client) (map[tableRow]bool, error) {
	table, err := c.Table(ipvs.Query{})
	rows := make(map[tableRow]bool, 2*len(table))
	for _, e := range table {
		rows[tableRow{service: e.ServiceKey}] = true
		for _, d := range e.Destinations {
			rows[tableRow{e.ServiceKey, d.Addr}] = true
		}
	}
	return rows, err
}

func streamOps(t *testing.T, stream string) []ipvs.Op {
	t.Helper()
	ops, err := rules.ReadOps(strings.NewReader(stream), rules.NewSystemNames())
	if err != nil {
		t.Fatal(err)
	}
	return ops
}

// TestReplaceKilled kills "ipvsadm -R --replace" at random moments, while a
// watcher reads the table all the time: what is in both tables is always there,
// nothing is that is in neither, and run again the program comes to its end.
func TestReplaceKilled(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		kills := int(number(t, killsVar, 4))
		old := serviceStream(1000, "80", "1", 0)
		tenth := strings.SplitAfter(serviceStream(1000, "80", "1", 20), "\n") // one in 20 edited
		for i := 2; i+1 < len(tenth); i += 40 {                               // and one in 20 replaced
			tenth[i], tenth[i+1] = strings.ReplaceAll(tenth[i], ":80 ", ":81 "), strings.ReplaceAll(tenth[i+1], ":80 -r 10.2.0.1:", ":81 -r 10.2.0.3:")
		}
		for _, tt := range []struct{ name, stream string }{
			{"same", old}, {"a tenth changed", strings.Join(tenth, "")}, {"disjoint", serviceStream(1000, "443", "2", 0)},
		} {
			t.Run(tt.name, func(t *testing.T) { killReplacing(t, kills, old, tt.stream) })
		}
	})
}

// killReplacing kills a replacement of old by stream so many times.
func killReplacing(t *testing.T, kills int, old, stream string) {
	c, err := ipvs.Open(ipvs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	reset := append([]ipvs.Op{ipvs.Flush{}}, streamOps(t, old)...)
	load := func() map[tableRow]bool {
		if errs := c.Do(reset...); errs != nil {
			t.Fatal(errs)
		}
		rows, err := tableRows(c)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	before := load()
	input := filepath.Join(t.TempDir(), "stream")
	if err := os.WriteFile(input, []byte(stream), 0o600); err != nil {
		t.Fatal(err)
	}
	replaceByProcess(t, input, nil)
	after, err := tableRows(c)
	if err != nil {
		t.Fatal(err)
	}
	w := watchTable(t, before, after)
	w.pause(func() { load() })
	began := time.Now()
	replaceByProcess(t, input, nil)
	whole := time.Since(began)
	killed, partial := 0, 0
	for i := range kills {
		w.pause(func() { load() })
		when := func(<-chan struct{}) { time.Sleep(rand.N(whole)) }
		if i%2 == 1 && changedRows(before, after) > 0 { // most of the time it reads; so half of the kills wait until it writes
			when = func(ended <-chan struct{}) {
				waitForAddition(c, before, after, ended)
				if i%4 == 1 { // else at once: few changes are soon made
					time.Sleep(rand.N(whole / 40))
				}
			}
		}
		if replaceByProcess(t, input, when) {
			killed++
		}
		now, err := tableRows(c)
		if err != nil {
			t.Fatal(err)
		}
		if !sameRows(now, before) && !sameRows(now, after) {
			partial++
		}
		replaceByProcess(t, input, nil)
		if now, err = tableRows(c); err != nil || !sameRows(now, after) {
			t.Errorf("run again it did not come to its end: %d rows of %d, %v", len(now), len(after), err)
		}
	}
	looks, wrong := w.stop()
	t.Logf("%d kills of %d in time, %d of them between two changes; the watcher looked %d times, %d looks wrong; a run takes %d ms",
		killed, kills, partial, looks, wrong, whole.Milliseconds())
	if killed == 0 {
		t.Error("no kill came in time")
	}
	const many = 1000 // so many that there is time between them
	if partial == 0 && kills >= 50 && changedRows(before, after) >= many {
		t.Error("no kill came between two changes")
	}
}

// changedRows is how many rows are in one of two tables only.
func changedRows(a, b map[tableRow]bool) int {
	n := len(b)
	for r := range a {
		if b[r] {
			n--
		} else {
			n++
		}
	}
	return n
}

func sameRows(a, b map[tableRow]bool) bool {
	if len(a) != len(b) {
		return false
	}
	for r := range a {
		if !b[r] {
			return false
		}
	}
	return true
}

// waitForAddition waits until there is a service that was not there before, or
// the program has ended.
func waitForAddition(c *ipvs.Client, before, after map[tableRow]bool, ended <-chan struct{}) {
	var first []ipvs.ServiceKey
	for r := range after {
		if !before[r] && !r.addr.IsValid() {
			first = append(first, r.service)
		}
	}
	for {
		for _, k := range first[:min(len(first), 4)] {
			if _, err := c.Table(ipvs.Query{Service: k}); err == nil {
				return
			}
		}
		select {
		case <-ended:
			return
		case <-time.After(200 * time.Microsecond):
		}
	}
}

// replaceByProcess runs our program, and kills it when the function returns,
// which hears of its end. It says whether the kill came in time.
func replaceByProcess(t *testing.T, input string, when func(ended <-chan struct{})) bool {
	t.Helper()
	in, err := os.Open(input)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	cmd := exec.Command(filepath.Join(os.Getenv(programsVar), "ipvsadm"), "-R", "--replace")
	cmd.Stdin = in
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err = cmd.Wait()
	}()
	if when != nil {
		when(ended)
		_ = cmd.Process.Kill() // or it is at its end
	}
	<-ended
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); when != nil && status.Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil || said.Len() > 0 {
		t.Errorf("%v: %s", err, said.String())
	}
	return false
}

// watcher reads the table in a loop.
type watcher struct {
	idle, done   chan struct{}
	looks, wrong int
}

// watchTable begins to watch: every look must show what is in both tables, and
// nothing that is in neither.
func watchTable(t *testing.T, before, after map[tableRow]bool) *watcher {
	c, err := ipvs.Open(ipvs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &watcher{idle: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		defer c.Close()
		for {
			select {
			case _, open := <-w.idle:
				if !open {
					return
				}
				<-w.idle
			default:
			}
			now, err := tableRows(c)
			if err != nil {
				t.Error(err)
				return
			}
			w.looks++
			lost, strange := 0, 0
			for r := range before {
				if after[r] && !now[r] {
					lost++
				}
			}
			for r := range now {
				if !before[r] && !after[r] {
					strange++
				}
			}
			if lost+strange > 0 {
				w.wrong++
				t.Errorf("a look at the table: %d rows of both tables lost, %d rows of neither", lost, strange)
			}
		}
	}()
	return w
}

// pause calls f while the watcher does not look.
func (w *watcher) pause(f func()) {
	w.idle <- struct{}{}
	f()
	w.idle <- struct{}{}
}

func (w *watcher) stop() (looks, wrong int) {
	close(w.idle)
	<-w.done
	return w.looks, w.wrong
}

// TestReplaceSendsNoMoreThanNeeded reads the trace of what the kernel is sent.
func TestReplaceSendsNoMoreThanNeeded(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		// Of 40 services 4 are edited with their servers, and 2 are no longer.
		old, stream := serviceStream(40, "80", "1", 0), serviceStream(38, "80", "1", 10)
		replaceTraced(t, old, 0)
		for _, tt := range []struct {
			arg  string
			code int
			want string
		}{
			{"--dry-run", 3, ""},
			{"", 0, "4 edit service, 4 edit destination, 2 delete service"},
			{"", 0, ""},
			{"--dry-run", 0, ""},
		} {
			if got := replaceTraced(t, stream, tt.code, tt.arg); got != tt.want {
				t.Errorf("%s: the kernel was sent %q, want %q", tt.arg, got, tt.want)
			}
		}
	})
}

// replaceTraced replaces the table and returns how many changes of each kind the
// kernel was sent.
func replaceTraced(t *testing.T, stream string, code int, args ...string) (writes string) {
	t.Helper()
	var trace, errs strings.Builder
	got := rules.Main(rules.Env{
		Stdin: strings.NewReader(stream), Stdout: io.Discard, Stderr: &errs,
		LookupEnv: func(string) (string, bool) { return "", false },
		Open:      func() (rules.Kernel, error) { return ipvs.Open(ipvs.Options{Trace: &trace}) },
		Names:     rules.NewSystemNames(),
	}, append([]string{"ipvsadm", "-R", "--replace"}, strings.Fields(strings.Join(args, " "))...))
	if got != code || errs.Len() > 0 {
		t.Errorf("%v: exit code %d, stderr %q", args, got, errs.String())
	}
	var list []string
	for _, kind := range []string{"add service", "add destination", "edit service", "edit destination", "delete service", "delete destination", "flush"} {
		n := 0
		for line := range strings.Lines(trace.String()) {
			if words := strings.SplitN(line, " ", 4); words[1] == "send" && strings.HasPrefix(words[3], kind) {
				n++
			}
		}
		if n > 0 {
			list = append(list, fmt.Sprint(n, " ", kind))
		}
	}
	return strings.Join(list, ", ")
}

// TestConnectionsSurviveReplacements keeps a connection through each of some
// services, and all of them are changed over and over again.
func TestConnectionsSurviveReplacements(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		const services = 20
		client, director := echoDirector(t)
		streams := [2]string{}
		for i := range services {
			name := fmt.Sprintf("-t 192.168.1.1:%d", 8000+i)
			streams[0] += fmt.Sprintf("-A %s -s rr\n-a %s -r 192.168.2.2:9000 -m -w 1\n", name, name)
			streams[1] += fmt.Sprintf("-A %s -s sh -b sh-port -p 77\n-a %s -r 192.168.2.2:9000 -m -w 0 -x 50 -y 5\n-a %s -r 192.168.2.9:9000 -m\n", name, name, name)
		}
		streams[1] += "-A -f 7 -s wlc\n-a -f 7 -r 192.168.2.9:0 -m\n"
		replace := func(i int) {
			in := filepath.Join(t.TempDir(), "stream")
			if err := os.WriteFile(in, []byte(streams[i%2]), 0o600); err != nil {
				t.Fatal(err)
			}
			director.Do(func() { replaceByProcess(t, in, nil) })
		}
		replace(0)
		conns := make([]net.Conn, services)
		for i := range conns {
			c, err := client.DialContext(t.Context(), "tcp", fmt.Sprintf("192.168.1.1:%d", 8000+i))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			conns[i] = c
		}
		n := int(number(t, replacementsVar, 12))
		broken := 0
		for round := range n {
			replace(round + 1)
			for i, c := range conns {
				if err := echo(c, fmt.Sprintf("%d %d\n", round, i)); err != nil {
					broken++
					t.Errorf("service %d, replacement %d: %v", i, round, err)
				}
			}
		}
		t.Logf("%d connections, %d replacements, %d broken", services, n, broken)
		director.Do(func() { checkCounted(t, services) })
	})
}

// checkCounted expects every service to remember its connection: it was never
// deleted and added again.
func checkCounted(t *testing.T, services int) {
	c, err := ipvs.Open(ipvs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	counted := 0
	// The kernel adds its processors' counters up every two seconds.
	for range 100 {
		table, err := c.Table(ipvs.Query{Detail: ipvs.Full})
		if err != nil {
			t.Fatal(err)
		}
		counted = 0
		for _, e := range table {
			if e.Stats.Conns == 1 {
				counted++
			}
		}
		if counted == services {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Errorf("%d services of %d remember their connection", counted, services)
}

// throughDirector returns a client at 192.168.1.2, a server at 192.168.2.2, and the
// director between them, 192.168.1.1 and 192.168.2.1.
func throughDirector(t *testing.T) (client, director, server *uml.NetNS) {
	client, director, server = uml.NewNetNS(t, "client"), uml.NewNetNS(t, "director"), uml.NewNetNS(t, "server")
	uml.Connect(t, client, "eth0", director, "eth0")
	uml.Connect(t, server, "eth0", director, "eth1")
	client.AddAddr(t, "eth0", "192.168.1.2/24")
	director.AddAddr(t, "eth0", "192.168.1.1/24")
	director.AddAddr(t, "eth1", "192.168.2.1/24")
	server.AddAddr(t, "eth0", "192.168.2.2/24")
	run(t, server, "ip route add default via 192.168.2.1")
	run(t, director, "sysctl -q -w net.ipv4.ip_forward=1")
	return client, director, server
}

// echoDirector returns a client and a director, behind which 192.168.2.2:9000
// sends lines back.
func echoDirector(t *testing.T) (client, director *uml.NetNS) {
	client, director, server := throughDirector(t)
	l, err := server.Listen("tcp", "192.168.2.2:9000")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	return client, director
}

// echo sends a line and expects it back.
func echo(c net.Conn, line string) error {
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, line); err != nil {
		return err
	}
	got, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && got != line {
		err = fmt.Errorf("sent %q, got %q", line, got)
	}
	return err
}
