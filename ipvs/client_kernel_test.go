package ipvs

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
)

// must carries out operations that have to succeed.
func must(t testing.TB, c *Client, ops ...Op) {
	t.Helper()
	for i, err := range c.Do(ops...) {
		if err != nil {
			t.Fatalf("%#v: %v", ops[i], err)
		}
	}
}

func table(t testing.TB, c *Client, q Query) []Entry {
	t.Helper()
	entries, err := c.Table(q)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// TestEveryCommandOnTheKernel uses each of the 16 commands there are to use and
// sees what it did.
func TestEveryCommandOnTheKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		c := open(t, Options{})
		web, server := tcp("10.0.0.1:80"), dest("10.0.0.2:80", Route, 1)

		if info, err := c.Info(); err != nil || info.Version != 0x010201 || info.ConnTableSize != 4096 {
			t.Errorf("info %+v, %v", info, err)
		}
		must(t, c, AddService{service(web, "rr")}, AddDestination{web, server})
		want := []Entry{entry(service(web, "rr"), server)}
		want[0].Flags |= Hashed
		expect := func(what string) {
			t.Helper()
			for _, q := range []Query{{}, {Detail: Full}, {Service: web}} {
				if got := table(t, c, q); !sameTable(got, want) {
					t.Errorf("after %s: %+v, want %+v", what, got, want)
				}
			}
		}
		expect("add")

		must(t, c, EditService{service(web, "wlc")})
		want[0].Scheduler = "wlc"
		server.Weight = 70000
		must(t, c, EditDestination{web, server})
		want[0].Destinations[0].Weight = 70000
		expect("edit")

		loopbackThrough(t, c)
		must(t, c, Zero{tcp("127.0.0.1:8080")})
		if got := table(t, c, Query{Service: tcp("127.0.0.1:8080")})[0].Stats; got != (Stats{}) {
			t.Errorf("after zero: %+v", got)
		}
		must(t, c, Zero{}, DeleteService{tcp("127.0.0.1:8080")})

		must(t, c, DeleteDestination{web, server.Addr})
		want[0].Destinations = nil
		expect("deleting the server")
		must(t, c, DeleteService{web})
		want = nil
		if got := table(t, c, Query{}); len(got) != 0 {
			t.Errorf("after deleting the service: %+v", got)
		}
		must(t, c, AddService{service(web, "rr")}, AddService{service(udp("[2001:db8::1]:53"), "rr")}, Flush{})
		if got := table(t, c, Query{}); len(got) != 0 {
			t.Errorf("after flush: %+v", got)
		}

		must(t, c, SetTimeouts{Timeouts{TCP: time.Hour, UDP: time.Minute}})
		if got, err := c.Timeouts(); err != nil || got != (Timeouts{time.Hour, 2 * time.Minute, time.Minute}) {
			t.Errorf("timeouts %+v, %v", got, err)
		}
	})
}

// loopbackThrough adds a service on 127.0.0.1:8080 and waits until connections
// through it are counted.
func loopbackThrough(t *testing.T, c *Client) {
	local := tcp("127.0.0.1:8080")
	must(t, c, AddService{service(local, "rr")}, AddDestination{local, dest("127.0.0.1:8081", Masq, 1)})
	loopbackTraffic(t)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		// The kernel sums its counters up every two seconds.
		s := table(t, c, Query{Service: local})[0].Stats
		if s.Conns == 5 && s.InPkts > 5 && s.InBytes > 100 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("5 connections are not counted: %+v", s)
		}
	}
}

func TestDaemonsOnTheKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		if out, err := exec.Command("sh", "-c", "ip link add d0 type dummy && ip addr add 10.1.0.1/24 dev d0 && ip link set d0 up multicast on").CombinedOutput(); err != nil {
			t.Fatalf("%s", out)
		}
		c := open(t, Options{})
		backup := Daemon{State: Backup, Interface: "d0", SyncID: 6}
		master := Daemon{Master, "d0", 255, 1000, netip.MustParseAddr("239.1.1.1"), 9999, 4}
		must(t, c, StartDaemon{backup}, StartDaemon{master})
		backup.MaxLen, backup.Group, backup.Port, backup.TTL = 1472, netip.MustParseAddr("224.0.0.81"), 8848, 1
		got, err := c.Daemons()
		if err != nil || !slices.Equal(got, []Daemon{master, backup}) {
			t.Errorf("%+v, %v, want %+v", got, err, []Daemon{master, backup})
		}
		errs := c.Do(StartDaemon{master}, StopDaemon{Master}, StopDaemon{Master}, StopDaemon{Backup},
			StartDaemon{Daemon{State: Master, Interface: "nosuch"}}, StartDaemon{Daemon{State: 3, Interface: "d0"}})
		for i, want := range []syscall.Errno{syscall.EEXIST, 0, syscall.ESRCH, 0, syscall.ENODEV, syscall.EINVAL} {
			if errnoOf(errs[i]) != want {
				t.Errorf("step %d: %v, want %v", i, errs[i], want)
			}
		}
		six := Daemon{Backup, "lo", 300, 1400, netip.MustParseAddr("ff02::5"), 8849, 255}
		must(t, c, StartDaemon{six})
		if got, err := c.Daemons(); err != nil || !slices.Equal(got, []Daemon{six}) {
			t.Errorf("%+v, %v, want %+v", got, err, six)
		}
	})
}

// TestErrorsOfTheKernel has an operation for every errno that ip_vs_ctl.c
// answers and can be brought about.
func TestErrorsOfTheKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		c := open(t, Options{})
		web, none := tcp("10.0.0.1:80"), tcp("10.0.0.9:80")
		server := dest("10.0.0.2:80", Route, 1)
		must(t, c, AddService{service(web, "rr")}, AddDestination{web, server})
		with := func(change func(*Service)) Service { s := service(web, "rr"); change(&s); return s }
		limits := server
		limits.Upper, limits.Lower = 1, 2
		negative := server
		negative.Weight = 1 << 31
		for _, s := range []struct {
			op   Op
			want syscall.Errno
		}{
			{AddService{service(web, "rr")}, syscall.EEXIST},
			{AddService{service(none, "nosuch")}, syscall.ENOENT},
			{AddService{func() Service { s := service(none, "rr"); s.PE = "nosuch"; return s }()}, syscall.ENOENT},
			{AddService{Service{ServiceKey: fwmark(7, 1), Scheduler: "rr"}}, syscall.EAFNOSUPPORT},
			{AddService{service(none, "sixteen-letters-")}, syscall.EINVAL},
			{AddService{func() Service { s := service(tcp("[2001:db8::1]:80"), "rr"); s.Netmask = 129; return s }()}, syscall.EINVAL},
			{EditService{service(none, "rr")}, syscall.ESRCH},
			{EditService{with(func(s *Service) { s.Scheduler = "nosuch" })}, syscall.ENOENT},
			{DeleteService{none}, syscall.ESRCH},
			{Zero{none}, syscall.ESRCH},
			{AddDestination{none, server}, syscall.ESRCH},
			{AddDestination{web, server}, syscall.EEXIST},
			{AddDestination{web, dest("224.0.0.1:80", Route, 1)}, syscall.EINVAL},
			{AddDestination{web, dest("[2001:db8::2]:80", Route, 1)}, syscall.EINVAL},
			{EditDestination{none, server}, syscall.ESRCH},
			{EditDestination{web, dest("10.0.0.3:80", Route, 1)}, syscall.ENOENT},
			{EditDestination{web, limits}, syscall.ERANGE},
			{EditDestination{web, negative}, syscall.ERANGE},
			{DeleteDestination{none, server.Addr}, syscall.ESRCH},
			{DeleteDestination{web, addrPort("10.0.0.3:80")}, syscall.ENOENT},
			{SetTimeouts{Timeouts{TCP: 1 << 31 * time.Second}}, syscall.EINVAL},
			{StopDaemon{Backup}, syscall.ESRCH},
			{StartDaemon{Daemon{State: Backup, Interface: "nosuch"}}, syscall.ENODEV},
		} {
			errs := c.Do(s.op)
			if len(errs) != 1 || errnoOf(errs[0]) != s.want || !errors.Is(errs[0], s.want) {
				t.Errorf("%#v: %v, want %v", s.op, errs, s.want)
			}
			var op *OpError
			if len(errs) == 1 && (!errors.As(errs[0], &op) || op.Request != RequestOf(s.op)) {
				t.Errorf("%#v: %v is of another request", s.op, errs[0])
			}
		}
	})
}

