package vrrp

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// groupBench drives a sync group whose members are on links of their own.
type groupBench struct {
	t       *testing.T
	g       *Group
	ms      []*Machine
	now     time.Time
	actions []MemberAction
}

// newGroupBench makes a group of n members; change sees which one it changes.
func newGroupBench(t *testing.T, n int, change func(int, *Params)) *groupBench {
	t.Helper()
	b := &groupBench{t: t, now: time.Unix(1_000_000, 0)}
	for i := range n {
		p := goldenParams(V3, func(p *Params) {
			p.Priority, p.AdvertisementInterval = 100, time.Second
			p.VRID = uint8(51 + i)
			p.Announce = AnnounceSchedule{MasterRepeat: 1}
			p.Source = netip.AddrFrom4([4]byte{10, byte(i), 0, 1})
		})
		if change != nil {
			change(i, &p)
		}
		b.ms = append(b.ms, New(p))
	}
	b.g = NewGroup("VG", b.ms...)
	return b
}

func (b *groupBench) do(member int, ev Event) *groupBench {
	b.actions = slices.Clone(b.g.Handle(b.now, member, ev))
	return b.agreed()
}

func (b *groupBench) start() *groupBench { b.t.Helper(); return b.do(WholeGroup, Startup{}) }

func (b *groupBench) hear(member int, priority uint8) *groupBench {
	b.t.Helper()
	return b.do(member, Packet{*craft(*b.ms[member].Params(), priority).finish()})
}

func (b *groupBench) sleep(d time.Duration) *groupBench { b.now = b.now.Add(d); return b }

// agreed checks that all members are in the group's state (I10).
func (b *groupBench) agreed() *groupBench {
	b.t.Helper()
	for i, m := range b.ms {
		if m.State() != b.g.State() {
			b.t.Errorf("member %d is %v, the group %v", i, m.State(), b.g.State())
		}
	}
	return b
}

func (b *groupBench) in(s State) *groupBench {
	b.t.Helper()
	if b.g.State() != s {
		b.t.Fatalf("group in %v, want %v", b.g.State(), s)
	}
	return b
}

// want compares the actions that are no logs, each after its member.
func (b *groupBench) want(actions ...string) *groupBench {
	b.t.Helper()
	var got []string
	for _, a := range b.actions {
		if _, ok := a.Action.(Log); !ok {
			got = append(got, fmt.Sprintf("%d: %v", a.Member, a.Action))
		}
	}
	if !slices.Equal(got, actions) {
		b.t.Errorf("actions %q\nwant %q", got, actions)
	}
	return b
}

// takeover makes all members' timers expire.
func (b *groupBench) takeover() *groupBench {
	b.t.Helper()
	b.sleep(down100)
	return b.do(WholeGroup, Tick{}).in(Active)
}

// The first member to time out waits for the others; the last one takes all along.
func TestGroupBecomesActiveTogether(t *testing.T) {
	b := newGroupBench(t, 2, nil).start().in(Backup)
	b.sleep(time.Second).hear(0, 200)
	b.sleep(down100-time.Second).do(1, Tick{}).in(Backup).want()
	if got := b.ms[1].Deadline().Sub(b.now); got != down100 {
		t.Errorf("the waiting member asks again in %v, want %v", got, down100)
	}
	b.sleep(time.Second).do(0, Tick{}).in(Active).want(
		"0: send priority 100", "0: BACKUP to MASTER (no-response)", "0: add addresses", "0: announce 1 times", "0: notify MASTER 100",
		"-1: BACKUP to MASTER (group)",
		"1: send priority 100", "1: BACKUP to MASTER (group)", "1: add addresses", "1: announce 1 times", "1: notify MASTER 100",
		"-1: notify MASTER 0",
	)
}

