package vrrp

// Tests of what keepalived does beside the RFCs, or instead of them, and of the
// one thing we do differently from both: believing silence only while awake.

import (
	"net/netip"
	"testing"
	"time"
)

// nopreempt: once another is Active we stay Backup whatever its priority, but as
// Active we yield to a better one all the same.
func TestNoPreempt(t *testing.T) {
	b := started(t, func(p *Params) { p.NoPreempt = true })
	for range 20 {
		b.sleep(time.Second).hear(1).do(Tick{}).in(Backup)
	}
	b.expire().in(Active).hear(101).in(Backup)
}

// preempt_delay: an Active Router of lower priority is followed until the delay
// since its first advertisement is over; then it is ignored, and
// Active_Down_Interval later we are Active.
func TestPreemptDelay(t *testing.T) {
	b := started(t, func(p *Params) { p.PreemptDelay = 5 * time.Second })
	begin := b.now
	b.hear(50).says("(VI_1) start preempt delay (5.000000)").due(down100)
	for b.m.State() == Backup && b.now.Before(begin.Add(time.Minute)) {
		b.sleep(time.Second).hear(50).do(Tick{})
		if b.m.State() == Backup && b.m.Deadline().Sub(b.now) < time.Second {
			b.expire()
		}
	}
	if got := b.now.Sub(begin); got != 5*time.Second+down100 {
		t.Errorf("Active after %v, want %v", got, 5*time.Second+down100)
	}
	// The delay is over between two advertisements.
	b = started(t, func(p *Params) { p.PreemptDelay = 4500 * time.Millisecond })
	for range 5 {
		b.hear(50).sleep(time.Second)
	}
	b.hear(50).due(down100 - 500*time.Millisecond)
	// The delay counts anew after a better one was heard, and after Active.
	b = started(t, func(p *Params) { p.PreemptDelay = 5 * time.Second })
	b.hear(50).sleep(4 * time.Second).hear(150).says("(VI_1) stop preempt delay")
	b.sleep(time.Second).hear(50).says("(VI_1) start preempt delay (5.000000)")
	b.sleep(6 * time.Second).hear(150)
	b.sleep(time.Second).hear(50).due(down100).in(Backup)
	// It delays neither a takeover from the dead nor one after priority 0.
	b.hear(PriorityStop).due(skew100).expire().in(Active)
}

// lower_prio_no_advert: RFC 5798's silence instead of RFC 9568's answer.
func TestLowerPriorityNoAdvert(t *testing.T) {
	b := active(t, func(p *Params) { p.LowerPriorityNoAdvert = true }).sleep(400 * time.Millisecond)
	b.hear(99).want("notify MASTER_RX_LOWER_PRI 100").in(Active).due(600 * time.Millisecond)
	b.says("(VI_1) Received advert from 10.77.0.2 with lower priority 99, ours 100")
	active(t, nil).hear(99).
		says("(VI_1) Received advert from 10.77.0.2 with lower priority 99, ours 100, forcing new election")
}

// higher_prio_send_advert: a last word before yielding, so that the other one
// repeats its announcements.
func TestHigherPrioritySendAdvert(t *testing.T) {
	on := func(p *Params) { p.HigherPrioritySendAdvert = true }
	active(t, on).hear(101).want("send priority 100", "MASTER to BACKUP (higher-priority)", "remove addresses", "notify BACKUP 100")
	active(t, on).hear(100).want("send priority 100", "MASTER to BACKUP (higher-address)", "remove addresses", "notify BACKUP 100")
	active(t, on).hear(99).in(Active)
	b := active(t, on).hear(101, every(20*time.Second))
	if got := b.actions[0].(SendAdvertisement).Advertisement.MaxAdvertiseInterval; got != 20*time.Second {
		t.Errorf("the last word tells %v, which others would learn", got)
	}
}

