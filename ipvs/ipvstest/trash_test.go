package ipvstest_test

import (
	"testing"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

// trashCase removes a real server that has counted and adds one again.
type trashCase struct {
	name   string
	from   ipvs.Service
	server string // its real server, by tunnel so that families may differ
	change []ipvs.Op
	look   ipvs.ServiceKey
	keeps  kept
}

// kept says what the real server that look then has knows of the removed one.
type kept struct{ connections, stats bool }

func trashTable() []trashCase {
	const rs = "10.0.0.2:80"
	tun := tunnel(ipvs.IPIP, 0, 0)
	dns, other := udp("10.0.0.1:80"), udp("10.0.0.9:80")
	all, connections := kept{true, true}, kept{connections: true}
	table := []trashCase{
		{"back to the same service with everything", service(dns), rs, []ipvs.Op{removeServer(dns, rs), addServer(dns, rs)}, dns, all},
		{"back with persistence templates", service(dns, persistent(60)), rs, []ipvs.Op{removeServer(dns, rs), addServer(dns, rs)}, dns, all},
		{"back with new settings", service(dns), rs, []ipvs.Op{removeServer(dns, rs), addServer(dns, rs, weight(9), forward(ipvs.Route))}, dns, all},
		{"back to a new service", service(dns), rs, []ipvs.Op{remove(dns), add(dns), addServer(dns, rs)}, dns, connections},
		{"back after a flush", service(dns), rs, []ipvs.Op{ipvs.Flush{}, add(dns), addServer(dns, rs)}, dns, connections},
		{"back after an edit of the service", service(dns), rs, []ipvs.Op{removeServer(dns, rs), edit(dns, scheduler("wlc")), addServer(dns, rs)}, dns, all},
		{"another service", service(dns), rs, []ipvs.Op{removeServer(dns, rs), add(other), addServer(other, rs)}, other, kept{}},
		{"another port", service(dns), rs, []ipvs.Op{removeServer(dns, rs), addServer(dns, "10.0.0.2:81")}, dns, kept{}},
		{"twice", service(dns), rs, []ipvs.Op{removeServer(dns, rs), addServer(dns, rs), removeServer(dns, rs), addServer(dns, rs)}, dns, all},
		{"zeroed before", service(dns), rs, []ipvs.Op{ipvs.Zero{}, removeServer(dns, rs), addServer(dns, rs)}, dns, connections},
		{"zeroed while away", service(dns), rs, []ipvs.Op{removeServer(dns, rs), ipvs.Zero{Service: dns}, addServer(dns, rs)}, dns, all},
	}
	// The kernel does not compare families.
	for _, c := range []struct {
		name     string
		from, to ipvs.ServiceKey
		keeps    kept
	}{
		{"one mark is enough", mark(ipvs.IPv4, 7), mark(ipvs.IPv6, 7), connections},
		{"another mark", mark(ipvs.IPv4, 7), mark(ipvs.IPv4, 8), kept{}},
		{"a mark is not an address", mark(ipvs.IPv4, 7), dns, kept{}},
		{"an IPv4 service compares four bytes", udp("[a00:1::5]:80"), dns, connections},
		{"an IPv6 service compares sixteen", dns, udp("[a00:1::5]:80"), kept{}},
		{"which may be the same", dns, udp("[a00:1::]:80"), connections},
		{"another protocol", dns, tcp("10.0.0.1:80"), kept{}},
		{"another virtual port", dns, udp("10.0.0.1:81"), kept{}},
	} {
		table = append(table, trashCase{c.name, service(c.from), rs, []ipvs.Op{remove(c.from), add(c.to), addServer(c.to, rs, tun)}, c.to, c.keeps})
	}
	return table
}

func (c trashCase) setUp() []ipvs.Op {
	return []ipvs.Op{
		ipvs.AddService{Service: c.from},
		addServer(c.from.ServiceKey, c.server, tunnel(ipvs.IPIP, 0, 0)),
	}
}

func TestRemovedServersComeBackFromTheTrash(t *testing.T) {
	stats := ipvs.Stats{Conns: 4, InBytes: 5, OutBPS: 6}
	for _, c := range trashTable() {
		t.Run(c.name, func(t *testing.T) {
			k := build(t, ipvstest.Options{}, c.setUp()...)
			k.SetConnections(c.from.ServiceKey, addr(c.server), 1, 2, 3)
			k.SetDestinationStats(c.from.ServiceKey, addr(c.server), stats)
			must(t, k, c.change...)
			var want ipvs.DestinationState
			if c.keeps.connections {
				want.Active, want.Inactive, want.Persistent = 1, 2, 3
			}
			if c.keeps.stats {
				want.Stats = stats
			}
			got := table(t, k, c.look)[0].Destinations[0]
			want.Destination = got.Destination
			if got != want {
				t.Errorf("the real server is %+v, want %+v", got, want)
			}
		})
	}
}

// counters are what is left of the trash's doings to see.
type counters struct{ active, inactive, persistent, conns uint32 }

func wantCounters(t *testing.T, k *ipvstest.Kernel, service ipvs.ServiceKey, want counters) {
	t.Helper()
	d := table(t, k, service)[0].Destinations[0]
	if got := (counters{d.Active, d.Inactive, d.Persistent, uint32(d.Stats.Conns)}); got != want {
		t.Errorf("counters are %+v, want %+v", got, want)
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
