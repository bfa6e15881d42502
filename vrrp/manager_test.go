package vrrp

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestManagerActivatesInOrder: the advertisement leaves before the addresses go
// up, they are up before they are announced, and who is told finds it done.
func TestManagerActivatesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(ether).run(t, "10.0.0.1/24", testConfig(100, "VI_1"))
		if got := n.take(); got != "0s notify VI_1 BACKUP 100" {
			t.Fatalf("at the start:\n%s", got)
		}
		at := down(100).String() + " "
		want := strings.Join([]string{
			at + "send vrid 51 priority 100", at + "add 10.0.0.101/32",
			at + "announce 10.0.0.101 on eth0", at + "announce 10.0.0.101 on eth0", at + "notify VI_1 MASTER 100",
		}, "\n")
		if got := n.pass(down(100) + 50*time.Millisecond); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		// The advertisements keep their time.
		if got, want := n.pass(100*time.Millisecond), (down(100)+100*time.Millisecond).String()+" send vrid 51 priority 100"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// TestManagerTellsDetails: with -D each step of the driver has keepalived's line,
// and without there is no report of it.
func TestManagerTellsDetails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := new(ether)
		c := testConfig(100, "VI_1")
		c.Instances[0].Excluded = []AddressConfig{{Prefix: netip.MustParsePrefix("fd00::1/128")}}
		c.Instances[0].Routes = []RouteConfig{{Dst: netip.MustParsePrefix("10.9.0.0/24")}}
		var details [2]string
		for i, on := range []bool{false, true} {
			log := &journal{start: time.Now()}
			n := e.runOn(t, log, newFakeHost(log, "10.0.0.1/24"), c, func(o *Options) {
				o.Detail = on
				o.Notifier = detailNotifier{&details[i]}
			})
			time.Sleep(500 * time.Millisecond)
			n.stop()
		}
		want := strings.Join([]string{
			"(VI_1) removing Virtual Routes", "(VI_1) removing VIPs.", "(VI_1) removing E-VIPs.",
			"(VI_1) setting VIPs.", "(VI_1) setting E-VIPs.", "(VI_1) setting Virtual Routes",
			"(VI_1) Sending/queueing gratuitous ARPs on eth0 for 10.0.0.101", "(VI_1) Sending/queueing Unsolicited Neighbour Adverts on eth0 for fd00::1",
			"Sending gratuitous ARP on eth0 for 10.0.0.101", "Sending gratuitous ARP on eth0 for 10.0.0.101",
			"Sending unsolicited Neighbour Advert on eth0 for fd00::1", "Sending unsolicited Neighbour Advert on eth0 for fd00::1",
			"(VI_1) removing Virtual Routes", "(VI_1) removing VIPs.", "(VI_1) removing E-VIPs.", "",
		}, "\n")
		sorted := func(s string) []string { l := strings.Split(s, "\n"); slices.Sort(l); return l }
		if details[0] != "" || !slices.Equal(sorted(details[1]), sorted(want)) {
			t.Errorf("without: %q, with:\n%swant\n%s", details[0], details[1], want)
		}
	})
}

// TestManagerStatusCountsLostReports: who reads the status learns that scripts or
// mails are missing.
func TestManagerStatusCountsLostReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &journal{start: time.Now()}
		n := new(ether).runOn(t, log, newFakeHost(log, "10.0.0.1/24"), testConfig(100, "VI_1"), func(o *Options) { o.Notifier = lossy{} })
		if s, err := n.Status(t.Context()); err != nil || s.Counters.LostReports != 7 {
			t.Errorf("%d reports lost, %v", s.Counters.LostReports, err)
		}
	})
}

// lossy is a Notifier that loses everything.
type lossy struct{}

func (lossy) Notify(Report) {}
func (lossy) Lost() uint64  { return 7 }

// detailNotifier keeps the lines of Details.
type detailNotifier struct{ lines *string }

func (n detailNotifier) Notify(r Report) {
	if d, ok := r.Action.(Detail); ok {
		*n.lines += strings.Join(d.Lines, "\n") + "\n"
	}
}

// TestManagerRemovesStaleAddresses: what a crash left behind is gone before the
// node hears or says anything.
func TestManagerRemovesStaleAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := new(ether)
		log := &journal{start: time.Now()}
		host := newFakeHost(log, "10.0.0.1/24")
		host.change(func() { host.held["eth0"] = []netip.Prefix{netip.MustParsePrefix("10.0.0.101/32")} })
		n := e.runOn(t, log, host, testConfig(100, "VI_1"))
		if got := n.take(); got != "0s delete 10.0.0.101/32\n0s notify VI_1 BACKUP 100" {
			t.Errorf("got\n%s", got)
		}
	})
}

