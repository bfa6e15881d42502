package linux_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ipvsadm/vrrp"
	"ipvsadm/vrrp/linux"

	"golang.org/x/sys/unix"
)

// change is one change and what `ip` shows of it.
type change struct {
	vrrp.Change
	show string // arguments of ip
	want string // in its output, when the change was made
}

func changes() map[string]change {
	prefix := netip.MustParsePrefix
	address := func(a vrrp.AddressConfig, want string) change {
		a.Device = "eth0"
		return change{vrrp.Change{Address: &a}, "addr show dev eth0", want}
	}
	route := func(r vrrp.RouteConfig, show, want string) change {
		return change{vrrp.Change{Route: &r}, show, want}
	}
	rule := func(r vrrp.RuleConfig, show, want string) change {
		if r.SuppressPrefix == 0 {
			r.SuppressPrefix = -1
		}
		r.SuppressGroup = -1
		return change{vrrp.Change{Rule: &r}, show, want}
	}
	lookup := vrrp.RuleConfig{Priority: 100, Action: vrrp.RuleLookup, Table: 77}
	from := func(change func(*vrrp.RuleConfig)) vrrp.RuleConfig {
		r := lookup
		change(&r)
		return r
	}
	device := vrrp.HopConfig{Device: "eth0"}
	return map[string]change{
		"address": address(vrrp.AddressConfig{Prefix: prefix("10.77.0.100/24"), Preferred: vrrp.Forever},
			"inet 10.77.0.100/24 scope global secondary eth0\n"),
		"address with everything": address(vrrp.AddressConfig{
			Prefix: prefix("10.78.0.1/24"), Broadcast: netip.MustParseAddr("10.78.0.255"), Scope: vrrp.ScopeSite,
			Label: "eth0:vip", NoPrefixRoute: true, Preferred: vrrp.Forever,
		}, "inet 10.78.0.1/24 brd 10.78.0.255 scope site noprefixroute eth0:vip"),
		"address with a peer": address(vrrp.AddressConfig{Prefix: prefix("10.78.0.1/32"), Peer: prefix("10.78.0.2/32"), Preferred: vrrp.Forever},
			"inet 10.78.0.1 peer 10.78.0.2/32"),
		"IPv6 address": address(vrrp.AddressConfig{Prefix: prefix("fd77::100/128"), NoDAD: true},
			"inet6 fd77::100/128 scope global nodad deprecated"),
		"route": route(vrrp.RouteConfig{Type: vrrp.RouteUnicast, Dst: prefix("10.90.0.0/16"), Hop: vrrp.HopConfig{Gateway: netip.MustParseAddr("10.77.0.2")}, Metric: 7},
			"route", "10.90.0.0/16 via 10.77.0.2 dev eth0 proto keepalived metric 7"),
		"default route of a table": route(vrrp.RouteConfig{Type: vrrp.RouteUnicast, Dst: prefix("0.0.0.0/0"), Hop: device, Table: 7000},
			"route show table 7000", "default dev eth0 proto keepalived scope link"),
		"route with everything": route(vrrp.RouteConfig{
			Type: vrrp.RouteUnicast, Dst: prefix("10.91.0.0/16"), Source: netip.MustParseAddr("10.77.0.1"), Hop: device, Protocol: 4, TOS: 0x10,
			Metrics: []vrrp.RouteMetric{{Kind: vrrp.MetricMTU, Value: 1400, Lock: true}, {Kind: vrrp.MetricRTT, Value: 20}}, ECN: true, Congestion: "reno",
		}, "route", "10.91.0.0/16 tos 0x10 dev eth0 proto static scope link src 10.77.0.1 mtu lock 1400 rtt 20ms features ecn congctl reno"),
		"route with two hops": route(vrrp.RouteConfig{Type: vrrp.RouteUnicast, Dst: prefix("10.92.0.0/16"), Hops: []vrrp.HopConfig{
			{Gateway: netip.MustParseAddr("10.77.0.2"), Weight: 3}, {Gateway: netip.MustParseAddr("10.77.0.3"), Device: "eth0"},
		}}, "route", "nexthop via 10.77.0.2 dev eth0 weight 3 \n\tnexthop via 10.77.0.3 dev eth0 weight 1"),
		"route by a gateway of the other family": route(vrrp.RouteConfig{Type: vrrp.RouteUnicast, Dst: prefix("10.94.0.0/16"),
			Hop: vrrp.HopConfig{Gateway: netip.MustParseAddr("fd77::2"), Device: "eth0"}}, "route", "10.94.0.0/16 via inet6 fd77::2 dev eth0"),
		"blackhole": route(vrrp.RouteConfig{Type: vrrp.RouteBlackhole, Dst: prefix("10.93.0.0/16")}, "route", "blackhole 10.93.0.0/16 proto keepalived"),
		"IPv6 route": route(vrrp.RouteConfig{Type: vrrp.RouteUnicast, Dst: prefix("fd90::/16"), Hop: vrrp.HopConfig{Gateway: netip.MustParseAddr("fd77::2")},
			HasPreference: true, Preference: vrrp.PreferenceHigh}, "-6 route", "fd90::/16 via fd77::2 dev eth0 proto keepalived metric 1024 pref high"),
		"rule": rule(from(func(r *vrrp.RuleConfig) { r.From = prefix("10.77.0.100/32") }), "rule", "100:\tfrom 10.77.0.100 lookup 77 proto keepalived"),
		"rule with everything": rule(from(func(r *vrrp.RuleConfig) {
			r.Not, r.To, r.TOS, r.HasMark, r.Mark, r.Mask = true, prefix("10.95.0.0/16"), 0x10, true, 5, 0xff
			r.In, r.IPProtocol, r.DestinationPorts = "eth0", 6, vrrp.Range{From: 80, To: 90, Set: true}
			r.UIDs, r.SuppressPrefix = vrrp.Range{Set: true}, 3
		}), "rule", "100:\tnot from all to 10.95.0.0/16 tos 0x10 fwmark 0x5/0xff iif eth0 uidrange 0-0 ipproto tcp dport 80-90 lookup 77 suppress_prefixlength 3 proto keepalived"),
		"IPv6 rule that goes on": rule(from(func(r *vrrp.RuleConfig) { r.IPv6, r.Action, r.Goto = true, vrrp.RuleGoto, 200 }), "-6 rule", "100:\tfrom all goto 200"),
		"rule that prohibits":    rule(from(func(r *vrrp.RuleConfig) { r.Action = vrrp.RuleProhibit }), "rule", "100:\tfrom all prohibit"),
	}
}

