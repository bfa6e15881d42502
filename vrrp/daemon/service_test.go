package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/vrrp"
)

func TestLog(t *testing.T) {
	lines := func(format string, journal bool) string {
		var b bytes.Buffer
		log, err := newLog(&b, format, journal)
		if err != nil {
			t.Fatal(err)
		}
		log.Info("(VI_1) Entering MASTER STATE", "instance", "VI_1")
		log.Warn("two\nlines\x1b[31m")
		log.Error("bad")
		log.Debug("never")
		return b.String()
	}
	if got, want := lines("text", true), "<6>(VI_1) Entering MASTER STATE\n<4>two?lines?[31m\n<3>bad\n"; got != want {
		t.Errorf("for the journal: %q, want %q", got, want)
	}
	for i, line := range strings.Split(strings.TrimSpace(lines("text", false)), "\n") {
		stamp, text, _ := strings.Cut(line, "("+"VI_1")
		if _, err := time.Parse(time.StampMicro, strings.TrimSpace(stamp)); i == 0 && (err != nil || text != ") Entering MASTER STATE") {
			t.Errorf("for people: %q, %v", line, err)
		}
	}
	var first struct{ Level, Msg, Instance string }
	if err := json.NewDecoder(strings.NewReader(lines("json", true))).Decode(&first); err != nil ||
		first.Msg != "(VI_1) Entering MASTER STATE" || first.Instance != "VI_1" || first.Level != "INFO" {
		t.Errorf("for programs: %+v, %v", first, err)
	}
	if _, err := newLog(io.Discard, "xml", false); err == nil {
		t.Error("xml is a format")
	}
}

// writes counts what is written, and in how many pieces.
type writes struct{ pieces, bytes int }

func (w *writes) Write(b []byte) (int, error) {
	w.pieces++
	w.bytes += len(b)
	return len(b), nil
}

// TestLogBundles writes many lines in few pieces, in both formats, and lines alone
// at once.
func TestLogBundles(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var w writes
		log, err := newLog(&w, format, true)
		if err != nil {
			t.Fatal(err)
		}
		log.Info("alone")
		if w.pieces != 1 {
			t.Errorf("%s: a line was written in %d pieces", format, w.pieces)
		}
		w = writes{}
		log.Handler().(interface{ Bundle(func()) }).Bundle(func() {
			for range 3 {
				log.Info(strings.Repeat("x", 20<<10))
			}
			if w.pieces != 1 || w.bytes < 40<<10 {
				t.Errorf("%s: %+v were written of 60 kB", format, w)
			}
		})
		if w.pieces != 2 || w.bytes < 60<<10 {
			t.Errorf("%s: %+v in the end", format, w)
		}
	}
}

// TestPIDFile is held by one process at a time, and gone in the end. That of keepalived
// could be written by everybody, who so had root kill anything (CVE-2011-1784).
func TestPIDFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "vrrp.pid")
	old := unix.Umask(0)
	p, err := lockPID(path)
	unix.Umask(old)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if want := strconv.Itoa(os.Getpid()) + "\n"; err != nil || string(text) != want {
		t.Errorf("it says %q (%v), want %q", text, err, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o644 {
		t.Errorf("its mode is %v (%v): nobody else may write it", info.Mode(), err)
	}
	if _, err := lockPID(path); !errors.Is(err, errRunning) {
		t.Errorf("a second one: %v", err)
	}
	if err := p.remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after the end: %v", err)
	}
	// A crash leaves the file, and no lock.
	if err := os.WriteFile(path, []byte("999999 and more than our number\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err = lockPID(path)
	if err != nil {
		t.Fatal(err)
	}
	defer p.remove()
	if text, _ := os.ReadFile(path); string(text) != strconv.Itoa(os.Getpid())+"\n" {
		t.Errorf("after a crash it says %q", text)
	}
}

// TestPIDFilePlanted refuses what somebody else put where the file should be.
func TestPIDFilePlanted(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(at("target"), []byte("precious"), 0o600))
	must(os.Symlink("target", at("link")))
	must(os.Symlink("nowhere", at("dangling")))
	must(os.Link(at("target"), at("hard")))
	must(unix.Mkfifo(at("fifo"), 0o666))
	names := []string{"link", "dangling", "hard", "fifo"}
	if os.Geteuid() == 0 {
		must(os.WriteFile(at("theirs"), []byte("precious"), 0o666))
		must(os.Chown(at("theirs"), 12345, 12345))
		names = append(names, "theirs")
	}
	for _, name := range names {
		if p, err := lockPID(at(name)); err == nil {
			t.Errorf("%s is taken", name)
			p.remove()
		}
	}
	if text, err := os.ReadFile(at("target")); err != nil || string(text) != "precious" {
		t.Errorf("the target says %q now (%v)", text, err)
	}
	if _, err := os.Stat(at("nowhere")); err == nil {
		t.Error("a file was made through a link")
	}
}

func echo(_ context.Context, question string, w io.Writer) error {
	if question == "fail" {
		return errors.New("no such luck")
	}
	_, err := fmt.Fprintf(w, "you said %s\n", question)
	return err
}

func TestControl(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dir", "socket")
	c, err := listen(path, echo)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v (%v), want 0600", info.Mode(), err)
	}
	var b bytes.Buffer
	if err := ask(path, "hello", &b); err != nil || b.String() != "you said hello\n" {
		t.Errorf("answered %q, %v", b.String(), err)
	}
	if err := ask(path, "fail", io.Discard); err == nil || err.Error() != "no such luck" {
		t.Errorf("a question it cannot answer: %v", err)
	}
	if err := ask(path, strings.Repeat("x", 2*maxQuestion), io.Discard); err == nil {
		t.Error("a question without an end was answered")
	}
	if _, err := listen(path, echo); !errors.Is(err, errRunning) {
		t.Errorf("a second one: %v", err)
	}
	// Who connects and says nothing does not keep others from being answered.
	for range maxClients - 1 {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if err := ask(path, "hello", io.Discard); err != nil {
		t.Errorf("beside %d who say nothing: %v", maxClients-1, err)
	}
	c.listener.Close()
	if err := ask(path, "hello", io.Discard); err == nil || !strings.Contains(err.Error(), "nobody answers at "+path) {
		t.Errorf("after the end: %v", err)
	}
}

// TestControlStale takes over the socket that a crash left, and nothing else.
func TestControlStale(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, "stale")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	c, err := listen(stale, echo)
	if err != nil {
		t.Fatal(err)
	}
	c.close()
	if _, err := os.Lstat(stale); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listen(file, echo); err == nil {
		t.Error("a file was taken for a socket")
	}
}