// TestManagersHandOver: a crash takes the protocol's time exactly, and a stop
// the skew.
func TestManagersHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := new(ether)
		a := e.run(t, "10.0.0.1/24", testConfig(150, "VI_1"))
		b := e.run(t, "10.0.0.2/24", testConfig(100, "VI_1"))
		time.Sleep(time.Second + 50*time.Millisecond)
		if a.state("VI_1") != Active || b.state("VI_1") != Backup {
			t.Fatalf("the states are %v and %v", a.state("VI_1"), b.state("VI_1"))
		}
		b.take()
		a.take()
		a.stop()
		stopped := time.Since(b.journal.start)
		if got := a.take(); !strings.Contains(got, "send vrid 51 priority 0") || !strings.Contains(got, "delete 10.0.0.101/32") || a.wire.joined != 0 {
			t.Errorf("the stop did\n%s", got)
		}
		at := (stopped + SkewTime(V3, 100, 100*time.Millisecond)).String()
		if got := b.pass(200 * time.Millisecond); !strings.HasPrefix(got, at+" send vrid 51 priority 100\n"+at+" add 10.0.0.101/32") {
			t.Errorf("want a takeover at %s, got\n%s", at, got)
		}

		a = e.run(t, "10.0.0.1/24", testConfig(150, "VI_1"))
		time.Sleep(time.Second)
		if a.state("VI_1") != Active || b.state("VI_1") != Backup || len(b.host.held["eth0"]) != 0 {
			t.Fatalf("after the return the states are %v and %v", a.state("VI_1"), b.state("VI_1"))
		}
		a.take()
		b.take()
		a.wire.cut = true
		got := b.pass(time.Second)
		if !strings.Contains(got, "notify VI_1 MASTER 100") {
			t.Errorf("after a cut:\n%s", got)
		}
	})
}

// TestManagerDrainsBeforeItBelievesATimer: a node that did not run finds its
// timer expired and the Active Router's advertisements in its queue, and stays
// Backup.
func TestManagerDrainsBeforeItBelievesATimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := new(ether)
		a := e.run(t, "10.0.0.1/24", testConfig(150, "VI_1"))
		b := e.run(t, "10.0.0.2/24", testConfig(100, "VI_1"))
		time.Sleep(time.Second)
		a.take()
		b.take()
		b.wire.freeze(true)
		time.Sleep(10 * time.Second)
		b.wire.freeze(false)
		if got := b.pass(time.Second); got != "" {
			t.Errorf("after a pause of the Backup Router it did\n%s", got)
		}
		a.wire.freeze(true)
		time.Sleep(10 * time.Second)
		if b.state("VI_1") != Active {
			t.Fatal("nobody took over")
		}
		a.take()
		a.wire.freeze(false)
		if got := a.pass(0); strings.Contains(got, "send") || !strings.Contains(got, "delete 10.0.0.101/32") {
			t.Errorf("after a pause of the Active Router it did\n%s", got)
		}
	})
}

// TestManagerWatchesTheHost: addresses that somebody removes come back and are
// announced again; an interface that is down is a fault, and the end of one.
func TestManagerWatchesTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(ether).run(t, "10.0.0.1/24", testConfig(100, "VI_1"))
		time.Sleep(time.Second)
		n.take()
		n.host.change(func() { n.host.held["eth0"] = nil })
		if got := n.pass(0); !strings.Contains(got, "add 10.0.0.101/32") || !strings.Contains(got, "announce 10.0.0.101") || n.state("VI_1") != Active {
			t.Errorf("after the removal:\n%s", got)
		}
		n.host.change(func() { n.host.down["eth0"] = true })
		if got := n.pass(0); !strings.Contains(got, "priority 0") || !strings.Contains(got, "delete 10.0.0.101/32") || !strings.HasSuffix(got, "notify VI_1 FAULT 100") {
			t.Errorf("after the interface went down:\n%s", got)
		}
		n.host.change(func() { n.host.down["eth0"] = false })
		if got := n.pass(0); !strings.HasSuffix(got, "notify VI_1 BACKUP 100") {
			t.Errorf("after the interface came back:\n%s", got)
		}
		n.host.change(func() { n.host.own = netip.MustParsePrefix("fd00::1/64") })
		n.pass(0)
		if n.state("VI_1") != Fault {
			t.Errorf("without an address the state is %v", n.state("VI_1"))
		}
	})
}