// A member that hears an Active Router no longer wants to be one.
func TestGroupMemberChangesItsMind(t *testing.T) {
	b := newGroupBench(t, 2, nil).start()
	b.sleep(time.Second).hear(0, 200)
	b.sleep(down100-time.Second).do(1, Tick{}).in(Backup)
	b.sleep(500*time.Millisecond).hear(1, 200)
	b.sleep(500*time.Millisecond).do(0, Tick{}).in(Backup)
	b.sleep(down100-500*time.Millisecond).do(1, Tick{}).in(Active)
}

// One better advertisement on one link makes all members yield.
func TestGroupYieldsTogether(t *testing.T) {
	b := newGroupBench(t, 3, nil).start().takeover()
	b.hear(1, 101).in(Backup).want(
		"1: MASTER to BACKUP (higher-priority)", "1: remove addresses", "1: notify BACKUP 100",
		"-1: MASTER to BACKUP (group)",
		"0: MASTER to BACKUP (group)", "0: remove addresses", "0: notify BACKUP 100",
		"2: MASTER to BACKUP (group)", "2: remove addresses", "2: notify BACKUP 100",
		"-1: notify BACKUP 0",
	)
}

// A fault of one is a fault of all, until the last own cause of any is gone.
func TestGroupFaults(t *testing.T) {
	down, script := Cause{CauseInterface, "eth0"}, Cause{CauseScript, "chk"}
	b := newGroupBench(t, 2, nil).start().takeover()
	b.do(0, Failed{down}).in(Fault).want(
		"0: send priority 0", "0: MASTER to FAULT (fault)", "0: remove addresses", "0: notify FAULT 100",
		"-1: MASTER to FAULT (group)",
		"1: send priority 0", "1: MASTER to FAULT (fault)", "1: remove addresses", "1: notify FAULT 100",
		"-1: notify FAULT 0",
	)
	b.do(1, Failed{script}).in(Fault).want()
	b.do(0, Healed{down}).in(Fault).want()
	b.do(0, Failed{down}).do(1, Healed{script}).in(Fault).want()
	b.do(0, Healed{down}).in(Backup).want(
		"0: FAULT to BACKUP (healed)", "0: notify BACKUP 100",
		"-1: FAULT to BACKUP (group)",
		"1: FAULT to BACKUP (healed)", "1: notify BACKUP 100",
		"-1: notify BACKUP 0",
	)
	b.takeover()
	if got := b.ms[1].Snapshot().Causes; len(got) != 0 {
		t.Errorf("causes left: %v", got)
	}
}

// A script that has not ended holds the whole group, quietly.
func TestGroupWaitsForScripts(t *testing.T) {
	pending := Cause{CauseScriptPending, "chk"}
	b := newGroupBench(t, 2, nil).do(1, Failed{pending}).start().in(Fault)
	for _, a := range b.actions {
		if n, ok := a.Action.(Notify); ok {
			t.Errorf("member %d notifies %v while it waits for a script", a.Member, n)
		}
		if tr, ok := a.Action.(Transition); ok && tr.GroupLine("VG") != "" {
			t.Errorf("it says %q while it waits for a script", tr.GroupLine("VG"))
		}
	}
	// Once the script has failed, the group says so as its members do.
	b.do(1, Failed{Cause{CauseScript, "chk"}}).in(Fault).want(
		"1: notify FAULT 100", "-1: FAULT to FAULT (group)", "0: notify FAULT 100", "-1: notify FAULT 0",
	)
	b.do(1, Healed{pending}).in(Fault)
	b.do(1, Failed{pending}).do(1, Healed{Cause{CauseScript, "chk"}}).in(Fault)
	b.do(1, Healed{pending}).in(Backup)
}

