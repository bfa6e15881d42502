package vrrp

// Tests of what RFC 9568 asks of the state machine, section by section. Each
// says what it pins in own words and ends with the section. They have the shape
// of a bench: bring a machine somewhere, let something happen, compare the exact
// list of actions, the state and the timer. The rows of testdata/rfc.tsv name
// them; keepalived's ways beside the RFC are in keepalived_test.go.

import (
	"net/netip"
	"testing"
	"time"
)

var becomesActive = []string{
	"send priority 100",
	"BACKUP to MASTER (no-response)",
	"add addresses",
	"announce 5 times",
	"notify MASTER 100",
}

// The owner of the addresses advertises at once, puts them up, announces them,
// starts Adver_Timer and is Active.
// Reference: section 6.4.1, (105)-(145).
func TestStartupOfTheOwner(t *testing.T) {
	requirement(t, "9568:5.2.4-1", "9568:6.4.1-owner")
	started(t, owner).
		want("remove addresses", "send priority 255", "INIT to MASTER (owner)", "add addresses", "announce 5 times", "notify MASTER 255").
		in(Active).due(time.Second)
}

// Everybody else takes its own interval for Active_Adver_Interval, starts
// Active_Down_Timer with Active_Down_Interval, and is Backup. Nothing is sent.
// Reference: section 6.4.1, (150)-(165).
func TestStartupOfTheOthers(t *testing.T) {
	requirement(t, "9568:6.4.1-others", "9568:6.4.1-owner")
	for _, priority := range []uint8{1, 100, 254} {
		b := started(t, func(p *Params) { p.Priority = priority }).in(Backup)
		b.due(3*time.Second + time.Duration(256-int(priority))*time.Second/256)
		if got := len(b.actions); got != 3 {
			t.Errorf("priority %d: %d actions %v, want removal, transition, notification", priority, got, b.actions)
		}
	}
	started(t, nil).want("remove addresses", "INIT to BACKUP (startup)", "notify BACKUP 100")
}

// Nothing happens before Startup, and Startup happens once.
// Reference: section 6.4.1.
func TestInitializeWaitsForStartup(t *testing.T) {
	requirement(t, "9568:6.4.1-others")
	b := newBench(t, nil)
	b.do(Tick{}).want().in(Initialize).idle()
	b.hear(200).want().in(Initialize)
	b.do(AddressesLost{}).want().in(Initialize)
	b.do(Shutdown{}).want().in(Initialize)
	b.do(Startup{}).in(Backup)
	b.sleep(time.Second).do(Startup{}).want().in(Backup).due(down100 - time.Second)
}

// A Backup Router that is shut down cancels its timer and says nothing: only an
// Active Router gives up with priority 0.
// Reference: section 6.4.2, (345)-(355).
func TestShutdownInBackup(t *testing.T) {
	requirement(t, "9568:6.4.2-6", "9568:6.4.3-8")
	started(t, nil).do(Shutdown{}).
		want("BACKUP to INIT (shutdown)", "notify STOP 100").
		in(Initialize).idle()
}

// When Active_Down_Timer expires: an advertisement, then the addresses and their
// announcement, then Adver_Timer and Active, in this order.
// Reference: section 6.4.2, (365)-(410).
func TestActiveDownTimerExpires(t *testing.T) {
	requirement(t, "9568:6.4.2-7", "9568:8.1.2-2")
	b := started(t, nil)
	b.sleep(down100 - 1).do(Tick{}).want().in(Backup)
	b.sleep(1).do(Tick{}).want(becomesActive...).in(Active).due(time.Second)
}

// Priority 0 in Backup sets Active_Down_Timer to Skew_Time.
// Reference: section 6.4.2, (425)-(430).
func TestPriorityZeroInBackup(t *testing.T) {
	requirement(t, "9568:6.4.2-8")
	b := started(t, nil)
	b.hear(200).due(down100)
	b.sleep(300 * time.Millisecond).hear(PriorityStop).want().in(Backup).due(skew100)
	b.expire().want("send priority 100", "BACKUP to MASTER (priority)", "add addresses", "announce 5 times", "notify MASTER 100").in(Active)
}

