package ipvstest_test

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
	"ipvsadm/sched"
	"ipvsadm/testdata/lab/uml"
)

func TestMain(m *testing.M) {
	uml.Init()
	os.Exit(m.Run())
}

func TestOpTableOnRealKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		client, o := realKernel(t)
		for _, sc := range opTable(tableLimits{wideThresholds: o.WideThresholds, hz: o.HZ}) {
			t.Run(sc.name, func(t *testing.T) {
				if err := reset(client); err != nil {
					t.Fatal(err)
				}
				fake := ipvstest.New(o)
				for i, s := range sc.steps {
					real := do(client, s.op)
					if real != s.want {
						t.Errorf("step %d, %+v: the kernel says %v, the table %v", i, s.op, errnoText(real), errnoText(s.want))
					}
					if got := do(fake, s.op); got != real {
						t.Errorf("step %d, %+v: %v, the kernel says %v", i, s.op, errnoText(got), errnoText(real))
					}
					if d := difference(fake, client); d != "" {
						t.Fatalf("after step %d, %+v:\n%s", i, s.op, d)
					}
				}
			})
		}
	})
}

// TestHostOnRealKernel is the part of the op table that depends on interfaces
// and addresses.
func TestHostOnRealKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		client, o := realKernel(t)
		addHost(t, &o)
		fake := ipvstest.New(o)
		tun := tunnel(ipvs.IPIP, 0, 0)
		ops := []ipvs.Op{add(web), add(web6)}
		for _, a := range []string{"192.168.7.1", "192.168.7.0", "192.168.7.255", "192.168.8.255", "10.64.127.255", "10.64.64.255",
			"10.65.0.0", "10.65.0.1", "10.65.0.5", "10.66.0.1", "127.255.255.255"} {
			ops = append(ops, addServer(web, a+":80"), addServer(web6, a+":80", tun))
		}
		for _, a := range []string{"fe80::1", "fe80::2", "2001:db8:7::1", "2001:db8:7::ffff", "ff02::1", "::", "::ffff:192.168.7.1"} {
			ops = append(ops, addServer(web6, "["+a+"]:80"), addServer(web, "["+a+"]:80", tun))
		}
		ops = append(ops, ipvs.Flush{})
		for _, s := range []ipvs.DaemonState{ipvs.Master, ipvs.Backup} {
			for _, i := range o.Interfaces {
				for _, g := range []string{"224.0.0.81", "239.1.1.1", "ff02::81", "ff05::81"} {
					ops = append(ops, start(s, on(i.Name), group(g)), stop(s), start(s, on(i.Name), group(g), maxLen(65535)), stop(s))
				}
			}
		}
		for _, op := range ops {
			if got, want := do(fake, op), do(client, op); got != want {
				t.Errorf("%+v: %v, the kernel says %v", op, errnoText(got), errnoText(want))
			}
			if d := difference(fake, client); d != "" {
				t.Fatalf("after %+v:\n%s", op, d)
			}
		}
	})
}

// TestDetailOnRealKernel compares what queries ask for; the client may tell
// more where that costs it nothing.
func TestDetailOnRealKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		client, o := realKernel(t)
		fake := ipvstest.New(o)
		for _, sc := range opTable(tableLimits{wideThresholds: o.WideThresholds, hz: o.HZ}) {
			for _, s := range sc.steps {
				if _, ok := s.op.(ipvs.StartDaemon); !ok {
					do(fake, s.op)
					do(client, s.op)
				}
			}
			queries := []ipvs.Query{{}, {Detail: ipvs.WithTunnels}, {Detail: ipvs.Settings}, {Detail: ipvs.Full}}
			for _, k := range serviceKeys() {
				queries = append(queries, ipvs.Query{Service: k, Detail: ipvs.Full})
			}
			for _, q := range queries {
				if d := detailDifference(fake, client, q); d != "" {
					t.Fatalf("after %q, %+v: %s", sc.name, q, d)
				}
			}
		}
	})
}

func detailDifference(fake, real kernel, q ipvs.Query) string {
	got, err1 := fake.Table(q)
	want, err2 := real.Table(q)
	if errnoOf(err1) != errnoOf(err2) || len(got) != len(want) {
		return fmt.Sprintf("%d services, %v; the kernel shows %d, %v", len(got), err1, len(want), err2)
	}
	for i, g := range got {
		w := want[i]
		if g.ServiceState != w.ServiceState || len(g.Destinations) != len(w.Destinations) {
			return fmt.Sprintf("%+v, the kernel shows %+v", g, w)
		}
		for i, g := range g.Destinations {
			w := w.Destinations[i]
			if q.Detail == ipvs.Basic || g.Forward != ipvs.Tunnel && q.Detail != ipvs.Full {
				w.Tunnel = ipvs.Encapsulation{}
			}
			if q.Detail != ipvs.Full && q.Detail != ipvs.Settings {
				w.Upper, w.Lower = 0, 0
			}
			if g != w {
				return fmt.Sprintf("%+v, the kernel shows %+v", g, w)
			}
		}
	}
	return ""
}

