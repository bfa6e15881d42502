package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

// reloaded is the machine's parameters with changes.
func (b *bench) reloaded(change func(*Params)) *bench {
	b.t.Helper()
	p := b.m.Params().clone()
	if change != nil {
		change(&p)
	}
	if err := p.Validate(); err != nil {
		b.t.Fatal(err)
	}
	return b.do(Reload{p})
}

// A reload that changes nothing moves no timer and asks for nothing but the
// comparison of addresses, which finds no difference.
func TestReloadOfTheSame(t *testing.T) {
	for name, b := range map[string]*bench{
		"Initialize": newBench(t, nil),
		"Backup":     started(t, nil).sleep(time.Second),
		"following":  started(t, nil).hear(200, every(2*time.Second)).sleep(time.Second),
		"Active":     active(t, func(p *Params) { p.Announce = DefaultAnnounce() }).sleep(400 * time.Millisecond),
		"Fault":      started(t, nil).do(Failed{Cause{CauseScript, "chk"}}),
	} {
		before := b.state()
		b.reloaded(nil)
		if name == "Active" {
			b.want("update addresses")
		} else {
			b.want()
		}
		if b.state() != before {
			t.Errorf("%s: a reload of the same changed the state", name)
		}
	}
}

// The state stays; priorities count at once.
func TestReloadOfThePriority(t *testing.T) {
	b := active(t, nil).reloaded(func(p *Params) { p.Priority = 50 }).in(Active).
		want("notify MASTER_PRIORITY 50", "update addresses").says("(VI_1) Changing effective priority from 100 to 50")
	b.expire().want("send priority 50")
	b.hear(60).in(Backup).due(3*time.Second + (256-50)*time.Second/256)
	b.reloaded(func(p *Params) { p.Priority = 200 }).in(Backup).due(3*time.Second + (256-200)*time.Second/256)
	b.hear(60).in(Backup).says("(VI_1) received lower priority (60) advert from 10.77.0.2 - discarding")
	// The trackers' sum stays.
	b.do(Weighed{-20}).reloaded(func(p *Params) { p.Priority = 100 })
	if got := b.m.Priority(); got != 80 {
		t.Errorf("priority %d, want 80", got)
	}
	b.reloaded(owner)
	if got := b.m.Priority(); got != PriorityOwner {
		t.Errorf("priority %d, want 255", got)
	}
}

// A shorter interval counts from the last advertisement on; if the next should
// have been sent already, it is sent at once. A longer one counts from the next
// advertisement on, because the others still expect that in the old interval.
func TestReloadOfTheIntervalInActive(t *testing.T) {
	b := active(t, nil).sleep(400 * time.Millisecond)
	b.reloaded(func(p *Params) { p.AdvertisementInterval = 500 * time.Millisecond }).due(100 * time.Millisecond)
	b.reloaded(func(p *Params) { p.AdvertisementInterval = 100 * time.Millisecond }).due(0)
	b.do(Tick{}).want("send priority 100").due(100 * time.Millisecond)
	b.sleep(50 * time.Millisecond).reloaded(func(p *Params) { p.AdvertisementInterval = 2 * time.Second }).due(50 * time.Millisecond)
	b.expire().want("send priority 100").due(2 * time.Second)
}

// In Backup the interval that the Active Router taught us stays; ours counts
// only as long as nobody taught us another.
func TestReloadOfTheIntervalInBackup(t *testing.T) {
	slower := func(p *Params) { p.AdvertisementInterval = 2 * time.Second }
	started(t, nil).reloaded(slower).due(2 * down100)
	started(t, nil).hear(200).reloaded(slower).due(down100)
	started(t, func(p *Params) { p.Version = V2 }).hear(200).reloaded(slower).due(6*time.Second + skew100)
}

// Addresses: the state stays, the driver compares lists, the next advertisement
// has the new ones, and one with the old ones is still accepted.
func TestReloadOfTheAddresses(t *testing.T) {
	requirement(t, "9568:6.4.3-6")
	more := func(p *Params) { p.Addresses = append(p.Addresses, netip.MustParseAddr("10.77.0.101")) }
	b := active(t, nil).reloaded(more).want("update addresses").in(Active).expire()
	s, ok := b.actions[0].(SendAdvertisement)
	if !ok || len(s.Advertisement.Addresses) != 2 {
		t.Errorf("sent %+v", b.actions)
	}
	started(t, nil).reloaded(more).hear(200, func(c *crafted) {
		c.msg[3], c.msg = 1, c.msg[:12]
	}).in(Backup).due(down100)
	active(t, nil).reloaded(func(p *Params) { p.Accept = false }).want("update addresses without accepting")
}