// Skew_Time is that of the interval learned from the Active Router.
// Reference: section 6.4.2, (425)-(430) with (450).
func TestPriorityZeroUsesTheLearnedInterval(t *testing.T) {
	requirement(t, "9568:6.4.2-8")
	started(t, nil).hear(200, every(100*time.Millisecond)).due(down100 / 10).
		hear(PriorityStop).due(skew100 / 10)
}

// A priority that is not lower than ours: its interval becomes
// Active_Adver_Interval, and Active_Down_Timer starts anew.
// Reference: section 6.4.2, (445)-(460).
func TestAdvertisementAccceptedInBackup(t *testing.T) {
	requirement(t, "9568:6.4.2-10", "9568:6.4.2-9", "9568:7.1-8")
	for _, priority := range []uint8{100, 101, 255} {
		b := started(t, nil)
		b.sleep(2 * time.Second).hear(priority).want().in(Backup).due(down100)
		b.sleep(time.Second).hear(priority, every(2*time.Second)).want().due(2 * down100)
		if got := b.m.Snapshot().ActiveInterval; got != 2*time.Second {
			t.Errorf("Active_Adver_Interval %v", got)
		}
		// Back to ours as soon as we are Active.
		b.expire().in(Active).due(time.Second)
	}
}

// Without Preempt_Mode lower priorities are accepted as well.
// Reference: section 6.4.2, (445)-(460).
func TestWithoutPreemptModeLowerPrioritiesAreAccepted(t *testing.T) {
	requirement(t, "9568:6.1-owner-preempts", "9568:6.1-preempt")
	b := started(t, func(p *Params) { p.NoPreempt = true })
	for range 10 {
		b.sleep(time.Second).hear(1).in(Backup).due(down100)
	}
}

// With Preempt_Mode a lower priority is discarded: the timer runs on, and then
// we preempt.
// Reference: section 6.4.2, (465)-(470).
func TestLowerPriorityIsDiscardedInBackup(t *testing.T) {
	requirement(t, "9568:6.1-preempt", "9568:6.4.2-10", "9568:6.4.2-9")
	b := started(t, nil)
	b.sleep(time.Second)
	before := b.m.downAt()
	b.hear(99, every(100*time.Millisecond)).want().in(Backup)
	if b.m.downAt() != before || b.m.activeInterval != time.Second {
		t.Error("a discarded advertisement changed the timer")
	}
	b.says("(VI_1) received lower priority (99) advert from 10.77.0.2 - discarding")
	b.expire().want("send priority 100", "BACKUP to MASTER (preempt)", "add addresses", "announce 5 times", "notify MASTER 100")
}

// The owner preempts whatever Preempt_Mode says.
// Reference: section 6.1, Preempt_Mode.
func TestTheOwnerAlwaysPreempts(t *testing.T) {
	requirement(t, "9568:6.1-owner-preempts")
	b := started(t, func(p *Params) { p.Priority, p.NoPreempt, p.StartBackup = PriorityOwner, true, true }).in(Backup)
	b.sleep(time.Second).hear(254).in(Backup).due(2*time.Second + time.Second/256)
	// Whereas another router without Preempt_Mode waits on.
	started(t, func(p *Params) { p.Priority, p.NoPreempt = 254, true }).
		sleep(time.Second).hear(1).due(3*time.Second + 2*time.Second/256)
}

// An Active Router that is shut down cancels its timer, gives up with priority 0
// and lets go of the addresses.
// Reference: section 6.4.3, (655)-(670).
func TestShutdownInActive(t *testing.T) {
	requirement(t, "9568:6.4.2-6", "9568:6.4.3-8")
	active(t, nil).do(Shutdown{}).
		want("send priority 0", "remove addresses", "MASTER to INIT (shutdown)", "notify STOP 100").
		in(Initialize).idle()
}