// owner_ignore_adverts: RFC 5798's owner, deaf to everybody.
func TestOwnerMayIgnoreAdvertisements(t *testing.T) {
	b := started(t, func(p *Params) { p.Priority, p.OwnerIgnoreAdverts = PriorityOwner, true })
	for _, priority := range []uint8{0, 100, 255} {
		before := b.state()
		b.hear(priority).in(Active)
		if b.state() != before {
			t.Errorf("priority %d changed the state", priority)
		}
	}
	if got := b.m.Counters().RefusedFor(ReasonOwner); got != 3 {
		t.Errorf("%d refused for %v, want 3", got, ReasonOwner)
	}
	// It says nothing about others than owners.
	active(t, func(p *Params) { p.OwnerIgnoreAdverts = true }).hear(200).in(Backup)
}

// "state BACKUP" with priority 255: keepalived waits as for any other.
func TestOwnerConfiguredAsBackup(t *testing.T) {
	b := started(t, func(p *Params) { p.Priority, p.StartBackup = PriorityOwner, true })
	b.in(Backup).due(3*time.Second + time.Second/256)
}

// vrrp_startup_delay: silence does not count and nothing is heard before its end.
func TestStartupDelay(t *testing.T) {
	b := newBench(t, nil).do(Startup{Delay: 10 * time.Second}).in(Backup).due(10*time.Second + down100)
	b.sleep(time.Second).hear(PriorityStop).want().due(9*time.Second + down100)
	if b.m.Counters().RcvdAdvertisements != 0 {
		t.Error("heard something during the delay")
	}
	b.sleep(9 * time.Second).hear(PriorityStop).due(skew100)

	b = newBench(t, owner).do(Startup{Delay: 10 * time.Second}).in(Backup).due(10 * time.Second)
	b.sleep(time.Minute).do(Tick{}).in(Active) // it waits for no silence, so being late is no matter

	// A fault that heals within the delay does not end it.
	down := Cause{CauseInterface, "eth0"}
	b = newBench(t, nil).do(Failed{down}).do(Startup{Delay: 10 * time.Second}).in(Fault)
	b.sleep(4 * time.Second).do(Healed{down}).in(Backup).due(6*time.Second + down100)
	b = newBench(t, owner).do(Failed{down}).do(Startup{Delay: 10 * time.Second})
	b.sleep(4 * time.Second).do(Healed{down}).in(Backup).due(6 * time.Second)
	b.sleep(7 * time.Second).do(Tick{}).in(Active)
}

// Faults take the router out until the last of them is gone.
func TestFaults(t *testing.T) {
	down, script := Cause{CauseInterface, "eth1"}, Cause{CauseScript, "chk"}
	b := active(t, nil)
	b.do(Failed{down}).want("send priority 0", "MASTER to FAULT (fault)", "remove addresses", "notify FAULT 100").in(Fault).idle()
	b.says("(VI_1): entering FAULT state (interface eth1 down)").says("(VI_1) Entering FAULT STATE")
	b.do(Failed{script}).want().do(Failed{script}).want()
	b.hear(200).want()
	b.do(Tick{}).want()
	b.do(Healed{down}).want().in(Fault)
	b.do(Healed{down}).want().in(Fault)
	b.do(Healed{script}).want("FAULT to BACKUP (healed)", "notify BACKUP 100").says("(VI_1) Entering BACKUP STATE").due(down100)
	b.do(Failed{script}).want("BACKUP to FAULT (fault)", "notify FAULT 100").says("(VI_1): entering FAULT state due to script chk")
	b.do(Shutdown{}).want("FAULT to INIT (shutdown)", "notify STOP 100")

	// An owner starts again as after Startup.
	b = started(t, owner).do(Failed{down}).in(Fault)
	b.do(Healed{down}).want("send priority 255", "FAULT to MASTER (owner)", "add addresses", "announce 5 times", "notify MASTER 255")
}