func TestWithoutPrivileges(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		c := open(t, Options{})
		withoutPrivileges(t, func() {
			_, err := Open(Options{NoModprobe: true})
			wantErrno(t, err, syscall.EPERM)
			// The socket of one who had the privilege does not help either.
			_, err = c.Info()
			wantErrno(t, err, syscall.EPERM)
			for _, err := range c.Do(Flush{}, Zero{}) {
				wantErrno(t, err, syscall.EPERM)
			}
		})
	})
}

func TestNamespaces(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		web := tcp("10.0.0.1:80")
		here := open(t, Options{})
		must(t, here, AddService{service(web, "rr")}, AddDestination{web, dest("10.0.0.2:80", Route, 1)})

		blue := uml.NewNetNS(t, "blue")
		there := open(t, Options{Namespace: blue.Path()})
		must(t, there, AddService{service(web, "wlc")}, AddDestination{web, dest("10.0.0.3:80", Masq, 2)})

		f, err := os.Open(blue.Path())
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		byFile := open(t, Options{Namespace: fmt.Sprint("/proc/self/fd/", f.Fd())})

		check := func(c *Client, want Entry) {
			t.Helper()
			want.Flags |= Hashed
			for _, d := range []Detail{Basic, Full} {
				if got := table(t, c, Query{Detail: d}); !sameTable(got, []Entry{want}) {
					t.Errorf("detail %d: %+v, want %+v", d, got, want)
				}
			}
			if p := c.readProc([]Entry{want}, Basic); !p.confirms() {
				t.Error("/proc shows another namespace")
			}
		}
		hereWant := entry(service(web, "rr"), dest("10.0.0.2:80", Route, 1))
		thereWant := entry(service(web, "wlc"), dest("10.0.0.3:80", Masq, 2))
		all := func() {
			t.Helper()
			check(here, hereWant)
			check(there, thereWant)
			check(byFile, thereWant)
		}
		all()
		// The calling thread may be elsewhere by the time of the request.
		blue.Do(all)

		// A socket that replaces a broken one is in the same namespace.
		for _, c := range []*Client{here, there} {
			c.mu.Lock()
			c.broken(c.sock, os.ErrDeadlineExceeded)
			c.mu.Unlock()
		}
		blue.Do(all)
		all()

		_, err = Open(Options{Namespace: "/nosuch"})
		if !errors.Is(err, ErrTransport) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("namespace that is not there: %v", err)
		}
		if _, err = Open(Options{Namespace: "/etc/hosts"}); !errors.Is(err, ErrTransport) {
			t.Errorf("namespace that is none: %v", err)
		}
	})
}

func TestClientIsSafeForConcurrentUse(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		c := open(t, Options{})
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				k := tcp(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(g)}), 80).String())
				for i := range 50 {
					if errs := c.Do(AddService{service(k, "rr")}, AddService{service(k, "rr")}, AddDestination{k, dest("10.0.0.2:80", Route, uint32(i))}); len(errs) != 3 ||
						errs[0] != nil || errnoOf(errs[1]) != syscall.EEXIST || errs[2] != nil {
						t.Errorf("%v", errs)
					}
					got, err := c.Table(Query{Service: k, Detail: Full})
					if err != nil || len(got) != 1 || len(got[0].Destinations) != 1 || got[0].Destinations[0].Weight != uint32(i) {
						t.Errorf("%+v, %v", got, err)
					}
					if _, err := c.Table(Query{}); err != nil {
						t.Error(err)
					}
					if errs := c.Do(DeleteService{k}); errs != nil {
						t.Error(errs)
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestConnectionsOnTheKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		c := open(t, Options{})
		loopbackThrough(t, c)
		f, err := c.Connections()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		n := 0
		for s := NewConnScanner(f); ; n++ {
			if !s.Scan() {
				if s.Err() != nil {
					t.Error(s.Err())
				}
				break
			}
			conn := s.Conn()
			if conn.Protocol != "TCP" || conn.Virtual != addrPort("127.0.0.1:8080") || conn.Destination != addrPort("127.0.0.1:8081") ||
				conn.Client.Addr() != netip.MustParseAddr("127.0.0.1") || conn.State == "" || conn.Expires > 15*time.Minute {
				t.Errorf("%+v", conn)
			}
		}
		if n != 5 {
			t.Errorf("%d connections, want 5", n)
		}
	})
}