// When Adver_Timer expires an advertisement is sent and the timer starts anew.
// Reference: section 6.4.3, (680)-(690).
func TestAdverTimerExpires(t *testing.T) {
	requirement(t, "9568:6.4.3-9")
	b := active(t, nil)
	for range 5 {
		b.due(time.Second)
		b.sleep(time.Second - 1).do(Tick{}).want()
		b.sleep(1).do(Tick{}).want("send priority 100").in(Active)
	}
}

// Being late once does not make the next advertisement later.
func TestAdverTimerKeepsItsGrid(t *testing.T) {
	requirement(t, "9568:6.4.3-9")
	b := active(t, nil)
	b.sleep(time.Second + 300*time.Millisecond).do(Tick{}).want("send priority 100").due(700 * time.Millisecond)
	// Unless it is late by an interval and more: no second one at once.
	b.sleep(700*time.Millisecond + 1100*time.Millisecond).do(Tick{}).want("send priority 100").due(time.Second)
}

// Priority 0 in Active: an advertisement at once, and Adver_Timer anew.
// Reference: section 6.4.3, (705)-(715).
func TestPriorityZeroInActive(t *testing.T) {
	requirement(t, "9568:6.4.3-10")
	active(t, nil).sleep(400 * time.Millisecond).hear(PriorityStop).want("send priority 100").in(Active).due(time.Second)
}

// A higher priority: cancel Adver_Timer, adopt the interval, become Backup. No
// priority 0 is sent.
// Reference: section 6.4.3, (725)-(765).
func TestHigherPriorityInActive(t *testing.T) {
	requirement(t, "9568:6.4.3-11")
	for _, nopreempt := range []bool{false, true} { // Preempt_Mode plays no part
		b := active(t, func(p *Params) { p.NoPreempt = nopreempt })
		b.sleep(400*time.Millisecond).hear(101, every(2*time.Second)).
			want("MASTER to BACKUP (higher-priority)", "remove addresses", "notify BACKUP 100").
			in(Backup).due(2 * down100)
	}
}

// Equal priority: the greater address wins, compared as unsigned bytes in
// network order, for all addresses alike.
// Reference: section 6.4.3, (725).
func TestEqualPriorityInActive(t *testing.T) {
	requirement(t, "9568:6.4.3-11")
	for _, tc := range []struct {
		ours, theirs string
		yield        bool
	}{
		{"10.77.0.1", "10.77.0.2", true},
		{"10.77.0.2", "10.77.0.1", false},
		{"10.77.0.1", "10.77.0.255", true},
		{"127.255.255.255", "128.0.0.1", true}, // not as signed numbers
		{"200.0.0.1", "100.0.0.1", false},
		{"1.0.0.2", "2.0.0.1", true}, // not in the host's order
		{"9.255.255.255", "10.0.0.0", true},
		{"fe80::1", "fe80::2", true},
		{"fe80::2", "fe80::1", false},
		{"fe80::7fff:0:0:0", "fe80::8000:0:0:0", true},
		{"fe80::ffff", "fe80::1:0", true},
	} {
		b := active(t, func(p *Params) {
			p.Source = netip.MustParseAddr(tc.ours)
			if p.IPv6 = p.Source.Is6(); p.IPv6 {
				p.Addresses = goldens[4].params.Addresses
			}
		})
		b.hear(100, from(tc.theirs))
		if yielded := b.m.State() == Backup; yielded != tc.yield {
			t.Errorf("ours %s, theirs %s: yielded %t, want %t", tc.ours, tc.theirs, yielded, tc.yield)
		}
	}
	active(t, nil).hear(100).
		want("MASTER to BACKUP (higher-address)", "remove addresses", "notify BACKUP 100").due(down100)
}

// Two owners, which is a mistake: told, and decided by address as any other tie.
// Reference: section 6.4.3 (725), section 7.1 with erratum 8298.
func TestTwoOwners(t *testing.T) {
	requirement(t, "9568:7.1-4")
	started(t, owner).hear(255).
		says("(VI_1) CONFIGURATION ERROR: 10.77.0.2 has priority 255 too, but only one router can own the addresses").
		in(Backup)
	started(t, owner).hear(255, from("10.77.0.0")).in(Active)
}