func TestFaultAtStartup(t *testing.T) {
	down := Cause{CauseInterface, "eth0"}
	b := newBench(t, nil).do(Failed{down}).want()
	b.do(Startup{}).want("remove addresses", "INIT to FAULT (fault)", "notify FAULT 100").
		says("(VI_1) Entering FAULT STATE (init)").says("(VI_1): entering FAULT state (interface eth0 down)")
	b.do(Healed{down}).in(Backup).says("(VI_1) Entering BACKUP STATE")
}

// A script without weight that has not ended yet holds the instance without a
// word; its first result starts it, or makes it a fault.
func TestScriptWithoutFirstResult(t *testing.T) {
	pending, failed := Cause{CauseScriptPending, "chk"}, Cause{CauseScript, "chk"}
	b := newBench(t, nil).do(Failed{pending})
	b.do(Startup{}).want("remove addresses", "INIT to FAULT (pending)")
	b.do(Healed{pending}).want("FAULT to BACKUP (healed)", "notify BACKUP 100")

	b = newBench(t, nil).do(Failed{pending}).do(Startup{})
	b.do(Failed{failed}).want("notify FAULT 100").says("(VI_1): entering FAULT state due to script chk")
	b.do(Healed{pending}).want().in(Fault)
	b.do(Healed{failed}).in(Backup)
}

// Trackers change the effective priority within 1-254. In Backup the timer moves
// with it; the owner's priority does not move.
func TestWeights(t *testing.T) {
	b := started(t, nil).sleep(time.Second)
	for _, tc := range []struct {
		weight int
		want   uint8
	}{{-40, 60}, {-99, 1}, {-100, 1}, {-1000, 1}, {154, 254}, {155, 254}, {1000, 254}, {0, 100}} {
		b.do(Weighed{tc.weight})
		if got := b.m.Priority(); got != tc.want {
			t.Errorf("weight %+d: priority %d, want %d", tc.weight, got, tc.want)
		}
		b.due(2*time.Second + time.Duration(256-int(tc.want))*time.Second/256)
	}
	b.do(Weighed{-10}).want("notify BACKUP_PRIORITY 90").says("(VI_1) Changing effective priority from 100 to 90")
	b.do(Weighed{-10}).want()
	started(t, owner).do(Weighed{-100}).want()

	// After priority 0 the timer that moves is Skew_Time.
	b = started(t, nil).hear(PriorityStop).due(skew100)
	b.do(Weighed{56}).due(time.Duration(256-156) * time.Second / 256)

	// An Active Router says its new priority with the next advertisement, and a
	// Backup Router decides with its new one.
	b = active(t, nil).do(Weighed{-60}).want("notify MASTER_PRIORITY 40").expire().want("send priority 40")
	b.hear(41).in(Backup)
	b.do(Weighed{0}).hear(41).says("(VI_1) received lower priority (41) advert from 10.77.0.2 - discarding")
}

// Announcements: the burst, once more after the delay, the refresh, the extra
// interfaces, and all of it only while Active.
func TestAnnouncementSchedule(t *testing.T) {
	b := active(t, func(p *Params) {
		p.AdvertisementInterval = 40 * time.Second
		p.Announce = AnnounceSchedule{
			MasterRepeat: 5, MasterDelay: 5 * time.Second,
			MasterRefresh: 3 * time.Second, MasterRefreshRepeat: 2,
			ExtraInterfaces: 10 * time.Second,
		}
	})
	begin := b.now
	type announced struct {
		at   time.Duration
		what string
	}
	var got []announced
	for b.now.Sub(begin) < 12*time.Second {
		b.expire()
		for _, a := range b.actions {
			got = append(got, announced{b.now.Sub(begin), a.String()})
		}
	}
	want := []announced{
		{3 * time.Second, "announce 2 times"}, {5 * time.Second, "announce 5 times"}, {6 * time.Second, "announce 2 times"},
		{9 * time.Second, "announce 2 times"}, {10 * time.Second, "announce on extra interfaces"}, {12 * time.Second, "announce 2 times"},
	}
	if len(got) != len(want) {
		t.Fatalf("announced %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("announced %v, want %v", got[i], want[i])
		}
	}
	b.hear(200).in(Backup).due(3*40*time.Second + 40*skew100)
}

