package schedule

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
	"ipvsadm/rules"
	"ipvsadm/testdata/lab/uml"
)

var update = flag.Bool("update", false, "write golden files anew; read the diff")

func TestMain(m *testing.M) {
	uml.Init()
	os.Exit(m.Run())
}

// world is what a command sees in a test.
type world struct {
	t           *testing.T
	kernel      rules.Kernel
	openError   error
	connections string // rows of the connection table
	files       map[string]string
	root        fstest.MapFS
	stdin       string
	interactive bool
}

// newWorld has a kernel in memory, Linux 6.1.176, with the table of a saved
// stream.
func newWorld(t *testing.T, stream string) *world {
	k := ipvstest.New(ipvstest.Options{})
	ops, err := rules.ReadOps(strings.NewReader(stream), noNames{})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range k.Do(ops...) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return &world{t: t, kernel: k, files: map[string]string{"saved": stream}, root: fstest.MapFS{
		"proc/sys/kernel/osrelease": {Data: []byte("6.1.176\n")},
		"proc/sys/kernel/version":   {Data: []byte("#1 SMP\n")},
	}}
}

// run carries out a command line after `ipvsadm sched`.
func (w *world) run(args ...string) (stdout, stderr string, code int) {
	var out, complaints bytes.Buffer
	code = Main(Env{
		Stdin:       strings.NewReader(w.stdin),
		Stdout:      &out,
		Stderr:      &complaints,
		Interactive: w.interactive,
		Open:        func() (rules.Kernel, error) { return w.kernel, w.openError },
		Names:       noNames{},
		Connections: func() (io.ReadCloser, error) {
			if w.connections == "-" {
				return nil, fs.ErrPermission
			}
			return io.NopCloser(strings.NewReader("Pro FromIP FPrt ToIP TPrt DestIP DPrt State Expires PEName PEData\n" + w.connections)), nil
		},
		Root: w.root,
		ReadFile: func(name string) ([]byte, error) {
			if text, ok := w.files[name]; ok {
				return []byte(text), nil
			}
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		},
	}, args)
	for line := range strings.Lines(out.String()) {
		if utf8.RuneCountInString(line) > pageWidth+1 && !strings.HasPrefix(line, "{") {
			w.t.Errorf("%v: more than 80 columns: %s", args, line)
		}
		if strings.HasSuffix(line, " \n") {
			w.t.Errorf("%v: blanks at the end of %q", args, line)
		}
	}
	return out.String(), complaints.String(), code
}

// prints is run for a line that must succeed.
func (w *world) prints(line string) string {
	w.t.Helper()
	out, complaints, code := w.run(strings.Fields(line)...)
	if code != 0 || complaints != "" {
		w.t.Fatalf("%s: exit code %d: %s", line, code, complaints)
	}
	return out
}

// setConnections sets the counters of a real server.
func (w *world) setConnections(service, server string, active, inactive uint32) {
	w.t.Helper()
	op, err := rules.ParseOp(append([]string{"-D"}, strings.Fields(service)...), noNames{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.kernel.(*ipvstest.Kernel).SetConnections(op.(ipvs.DeleteService).Service, netip.MustParseAddrPort(server), active, inactive, 0)
}

// noNames knows no names.
type noNames struct{}

var errNoName = errors.New("no such name")

func (noNames) LookupHost(string) (netip.Addr, error)            { return netip.Addr{}, errNoName }
func (noNames) LookupPort(string, ipvs.Protocol) (uint16, error) { return 0, errNoName }
func (noNames) HostName(netip.Addr) (string, bool)               { return "", false }
func (noNames) PortName(uint16, ipvs.Protocol) (string, bool)    { return "", false }

// shop is a saved table with services of many kinds.
const shop = `
-A -t 10.9.0.1:80 -s wlc
-a -t 10.9.0.1:80 -r 10.0.0.1:80 -m -w 3
-a -t 10.9.0.1:80 -r 10.0.0.2:80 -m -w 2
-a -t 10.9.0.1:80 -r 10.0.0.3:80 -m -w 1
-a -t 10.9.0.1:80 -r 10.0.0.4:80 -m -w 0
-A -t 10.9.0.1:81 -s rr
-a -t 10.9.0.1:81 -r 10.0.0.1:80 -m
-a -t 10.9.0.1:81 -r 10.0.0.2:80 -m
-A -u 10.9.0.1:53 -s sh -b sh-port
-a -u 10.9.0.1:53 -r 10.0.0.1:53 -m
-a -u 10.9.0.1:53 -r 10.0.0.2:53 -m
-A -t 10.9.0.1:82 -s wrr -p 300 -M 255.255.255.0
-a -t 10.9.0.1:82 -r 10.0.0.1:80 -m -w 2
-a -t 10.9.0.1:82 -r 10.0.0.2:80 -m
-A -f 7 -s dh
-a -f 7 -r 10.0.0.1:0 -m
-a -f 7 -r 10.0.0.2:0 -m
-A -t [2001:db8::1]:80 -s mh -b mh-fallback,mh-port
-a -t [2001:db8::1]:80 -r [2001:db8:1234:5678:9abc:def0:1234:5678]:65535 -m -w 2147483647
-a -t [2001:db8::1]:80 -r [2001:db8::3]:80 -m
-A --sctp-service 10.9.0.1:80 -s sed
-a --sctp-service 10.9.0.1:80 -r 10.0.0.1:80 -m -w 2
-a --sctp-service 10.9.0.1:80 -r 10.0.0.2:80 -m -w 3
-A -t 10.9.0.1:83 -s fo
-A -t 10.9.0.1:84 -s none
-A -f 8 -6 -s lblcr -p 60
-a -f 8 -6 -r [2001:db8::3]:0 -m -w 2
-a -f 8 -6 -r [2001:db8::4]:0 -m
`
