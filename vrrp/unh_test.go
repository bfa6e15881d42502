package vrrp

// The tests of UNH-IOL's "VRRP Operations", revision 2.5, that are about the
// protocol itself, by their numbers, for version 2 and for version 3 over IPv4
// and IPv6. Groups 1 (interoperability), 2.2 and 2.5 (packets to the addresses)
// and 4.9 (what is on the wire) need a wire.

import (
	"net/netip"
	"testing"
	"time"
)

// unh runs a test for each version and family. change makes the instance that
// is tested; above and below are hosts with a greater and a smaller address.
func unh(t *testing.T, test func(t *testing.T, b func(change func(*Params)) *bench, above, below string)) {
	for name, base := range map[string]func(*Params){
		"v2-IPv4": func(p *Params) { p.Version = V2 },
		"v3-IPv4": func(*Params) {},
		"v3-IPv6": func(p *Params) {
			p.IPv6, p.Source, p.Addresses = true, netip.MustParseAddr("fe80::5"), goldens[4].params.Addresses
		},
	} {
		above, below := "10.77.0.9", "10.77.0.0"
		if name == "v3-IPv6" {
			above, below = "fe80::9", "fe80::1"
		}
		t.Run(name, func(t *testing.T) {
			test(t, func(change func(*Params)) *bench {
				return newBench(t, func(p *Params) {
					base(p)
					if change != nil {
						change(p)
					}
				})
			}, above, below)
		})
	}
}

func TestUNH_2_1_Initialize(t *testing.T) {
	unh(t, func(_ *testing.T, b func(func(*Params)) *bench, _, _ string) {
		b(owner).do(Startup{}).in(Active).due(time.Second)
		b(nil).do(Startup{}).in(Backup).due(down100)
	})
}

func TestUNH_2_3_MasterDownInBackup(t *testing.T) {
	unh(t, func(_ *testing.T, b func(func(*Params)) *bench, _, _ string) {
		b(nil).do(Startup{}).expire().want(becomesActive...).in(Active).due(time.Second)
	})
}

func TestUNH_2_4_AdvertisementsInBackup(t *testing.T) {
	unh(t, func(_ *testing.T, b func(func(*Params)) *bench, above, below string) {
		for _, tc := range []struct {
			priority uint8
			from     string
			due      time.Duration
		}{
			{PriorityStop, above, skew100}, {99, above, down100 - time.Second}, {100, above, down100}, {100, below, down100}, {101, below, down100},
		} {
			b(nil).do(Startup{}).sleep(time.Second).hear(tc.priority, from(tc.from)).want().in(Backup).due(tc.due)
		}
	})
}

func TestUNH_2_6_ShutdownInMaster(t *testing.T) {
	unh(t, func(_ *testing.T, b func(func(*Params)) *bench, _, _ string) {
		b(nil).do(Startup{}).expire().do(Shutdown{}).
			want("send priority 0", "remove addresses", "MASTER to INIT (shutdown)", "notify STOP 100").in(Initialize).idle()
	})
}

func TestUNH_2_7_AdvertisementsInMaster(t *testing.T) {
	unh(t, func(_ *testing.T, b func(func(*Params)) *bench, above, below string) {
		for _, tc := range []struct {
			priority uint8
			from     string
			state    State
			due      time.Duration
		}{
			{PriorityStop, above, Active, time.Second}, {99, above, Active, time.Second}, {100, below, Active, time.Second},
			{100, above, Backup, down100}, {101, below, Backup, down100},
		} {
			b(nil).do(Startup{}).expire().sleep(300*time.Millisecond).hear(tc.priority, from(tc.from)).in(tc.state).due(tc.due)
		}
	})
}

func TestUNH_3_1_AdvertisementInterval(t *testing.T) {
	unh(t, func(t *testing.T, b func(func(*Params)) *bench, _, _ string) {
		for _, seconds := range []time.Duration{1, 2, 10} {
			x := b(func(p *Params) { p.AdvertisementInterval = seconds * time.Second }).do(Startup{}).expire()
			for range 3 {
				x.due(seconds * time.Second).expire().want("send priority 100")
			}
		}
	})
}

func TestUNH_3_2_SkewTime(t *testing.T) {
	unh(t, func(t *testing.T, b func(func(*Params)) *bench, above, _ string) {
		for _, priority := range []uint8{1, 100, 254} {
			b(func(p *Params) { p.Priority = priority }).do(Startup{}).hear(PriorityStop, from(above)).
				due(time.Duration(256-int(priority)) * time.Second / 256)
		}
	})
}

func TestUNH_3_3_MasterDownInterval(t *testing.T) {
	unh(t, func(t *testing.T, b func(func(*Params)) *bench, above, _ string) {
		for _, priority := range []uint8{1, 100, 254} {
			b(func(p *Params) { p.Priority = priority }).do(Startup{}).hear(254, from(above)).
				due(3*time.Second + time.Duration(256-int(priority))*time.Second/256)
		}
	})
}

func TestUNH_3_4_PreemptMode(t *testing.T) {
	unh(t, func(t *testing.T, b func(func(*Params)) *bench, above, _ string) {
		b(nil).do(Startup{}).sleep(time.Second).hear(50, from(above)).due(down100 - time.Second).expire().in(Active)
		b(func(p *Params) { p.NoPreempt = true }).do(Startup{}).sleep(time.Second).hear(50, from(above)).due(down100)
	})
}

// 4.1 TTL, 4.2 version, 4.3 length, 4.4 checksum, 4.5 VRID, 4.6 authentication
// type, 4.7 interval, 4.8 type: the packet is discarded, in Backup and in Active.
func TestUNH_4_InvalidAdvertisements(t *testing.T) {
	unh(t, func(t *testing.T, b func(func(*Params)) *bench, above, _ string) {
		for _, f := range faults {
			for _, state := range []State{Backup, Active} {
				x := b(nil).do(Startup{})
				if state == Active {
					x.expire()
				}
				p := x.m.Params().clone()
				if !f.only(&p) || f.reason == ReasonFamily {
					continue
				}
				before := x.state()
				x.hear(200, from(above), f.spoil).in(state)
				if x.state() != before || x.m.Counters().RefusedFor(f.reason) != 1 {
					t.Errorf("%s in %v: not discarded for %v", f.name, state, f.reason)
				}
			}
		}
	})
}