// Equal priority from our own address can only be our own packet, or a duplicate
// address: it changes nothing.
func TestOurOwnPacket(t *testing.T) {
	b := active(t, nil).sleep(100 * time.Millisecond)
	before := b.state()
	b.hear(100, from("10.77.0.1")).want().
		says("(VI_1) WARNING - equal priority advert received from remote host with our IP address.")
	if b.state() != before {
		t.Error("our own packet changed the state")
	}
}

// Anything worse is discarded, and answered at once, so that its sender and the
// switches learn who is Active.
// Reference: section 6.4.3, (775).
func TestLowerPriorityIsAnsweredInActive(t *testing.T) {
	requirement(t, "9568:6.4.3-12")
	b := active(t, nil).sleep(400 * time.Millisecond)
	b.hear(99).want("send priority 100", "notify MASTER_RX_LOWER_PRI 100").in(Active).due(time.Second)
	b.sleep(400*time.Millisecond).hear(100, from("10.77.0.0")).want("send priority 100").in(Active)
}

// The answers have a limit the RFC does not set: one in 10 ms, or a flood of
// spoofed packets would be multiplied. Answers to priority 0 count as well.
func TestAnswersAreLimited(t *testing.T) {
	requirement(t, "9568:6.4.3-10", "9568:6.4.3-12")
	b := active(t, nil)
	sent := 0
	for range 10_000 { // one second
		b.sleep(100 * time.Microsecond)
		if b.now.UnixNano()%2 == 0 {
			b.hear(1)
		} else {
			b.hear(PriorityStop)
		}
		for _, a := range b.actions {
			if _, ok := a.(SendAdvertisement); ok {
				sent++
			}
		}
	}
	if sent < 99 || sent > 101 {
		t.Errorf("%d answers in a second, want 100", sent)
	}
	if got := b.m.Counters().RepliesSuppressed; got != uint64(10_000-sent) {
		t.Errorf("%d answers counted as suppressed, want %d", got, 10_000-sent)
	}
}

// A packet that fails a check changes nothing, in any state.
// Reference: section 7.1.
func TestRefusedPacketsChangeNothing(t *testing.T) {
	requirement(t, "9568:7.1-6", "9568:7.1-7")
	states := map[string]func() *bench{
		"Backup":  func() *bench { return started(t, nil).sleep(time.Second) },
		"skewing": func() *bench { return started(t, nil).hear(PriorityStop).sleep(time.Millisecond) },
		"Active":  func() *bench { return active(t, nil).sleep(time.Millisecond) },
	}
	for name, make := range states {
		for _, f := range faults {
			b := make()
			p := b.m.Params().clone()
			if !f.only(&p) || f.reason == ReasonFamily {
				continue
			}
			for _, priority := range []uint8{0, 1, 255} {
				before := b.state()
				b.hear(priority, f.spoil)
				for _, a := range b.actions {
					if _, ok := a.(Refuse); !ok {
						t.Errorf("%s: %s makes the machine %v", name, f.name, a)
					}
				}
				if b.state() != before {
					t.Errorf("%s: %s changed the state", name, f.name)
				}
			}
			if got := b.m.Counters().RefusedFor(f.reason); got != 3 {
				t.Errorf("%s: %s counted %d times, want 3", name, f.name, got)
			}
		}
	}
}