// TestControlMayAsk answers nobody but root and ourselves.
func TestControlMayAsk(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	file := os.NewFile(uintptr(pair[0]), "pair")
	conn, err := net.FileConn(file)
	file.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if !allowed(conn.(*net.UnixConn)) {
		t.Error("we are not allowed ourselves")
	}
	for _, test := range []struct {
		uid, us uint32
		want    bool
	}{{0, 0, true}, {0, 7, true}, {7, 7, true}, {8, 7, false}, {8, 0, false}} {
		if got := mayAsk(test.uid, test.us); got != test.want {
			t.Errorf("user %d may ask a daemon of user %d: %v", test.uid, test.us, got)
		}
	}
}

// sample is a status with something of everything in it.
func sample() vrrp.Status {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	master := vrrp.InstanceStatus{
		Name: "VI_1", Group: "G", Since: now.Add(-90 * time.Second), Device: "eth0", WireDevice: "eth0",
		Virtual: []vrrp.AddressConfig{{Prefix: netip.MustParsePrefix("10.0.0.1/24")}}, Excluded: []vrrp.AddressConfig{{Prefix: netip.MustParsePrefix("fd00::1/128")}},
		Held: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")},
		Tracked: []vrrp.TrackedStatus{
			{Tracker: vrrp.Tracker{Kind: vrrp.CauseScript, Name: "chk", Weight: -20}, Standing: vrrp.Standing{Known: true}},
			{Tracker: vrrp.Tracker{Kind: vrrp.CauseScript, Name: "new"}},
			{Tracker: vrrp.Tracker{Kind: vrrp.CauseFile, Name: "f", Weight: 2, Reverse: true}, Standing: vrrp.Standing{Known: true, Value: 7}},
			{Tracker: vrrp.Tracker{Kind: vrrp.CauseInterface, Name: "eth0"}, Standing: vrrp.Standing{Known: true, Up: true}},
		},
		Snapshot: vrrp.Snapshot{
			State: vrrp.Active, Version: vrrp.V2, VRID: 51, Priority: 130, ConfiguredPriority: 150, Weight: -20,
			AdvertisementInterval: time.Second, ActiveInterval: time.Second, Source: netip.MustParseAddr("10.0.0.9"),
			Peers: []vrrp.Sighting{{Source: netip.MustParseAddr("10.0.0.8"), Priority: 100, At: now.Add(-5 * time.Second)}},
		},
	}
	master.Counters.MasterTransitions = 3
	master.Counters.Refused[vrrp.ReasonTTL] = 4
	fault := vrrp.InstanceStatus{Name: "VI_2", Since: now.Add(-1500 * time.Microsecond), Snapshot: vrrp.Snapshot{
		State: vrrp.Fault, Version: vrrp.V3, VRID: 52, Priority: 100, ConfiguredPriority: 100, AdvertisementInterval: 10 * time.Millisecond,
		Causes: []vrrp.Cause{{Kind: vrrp.CauseInterface, Name: "eth1"}},
		Master: vrrp.Sighting{Source: netip.MustParseAddr("10.0.0.7")},
	}}
	return vrrp.Status{
		At: now, Instances: []vrrp.InstanceStatus{master, fault},
		Groups:   []vrrp.GroupStatus{{Name: "G", State: vrrp.Active, Since: now.Add(-time.Hour), Instances: []string{"VI_1", "VI_3"}}},
		Counters: vrrp.ManagerCounters{UnknownVRID: 2},
	}
}