// TestApply makes every kind of change, twice, and undoes it, twice: what is so
// already is no error. The judge is iproute2.
func TestApply(t *testing.T) {
	inLab(t, func(t *testing.T) {
		l := newLab(t)
		l.hosts[0].Do(func() {
			host, err := linux.NewHost()
			if err != nil {
				t.Fatal(err)
			}
			defer host.Close()
			for name, c := range changes() {
				for _, del := range []bool{false, false, true, true} {
					c.Delete = del
					if errs := host.Apply([]vrrp.Change{c.Change}); errs != nil {
						t.Errorf("%s: %v", name, errors.Join(errs...))
					}
					got := l.shell(0, append([]string{"ip"}, strings.Fields(c.show)...)...)
					if strings.Contains(got, c.want) == del {
						t.Errorf("%s, deleted %v: want %q, ip %s shows\n%s", name, del, c.want, c.show, got)
					}
				}
			}
		})
	})
}

// TestApplyMany makes more changes than fit into one message, of which some
// fail: each error is that of its own change, and the others are carried out.
func TestApplyMany(t *testing.T) {
	inLab(t, func(t *testing.T) {
		l := newLab(t)
		l.hosts[0].Do(func() {
			host, err := linux.NewHost()
			if err != nil {
				t.Fatal(err)
			}
			defer host.Close()
			var all []vrrp.Change
			for i := range 500 {
				a := vrrp.AddressConfig{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 79, byte(i / 250), byte(i%250 + 1)}), 32), Device: "eth0", Preferred: vrrp.Forever}
				switch i {
				case 7:
					a.Device = "eth9"
				case 321:
					a = vrrp.AddressConfig{Prefix: netip.MustParsePrefix("fd79::1/128"), Device: "eth0", ManageTemp: true}
				}
				all = append(all, vrrp.Change{Address: &a})
			}
			errs := host.Apply(all)
			if len(errs) != len(all) {
				t.Fatalf("%d errors for %d changes", len(errs), len(all))
			}
			for i, err := range errs {
				if (err != nil) != (i == 7 || i == 321) {
					t.Errorf("change %d: %v", i, err)
				}
			}
			if want := "add address 10.79.0.8/32 on eth9: interface eth9: no such device"; errs[7] == nil || errs[7].Error() != want {
				t.Errorf("got %v, want %s", errs[7], want)
			}
			if !errors.Is(errs[321], unix.EINVAL) {
				t.Errorf("an impossible IPv6 address: %v", errs[321])
			}
			if n := strings.Count(l.shell(0, "ip", "addr"), "10.79."); n != 498 {
				t.Errorf("%d addresses were added, want 498", n)
			}
			// The View that follows has them all, and says that it does.
			for deadline := time.After(10 * time.Second); ; {
				select {
				case v := <-host.Views():
					if v.Applied < 1 {
						continue
					}
					for i, c := range all {
						if has := v.Has("eth0", c.Address.Prefix.Addr()); has != (errs[i] == nil) {
							t.Errorf("the View has %v: %v", c.Address.Prefix, has)
						}
					}
					return
				case <-deadline:
					t.Fatal("no View after Apply")
				}
			}
		})
	})
}

