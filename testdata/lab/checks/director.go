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

// Director is a machine with one of the two checkers.
type Director struct {
	// Name is the checker's: "keepalived" or "ours".
	Name string
	// NS is the machine.
	NS *uml.NetNS
	// Kernel is the machine's IPVS, from the start of the checker to the end of
	// the test.
	Kernel *ipvs.Client

	t       testing.TB
	program string       // ours
	address []netip.Addr // of both families, in a Lab
	cmd     *exec.Cmd
	ended   chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

// Directors makes one with keepalived and one with our program, on machines whose
// names end in a text.
func Directors(t testing.TB, program, suffix string) [2]*Director {
	t.Helper()
	if _, err := exec.LookPath("keepalived"); err != nil {
		t.Skip("needs the original to compare with: install Debian package keepalived")
	}
	var both [2]*Director
	for i, name := range []string{"keepalived", "ours"} {
		both[i] = &Director{t: t, Name: name, NS: uml.NewNetNS(t, name+suffix), program: program}
	}
	return both
}

// Start runs the checker with a configuration until the end of the test. Its files
// are in a directory.
func (d *Director) Start(conf, dir string) {
	d.t.Helper()
	argv := []string{"keepalived", "--check", "--dont-fork", "--log-console", "--log-detail", "--use-file", conf,
		"--pid", filepath.Join(dir, "main.pid"), "--checkers_pid", filepath.Join(dir, "checkers.pid")}
	if d.Name == "ours" {
		argv = []string{d.program, "check", "-D", "-f", conf, "-p", filepath.Join(dir, "our.pid"), "--socket", filepath.Join(dir, "our.socket")}
	}
	d.cmd = exec.Command(argv[0], argv[1:]...)
	// As a service manager has it, and more that programs may inherit.
	d.cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "TZ=UTC", "JOURNAL_STREAM=1:2", "LD_LIBRARY_PATH=/nowhere", "OURS=7"}
	d.cmd.Stdout, d.cmd.Stderr = d, d
	var err error
	d.NS.Do(func() {
		if d.Kernel, err = ipvs.Open(ipvs.Options{}); err == nil {
			err = d.cmd.Start()
		}
	})
	if err != nil {
		d.t.Fatalf("start %s: %v", d.Name, err)
	}
	d.ended = make(chan struct{})
	go func() {
		d.cmd.Wait()
		close(d.ended)
	}()
	d.t.Cleanup(func() {
		d.Stop()
		d.Kernel.Close()
	})
}

// Reload has the checker read its configuration again.
func (d *Director) Reload() {
	if err := d.cmd.Process.Signal(unix.SIGHUP); err != nil {
		d.t.Fatalf("reload %s: %v", d.Name, err)
	}
}

// End asks the checker to end.
func (d *Director) End() { d.cmd.Process.Signal(unix.SIGTERM) }

// Stop is End, and waits until the checker has ended.
func (d *Director) Stop() {
	d.End()
	select {
	case <-d.ended:
	case <-time.After(20 * time.Second):
		d.t.Errorf("%s does not end", d.Name)
		d.cmd.Process.Kill()
	}
}

// Running says whether the checker has not ended.
func (d *Director) Running() bool {
	select {
	case <-d.ended:
		return false
	default:
		return true
	}
}

// processes are the checker and its children, by their numbers.
func (d *Director) processes() []string {
	pid := fmt.Sprint(d.cmd.Process.Pid)
	children, _ := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	return append(strings.Fields(string(children)), pid)
}

// table is the kernel's table as far as it is configured, sorted.
func (d *Director) table() (map[ipvs.ServiceKey]ipvs.Entry, error) {
	entries, err := d.Kernel.Table(ipvs.Query{Detail: ipvs.Full})
	if err != nil {
		return nil, err
	}
	table := make(map[ipvs.ServiceKey]ipvs.Entry, len(entries))
	for _, e := range entries {
		plain := ipvs.Entry{}
		plain.Service = e.Service
		for _, real := range e.Destinations {
			plain.Destinations = append(plain.Destinations, ipvs.DestinationState{Destination: real.Destination})
		}
		slices.SortFunc(plain.Destinations, func(a, b ipvs.DestinationState) int {
			return cmp.Or(a.Addr.Addr().Compare(b.Addr.Addr()), cmp.Compare(a.Addr.Port(), b.Addr.Port()))
		})
		table[e.ServiceKey] = plain
	}
	return table, nil
}

// Write takes in what the checker logs.
func (d *Director) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.Write(b)
}

// Log is what the checker has logged.
func (d *Director) Log() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

// logged are the lines of the log with any of the words, the last at most.
func (d *Director) logged(most int, words ...string) string {
	var found []string
	for line := range strings.Lines(d.Log()) {
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(line, w) }) {
			found = append(found, "\t"+line)
		}
	}
	if n := len(found) - most; n > 0 {
		found = append([]string{fmt.Sprintf("\t(%d more)\n", n)}, found[n:]...)
	}
	return strings.Join(found, "")
}
