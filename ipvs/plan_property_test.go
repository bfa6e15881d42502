package ipvs_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

// genTable makes tables of few keys and values, so that two of them have much
// in common. All of it the kernel takes, not all does it read back as written.
func genTable() *rapid.Generator[[]ipvs.Wanted] {
	keys := []ipvs.ServiceKey{web, mail, six, mark, {Family: ipvs.IPv6, FWMark: 7}, planKey("10.0.1.1:80")}
	unique := rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 0, len(keys), rapid.ID)
	return rapid.Custom(func(t *rapid.T) (table []ipvs.Wanted) {
		for _, k := range unique.Draw(t, "services") {
			mask := rapid.SampledFrom([]uint32{0xffffffff, 0xffffff00, 0})
			if k.Family == ipvs.IPv6 {
				mask = rapid.SampledFrom([]uint32{128, 64})
			}
			table = append(table, ipvs.Wanted{
				Service: ipvs.Service{
					ServiceKey: k,
					Scheduler:  rapid.SampledFrom([]string{"rr", "wlc", "", "none"}).Draw(t, "scheduler"),
					Flags:      rapid.SampledFrom([]ipvs.ServiceFlags{0, ipvs.Persistent, ipvs.Hashed, ipvs.SchedFlags}).Draw(t, "flags"),
					Timeout:    rapid.SampledFrom([]time.Duration{0, 360 * time.Second, 1500 * time.Millisecond, 42949673 * time.Second}).Draw(t, "timeout"),
					Netmask:    mask.Draw(t, "netmask"),
					PE:         rapid.SampledFrom([]string{"", "sip"}).Draw(t, "engine"),
				},
				Destinations: genServers(k.Family).Draw(t, "servers"),
			})
		}
		return table
	})
}

func genServers(f ipvs.Family) *rapid.Generator[[]ipvs.Destination] {
	addrs := []string{"10.0.0.2:80", "10.0.0.2:0", "10.0.0.3:80", "10.0.0.4:80", "[2001:db8::2]:80", "[2001:db8::3]:80"}
	server := rapid.Custom(func(t *rapid.T) ipvs.Destination {
		d := ipvs.Destination{
			Addr:    netip.MustParseAddrPort(rapid.SampledFrom(addrs).Draw(t, "address")),
			Forward: rapid.SampledFrom([]ipvs.Forward{ipvs.Masq, ipvs.Route, ipvs.Tunnel, 8 | ipvs.Masq}).Draw(t, "method"),
			Weight:  rapid.Uint32Max(2).Draw(t, "weight"),
			Upper:   rapid.SampledFrom([]uint32{0, 10}).Draw(t, "upper"),
			Tunnel:  ipvs.Encapsulation{Type: rapid.SampledFrom([]ipvs.TunnelType{ipvs.IPIP, ipvs.GRE}).Draw(t, "tunnel")},
		}
		if ipvs.FamilyOf(d.Addr.Addr()) != f {
			d.Forward = ipvs.Tunnel // nothing else crosses families
		}
		return d
	})
	return rapid.SliceOfNDistinct(server, 0, 4, func(d ipvs.Destination) netip.AddrPort { return d.Addr })
}

// row is the key of a service (with the zero address) or of a real server.
type row struct {
	service ipvs.ServiceKey
	addr    netip.AddrPort
}

func rowsOf(table []ipvs.Entry) map[row]bool {
	rows := make(map[row]bool)
	for _, e := range table {
		rows[row{e.ServiceKey, netip.AddrPort{}}] = true
		for _, d := range e.Destinations {
			rows[row{e.ServiceKey, d.Addr}] = true
		}
	}
	return rows
}

// settings is a table without counters, order and timeouts that wrap.
func settings(table []ipvs.Entry) map[row]any {
	set := make(map[row]any)
	for _, e := range table {
		if e.Timeout != 0 && e.Timeout != time.Second && e.Timeout != 360*time.Second {
			e.Timeout = 0
		}
		set[row{e.ServiceKey, netip.AddrPort{}}] = e.Service
		for _, d := range e.Destinations {
			set[row{e.ServiceKey, d.Addr}] = d.Destination
		}
	}
	return set
}

func equalSettings(a, b map[row]any) bool {
	if len(a) != len(b) {
		return false
	}
	for r, v := range a {
		if b[r] != v {
			return false
		}
	}
	return true
}