// A source that comes or goes with a reload is a fault that heals or appears.
func TestReloadOfTheSource(t *testing.T) {
	b := active(t, nil).reloaded(func(p *Params) { p.Source = netip.Addr{} }).in(Fault)
	b.reloaded(func(p *Params) { p.Source = netip.MustParseAddr("10.77.0.5") }).in(Backup)
	b = newBench(t, nil)
	b.reloaded(func(p *Params) { p.Source = netip.Addr{} }).do(Startup{}).in(Fault)
}

// nopreempt, preempt_delay and the schedule of announcements change in place.
func TestReloadOfTheRest(t *testing.T) {
	b := started(t, nil).hear(50).due(down100)
	b.reloaded(func(p *Params) { p.NoPreempt = true }).sleep(time.Second).hear(50).due(down100)

	b = started(t, func(p *Params) { p.PreemptDelay = time.Hour }).hear(50)
	b.reloaded(func(p *Params) { p.PreemptDelay = 0 }).sleep(time.Second).hear(50).due(down100 - time.Second)

	b = active(t, func(p *Params) { p.AdvertisementInterval = 40 * time.Second })
	refresh := func(p *Params) { p.Announce.MasterRefresh, p.Announce.MasterRefreshRepeat = 10*time.Second, 1 }
	b.reloaded(refresh).due(10 * time.Second).sleep(6 * time.Second).reloaded(refresh).due(4 * time.Second)
	b.reloaded(func(p *Params) { p.Announce.MasterRefresh = 0 }).due(34 * time.Second)

	b = active(t, nil).reloaded(func(p *Params) { p.Version, p.Checksum = V2, MessageOnly }).in(Active).expire()
	if s := b.actions[0].(SendAdvertisement); s.Advertisement.Version != V2 {
		t.Errorf("sent %+v", s)
	}
}

// An owner that waits for its startup delay, or for its sync group, and is an
// owner no more waits as everybody does.
func TestReloadOfAWaitingOwner(t *testing.T) {
	b := newBench(t, owner).do(Startup{Delay: 5 * time.Second}).due(5 * time.Second)
	b.reloaded(func(p *Params) { p.Priority = 100 }).due(5*time.Second + down100)
	g := newGroupBench(t, 2, func(i int, p *Params) {
		if i == 0 {
			p.Priority = PriorityOwner
		}
	}).start()
	p := g.ms[0].Params().clone()
	p.Priority = 100
	g.do(0, Reload{p})
	if got := g.ms[0].Deadline().Sub(g.now); got != down100 {
		t.Errorf("deadline in %v, want %v", got, down100)
	}
}

// Another VRID or family is another virtual router: the old one says goodbye,
// the new one starts.
func TestReloadToAnotherRouter(t *testing.T) {
	other := func(p *Params) { p.VRID = 52 }
	b := active(t, nil).reloaded(other).in(Backup).due(down100)
	b.want("send priority 0", "remove addresses", "MASTER to INIT (reload)", "remove addresses", "INIT to BACKUP (startup)", "notify BACKUP 100")
	if s := b.actions[0].(SendAdvertisement); s.Advertisement.VRID != 51 {
		t.Errorf("said goodbye as %d", s.Advertisement.VRID)
	}
	started(t, nil).reloaded(other).in(Backup)
	newBench(t, nil).reloaded(other).in(Initialize)
	b = started(t, nil).do(SourceChanged{}).in(Fault)
	b.reloaded(func(p *Params) {
		p.IPv6, p.Source, p.Addresses = true, goldens[4].params.Source, goldens[4].params.Addresses
	}).in(Backup)
}

// Reload takes its own copy of what it is given.
func TestReloadKeepsNoAlias(t *testing.T) {
	b := active(t, nil)
	p := b.m.Params().clone()
	b.do(Reload{p})
	p.Addresses[0] = netip.MustParseAddr("1.2.3.4")
	b.expire()
	if s := b.actions[0].(SendAdvertisement); s.Advertisement.Addresses[0].String() != "10.77.0.100" {
		t.Errorf("sent %v", s.Advertisement.Addresses)
	}
}
