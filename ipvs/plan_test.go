package ipvs_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

var (
	web  = planKey("10.0.0.1:80")
	mail = planKey("10.0.0.1:25")
	six  = planKey("[2001:db8::1]:80")
	mark = ipvs.ServiceKey{Family: ipvs.IPv4, FWMark: 7}
)

func planKey(s string) ipvs.ServiceKey {
	a := netip.MustParseAddrPort(s)
	return ipvs.ServiceKey{Family: ipvs.FamilyOf(a.Addr()), Protocol: ipvs.TCP, Addr: a}
}

// wanted is a plain service with servers of weight 1, or as "ADDR*WEIGHT" says.
func wanted(k ipvs.ServiceKey, scheduler string, servers ...string) ipvs.Wanted {
	w := ipvs.Wanted{Service: ipvs.Service{ServiceKey: k, Scheduler: scheduler, Netmask: ipvs.HostMask(k.Family)}}
	for _, s := range servers {
		d := ipvs.Destination{Weight: 1}
		if addr, weight, ok := strings.Cut(s, "*"); ok {
			s = addr
			fmt.Sscan(weight, &d.Weight)
		}
		d.Addr = netip.MustParseAddrPort(s)
		w.Destinations = append(w.Destinations, d)
	}
	return w
}

// load puts a table into a kernel as it is.
func load(t fataler, k *ipvstest.Kernel, table []ipvs.Wanted) {
	t.Helper()
	for _, w := range table {
		for _, err := range k.Do(ipvs.AddService{Service: w.Service}) {
			t.Fatalf("load: %v of %+v", err, w.Service)
		}
		for _, d := range w.Destinations {
			for _, err := range k.Do(ipvs.AddDestination{Service: w.ServiceKey, Destination: d}) {
				t.Fatalf("load: %v of %+v in %+v", err, d, w.Service)
			}
		}
	}
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func dump(t fataler, k *ipvstest.Kernel) []ipvs.Entry {
	t.Helper()
	entries, err := k.Table(ipvs.Query{Detail: ipvs.Full})
	if err != nil {
		t.Fatalf("read the table: %v", err)
	}
	return entries
}

// line writes a change in few words.
func line(c ipvs.Change) string {
	name := func(k ipvs.ServiceKey) string {
		if k.FWMark != 0 {
			return fmt.Sprint("mark ", k.FWMark)
		}
		return k.Addr.String()
	}
	switch op := c.Op.(type) {
	case ipvs.AddService:
		return "add " + name(op.Service.ServiceKey) + " " + op.Service.Scheduler
	case ipvs.EditService:
		return fmt.Sprintf("edit %s %s -> %s", name(op.Service.ServiceKey), c.Old.(ipvs.AddService).Service.Scheduler, op.Service.Scheduler)
	case ipvs.DeleteService:
		return fmt.Sprintf("delete %s %s", name(op.Service), c.Old.(ipvs.AddService).Service.Scheduler)
	case ipvs.AddDestination:
		return fmt.Sprintf("add %s / %s *%d", name(op.Service), op.Destination.Addr, op.Destination.Weight)
	case ipvs.EditDestination:
		return fmt.Sprintf("edit %s / %s *%d -> *%d", name(op.Service), op.Destination.Addr, c.Old.(ipvs.AddDestination).Destination.Weight, op.Destination.Weight)
	case ipvs.DeleteDestination:
		return fmt.Sprintf("delete %s / %s *%d", name(op.Service), op.Addr, c.Old.(ipvs.AddDestination).Destination.Weight)
	}
	return fmt.Sprintf("%T", c.Op)
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name       string
		have, want []ipvs.Wanted
		mine       ipvs.Owner // nil for all
		plan       []string
	}{
		{
			name: "nothing to nothing",
		},
		{
			name: "the same table is no change",
			have: []ipvs.Wanted{wanted(web, "rr", "10.0.0.2:80", "10.0.0.3:80*5"), wanted(mark, "sh", "10.0.0.2:0")},
			want: []ipvs.Wanted{wanted(mark, "sh", "10.0.0.2:0"), wanted(web, "rr", "10.0.0.3:80*5", "10.0.0.2:80")},
		},
		{
			name: "a new service gets its servers at once, before the next service",
			want: []ipvs.Wanted{wanted(web, "rr", "10.0.0.2:80", "10.0.0.3:80"), wanted(six, "sh", "[2001:db8::2]:80")},
			plan: []string{
				"add 10.0.0.1:80 rr", "add 10.0.0.1:80 / 10.0.0.2:80 *1", "add 10.0.0.1:80 / 10.0.0.3:80 *1",
				"add [2001:db8::1]:80 sh", "add [2001:db8::1]:80 / [2001:db8::2]:80 *1",
			},
		},
		{
			name: "a scheduler is changed in place",
			have: []ipvs.Wanted{wanted(web, "rr", "10.0.0.2:80")},
			want: []ipvs.Wanted{wanted(web, "wlc", "10.0.0.2:80")},
			plan: []string{"edit 10.0.0.1:80 rr -> wlc"},
		},
		{
			name: "a server moves: the new one is in before the old one is out, and edits are between",
			have: []ipvs.Wanted{wanted(web, "rr", "10.0.0.2:80", "10.0.0.3:80*5")},
			want: []ipvs.Wanted{wanted(web, "rr", "10.0.0.3:80*6", "10.0.0.4:80")},
			plan: []string{
				"add 10.0.0.1:80 / 10.0.0.4:80 *1", "edit 10.0.0.1:80 / 10.0.0.3:80 *5 -> *6", "delete 10.0.0.1:80 / 10.0.0.2:80 *1",
			},
		},
		{
			name: "a service goes with its servers in one operation, after everything else",
			have: []ipvs.Wanted{wanted(mail, "rr", "10.0.0.2:25", "10.0.0.3:25"), wanted(web, "rr")},
			want: []ipvs.Wanted{wanted(web, "rr", "10.0.0.2:80")},
			plan: []string{"add 10.0.0.1:80 / 10.0.0.2:80 *1", "delete 10.0.0.1:25 rr"},
		},
		{
			name: "what is not named stays, with OwnsNamed",
			have: []ipvs.Wanted{wanted(mail, "rr", "10.0.0.2:25"), wanted(web, "rr", "10.0.0.2:80")},
			want: []ipvs.Wanted{wanted(web, "rr", "10.0.0.3:80")},
			mine: ipvs.OwnsNamed([]ipvs.Wanted{wanted(web, "rr", "10.0.0.3:80")}),
			plan: []string{"add 10.0.0.1:80 / 10.0.0.3:80 *1", "delete 10.0.0.1:80 / 10.0.0.2:80 *1"},
		},
		{
			name: "a service with a server of somebody else stays, and so does that server",
			have: []ipvs.Wanted{wanted(mail, "rr", "10.0.0.2:25", "10.0.0.3:25"), wanted(web, "rr", "10.0.0.2:80", "10.0.0.3:80")},
			want: []ipvs.Wanted{wanted(web, "rr")},
			mine: func(_ ipvs.ServiceKey, a netip.AddrPort) bool { return a.Addr() != netip.MustParseAddr("10.0.0.3") },
			plan: []string{"delete 10.0.0.1:25 / 10.0.0.2:25 *1", "delete 10.0.0.1:80 / 10.0.0.2:80 *1"},
		},
		{
			name: "of what is wanted twice the last counts, and the servers of both",
			want: []ipvs.Wanted{wanted(web, "rr", "10.0.0.2:80*1"), wanted(mail, "rr"), wanted(web, "sh", "10.0.0.3:80", "10.0.0.2:80*9")},
			plan: []string{
				"add 10.0.0.1:80 sh", "add 10.0.0.1:80 / 10.0.0.2:80 *9", "add 10.0.0.1:80 / 10.0.0.3:80 *1", "add 10.0.0.1:25 rr",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := ipvstest.New(ipvstest.Options{})
			load(t, k, c.have)
			if c.mine == nil {
				c.mine = ipvs.OwnsAll
			}
			plan := ipvs.Plan(dump(t, k), c.want, c.mine)
			var got []string
			for _, change := range plan {
				got = append(got, line(change))
			}
			// The kernel lists servers from the newest on, so deletions are sorted.
			if slices.Sort(got[len(got)-deletions(plan):]); !slices.Equal(got, c.plan) {
				t.Errorf("planned\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.plan, "\n"))
			}
		})
	}
}

func deletions(plan []ipvs.Change) (n int) {
	for _, c := range plan {
		switch c.Op.(type) {
		case ipvs.DeleteService, ipvs.DeleteDestination:
			n++
		}
	}
	return n
}

// TestPlanChangesInPlace sets each thing that can be set, alone: it takes one
// edit, which the kernel takes.
func TestPlanChangesInPlace(t *testing.T) {
	for name, change := range map[string]func(*ipvs.Wanted){
		"scheduler":       func(w *ipvs.Wanted) { w.Scheduler = "sh" },
		"no scheduler":    func(w *ipvs.Wanted) { w.Scheduler = "" },
		"persistence":     func(w *ipvs.Wanted) { w.Flags |= ipvs.Persistent },
		"scheduler flags": func(w *ipvs.Wanted) { w.Flags |= ipvs.SchedFlag1 },
		"one packet":      func(w *ipvs.Wanted) { w.Flags |= ipvs.OnePacket },
		"timeout":         func(w *ipvs.Wanted) { w.Timeout = 5 * time.Minute },
		"netmask":         func(w *ipvs.Wanted) { w.Netmask = 0xffffff00 },
		"engine":          func(w *ipvs.Wanted) { w.PE = "sip" },
		"weight":          func(w *ipvs.Wanted) { w.Destinations[0].Weight = 0 },
		"method":          func(w *ipvs.Wanted) { w.Destinations[0].Forward = ipvs.Route },
		"tunnel": func(w *ipvs.Wanted) {
			w.Destinations[0].Forward, w.Destinations[0].Tunnel = ipvs.Tunnel, ipvs.Encapsulation{Type: ipvs.GUE, Port: 6080}
		},
		"thresholds": func(w *ipvs.Wanted) { w.Destinations[0].Upper, w.Destinations[0].Lower = 10, 5 },
	} {
		t.Run(name, func(t *testing.T) {
			before, after := wanted(web, "rr", "10.0.0.2:80"), wanted(web, "rr", "10.0.0.2:80")
			change(&after)
			for _, way := range [][2]ipvs.Wanted{{before, after}, {after, before}} {
				k := ipvstest.New(ipvstest.Options{})
				load(t, k, way[:1])
				plan := ipvs.Plan(dump(t, k), way[1:], ipvs.OwnsAll)
				if len(plan) != 1 || !strings.HasPrefix(line(plan[0]), "edit") {
					t.Fatalf("planned %v, want one edit", plan)
				}
				if errs := k.Do(ipvs.Ops(plan)...); errs != nil {
					t.Fatal(errs)
				}
				if again := ipvs.Plan(dump(t, k), way[1:], ipvs.OwnsAll); len(again) > 0 {
					t.Errorf("then planned %v, want nothing", again)
				}
			}
		})
	}
}

// TestPlanKnowsWhatTheKernelMakesOfValues plans against a table just loaded with
// values that are not read back as they were written.
func TestPlanKnowsWhatTheKernelMakesOfValues(t *testing.T) {
	for name, change := range map[string]func(*ipvs.Wanted){
		"no scheduler":                func(w *ipvs.Wanted) { w.Scheduler = "" },
		"scheduler none":              func(w *ipvs.Wanted) { w.Scheduler = "none" },
		"hashed":                      func(w *ipvs.Wanted) { w.Flags = ipvs.Hashed | ipvs.Persistent },
		"parts of a second":           func(w *ipvs.Wanted) { w.Timeout = 1500 * time.Millisecond },
		"timeout beyond the jiffies":  func(w *ipvs.Wanted) { w.Timeout = 42949673 * time.Second },
		"the longest timeout":         func(w *ipvs.Wanted) { w.Timeout = (1<<32 - 1) * time.Second },
		"a mark with an address":      func(w *ipvs.Wanted) { w.ServiceKey = planKey("10.0.0.9:9"); w.FWMark = 9 },
		"a mask that is no prefix":    func(w *ipvs.Wanted) { w.Netmask = 0xff00ff00 },
		"method with other bits":      func(w *ipvs.Wanted) { w.Destinations[0].Forward = 8 | ipvs.Route },
		"tunnel of a server not such": func(w *ipvs.Wanted) { w.Destinations[0].Tunnel.Type = ipvs.GRE },
	} {
		for _, hz := range []uint32{100, 250, 300, 1000} {
			t.Run(fmt.Sprint(name, " at ", hz, " Hz"), func(t *testing.T) {
				w := wanted(web, "rr", "10.0.0.2:80")
				change(&w)
				k := ipvstest.New(ipvstest.Options{HZ: hz})
				load(t, k, []ipvs.Wanted{w})
				if plan := ipvs.Plan(dump(t, k), []ipvs.Wanted{w}, ipvs.OwnsAll); len(plan) > 0 {
					t.Errorf("planned %s for\n%s, want nothing", line(plan[0]), k)
				}
			})
		}
	}
}

// BenchmarkPlan compares a table of 200 services with 100 real servers each
// with itself, and with one of which every server has another weight.
func BenchmarkPlan(b *testing.B) {
	var table, other []ipvs.Wanted
	var have []ipvs.Entry
	for i := range 200 {
		k := web
		k.Addr = netip.AddrPortFrom(k.Addr.Addr(), uint16(i+1))
		w := wanted(k, "rr")
		for j := range 100 {
			w.Destinations = append(w.Destinations, ipvs.Destination{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, 0, byte(j)}), 80)})
		}
		table = append(table, w)
		e := ipvs.Entry{ServiceState: ipvs.ServiceState{Service: w.Service}}
		w.Destinations = slices.Clone(w.Destinations)
		for j := range w.Destinations {
			e.Destinations = append(e.Destinations, ipvs.DestinationState{Destination: w.Destinations[j]})
			w.Destinations[j].Weight++
		}
		have, other = append(have, e), append(other, w)
	}
	for name, want := range map[string][]ipvs.Wanted{"same": table, "weights": other} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				ipvs.Plan(have, want, ipvs.OwnsAll)
			}
		})
	}
}
