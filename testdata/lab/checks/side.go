package checks

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/ipvs"
	"ipvsadm/testdata/lab/uml"
)

// side is a director with one of the two checkers.
type side struct {
	name    string
	ns      *uml.NetNS
	address []netip.Addr // of both families
	kernel  *ipvs.Client
	log     logBuffer
	cmd     *exec.Cmd
	ended   chan struct{}
}

// start runs a checker on the director until the end of the test.
func (s *side) start(t testing.TB, argv ...string) {
	t.Helper()
	var err error
	s.cmd = exec.Command(argv[0], argv[1:]...)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	s.ns.Do(func() {
		if s.kernel, err = ipvs.Open(ipvs.Options{}); err == nil {
			err = s.cmd.Start()
		}
	})
	if err != nil {
		t.Fatalf("start %s: %v", s.name, err)
	}
	s.ended = make(chan struct{})
	go func() {
		s.cmd.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() {
		s.cmd.Process.Signal(unix.SIGTERM)
		select {
		case <-s.ended:
		case <-time.After(20 * time.Second):
			t.Errorf("%s does not end", s.name)
			s.cmd.Process.Kill()
		}
		s.kernel.Close()
	})
}

// running says whether the checker has not ended by itself.
func (s *side) running() bool {
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// processes are the checker and its children, by their numbers.
func (s *side) processes() []string {
	pid := fmt.Sprint(s.cmd.Process.Pid)
	children, _ := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	return append(strings.Fields(string(children)), pid)
}

// table is the kernel's table as far as it is configured, sorted.
func (s *side) table() (map[ipvs.ServiceKey]ipvs.Entry, error) {
	entries, err := s.kernel.Table(ipvs.Query{Detail: ipvs.Full})
	if err != nil {
		return nil, err
	}
	table := make(map[ipvs.ServiceKey]ipvs.Entry, len(entries))
	for _, e := range entries {
		plain := ipvs.Entry{}
		plain.Service = e.Service
		for _, d := range e.Destinations {
			plain.Destinations = append(plain.Destinations, ipvs.DestinationState{Destination: d.Destination})
		}
		slices.SortFunc(plain.Destinations, func(a, b ipvs.DestinationState) int {
			return cmp.Or(a.Addr.Addr().Compare(b.Addr.Addr()), cmp.Compare(a.Addr.Port(), b.Addr.Port()))
		})
		table[e.ServiceKey] = plain
	}
	return table, nil
}

// keepalived is the command that runs keepalived's checker.
func keepalived(conf, dir string) []string {
	return []string{"keepalived", "--check", "--dont-fork", "--log-console", "--log-detail", "--use-file", conf,
		"--pid", filepath.Join(dir, "main.pid"), "--checkers_pid", filepath.Join(dir, "checkers.pid")}
}

// our is the command that runs ours.
func our(program, conf, dir string) []string {
	return []string{program, "check", "-D", "-f", conf, "-p", filepath.Join(dir, "our.pid"), "--socket", filepath.Join(dir, "our.socket")}
}

// logBuffer holds what a process wrote.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// lines are the lines with any of the words, the last at most.
func (l *logBuffer) lines(most int, words ...string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for line := range strings.Lines(l.b.String()) {
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(line, w) }) {
			found = append(found, "\t"+line)
		}
	}
	if n := len(found) - most; n > 0 {
		found = append([]string{fmt.Sprintf("\t(%d more)\n", n)}, found[n:]...)
	}
	return strings.Join(found, "")
}

// network makes the switch, the servers and the directors.
func (l *Lab) network() {
	t := l.t
	t.Helper()
	sw := uml.NewBridge(t, "switch")
	l.servers = uml.NewNetNS(t, "servers")
	must := func(ns *uml.NetNS, line string) {
		t.Helper()
		argv := strings.Fields(line)
		ns.Do(func() {
			if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", line, err, out)
			}
		})
	}
	set := func(ns *uml.NetNS, name, value string) {
		t.Helper()
		ns.Do(func() {
			if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil {
				t.Fatal(err)
			}
		})
	}
	// Every refusal counts here, so none may be held back.
	set(l.servers, "ipv4/icmp_ratelimit", "0")
	set(l.servers, "ipv6/icmp/ratelimit", "0")
	set(l.servers, "ipv6/ip_nonlocal_bind", "1") // for listeners on a whole network of addresses
	sw.Plug(t, l.servers, "eth0", "10.77.0.3/24", "fd77::3/64")
	must(l.servers, "ip route add local 10.78.0.0/16 dev lo")
	must(l.servers, "ip route add local fd78::/16 dev lo")
	for i, name := range []string{"keepalived", "ours"} {
		s := &side{name: name, ns: uml.NewNetNS(t, name)}
		four, six := fmt.Sprintf("10.77.0.%d", i+1), fmt.Sprintf("fd77::%d", i+1)
		sw.Plug(t, s.ns, "eth0", four+"/24", six+"/64")
		must(s.ns, "ip route add 10.78.0.0/16 via 10.77.0.3")
		must(s.ns, "ip route add fd78::/16 via fd77::3")
		s.address = []netip.Addr{netip.MustParseAddr(four), netip.MustParseAddr(six)}
		l.sides[i] = s
	}
}