// TestManagerFindsInterfaceRemade: an interface that was deleted and made anew
// between two looks has nothing of what was put up on the old one.
func TestManagerFindsInterfaceRemade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(ether).run(t, "10.0.0.1/24", testConfig(100, "VI_1"))
		time.Sleep(time.Second)
		for range 2 {
			n.take()
			n.host.change(func() { n.host.remade, n.host.held["eth0"] = n.host.remade+1, nil })
			if got := n.pass(0); !strings.Contains(got, "add 10.0.0.101/32") || !strings.Contains(got, "announce 10.0.0.101") || n.state("VI_1") != Active {
				t.Errorf("after the interface was made anew:\n%s", got)
			}
		}
	})
}

// TestManagerRestoresRoutes: routes and rules that somebody removes come back as
// addresses do, those with no_track do not, and in a fight over them with somebody
// else we strike once a second.
func TestManagerRestoresRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		route := func(dst string, noTrack bool) RouteConfig {
			return RouteConfig{Type: RouteUnicast, Dst: netip.MustParsePrefix(dst), NoTrack: noTrack}
		}
		c := testConfig(100, "VI_1")
		c.Instances[0].Routes = []RouteConfig{route("10.9.0.0/24", false), route("10.8.0.0/24", true)}
		c.Instances[0].Rules = []RuleConfig{{Priority: 100}, {Priority: 101, NoTrack: true}}
		c.Routes = []RouteConfig{route("10.7.0.0/24", false)}
		n := new(ether).run(t, "10.0.0.1/24", c)
		time.Sleep(time.Second)
		n.take()
		lose := func(lost ...Change) string {
			calls := n.host.calls
			n.host.change(func() { n.host.lost = lost })
			got := n.pass(0)
			if len(got) > 0 != (n.host.calls > calls) {
				t.Errorf("%d calls of Apply, and it did\n%s", n.host.calls-calls, got)
			}
			return got
		}
		inst := &c.Instances[0]
		for _, lost := range []Change{{Route: &inst.Routes[1]}, {Rule: &inst.Rules[1]}} {
			if got := lose(lost); got != "" {
				t.Errorf("after the loss of one with no_track:\n%s", got)
			}
		}
		for what, lost := range map[string]Change{"route 10.9.0.0/24": {Route: &inst.Routes[0]}, "rule 100": {Rule: &inst.Rules[0]}} {
			if got := lose(lost); !strings.Contains(got, "put up "+what) || !strings.Contains(got, "announce 10.0.0.101") || n.state("VI_1") != Active {
				t.Errorf("after the loss of a %s:\n%s", what, got)
			}
			if got := lose(lost); got != "" {
				t.Errorf("after its loss right away:\n%s", got)
			}
			if got := n.pass(time.Second); strings.Count(got, "put up "+what) != 1 {
				t.Errorf("a second later:\n%s", got)
			}
			n.pass(time.Second)
		}
		if got := lose(Change{Route: &c.Routes[0]}); strings.Count(got, "put up route 10.7.0.0/24") != 1 || strings.Contains(got, "announce") {
			t.Errorf("after the loss of a static route:\n%s", got)
		}
	})
}

// TestManagerDebouncesLinks: interface_up_down_delays hides a short failure.
func TestManagerDebouncesLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testConfig(100, "VI_1")
		c.Debounce = []DebounceConfig{{Device: "eth0", Down: time.Second, Up: 2 * time.Second}}
		n := new(ether).run(t, "10.0.0.1/24", c)
		time.Sleep(time.Second)
		set := func(down bool, wait time.Duration, want State) {
			t.Helper()
			n.host.change(func() { n.host.down["eth0"] = down })
			n.pass(wait)
			if got := n.state("VI_1"); got != want {
				t.Errorf("after %v the state is %v, want %v", wait, got, want)
			}
		}
		set(true, 900*time.Millisecond, Active)
		set(false, 200*time.Millisecond, Active)
		set(true, 900*time.Millisecond, Active)
		set(true, 101*time.Millisecond, Fault)
		set(false, 1900*time.Millisecond, Fault)
		set(false, 101*time.Millisecond, Backup)
	})
}