// TestPlanProperties draws two tables and a point at which the change from one
// to the other is cut off, and checks on a kernel that no rule is lost after every operation.
func TestPlanProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old, want := genTable().Draw(t, "old"), genTable().Draw(t, "new")
		opt := ipvstest.Options{HZ: rapid.SampledFrom([]uint32{100, 250, 1000}).Draw(t, "HZ")}
		k, goal := ipvstest.New(opt), ipvstest.New(opt)
		load(t, k, old)
		load(t, goal, want)
		before, after := rowsOf(dump(t, k)), rowsOf(dump(t, goal))

		plan := ipvs.Plan(dump(t, k), want, ipvs.OwnsAll)
		checkFewest(t, plan, settings(dump(t, k)), settings(dump(t, goal)))
		cut := rapid.IntRange(0, len(plan)).Draw(t, "cut")
		for i, c := range plan {
			if i == cut {
				finish(t, k, want, before, after)
				break
			}
			step(t, k, c, before, after)
		}
		if !equalSettings(settings(dump(t, k)), settings(dump(t, goal))) {
			t.Fatalf("the table became\n%swant\n%s", k, goal)
		}
		if again := ipvs.Plan(dump(t, k), want, ipvs.OwnsAll); len(again) > 0 {
			t.Fatalf("planned %q although all was done:\n%s", line(again[0]), k)
		}
	})
}

// finish starts anew from wherever the kernel is.
func finish(t *rapid.T, k *ipvstest.Kernel, want []ipvs.Wanted, before, after map[row]bool) {
	for _, c := range ipvs.Plan(dump(t, k), want, ipvs.OwnsAll) {
		step(t, k, c, before, after)
	}
}

// step applies a change and checks the table.
func step(t *rapid.T, k *ipvstest.Kernel, c ipvs.Change, before, after map[row]bool) {
	for _, err := range k.Do(c.Op) {
		t.Fatalf("%s: %v", line(c), err)
	}
	now := rowsOf(dump(t, k))
	for r := range before {
		if after[r] && !now[r] {
			t.Fatalf("%s: %v is lost", line(c), r)
		}
	}
	for r := range now {
		if !before[r] && !after[r] {
			t.Fatalf("%s: %v belongs to neither table", line(c), r)
		}
	}
}

// checkFewest counts what a plan must have: an operation for each row that is
// added or differs, and one for each that goes, unless its service goes.
func checkFewest(t *rapid.T, plan []ipvs.Change, have, want map[row]any) {
	fewest := 0
	for r, v := range want {
		if have[r] != v {
			fewest++
		}
	}
	for r := range have {
		service := row{service: r.service}
		if _, stays := want[r]; !stays && (r == service || want[service] != nil) {
			fewest++
		}
	}
	// The timeouts that wrap are equal here and may differ there.
	edits := slices.ContainsFunc(plan, func(c ipvs.Change) bool {
		e, ok := c.Op.(ipvs.EditService)
		return ok && (e.Service.Timeout > 360*time.Second || c.Old.(ipvs.AddService).Service.Timeout > 360*time.Second)
	})
	if len(plan) != fewest && !edits {
		t.Fatalf("%d changes planned, %d are enough: %v", len(plan), fewest, plan)
	}
}

// TestPlanTouchesNothingOfOthers gives each row an owner by chance.
func TestPlanTouchesNothingOfOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old, want := genTable().Draw(t, "old"), genTable().Draw(t, "new")
		k, goal := ipvstest.New(ipvstest.Options{}), ipvstest.New(ipvstest.Options{})
		load(t, k, old)
		load(t, goal, want)
		before, after := settings(dump(t, k)), settings(dump(t, goal))
		mine := make(map[row]bool)
		for _, e := range dump(t, k) {
			mine[row{service: e.ServiceKey}] = rapid.Bool().Draw(t, "service mine")
			for _, d := range e.Destinations {
				mine[row{e.ServiceKey, d.Addr}] = rapid.Bool().Draw(t, "server mine")
			}
		}
		plan := ipvs.Plan(dump(t, k), want, func(k ipvs.ServiceKey, a netip.AddrPort) bool { return mine[row{k, a}] })
		if errs := k.Do(ipvs.Ops(plan)...); errs != nil {
			t.Fatalf("%v", errs)
		}
		now := settings(dump(t, k))
		for r, v := range before {
			if _, is := after[r]; !is && !mine[r] && now[r] != v {
				t.Fatalf("%v was not ours and is %v now", r, now[r])
			}
		}
		for r := range after {
			if _, is := now[r]; !is {
				t.Fatalf("%v is wanted and missing", r)
			}
		}
		for r := range now {
			_, wanted := after[r]
			foreign := !mine[r] || r.addr == netip.AddrPort{} && slices.ContainsFunc(rowList(before), func(o row) bool {
				_, wanted := after[o]
				return o.service == r.service && !mine[o] && !wanted
			})
			if !wanted && !foreign {
				t.Fatalf("%v is ours, not wanted and still there", r)
			}
		}
	})
}

func rowList(m map[row]any) (rows []row) {
	for r := range m {
		rows = append(rows, r)
	}
	return rows
}