// After an advertisement of lower priority the burst is repeated, and once more
// after the delay: not more often than an honest sender advertises.
func TestAnnouncementsAfterLowerPriority(t *testing.T) {
	b := active(t, func(p *Params) {
		p.Announce = AnnounceSchedule{MasterRepeat: 5, LowerPriorityRepeat: 3, LowerPriorityDelay: 1500 * time.Millisecond}
	}).sleep(100 * time.Millisecond)
	b.hear(99).want("send priority 100", "announce 3 times", "notify MASTER_RX_LOWER_PRI 100")
	b.sleep(500 * time.Millisecond).hear(99).want("send priority 100")
	b.sleep(500*time.Millisecond).hear(99).want("send priority 100", "announce 3 times", "notify MASTER_RX_LOWER_PRI 100")
	b.sleep(500 * time.Millisecond).do(Tick{}).want() // the first delay was moved by the second burst
	b.sleep(500 * time.Millisecond).do(Tick{}).want("send priority 100")
	b.sleep(500 * time.Millisecond).do(Tick{}).want("announce 3 times")
}

// Somebody takes the addresses away: they come back and are announced.
func TestAddressesLost(t *testing.T) {
	active(t, nil).do(AddressesLost{}).want("add addresses", "announce 5 times").
		says("(VI_1) VIPs or routes were removed by somebody else - restoring them").in(Active)
	started(t, nil).do(AddressesLost{}).want()
	active(t, nil).do(Failed{Cause{CauseAddresses, ""}}).in(Fault)
}

// Version 2: interval mismatch is refused, the interval is never learned.
func TestVersion2LearnsNoInterval(t *testing.T) {
	requirement(t, "3768:6.1-timers", "3768:7.1-interval")
	b := started(t, func(p *Params) { p.Version, p.AdvertisementInterval = V2, 2*time.Second })
	b.due(6*time.Second + skew100)
	b.sleep(time.Second).hear(200, func(c *crafted) { c.msg[5] = 1 }).want("refuse interval").
		says("(VI_1) advertisement interval mismatch mine=2 sec rcv'd=1 sec").due(5*time.Second + skew100)
	b.hear(200).due(6*time.Second + skew100)
}

// A router counts on from what it heard of anybody, and wants each sender to
// count on from what that one sent.
func TestSequenceNumbers(t *testing.T) {
	b := started(t, func(p *Params) { p.Version, p.Auth, p.Password = V2, AuthAH, goldenPassword })
	numbered := func(n uint32) func(*crafted) { return func(c *crafted) { c.sequence = n } }
	sent := func() uint32 {
		t.Helper()
		for _, a := range b.actions {
			if s, ok := a.(SendAdvertisement); ok {
				return s.Sequence
			}
		}
		t.Fatal("nothing sent")
		return 0
	}
	b.hear(200, numbered(70)).want()
	b.hear(200, numbered(70)).want("refuse replay")
	b.hear(200, numbered(69)).want()
	if got := b.m.Counters().RefusedFor(ReasonReplay); got != 2 {
		t.Errorf("%d replays counted, want 2", got)
	}
	b.hear(200, numbered(12), from("10.77.0.3")).want().due(down100)
	b.expire().in(Active)
	if got := sent(); got != 71 {
		t.Errorf("sequence number %d after 70", got)
	}
	// A lower priority with a greater number is answered above it.
	b.sleep(100*time.Millisecond).hear(50, numbered(1000))
	if got := sent(); got != 1001 {
		t.Errorf("sequence number %d after 1000", got)
	}
	b.do(Shutdown{})
	if got := sent(); got != 1002 {
		t.Errorf("sequence number %d for priority 0", got)
	}
}