// TestManagerReloadsTheSame touches nothing and delays nothing.
func TestManagerReloadsTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(ether).run(t, "10.0.0.1/24", testConfig(100, "VI_1", "VI_2"))
		time.Sleep(time.Second)
		n.take()
		n.pass(100 * time.Millisecond)
		calls := n.host.calls
		want := sends(n.pass(time.Second))
		for range 10 {
			if err := n.Reload(t.Context(), testConfig(100, "VI_1", "VI_2")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(30 * time.Millisecond)
		}
		got := n.pass(700 * time.Millisecond)
		if len(sends(got)) != len(want) || strings.Contains(got, "add") || n.host.calls != calls {
			t.Errorf("%d calls of Apply, and it did\n%s", n.host.calls-calls, got)
		}
		for i, line := range sends(got) {
			if line != want[i] {
				t.Errorf("sent at %s into the interval, before at %s", line, want[i])
			}
		}
	})
}

// sends are the times of the advertisements, within their interval.
func sends(journal string) (at []string) {
	for line := range strings.SplitSeq(journal, "\n") {
		if when, what, _ := strings.Cut(line, " "); strings.HasPrefix(what, "send") {
			d, _ := time.ParseDuration(when)
			at = append(at, (d%(100*time.Millisecond)).String()+what)
		}
	}
	return at
}

// TestManagerReloadsAddresses adds and deletes what is different, leaves the rest
// alone, and lets an address move from one instance to another in one step.
func TestManagerReloadsAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(ether).run(t, "10.0.0.1/24", testConfig(100, "VI_1", "VI_2"))
		time.Sleep(time.Second)
		n.take()
		c := testConfig(100, "VI_1", "VI_2")
		extra := AddressConfig{Prefix: netip.MustParsePrefix("10.0.0.200/32"), Preferred: Forever}
		first := c.Instances[0].Virtual[0]
		// The first instance's address goes to the second one.
		c.Instances[0].Virtual = []AddressConfig{extra}
		c.Instances[1].Virtual = append(c.Instances[1].Virtual, first)
		if err := n.Reload(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		got := n.pass(0)
		if !strings.Contains(got, "add 10.0.0.200/32") || strings.Contains(got, "delete") || strings.Contains(got, "add 10.0.0.101/32") {
			t.Errorf("the reload did\n%s", got)
		}
		c = testConfig(100, "VI_1", "VI_2")
		c.Instances[0].Virtual = []AddressConfig{extra}
		if err := n.Reload(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if got := n.pass(0); !strings.Contains(got, "delete 10.0.0.101/32") || strings.Contains(got, "add") {
			t.Errorf("the second reload did\n%s", got)
		}
	})
}

// TestManagerReloadsInstances ends what is gone with priority 0, starts what is new,
// and refuses a configuration that cannot run, changing nothing.
func TestManagerReloadsInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(ether).run(t, "10.0.0.1/24", testConfig(100, "VI_1", "VI_2"))
		time.Sleep(time.Second)
		n.take()
		bad := testConfig(100, "VI_1")
		bad.Instances[0].Device = "eth9"
		if err := n.Reload(t.Context(), bad); err == nil || !strings.Contains(err.Error(), "eth9 does not exist") {
			t.Errorf("a configuration without its interface: %v", err)
		}
		if got := n.pass(0); strings.Contains(got, "notify") {
			t.Errorf("the refused reload did\n%s", got)
		}
		c := testConfig(100, "VI_1", "VI_2", "VI_3")
		c.Instances = slices.Delete(c.Instances, 1, 2)
		if err := n.Reload(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		got := n.pass(0)
		for _, want := range []string{"send vrid 52 priority 0", "delete 10.0.0.102/32", "notify VI_2 STOP 100 deleted", "notify VI_3 BACKUP 100"} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
		if n.state("VI_1") != Active || n.wire.joined != 2 {
			t.Errorf("VI_1 is %v, %d ports are open", n.state("VI_1"), n.wire.joined)
		}
	})
}

