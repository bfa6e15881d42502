package vrrp

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestValidate(t *testing.T) {
	requirement(t, "9568:5.2.4-1", "9568:5.2.4-2", "9568:7.1-5")
	for _, p := range receivers() {
		if err := p.Validate(); err != nil {
			t.Errorf("%v", err)
		}
	}
	good := []func(*Params){
		func(p *Params) { p.Priority = 1 },
		func(p *Params) { p.Priority = 255 },
		func(p *Params) { p.AdvertisementInterval = 10 * time.Millisecond },
		func(p *Params) { p.AdvertisementInterval = 40950 * time.Millisecond },
		func(p *Params) { p.Version, p.AdvertisementInterval = V2, 255*time.Second },
		func(p *Params) { p.Addresses = nil },
		func(p *Params) { p.Source = netip.Addr{} },
		func(p *Params) { p.DownAdverts = 100 },
	}
	for i, change := range good {
		p := goldenParams(V3, change)
		if err := p.Validate(); err != nil {
			t.Errorf("good %d: %v", i, err)
		}
	}
	for want, change := range map[string]func(*Params){
		"version 4":                      func(p *Params) { p.Version = 4 },
		"IPv6 needs version 3":           func(p *Params) { *p = goldens[4].params; p.Version = V2 },
		"virtual router ID 0":            func(p *Params) { p.VRID = 0 },
		"priority 0":                     func(p *Params) { p.Priority = 0 },
		"interval 0s":                    func(p *Params) { p.AdvertisementInterval = 0 },
		"interval 40.96s":                func(p *Params) { p.AdvertisementInterval = 40960 * time.Millisecond },
		"interval 15ms":                  func(p *Params) { p.AdvertisementInterval = 15 * time.Millisecond },
		"interval 1.5s":                  func(p *Params) { p.Version, p.AdvertisementInterval = V2, 1500*time.Millisecond },
		"interval 4m16s":                 func(p *Params) { p.Version, p.AdvertisementInterval = V2, 256*time.Second },
		"interval -1s":                   func(p *Params) { p.AdvertisementInterval = -time.Second },
		"101 advertisements":             func(p *Params) { p.DownAdverts = 101 },
		"-1 advertisements":              func(p *Params) { p.DownAdverts = -1 },
		"256 advertised addresses":       func(p *Params) { p.Addresses = slices.Repeat(p.Addresses, 256) },
		"virtual address fe80::1":        func(p *Params) { p.Addresses = append(p.Addresses, netip.MustParseAddr("fe80::1")) },
		"virtual address ::ffff:1.2.3.4": func(p *Params) { p.Addresses = []netip.Addr{netip.MustParseAddr("::ffff:1.2.3.4")} },
		"source address fe80::1%eth0":    func(p *Params) { *p = goldens[4].params; p.Source = netip.MustParseAddr("fe80::1%eth0") },
		"unicast peer fe80::1":           func(p *Params) { p.Peers = []Peer{{Addr: netip.MustParseAddr("fe80::1")}} },
		"smallest TTL 64 above largest":  func(p *Params) { p.Peers = []Peer{{netip.MustParseAddr("1.2.3.4"), 64, 63}} },
		"1.2.3.4 is no multicast group":  func(p *Params) { p.Group = netip.MustParseAddr("1.2.3.4") },
		"multicast group ff02::99":       func(p *Params) { p.Group = netip.MustParseAddr("ff02::99") },
		"preempt delay -1ns":             func(p *Params) { p.PreemptDelay = -1 },
		"authentication type 3":          func(p *Params) { p.Version, p.AdvertisementInterval, p.Auth = V2, time.Second, 3 },
		"version 3 has no auth":          func(p *Params) { p.Auth = AuthPass },
		"announce 0 times":               func(p *Params) { p.Announce.MasterRepeat = 0 },
		"refresh announcements 0 times":  func(p *Params) { p.Announce.MasterRefresh, p.Announce.MasterRefreshRepeat = 1, 0 },
		"negative value":                 func(p *Params) { p.Announce.MasterDelay = -1 },
	} {
		p := goldenParams(V3, change)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestDestinations(t *testing.T) {
	requirement(t, "9568:7.2-4")
	own := netip.MustParseAddr("224.0.0.99")
	for _, tc := range []struct {
		p    Params
		want []netip.Addr
	}{
		{goldenParams(V2, nil), []netip.Addr{netip.MustParseAddr("224.0.0.18")}},
		{goldens[4].params, []netip.Addr{netip.MustParseAddr("ff02::12")}},
		{goldenParams(V3, func(p *Params) { p.Group = own }), []netip.Addr{own}},
		{unicastParams(V3), []netip.Addr{netip.MustParseAddr("10.77.0.2"), netip.MustParseAddr("10.77.0.3")}},
	} {
		if got := tc.p.Destinations(); !slices.Equal(got, tc.want) {
			t.Errorf("%v, want %v", got, tc.want)
		}
	}
	p := goldenParams(V3, func(p *Params) { p.Group = own })
	if v := Check(craft(p, 1).finish(), &p, 0); v.Reason != Accepted {
		t.Errorf("in the configured group: %v", v.Reason)
	}
}

// A clone goes its own way.
func TestClone(t *testing.T) {
	b := started(t, nil).hear(200).do(Failed{theFault})
	c := b.m.Clone()
	if string(c.AppendState(nil, b.now)) != b.state() {
		t.Error("a clone is different")
	}
	c.Handle(b.now, Healed{theFault})
	c.Handle(b.now, Packet{*craft(*c.Params(), 201).finish()})
	if b.m.State() != Fault || b.m.Snapshot().Peers[0].Priority != 200 {
		t.Error("the clone changed the original")
	}
}
