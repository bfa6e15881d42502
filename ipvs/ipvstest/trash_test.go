package ipvstest_test

import (
	"testing"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

// counters are what is left of the trash's doings to see.
type counters struct{ active, inactive, persistent, conns uint32 }

func TestRemovedServersComeBackFromTheTrash(t *testing.T) {
	const rs = "10.0.0.2:80"
	other := tcp("10.0.0.9:80")
	tests := []struct {
		name   string
		change []ipvs.Op // from a service with one real server that counted
		look   ipvs.ServiceKey
		want   counters
	}{
		{"to the same service with everything", []ipvs.Op{removeServer(web, rs), addServer(web, rs)}, web, counters{1, 2, 3, 4}},
		{"with new settings", []ipvs.Op{removeServer(web, rs), addServer(web, rs, weight(9), forward(ipvs.Route))}, web, counters{1, 2, 3, 4}},
		{"to a new service without counters", []ipvs.Op{remove(web), add(web), addServer(web, rs)}, web, counters{1, 2, 3, 0}},
		{"after a flush too", []ipvs.Op{ipvs.Flush{}, add(web), addServer(web, rs)}, web, counters{1, 2, 3, 0}},
		{"not to another service", []ipvs.Op{removeServer(web, rs), add(other), addServer(other, rs)}, other, counters{}},
		{"not with another port", []ipvs.Op{removeServer(web, rs), addServer(web, "10.0.0.2:81")}, web, counters{}},
		{"once only", []ipvs.Op{removeServer(web, rs), addServer(web, rs), removeServer(web, rs), addServer(web, rs)}, web, counters{1, 2, 3, 4}},
		{"with counters zeroed before", []ipvs.Op{ipvs.Zero{}, removeServer(web, rs), addServer(web, rs)}, web, counters{1, 2, 3, 0}},
		{"untouched by zero while away", []ipvs.Op{removeServer(web, rs), ipvs.Zero{Service: web}, addServer(web, rs)}, web, counters{1, 2, 3, 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := build(t, ipvstest.Options{}, add(web), addServer(web, rs))
			k.SetConnections(web, addr(rs), 1, 2, 3)
			k.SetDestinationStats(web, addr(rs), ipvs.Stats{Conns: 4})
			for _, op := range tt.change {
				if errno := do(k, op); errno != 0 {
					t.Fatalf("%#v: %v", op, errno)
				}
			}
			wantCounters(t, k, tt.look, tt.want)
		})
	}
}

func wantCounters(t *testing.T, k *ipvstest.Kernel, service ipvs.ServiceKey, want counters) {
	t.Helper()
	d := table(t, k, service)[0].Destinations[0]
	if got := (counters{d.Active, d.Inactive, d.Persistent, uint32(d.Stats.Conns)}); got != want {
		t.Errorf("counters are %+v, want %+v", got, want)
	}
}

func TestTheTrashDoesNotCompareFamilies(t *testing.T) {
	tun := tunnel(ipvs.IPIP, 0, 0)
	tests := []struct {
		name     string
		from, to ipvs.ServiceKey
		want     counters
	}{
		{"one mark is enough", mark(ipvs.IPv4, 7), mark(ipvs.IPv6, 7), counters{1, 2, 3, 0}},
		{"another mark is not", mark(ipvs.IPv4, 7), mark(ipvs.IPv4, 8), counters{}},
		{"a mark is not an address", mark(ipvs.IPv4, 7), web, counters{}},
		{"an IPv4 service compares four bytes", tcp("[a00:1::5]:80"), tcp("10.0.0.1:80"), counters{1, 2, 3, 0}},
		{"an IPv6 service compares sixteen", tcp("10.0.0.1:80"), tcp("[a00:1::5]:80"), counters{}},
		{"which may be the same", tcp("10.0.0.1:80"), tcp("[a00:1::]:80"), counters{1, 2, 3, 0}},
		{"but protocols differ", tcp("10.0.0.1:80"), udp("10.0.0.1:80"), counters{}},
		{"and ports", tcp("10.0.0.1:80"), tcp("10.0.0.1:81"), counters{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := build(t, ipvstest.Options{}, add(tt.from), addServer(tt.from, "10.0.0.2:80", tun))
			k.SetConnections(tt.from, addr("10.0.0.2:80"), 1, 2, 3)
			k.SetDestinationStats(tt.from, addr("10.0.0.2:80"), ipvs.Stats{Conns: 4})
			for _, op := range []ipvs.Op{remove(tt.from), add(tt.to), addServer(tt.to, "10.0.0.2:80", tun)} {
				if errno := do(k, op); errno != 0 {
					t.Fatalf("%#v: %v", op, errno)
				}
			}
			wantCounters(t, k, tt.to, tt.want)
		})
	}
}

func TestTheTrashForgetsServersWithoutConnections(t *testing.T) {
	k := build(t, ipvstest.Options{}, add(web), addServer(web, "10.0.0.2:80"), addServer(web, "10.0.0.3:80"))
	k.SetConnections(web, addr("10.0.0.2:80"), 0, 0, 1)
	for _, a := range []string{"10.0.0.2:80", "10.0.0.3:80"} {
		k.SetDestinationStats(web, addr(a), ipvs.Stats{Conns: 4})
		do(k, removeServer(web, a))
	}
	k.ExpireTrash()
	do(k, addServer(web, "10.0.0.2:80"))
	wantCounters(t, k, web, counters{persistent: 1, conns: 4})
	do(k, addServer(web, "10.0.0.3:80"))
	wantCounters(t, k, web, counters{})
}

func TestZeroClearsCountersButNotConnections(t *testing.T) {
	other := tcp("10.0.0.9:80")
	k := build(t, ipvstest.Options{}, add(web), addServer(web, "10.0.0.2:80"), add(other))
	k.SetStats(web, ipvs.Stats{Conns: 5, InBPS: 6})
	k.SetStats(other, ipvs.Stats{Conns: 7})
	k.SetConnections(web, addr("10.0.0.2:80"), 1, 2, 3)
	k.SetDestinationStats(web, addr("10.0.0.2:80"), ipvs.Stats{Conns: 4})
	do(k, ipvs.Zero{Service: web})
	wantCounters(t, k, web, counters{1, 2, 3, 0})
	if got := table(t, k, web)[0].Stats; got != (ipvs.Stats{}) {
		t.Errorf("the service counts %+v", got)
	}
	if got := table(t, k, other)[0].Stats.Conns; got != 7 {
		t.Errorf("the other service counts %d", got)
	}
	do(k, ipvs.Zero{})
	if got := table(t, k, other)[0].Stats.Conns; got != 0 {
		t.Errorf("after zeroing all the other service counts %d", got)
	}
}

func TestSettingCountersOfNothingPanics(t *testing.T) {
	k := build(t, ipvstest.Options{}, add(web))
	for name, set := range map[string]func(){
		"service":     func() { k.SetStats(web6, ipvs.Stats{}) },
		"real server": func() { k.SetConnections(web, addr("10.0.0.2:80"), 1, 0, 0) },
		"stats":       func() { k.SetDestinationStats(web, addr("10.0.0.2:80"), ipvs.Stats{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			set()
		}()
	}
}