// Two Active Routers with AH whose counters went apart find together again.
func TestSequenceNumbersMeetAgain(t *testing.T) {
	for _, ahead := range []string{"the better one", "the worse one", "nobody"} {
		auth := func(source string, priority uint8) func(*Params) {
			return func(p *Params) {
				p.Version, p.Auth, p.Password = V2, AuthAH, goldenPassword
				p.Priority, p.Source = priority, netip.MustParseAddr(source)
			}
		}
		better, worse := active(t, auth("10.77.0.1", 150)), active(t, auth("10.77.0.2", 100))
		switch ahead {
		case "the better one":
			better.m.sequence = 5000
		case "the worse one":
			worse.m.sequence = 5000
		}
		pass := func(b, to *bench) {
			for _, a := range b.actions {
				s, ok := a.(SendAdvertisement)
				if !ok {
					continue
				}
				p := b.m.Params()
				packet, err := AppendIPv4(nil, IPv4{Source: p.Source, Destination: GroupIPv4(), TTL: TTL, Password: p.Password, Sequence: s.Sequence}, s.Advertisement)
				if err != nil {
					t.Fatal(err)
				}
				d, _ := ParseIPv4(packet, 0)
				to.do(Packet{d})
			}
		}
		for range 3 {
			// Both send before either hears the other.
			worse.sleep(time.Second).do(Tick{})
			better.sleep(time.Second).do(Tick{})
			crossing := *better
			pass(worse, better)
			pass(&crossing, worse)
			pass(better, worse)
		}
		if better.m.State() != Active || worse.m.State() != Backup {
			t.Errorf("%s is ahead: %v and %v", ahead, better.m.State(), worse.m.State())
		}
	}
}

// Oddities of accepted packets are told, some of them once.
func TestOtherAddressesAndChecksumsAreTold(t *testing.T) {
	requirement(t, "3768:7.1-addresses", "9568:7.1-addresses")
	two := func(c *crafted) {
		c.msg[3] = 2
		c.msg = append(c.msg, 10, 77, 0, 101)
	}
	b := started(t, nil).hear(200, two).in(Backup).due(down100).
		says("(VI_1) expected 1 VIPs but received 2 from 10.77.0.2")
	if b.m.Counters().AddressListErrors != 1 {
		t.Error("not counted")
	}
	b.hear(200, func(c *crafted) { c.msg[11]++ }).says("(VI_1) advert from 10.77.0.2 has other VIPs than ours")

	// skip_check_adv_addr: only the first from each new Active Router.
	b = started(t, func(p *Params) { p.SkipAddressCheck = true })
	b.hear(200, two).says("(VI_1) expected 1 VIPs but received 2 from 10.77.0.2")
	if b.sleep(time.Second).hear(200, two); len(b.lines()) != 0 {
		t.Errorf("told again: %v", b.lines())
	}
	b.sleep(time.Second).hear(200, two, from("10.77.0.3")).says("(VI_1) expected 1 VIPs but received 2 from 10.77.0.3")

	other := func(c *crafted) { c.form = MessageOnly }
	b = started(t, nil).hear(200, other).in(Backup).due(down100).
		says("(VI_1) adverts from 10.77.0.2 have the message-only checksum, not ours - accepted")
	if b.sleep(time.Second).hear(200, other); len(b.lines()) != 0 {
		t.Errorf("told again: %v", b.lines())
	}
}