// TestManagerReloadsGroups forms a sync group of running instances, and dissolves it.
func TestManagerReloadsGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testConfig(100, "VI_1", "VI_2")
		n := new(ether).run(t, "10.0.0.1/24", c)
		time.Sleep(time.Second)
		grouped := testConfig(100, "VI_1", "VI_2")
		grouped.Groups = []GroupConfig{{Name: "G", Instances: []string{"VI_1", "VI_2"}}}
		grouped.Instances[1].Track.Devices = []TrackedConfig{{Name: "eth1"}}
		if err := n.Reload(t.Context(), grouped); err != nil {
			t.Fatal(err)
		}
		n.pass(time.Second)
		if n.state("VI_1") != Active || n.state("VI_2") != Active {
			t.Fatalf("in the group they are %v and %v", n.state("VI_1"), n.state("VI_2"))
		}
		n.host.change(func() { n.host.down["eth1"] = true })
		if got := n.pass(0); n.state("VI_1") != Fault || n.state("VI_2") != Fault || !strings.Contains(got, "notify G FAULT 0") {
			t.Errorf("one in Fault, they are %v and %v:\n%s", n.state("VI_1"), n.state("VI_2"), got)
		}
		if err := n.Reload(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		n.pass(time.Second)
		if n.state("VI_1") != Active || n.state("VI_2") != Active {
			t.Errorf("alone again they are %v and %v", n.state("VI_1"), n.state("VI_2"))
		}
	})
}

// TestManagerTracks: what trackers say counts before and after the start.
func TestManagerTracks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testConfig(100, "VI_1")
		c.Instances[0].Track.Scripts = []TrackedConfig{{Name: "chk", Weight: -20}, {Name: "must"}}
		n := new(ether).run(t, "10.0.0.1/24", c)
		if n.state("VI_1") != Fault {
			t.Errorf("before the first result the state is %v", n.state("VI_1"))
		}
		n.Set(CauseScript, "must", Standing{Known: true, Up: true})
		n.Set(CauseScript, "chk", Standing{Known: true})
		time.Sleep(time.Second)
		s, err := n.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Instances[0]; got.State != Active || got.Priority != 80 || got.Weight != -20 || len(got.Tracked) != 2 || len(got.Held) != 1 {
			t.Errorf("the status is %+v", got)
		}
	})
}

// TestManagerDoesManyAtOnce: 200 instances take over in one call of Send and one
// of Apply, and stop in as few.
func TestManagerDoesManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var names []string
		for i := range 200 {
			names = append(names, "VI_"+string(rune('A'+i)))
		}
		n := new(ether).run(t, "10.1.0.1/24", testConfig(100, names...))
		calls := n.host.calls
		n.pass(down(100) + time.Millisecond)
		if got := n.host.calls - calls; got != 1 || n.wire.sends != 1 || len(n.host.held["eth0"]) != 200 {
			t.Errorf("%d calls of Apply and %d of Send for %d addresses", got, n.wire.sends, len(n.host.held["eth0"]))
		}
		n.stop()
		if got := n.host.calls - calls; got != 2 || n.wire.sends != 2 || len(n.host.held["eth0"]) != 0 {
			t.Errorf("with the stop %d calls of Apply and %d of Send", got, n.wire.sends)
		}
	})
}

// TestManagerSync: the synchronisation of connections follows its instance.
func TestManagerSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testConfig(100, "VI_1")
		c.Sync = &SyncConfig{Device: "eth0", Instance: "VI_1", ID: 51}
		roles := make(chan SyncRole, 10)
		log := &journal{start: time.Now()}
		e := new(ether)
		host := newFakeHost(log, "10.0.0.1/24")
		n := e.runOn(t, log, host, c, func(o *Options) {
			o.Sync = func(_ SyncConfig, r SyncRole) error { roles <- r; return nil }
		})
		n.pass(time.Second)
		n.stop()
		close(roles)
		var got []string
		for r := range roles {
			got = append(got, r.String())
		}
		if want := "backup active off"; strings.Join(got, " ") != want {
			t.Errorf("the roles were %v, want %s", got, want)
		}
	})
}

// TestManagerRefuses: a router that does not accept packets to its virtual
// addresses drops them before the addresses are up, and until they are gone.
func TestManagerRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testConfig(100, "VI_1")
		c.Instances[0].Accept = false
		n := new(ether).run(t, "10.0.0.1/24", c)
		n.take()
		at := down(100).String()
		want := at + " refuse 10.0.0.101, delete false\n" + at + " add 10.0.0.101/32\n"
		if got := n.pass(down(100)); !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant in it\n%s", got, want)
		}
		n.stop()
		want = at + " delete 10.0.0.101/32\n" + at + " refuse 10.0.0.101, delete true"
		if got := n.take(); !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant in it\n%s", got, want)
		}
	})
}
