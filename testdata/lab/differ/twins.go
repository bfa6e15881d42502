package differ

import (
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ipvsadm/ipvs"
	"ipvsadm/testdata/lab/compat"
	"ipvsadm/testdata/lab/uml"
)

// Twins are two network namespaces that a tool cannot tell apart, with the
// original at work in one and our tool in the other.
type Twins struct {
	Original, Ours *Side
	original       compat.Tool // in no namespace in particular
}

// Side is one of the twins.
type Side struct {
	Name string
	// Tool is the tool at work here.
	Tool compat.Tool
	ns   *uml.NetNS
	// client reads the state. It is ours on both sides: what the original sees is
	// compared too, but less often.
	client *ipvs.Client
}

// NewTwins makes twins in the guest of a kernel test. The programs of the
// original are in one directory, ours in the other; one invocation of
// everyProcess runs our program, the rest call package rules in this process.
func NewTwins(t testing.TB, original, ours string, everyProcess uint32) *Twins {
	t.Helper()
	hosts := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(hosts, []byte(Hosts), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(hosts, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount("/etc/hosts", 0) })

	here, there := compat.TwinNetNS(t, "twin")
	a, b := newSide(t, "original", here), newSide(t, "ours", there)
	tw := &Twins{Original: a, Ours: b, original: compat.Processes(original)}
	a.Tool = a.inside(tw.original)
	process, library := b.inside(compat.Processes(ours)), compat.InProcess(b.ns.Path())
	b.Tool = func(inv compat.Invocation) compat.Outcome {
		if crc32.ChecksumIEEE([]byte(inv.String()))%everyProcess == 0 {
			return process(inv)
		}
		return library(inv)
	}
	return tw
}

func newSide(t testing.TB, name string, ns *uml.NetNS) *Side {
	t.Helper()
	s := &Side{Name: name, ns: ns}
	var err error
	if s.ns.Do(func() { err = compat.AddInterface() }); err != nil {
		t.Fatal(err)
	}
	if s.client, err = ipvs.Open(ipvs.Options{Namespace: s.ns.Path()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.client.Close() })
	return s
}

// inside makes a tool work in the side's namespace.
func (s *Side) inside(tool compat.Tool) compat.Tool {
	return func(inv compat.Invocation) (out compat.Outcome) {
		s.ns.Do(func() { out = tool(inv) })
		return out
	}
}

// Reset empties both sides.
func (tw *Twins) Reset() error {
	for _, s := range []*Side{tw.Original, tw.Ours} {
		if err := compat.Reset(s.ns.Path()); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return nil
}

// state is all a namespace knows of IPVS.
type state struct {
	proc     string // /proc/net/ip_vs
	table    []ipvs.Entry
	timeouts ipvs.Timeouts
	daemons  []ipvs.Daemon
}

func (s *Side) state() (state, error) {
	var st state
	var err error
	s.ns.Do(func() {
		var text []byte
		text, err = os.ReadFile("/proc/thread-self/net/ip_vs")
		st.proc = string(text)
	})
	if err == nil {
		st.table, err = s.client.Table(ipvs.Query{Detail: ipvs.Full})
	}
	if err == nil {
		st.timeouts, err = s.client.Timeouts()
	}
	if err == nil {
		st.daemons, err = s.client.Daemons()
	}
	return st, err
}

// differs says where two states differ, or nothing.
func (st state) differs(other state) string {
	switch {
	case st.timeouts != other.timeouts:
		return fmt.Sprintf("timeouts: %v here, %v there", st.timeouts, other.timeouts)
	case !slices.Equal(st.daemons, other.daemons):
		return fmt.Sprintf("daemons: %v here, %v there", st.daemons, other.daemons)
	case !reflect.DeepEqual(st.table, other.table):
		return "tables:\n" + firstDifference(lines(st.table), lines(other.table))
	case st.proc != other.proc && st.procIsWhole() && other.procIsWhole():
		return "/proc/net/ip_vs:\n" + firstDifference(strings.Split(st.proc, "\n"), strings.Split(other.proc, "\n"))
	}
	return ""
}

// procIsWhole reports whether all services are in proc. The kernel resumes a
// read that takes several system calls by counting this namespace's services
// where it counted those of all before (ip_vs_info_array and ip_vs_info_seq_next
// in ip_vs_ctl.c), and so leaves some out when other namespaces have services.
func (st state) procIsWhole() bool {
	const titles = 3
	services := -titles
	for line := range strings.Lines(st.proc) {
		if !strings.HasPrefix(line, "  -> ") || services < 0 {
			services++
		}
	}
	return services == len(st.table)
}

// lines writes a table one entry a line.
func lines(table []ipvs.Entry) []string {
	var all []string
	for _, e := range table {
		all = append(all, fmt.Sprintf("%+v", e.ServiceState))
		for _, d := range e.Destinations {
			all = append(all, fmt.Sprintf("  %+v", d))
		}
	}
	return all
}

func firstDifference(a, b []string) string {
	for i := range max(len(a), len(b)) {
		x, y := "(nothing)", "(nothing)"
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return fmt.Sprintf("line %d\n    original: %s\n    ours:     %s", i+1, x, y)
		}
	}
	return "none"
}