// old_unicast_checksum, when it is not configured: keepalived up to 1.3.6 is
// understood, and answered in its own way.
func TestOldUnicastChecksum(t *testing.T) {
	old := func(c *crafted) { c.form = OldUnicast }
	unicast := func(p *Params) {
		p.Peers = []Peer{{Addr: netip.MustParseAddr("10.77.0.2")}}
		p.DetectOldUnicast = true
	}
	form := func(b *bench) ChecksumForm {
		t.Helper()
		for _, a := range b.actions {
			if s, ok := a.(SendAdvertisement); ok {
				return s.Checksum
			}
		}
		t.Fatal("nothing sent")
		return 0
	}
	b := started(t, unicast).hear(200, old).in(Backup).due(down100).
		says("(VI_1) adverts from 10.77.0.2 have the old unicast checksum, not ours - accepted")
	b.expire().in(Active)
	if got := form(b); got != OldUnicast {
		t.Errorf("answered with the %v checksum", got)
	}
	b.reloaded(func(p *Params) { p.DetectOldUnicast = false }).expire()
	if got := form(b); got != WithPseudoHeader {
		t.Errorf("sends the %v checksum when told never to", got)
	}
	started(t, func(p *Params) { unicast(p); p.DetectOldUnicast = false }).hear(200, old).want("refuse checksum")
	started(t, func(p *Params) { p.DetectOldUnicast = true }).hear(200, func(c *crafted) {
		c.form, c.d.Destination = OldUnicast, netip.MustParseAddr("10.77.0.1")
	}).want("refuse checksum")
	b = started(t, unicast).expire()
	if got := form(b); got != WithPseudoHeader {
		t.Errorf("sends the %v checksum to peers it never heard", got)
	}
}

// An Active Router that did not run until its peers must have elected another
// steps down before anything else. keepalived would assert itself.
func TestOversleptActiveStepsDown(t *testing.T) {
	overslept := []string{"MASTER to BACKUP (overslept)", "remove addresses", "notify BACKUP 100"}
	active(t, nil).sleep(3 * time.Second).do(Tick{}).want(overslept...).due(down100)
	// A queue full of the new Active Router's advertisements comes first.
	b := active(t, nil).sleep(10 * time.Second).hear(99).want(overslept...).in(Backup)
	b.says("(VI_1) did not run for 10000 ms, another router must be master by now - leaving MASTER state first")
	b.sleep(time.Second).hear(99).in(Backup)
	if b.m.Counters().Overslept != 1 {
		t.Error("not counted")
	}
	// Late, but in time.
	active(t, nil).sleep(3*time.Second - 1).do(Tick{}).want("send priority 100").in(Active)
	// What counts is the interval that the others were told.
	b = active(t, nil)
	p := b.m.Params().clone()
	p.AdvertisementInterval = 10 * time.Millisecond
	b.sleep(900 * time.Millisecond).do(Reload{p}).do(Tick{}).want("send priority 100").in(Active)
	b.sleep(30 * time.Millisecond).do(Tick{}).in(Backup)
}

// A Backup Router that wakes up late may have missed advertisements, so it
// listens once more; once only, and not when it is hardly late.
func TestLateBackupListensOnceMore(t *testing.T) {
	requirement(t, "9568:6.4.2-7")
	b := started(t, nil).sleep(down100 + 1001*time.Millisecond).do(Tick{}).want().in(Backup).due(time.Second + skew100)
	b.says("(VI_1) woke up 1001 ms late, listening once more before taking over")
	b.sleep(time.Minute).do(Tick{}).want(becomesActive...)

	b = started(t, nil).sleep(time.Minute).do(Tick{}).in(Backup)
	b.sleep(time.Second).hear(200).due(down100) // it was alive
	b.sleep(time.Minute).do(Tick{}).in(Backup)  // and a new silence is doubted anew

	started(t, nil).sleep(down100 + time.Second).do(Tick{}).in(Active)

	// Why we take over survives the doubt.
	b = started(t, nil).hear(50).sleep(time.Minute).do(Tick{}).in(Backup)
	b.expire().want("send priority 100", "BACKUP to MASTER (preempt)", "add addresses", "announce 5 times", "notify MASTER 100")
}