// realKernel connects to the kernel of a fresh namespace and finds out what
// kind it is.
func realKernel(t *testing.T) (*ipvs.Client, ipvstest.Options) {
	t.Helper()
	c, err := ipvs.Open(ipvs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	o := ipvstest.Options{Schedulers: []string{}}
	for _, s := range sched.All() {
		if do(c, add(marked, scheduler(s.Name))) == 0 {
			o.Schedulers = append(o.Schedulers, s.Name)
			must(t, c, remove(marked))
		}
	}
	// The salt is the mark in bucket 0.
	var marks []ipvs.Op
	for m := range uint32(256) {
		marks = append(marks, add(mark(ipvs.IPv4, m+1)))
	}
	must(t, c, marks...)
	o.HashSalt = uint8(read(t, c)[0].FWMark)
	// 2^32-1 seconds come back as 2^32/HZ - 1.
	must(t, c, ipvs.Flush{}, add(web, persistent(math.MaxUint32)))
	o.HZ = uint32(math.Round((1 << 32) / (read(t, c)[0].Timeout.Seconds() + 1)))
	o.WideThresholds = do(c, addServer(web, "10.0.0.2:80", thresholds(1<<31, 0))) == 0
	must(t, c, ipvs.Flush{})
	t.Logf("real kernel: %+v", o)
	return c, o
}

// addHost gives the namespace an interface with addresses, and says so in o.
func addHost(t *testing.T, o *ipvstest.Options) {
	t.Helper()
	dummy := &netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "d0", MTU: 9000, TxQLen: -1}}
	o.Addresses = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")}
	for _, step := range []func() error{
		func() error { return netlink.LinkAdd(dummy) },
		func() error { return netlink.LinkSetUp(dummy) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []string{"192.168.7.1/24", "10.64.64.1/18", "10.65.0.0/31", "10.65.0.5/32", "10.66.0.1/30", "fe80::1/64", "2001:db8:7::1/64"} {
		a, err := netlink.ParseAddr(s)
		if err != nil {
			t.Fatal(err)
		}
		a.Flags = syscall.IFA_F_NODAD
		if err := netlink.AddrAdd(dummy, a); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		o.Addresses = append(o.Addresses, netip.MustParsePrefix(s))
	}
	o.Interfaces = []ipvstest.Interface{{Name: "lo", MTU: 65536, NoMulticast6: true}, {Name: "d0", MTU: 9000}}
}

func must(t *testing.T, k doer, ops ...ipvs.Op) {
	t.Helper()
	for i, err := range k.Do(ops...) {
		if err != nil {
			t.Fatalf("%+v: %v", ops[i], err)
		}
	}
}

func read(t *testing.T, k kernel) []ipvs.Entry {
	t.Helper()
	entries, err := k.Table(ipvs.Query{Detail: ipvs.Full})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// reset brings a real kernel back to its first state.
func reset(k kernel) error {
	fresh, _ := ipvstest.New(ipvstest.Options{}).Timeouts()
	errs := k.Do(ipvs.Flush{}, ipvs.SetTimeouts{Timeouts: fresh}, stop(ipvs.Master), stop(ipvs.Backup))
	for i, err := range errs {
		if errno := errnoOf(err); errno != 0 && (i < 2 || errno != syscall.ESRCH) {
			return err
		}
	}
	return nil
}

// difference says how what can be read from two kernels differs, "" if it does
// not.
func difference(fake, real kernel) string {
	got, want := stateOf(fake), stateOf(real)
	if reflect.DeepEqual(got, want) {
		return ""
	}
	var b strings.Builder
	have, should := got.lines(), want.lines()
	for i := range max(len(have), len(should)) {
		g, w := line(have, i), line(should, i)
		if g == w {
			fmt.Fprintf(&b, "  %s\n", g)
		} else {
			fmt.Fprintf(&b, "- %s\n+ %s\n", g, w)
		}
	}
	return "fake is -, kernel is +\n" + b.String()
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "nothing"
}

// state is everything that can be read from a kernel, in the order it is given.
type state struct {
	entries  []ipvs.Entry
	timeouts ipvs.Timeouts
	daemons  []ipvs.Daemon
	info     ipvs.Info
	err      error
}

func stateOf(k kernel) state {
	var s state
	var errs [4]error
	s.entries, errs[0] = k.Table(ipvs.Query{Detail: ipvs.Full})
	s.timeouts, errs[1] = k.Timeouts()
	s.daemons, errs[2] = k.Daemons()
	s.info, errs[3] = k.Info()
	s.err = errors.Join(errs[:]...)
	// Whether what is empty is nil means nothing.
	s.entries = append([]ipvs.Entry{}, s.entries...)
	s.daemons = append([]ipvs.Daemon{}, s.daemons...)
	for i := range s.entries {
		s.entries[i].Destinations = append([]ipvs.DestinationState{}, s.entries[i].Destinations...)
	}
	return s
}

func (s state) lines() []string {
	lines := []string{fmt.Sprintf("%+v %+v %v", s.info, s.timeouts, s.err)}
	for _, d := range s.daemons {
		lines = append(lines, fmt.Sprintf("%+v", d))
	}
	for _, e := range s.entries {
		lines = append(lines, fmt.Sprintf("%+v", e.ServiceState))
		for _, d := range e.Destinations {
			lines = append(lines, fmt.Sprintf("  %+v", d))
		}
	}
	return lines
}