// Refusals are told, but a flood of them is not: one line a second for each
// Reason, and nothing in the flood resets that.
// Reference: section 7.1 (SHOULD log, subject to rate limiting).
func TestRefusalsAreReportedOnceASecond(t *testing.T) {
	requirement(t, "9568:7.1-7")
	b := started(t, nil)
	reports, suppressed := 0, uint64(0)
	for i := range 50_000 { // five seconds
		b.sleep(100 * time.Microsecond)
		if i%1000 == 500 {
			b.hear(200) // an accepted one in between resets nothing either
			continue
		}
		b.hear(200, func(c *crafted) { c.d.TTL = 64 })
		for _, a := range b.actions {
			if r, ok := a.(Refuse); ok {
				reports++
				suppressed += r.Suppressed
			}
		}
	}
	if reports != 5 {
		t.Errorf("%d reports in five seconds, want 5", reports)
	}
	c := b.m.Counters()
	if got := c.RefusedFor(ReasonTTL); got != 49_950 {
		t.Errorf("%d counted, want 49950", got)
	}
	if c.RcvdAdvertisements != 50 {
		t.Errorf("%d accepted, want 50", c.RcvdAdvertisements)
	}
	if suppressed == 0 || suppressed >= 49_950 {
		t.Errorf("%d reported as suppressed", suppressed)
	}
	// Another reason has a line of its own.
	b.hear(200, func(c *crafted) { c.badSum = true }).want("refuse checksum").
		says("(VI_1) Invalid VRRPv3 checksum")
}

// Without a primary address nothing can be sent: the router is in Fault until it
// has one.
// Reference: section 7.2.
func TestNoSourceAddress(t *testing.T) {
	requirement(t, "9568:7.2-3")
	b := started(t, func(p *Params) { p.Source = netip.Addr{} }).in(Fault).idle()
	b.says("(VI_1) entering FAULT state (no IPv4 address for interface)")
	b.do(SourceChanged{netip.MustParseAddr("10.77.0.1")}).want("FAULT to BACKUP (healed)", "notify BACKUP 100").due(down100)
	b.expire().in(Active)
	b.do(SourceChanged{}).want("send priority 0", "MASTER to FAULT (fault)", "remove addresses", "notify FAULT 100")
	b.do(SourceChanged{netip.MustParseAddr("10.77.0.7")}).in(Backup)
	if got := b.m.Params().Source.String(); got != "10.77.0.7" {
		t.Errorf("source %s", got)
	}
}

// The owner accepts packets to the addresses, others do if Accept_Mode says so.
// Reference: section 6.4.3, (650).
func TestAcceptMode(t *testing.T) {
	requirement(t, "9568:6.4.3-6")
	for _, tc := range []struct {
		priority uint8
		accept   bool
		want     string
	}{
		{100, true, "add addresses"}, {100, false, "add addresses without accepting"},
		{255, true, "add addresses"}, {255, false, "add addresses"},
	} {
		b := active(t, func(p *Params) { p.Priority, p.Accept = tc.priority, tc.accept })
		found := false
		for _, a := range b.actions {
			found = found || a.String() == tc.want
		}
		if !found {
			t.Errorf("priority %d, accept %t: no %q in %v", tc.priority, tc.accept, tc.want, b.actions)
		}
	}
}

// Advertisements carry what the configuration says, after every change of it.
// Reference: section 7.2.
func TestAdvertisementsCarryTheParameters(t *testing.T) {
	requirement(t, "9568:5.2.4-2", "9568:7.2-1")
	b := active(t, nil)
	sent := func() Advertisement {
		t.Helper()
		b.expire()
		for _, a := range b.actions {
			if s, ok := a.(SendAdvertisement); ok {
				return s.Advertisement
			}
		}
		t.Fatal("nothing sent")
		return Advertisement{}
	}
	check := func(what string, priority uint8, interval time.Duration, addresses int) {
		t.Helper()
		a := sent()
		if a.Version != V3 || a.VRID != 51 || a.Priority != priority || a.MaxAdvertiseInterval != interval || len(a.Addresses) != addresses {
			t.Errorf("after %s: %+v", what, a)
		}
	}
	check("start", 100, time.Second, 1)
	b.do(Weighed{-30})
	check("a lower weight", 70, time.Second, 1)
	p := b.m.Params().clone()
	p.Priority, p.AdvertisementInterval, p.Addresses = 200, 2*time.Second, append(p.Addresses, netip.MustParseAddr("10.77.0.101"))
	b.do(Reload{p})
	check("a reload", 170, 2*time.Second, 2)
	b.do(Weighed{0})
	check("no weight", 200, 2*time.Second, 2)
}