// TestVMAC makes interfaces with virtual MAC addresses, takes over those of an
// earlier run, and removes them without a trace.
func TestVMAC(t *testing.T) {
	inLab(t, func(t *testing.T) {
		l := newLab(t)
		const rpFilter = "net.ipv4.conf.all.rp_filter"
		l.shell(0, "sysctl", "-qw", rpFilter+"=1", "net.ipv4.conf.eth0.rp_filter=0")
		l.hosts[0].Do(func() {
			v4 := vrrp.Change{VMAC: &vrrp.VMACLink{Name: "vrrp.51", Base: "eth0", Addr: vrrp.VirtualMAC(51, false)}}
			v6 := vrrp.Change{VMAC: &vrrp.VMACLink{
				Name: "vrrp6.51", Base: "eth0", Addr: vrrp.VirtualMAC(51, true), IPv6: true, Source: netip.MustParseAddr("fe80::77"),
			}}
			for range 2 { // the second run finds those of the first
				host, err := linux.NewHost()
				if err != nil {
					t.Fatal(err)
				}
				if errs := host.Apply([]vrrp.Change{v4, v6}); errs != nil {
					t.Fatal(errors.Join(errs...))
				}
				show := l.shell(0, "ip", "-d", "addr")
				for _, want := range []string{"00:00:5e:00:01:33", "00:00:5e:00:02:33", "macvlan mode private", "inet6 fe80::77/64 scope link nodad deprecated"} {
					if !strings.Contains(show, want) {
						t.Errorf("no %q in\n%s", want, show)
					}
				}
				settings := l.shell(0, "sysctl", "-n", rpFilter, "net.ipv4.conf.eth0.rp_filter", "net.ipv4.conf.vrrp/51.rp_filter", "net.ipv4.conf.vrrp/51.arp_ignore", "net.ipv4.conf.vrrp/51.accept_local")
				if got := strings.Fields(settings); strings.Join(got, " ") != "0 1 0 1 1" {
					t.Errorf("the settings are %v", got)
				}
				host.Close()
			}
			host, err := linux.NewHost()
			if err != nil {
				t.Fatal(err)
			}
			defer host.Close()
			l.shell(0, "sysctl", "-qw", rpFilter+"=1")
			if errs := host.Apply([]vrrp.Change{v4, v6}); errs != nil {
				t.Fatal(errors.Join(errs...))
			}
			v4.Delete, v6.Delete = true, true
			if errs := host.Apply([]vrrp.Change{v4, v6}); errs != nil {
				t.Error(errors.Join(errs...))
			}
			if show := l.shell(0, "ip", "-br", "link"); strings.Contains(show, "vrrp") {
				t.Errorf("left behind:\n%s", show)
			}
			if got := strings.TrimSpace(l.shell(0, "sysctl", "-n", rpFilter)); got != "1" {
				t.Errorf("%s is %s afterwards", rpFilter, got)
			}
		})
	})
}