// A flood of packets that pass all checks makes neither lines nor scripts run
// wild: each note twice a second, each notification once per interval.
func TestFloodsAreNotTold(t *testing.T) {
	for _, tc := range []struct {
		name   string
		b      *bench
		packet func(*bench, int)
	}{
		{"lower priorities in Active", active(t, nil), func(b *bench, _ int) { b.hear(50) }},
		{"lower priorities in Backup", started(t, nil), func(b *bench, _ int) { b.hear(50) }},
		{"priority 0 in Active", active(t, nil), func(b *bench, _ int) { b.hear(PriorityStop) }},
		{"two Active Routers in turn", started(t, nil), func(b *bench, i int) {
			b.hear(200, from(netip.AddrFrom4([4]byte{10, 77, 0, byte(2 + i%2)}).String()), every(time.Duration(1+i%2)*time.Second))
		}},
		{"other addresses", started(t, nil), func(b *bench, _ int) { b.hear(200, func(c *crafted) { c.msg[11]++ }) }},
	} {
		lines, notified, suppressed := map[Note]int{}, 0, uint64(0)
		for i := range 20_000 { // two seconds
			tc.b.sleep(100 * time.Microsecond)
			tc.packet(tc.b, i)
			for _, a := range tc.b.actions {
				switch a := a.(type) {
				case Log:
					lines[a.Note]++
					suppressed += a.Suppressed
				case Notify:
					notified++
				}
			}
		}
		for note, n := range lines {
			if n > 5 {
				t.Errorf("%s: %d lines of %v in two seconds", tc.name, n, note)
			}
		}
		if notified > 3 || len(lines) == 0 || suppressed == 0 {
			t.Errorf("%s: %d notifications, lines %v, %d told as suppressed", tc.name, notified, lines, suppressed)
		}
	}
}

// Peers are remembered, the latest last, and a spoofer cannot fill memory.
func TestPeersAreRemembered(t *testing.T) {
	b := started(t, nil)
	b.hear(200).sleep(time.Second).hear(150, from("10.77.0.3"), every(2*time.Second)).sleep(time.Second).hear(201)
	s := b.m.Snapshot()
	if len(s.Peers) != 2 || s.Peers[0].Source.String() != "10.77.0.3" || s.Peers[0].Interval != 2*time.Second ||
		s.Peers[1].Priority != 201 || !s.Peers[1].At.Equal(b.now) {
		t.Errorf("peers %+v", s.Peers)
	}
	if s.Master.Source != peerAddr(false) || s.Master.Priority != 201 {
		t.Errorf("master %+v", s.Master)
	}
	for i := range 1000 {
		b.hear(200, from(netip.AddrFrom4([4]byte{10, 78, byte(i >> 8), byte(i)}).String()))
	}
	if got := len(b.m.Snapshot().Peers); got != maxSightings {
		t.Errorf("%d peers remembered, want %d", got, maxSightings)
	}
	if got := b.m.Snapshot().Peers[maxSightings-1].Source.String(); got != "10.78.3.231" {
		t.Errorf("latest peer %s", got)
	}
}

// Sending costs no memory: 255 instances at 10 ms are 25 500 packets a second.
func TestSendingAllocatesNothing(t *testing.T) {
	b := active(t, func(p *Params) { p.AdvertisementInterval = 10 * time.Millisecond })
	buf := make([]byte, 0, 100)
	var tick Event = Tick{}
	dst := b.m.Params().Destinations()[0]
	sent := 0
	allocs := testing.AllocsPerRun(1000, func() {
		b.now = b.now.Add(10 * time.Millisecond)
		for _, a := range b.m.Handle(b.now, tick) {
			s, ok := a.(SendAdvertisement)
			if !ok {
				continue
			}
			var err error
			buf, err = AppendIPv4(buf[:0], IPv4{Source: b.m.Params().Source, Destination: dst, TTL: TTL}, s.Advertisement)
			if err != nil {
				t.Fatal(err)
			}
			sent++
		}
	})
	if sent < 1000 || allocs != 0 {
		t.Errorf("%d sent, %v allocations each", sent, allocs)
	}
}