// Owners are Active at once when all members are; a group with others waits.
func TestGroupOfOwners(t *testing.T) {
	newGroupBench(t, 3, func(_ int, p *Params) { p.Priority = PriorityOwner }).start().in(Active)
	b := newGroupBench(t, 2, func(i int, p *Params) {
		if i == 0 {
			p.Priority = PriorityOwner
		}
	}).start().in(Backup)
	if got, want := b.ms[0].Deadline().Sub(b.now), time.Second+time.Second/256; got != want {
		t.Errorf("the owner asks again in %v, want %v", got, want)
	}
	b.sleep(time.Second+time.Second/256).do(WholeGroup, Tick{}).in(Backup)
	b.sleep(down100-time.Second).do(WholeGroup, Tick{}).in(Active)
	// After a fault the owners come back together at once.
	b = newGroupBench(t, 2, func(_ int, p *Params) { p.Priority = PriorityOwner }).start()
	b.do(0, Failed{Cause{CauseInterface, "eth0"}}).in(Fault).do(0, Healed{Cause{CauseInterface, "eth0"}}).in(Active)
}

func TestGroupShutdown(t *testing.T) {
	b := newGroupBench(t, 2, nil).start().takeover()
	b.do(WholeGroup, Shutdown{}).in(Initialize).want(
		"0: send priority 0", "0: remove addresses", "0: MASTER to INIT (shutdown)", "0: notify STOP 100",
		"1: send priority 0", "1: remove addresses", "1: MASTER to INIT (shutdown)", "1: notify STOP 100",
		"-1: MASTER to INIT (group)",
	)
}

// A paused node steps down on all links.
func TestGroupOversleeps(t *testing.T) {
	b := newGroupBench(t, 2, nil).start().takeover()
	b.sleep(10*time.Second).hear(1, 50).in(Backup)
}

// A reload can put running machines into a group, and take them out.
func TestGroupIsMadeOfRunningMachines(t *testing.T) {
	first, second := active(t, nil), started(t, nil)
	g := NewGroup("VG", first.m, second.m)
	g.Settle(first.now)
	if first.m.State() != Backup || second.m.State() != Backup || g.State() != Backup {
		t.Fatalf("%v and %v in %v, want the Active one to give up without a vote", first.m.State(), second.m.State(), g.State())
	}
	first, second = active(t, nil), active(t, nil)
	if g = NewGroup("VG", first.m, second.m); len(g.Settle(first.now)) != 0 || g.State() != Active {
		t.Error("a group that agrees has something to do")
	}
	g.Handle(first.now, 0, Failed{Cause{CauseInterface, "eth0"}})
	out := g.Dissolve(first.now)
	if second.m.State() != Backup || first.m.State() != Fault {
		t.Errorf("%v and %v after the group is gone", first.m.State(), second.m.State())
	}
	if len(out) == 0 || !second.m.mayActivate() {
		t.Error("still in the group")
	}
}

func TestGroupDeadlineIsTheEarliestOfItsMembers(t *testing.T) {
	b := newGroupBench(t, 2, func(i int, p *Params) { p.AdvertisementInterval = time.Duration(i+1) * time.Second }).start()
	if got := b.g.Deadline().Sub(b.now); got != down100 {
		t.Errorf("deadline in %v, want %v", got, down100)
	}
	if b.g.Name() != "VG" || !NewGroup("empty").Deadline().IsZero() {
		t.Error("name, or deadline of nobody")
	}
}

// Random events on random members: at the end of every batch all agree.
func TestGroupMembersAlwaysAgree(t *testing.T) {
	for seed := range uint64(200) {
		rng := testRand(seed)
		b := newGroupBench(t, 2+rng.IntN(3), func(_ int, p *Params) {
			if seed%5 == 0 {
				p.Priority = PriorityOwner
			}
		}).start()
		for range 200 {
			i := rng.IntN(len(b.ms))
			b.sleep(time.Duration(rng.Int64N(int64(1500 * time.Millisecond))))
			switch rng.IntN(8) {
			case 0:
				b.hear(i, uint8(rng.IntN(256)))
			case 1:
				b.do(i, Failed{Cause{CauseKind(rng.IntN(int(CauseGroup))), "x"}})
			case 2, 3:
				b.do(i, Healed{Cause{CauseKind(rng.IntN(int(CauseGroup))), "x"}})
			case 4:
				b.do(i, SourceChanged{b.ms[i].Params().Source})
			default:
				b.do(WholeGroup, Tick{})
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