func TestStatusText(t *testing.T) {
	const want = `VI_1: MASTER for 1m30s, in sync group G
  VRRPv2, VRID 51 on eth0, advertisements every 1s
  priority 130 (configured 150, trackers -20)
  tracks script chk: down, weight -20
  tracks script new: pending
  tracks file f: 7, weight 2, reverse
  tracks interface eth0: up
  addresses 10.0.0.1/24, fd00::1/128
  holds 10.0.0.1/24
  heard 10.0.0.8, priority 100, 5s ago
  MasterTransitions 3
  refused ttl 4
VI_2: FAULT for 2ms
  VRRPv3, VRID 52 on none, advertisements every 0.01s
  priority 100
  master is 10.0.0.7
  fault: interface eth1
  addresses none
sync group G: MASTER for 1h0m0s
  instances VI_1, VI_3
unknown_vrid 2
`
	var b strings.Builder
	if err := writeText(&b, sample()); err != nil || b.String() != want {
		t.Errorf("got %v\n%swant\n%s", err, b.String(), want)
	}
}

// TestStatusJSON has every reason to refuse and every counter, also those of 0,
// and no null for what is empty.
func TestStatusJSON(t *testing.T) {
	var b strings.Builder
	if err := writeJSON(&b, sample(), nil); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "null") {
		t.Errorf("something is null:\n%s", b.String())
	}
	var r statusReport
	if err := json.Unmarshal([]byte(b.String()), &r); err != nil {
		t.Fatal(err)
	}
	v := r.Instances[0]
	if v.State != "MASTER" || v.Master != "10.0.0.9" || v.Counters["MasterTransitions"] != 3 || v.Refused["ttl"] != 4 || v.Weight != -20 {
		t.Errorf("got %+v", v)
	}
	if len(v.Refused) != len(vrrp.Reasons()) {
		t.Errorf("%d reasons, want %d", len(v.Refused), len(vrrp.Reasons()))
	}
	if r.Instances[1].Master != "10.0.0.7" || r.Instances[1].Faults[0] != "interface eth1" || r.Counters["unknown_vrid"] != 2 {
		t.Errorf("got %+v", r)
	}
}

// TestUselessOptions says which options of keepalived do nothing that somebody may
// count on, and nothing of the others.
func TestUselessOptions(t *testing.T) {
	line := keepalivedLine()
	if err := line.parse([]string{"-n", "-l", "-G", "-V", "-x", "-t"}); err != nil {
		t.Fatal(err)
	}
	want := []string{"--dont-release-vrrp does nothing: addresses are always removed at the end", "--snmp does nothing: there is no SNMP"}
	if got := line.opt.useless; len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEnterNamespaceWrong(t *testing.T) {
	for _, name := range []string{"../../proc/self/ns/net", "a/b", ".", "..", "no-such-namespace"} {
		if err := enterNamespace(name, nil, nil); err == nil {
			t.Errorf("%q was entered", name)
		}
	}
}

// TestServeRefused ends at once with a configuration that cannot be run, a log
// that does not exist and a PID file that is held.
func TestServeRefused(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	held, err := lockPID(pid)
	if err != nil {
		t.Fatal(err)
	}
	defer held.remove()
	var asked string
	for _, test := range []struct {
		name   string
		setup  *Setup
		args   []string
		status int
		said   string
	}{
		{"an error", nil, nil, 2, "<3>k.conf:1: wrong\n"},
		{"a format", &Setup{}, []string{"--log-format=xml"}, 1, `--log-format "xml": write text or json`},
		{"running already", &Setup{}, []string{"-p", pid}, 1, "<3>PID file " + pid + ": it is running already\n"},
	} {
		var errs bytes.Buffer
		env := Env{Stderr: &errs, Environ: []string{"JOURNAL_STREAM=1:2"}, Load: loads(&asked, test.setup, Message{map[bool]Severity{true: Error, false: Note}[test.setup == nil], "k.conf:1: wrong"})}
		if status := Main(env, test.args); status != test.status || !strings.Contains(errs.String(), test.said) {
			t.Errorf("%s: status %d, wrote %q", test.name, status, errs.String())
		}
	}
}
