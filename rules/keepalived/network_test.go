package keepalived

import (
	"context"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"ipvsadm/vrrp"
)

func TestAddresses(t *testing.T) {
	addr, prefix := netip.MustParseAddr, netip.MustParsePrefix
	const forever = vrrp.Forever
	for _, c := range []struct {
		line string
		want vrrp.AddressConfig
	}{
		{"10.0.0.1", vrrp.AddressConfig{Prefix: prefix("10.0.0.1/32"), Preferred: forever}},
		{"10.0.0.1/24 brd + dev eth1", vrrp.AddressConfig{Prefix: prefix("10.0.0.1/24"), Broadcast: addr("10.0.0.255"), Device: "eth1", Preferred: forever}},
		{"10.0.0.1/20 brd -", vrrp.AddressConfig{Prefix: prefix("10.0.0.1/20"), Broadcast: addr("10.0.0.0"), Preferred: forever}},
		{"10.0.0.1/24 broadcast 10.0.0.9", vrrp.AddressConfig{Prefix: prefix("10.0.0.1/24"), Broadcast: addr("10.0.0.9"), Preferred: forever}},
		{"10.0.0.1/24 label eth0:1 scope site", vrrp.AddressConfig{Prefix: prefix("10.0.0.1/24"), Label: "eth0:1", Scope: vrrp.ScopeSite, Preferred: forever}},
		{"10.0.0.1/24 scope 33", vrrp.AddressConfig{Prefix: prefix("10.0.0.1/24"), Scope: 33, Preferred: forever}},
		{"10.0.0.1/24 scope foo", vrrp.AddressConfig{Prefix: prefix("10.0.0.1/24"), Preferred: forever}},
		{"10.0.0.1/30 peer 10.0.0.2", vrrp.AddressConfig{Prefix: prefix("10.0.0.1/30"), Peer: prefix("10.0.0.2/30"), Preferred: forever}},
		{"10.0.0.1 use_vmac home -nodad mngtmpaddr noprefixroute autojoin no_track",
			vrrp.AddressConfig{Prefix: prefix("10.0.0.1/32"), VMAC: true, Home: true, NoDAD: true, ManageTemp: true, NoPrefixRoute: true, AutoJoin: true, NoTrack: true, Preferred: forever}},
		{"10.0.0.1/33", vrrp.AddressConfig{Prefix: prefix("10.0.0.1/32"), Preferred: forever}},
		{"10.0.0.1/255.255.255.0", vrrp.AddressConfig{Prefix: prefix("10.0.0.1/32"), Preferred: forever}},
		{"10.0.0.1/24 10.0.0.2/24", vrrp.AddressConfig{Prefix: prefix("10.0.0.1/24"), Preferred: forever}},
		// An IPv6 address alone in its network is not to be chosen as a source.
		{"fd00::1", vrrp.AddressConfig{Prefix: prefix("fd00::1/128")}},
		{"fd00::1/64", vrrp.AddressConfig{Prefix: prefix("fd00::1/64"), Preferred: forever}},
		{"fd00::1 preferred_lft forever", vrrp.AddressConfig{Prefix: prefix("fd00::1/128"), Preferred: forever}},
		{"fd00::1/64 preferred_lft 30", vrrp.AddressConfig{Prefix: prefix("fd00::1/64"), Preferred: 30 * time.Second}},
	} {
		v := instanceOf(t, "virtual_ipaddress_excluded {\n"+c.line+"\n}", "")
		if len(v.Excluded) != 1 || v.Excluded[0] != c.want {
			t.Errorf("%q: %+v, want %+v", c.line, v.Excluded, c.want)
		}
	}
}

func TestRoutes(t *testing.T) {
	addr, prefix := netip.MustParseAddr, netip.MustParsePrefix
	ten := prefix("10.1.0.0/24")
	eth0 := vrrp.HopConfig{Device: "eth0"}
	for _, c := range []struct {
		line string
		want vrrp.RouteConfig
	}{
		{"10.1.0.0/24 dev eth0", vrrp.RouteConfig{Type: 1, Dst: ten, Hop: eth0}},
		{"to 10.1.0.0/24 via 10.0.0.2 dev eth0 onlink", vrrp.RouteConfig{Type: 1, Dst: ten, Hop: vrrp.HopConfig{Gateway: addr("10.0.0.2"), Device: "eth0", OnLink: true}}},
		{"default via 10.0.0.2 dev eth0", vrrp.RouteConfig{Type: 1, Dst: prefix("0.0.0.0/0"), Hop: vrrp.HopConfig{Gateway: addr("10.0.0.2"), Device: "eth0"}}},
		{"default6 dev eth0", vrrp.RouteConfig{Type: 1, Dst: prefix("::/0"), Hop: eth0}},
		{"inet6 default dev eth0", vrrp.RouteConfig{Type: 1, Dst: prefix("::/0"), Hop: eth0}},
		{"blackhole 10.1.0.0/24 no_track", vrrp.RouteConfig{Type: vrrp.RouteBlackhole, Dst: ten, NoTrack: true}},
		{"10.1.0.0/24 gw 10.0.0.2 dev eth0", vrrp.RouteConfig{Type: 1, Dst: ten, Hop: vrrp.HopConfig{Gateway: addr("10.0.0.2"), Device: "eth0"}}},
		{"10.1.0.0/24 via 10.0.0.2 or 10.0.0.3 dev eth0", vrrp.RouteConfig{Type: 1, Dst: ten, NoTrack: true,
			Hops: []vrrp.HopConfig{{Gateway: addr("10.0.0.2"), Device: "eth0"}, {Gateway: addr("10.0.0.3"), Device: "eth0"}}}},
		{"10.1.0.0/24 no_track nexthop via 10.0.0.2 dev eth0 weight 1 nexthop dev eth1 weight 256 onlink", vrrp.RouteConfig{Type: 1, Dst: ten, NoTrack: true,
			Hops: []vrrp.HopConfig{{Gateway: addr("10.0.0.2"), Device: "eth0", Weight: 1}, {Device: "eth1", Weight: 256, OnLink: true}}}},
		{"10.1.0.0/24 dev eth0 src 10.0.0.1 table 100 metric 5 tos 0x10 scope link protocol bird no_track append",
			vrrp.RouteConfig{Type: 1, Dst: ten, Hop: eth0, Source: addr("10.0.0.1"), Table: 100, Metric: 5, TOS: 16, Scope: vrrp.ScopeLink, HasScope: true, Protocol: 12, NoTrack: true, Append: true}},
		{"10.1.0.0/24 dev eth0 table blue", vrrp.RouteConfig{Type: 1, Dst: ten, Hop: eth0, Table: 77}},
		{"10.1.0.0/24 dev eth0 table red", vrrp.RouteConfig{Type: 1, Dst: ten, Hop: eth0, Table: 78}},
		{"10.1.0.0/24 dev eth0 table local", vrrp.RouteConfig{Type: 1, Dst: ten, Hop: eth0, Table: 255}},
		{"10.1.0.0/24 dev eth0 mtu lock 1400 rtt 2s rttvar 30ms hoplimit 64 quickack 1", vrrp.RouteConfig{Type: 1, Dst: ten, Hop: eth0,
			Metrics: []vrrp.RouteMetric{{Kind: vrrp.MetricMTU, Value: 1400, Lock: true}, {Kind: vrrp.MetricRTT, Value: 2000}, {Kind: vrrp.MetricRTTVar, Value: 30}, {Kind: vrrp.MetricHopLimit, Value: 64}, {Kind: vrrp.MetricQuickAck, Value: 1}}}},
		{"10.1.0.0/24 dev eth0 realms 3/0x4 features ecn congctl lock cubic", vrrp.RouteConfig{Type: 1, Dst: ten, Hop: vrrp.HopConfig{Device: "eth0", Realms: 3<<16 | 4}, ECN: true, Congestion: "cubic", CongestionLock: true}},
		{"fd00::/64 dev eth0 pref low expires 30 from fd01::/64", vrrp.RouteConfig{Type: 1, Dst: prefix("fd00::/64"), Hop: eth0, Preference: vrrp.PreferenceLow, HasPreference: true, Expires: 30 * time.Second, From: prefix("fd01::/64")}},
		{"10.1.0.0/24 dev eth0 ttl-propagate disabled", vrrp.RouteConfig{Type: 1, Dst: ten, Hop: eth0, TTLPropagate: 2}},
	} {
		got := network(t, "virtual_routes {\n"+c.line+"\n}").Routes
		if len(got) != 1 || !reflect.DeepEqual(got[0], c.want) {
			t.Errorf("%q: %+v, want %+v", c.line, got, c.want)
		}
	}
}

// network reads an instance beside files of iproute2.
func network(t *testing.T, lines string) vrrp.InstanceConfig {
	t.Helper()
	fs := mapFS(map[string]string{
		"etc/iproute2/rt_tables":           "# comment\n77 blue\nnonsense\n",
		"etc/iproute2/rt_tables.d/a.conf":  "0x4e red # last\n",
		"etc/iproute2/rt_tables.d/b.other": "79 green\n",
		"f.conf":                           "vrrp_instance V {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n192.0.2.1\n}\n" + lines + "\n}\n",
	})
	c, ds := Load(context.Background(), "f.conf", Options{FS: fs})
	if c == nil {
		t.Fatalf("%s is refused: %v", lines, ds)
	}
	return c.VRRP.Instances[0]
}

func TestRules(t *testing.T) {
	prefix := netip.MustParsePrefix
	rule := func(r vrrp.RuleConfig) vrrp.RuleConfig {
		if r.Priority == 0 {
			r.Priority = 5
		}
		r.SuppressPrefix, r.SuppressGroup = r.SuppressPrefix-1, r.SuppressGroup-1 // so that 0 stands for none
		return r
	}
	for _, c := range []struct {
		line string
		want vrrp.RuleConfig
	}{
		{"from 10.1.0.0/24 table 100 priority 5", vrrp.RuleConfig{From: prefix("10.1.0.0/24"), Action: vrrp.RuleLookup, Table: 100}},
		{"from all to 10.1.0.0/24 lookup blue preference 5", vrrp.RuleConfig{To: prefix("10.1.0.0/24"), Action: vrrp.RuleLookup, Table: 77}},
		{"not from fd00::/64 table 7 order 5", vrrp.RuleConfig{IPv6: true, Not: true, From: prefix("fd00::/64"), Action: vrrp.RuleLookup, Table: 7}},
		{"inet6 l3mdev priority 5", vrrp.RuleConfig{IPv6: true, Action: vrrp.RuleLookup, L3MDev: true}},
		{"iif eth0 oif eth1 tos 4 fwmark 5/0xff goto 9 priority 5", vrrp.RuleConfig{In: "eth0", Out: "eth1", TOS: 4, Mark: 5, Mask: 0xff, HasMark: true, Action: vrrp.RuleGoto, Goto: 9}},
		{"fwmark 5 nop priority 5", vrrp.RuleConfig{Mark: 5, Mask: 0xffffffff, HasMark: true, Action: vrrp.RuleNop}},
		{"ipproto tcp sport 10-20 dport 30 uidrange 5-6 type blackhole priority 5", vrrp.RuleConfig{IPProtocol: 6, SourcePorts: vrrp.Range{From: 10, To: 20, Set: true},
			DestinationPorts: vrrp.Range{From: 30, To: 30, Set: true}, UIDs: vrrp.Range{From: 5, To: 6, Set: true}, Action: vrrp.RuleBlackhole}},
		{"table 7 realms 3/4 suppress_prefixlength 8 suppress_ifgroup 2 protocol 12 no_track priority 5", vrrp.RuleConfig{Action: vrrp.RuleLookup, Table: 7, Realms: 3<<16 | 4, SuppressPrefix: 9, SuppressGroup: 3, Protocol: 12, NoTrack: true}},
		{"table 7", vrrp.RuleConfig{Action: vrrp.RuleLookup, Table: 7, Priority: 16384}},
	} {
		got := network(t, "virtual_rules {\n"+c.line+"\n}").Rules
		if want := rule(c.want); len(got) != 1 || got[0] != want {
			t.Errorf("%q: %+v, want %+v", c.line, got, want)
		}
	}
}

// A line that makes no sense is left out with a warning that quotes it, and the
// lines around it stay.
func TestLinesThatMakeNoSenseAreLeftOut(t *testing.T) {
	for _, c := range []struct{ block, line, say string }{
		{"virtual_routes", "10.1.0.0/24 dev eth0 table nowhere", `table "nowhere"`},
		{"virtual_routes", "10.1.0.0/24 dev eth0 hoplimit 300", `hoplimit "300"`},
		{"virtual_routes", "10.1.0.0/24 via fe80::1 dev eth0", `via "fe80::1"`},
		{"virtual_routes", "via 10.0.0.2 dev eth0", "no destination"},
		{"virtual_routes", "10.1.0.0/24 10.2.0.0/24 dev eth0", `"10.2.0.0/24"`},
		{"virtual_routes", "10.1.0.0/24 dev eth0 expires 3", "IPv6"},
		{"virtual_rules", "from 10.1.0.0/24 priority 5", "no action"},
		{"virtual_rules", "table 5 l3mdev priority 5", "several"},
		{"virtual_rules", "table 5 goto 3 priority 5", "several"},
		{"virtual_rules", "goto 3 priority 5", "behind the rule itself"},
		{"virtual_rules", "from 10.0.0.0/8 to fd00::/8 table 5 priority 5", "one family"},
		{"virtual_rules", "table 0 priority 5", "a table to look into"},
		{"virtual_rules", "sport 20-10 table 5 priority 5", "a range"},
		{"virtual_ipaddress_excluded", "10.0.0.256", `"10.0.0.256"`},
		{"virtual_ipaddress_excluded", "10.0.0.1 label sixteen-letters-", "15 characters"},
		{"virtual_ipaddress_excluded", "10.0.0.1 dev eth0 dev eth1", "twice"},
	} {
		around := map[string]string{"virtual_routes": "192.0.2.0/24 dev eth9", "virtual_rules": "from 192.0.2.0/24 table 9 priority 9", "virtual_ipaddress_excluded": "192.0.2.9"}[c.block]
		text := within("vrrp_instance", c.block+` {\n`+around+`\n`+c.line+`\n`+around+"0"+`\n}`)
		cfg, ds := loadText(text)
		if cfg == nil {
			t.Errorf("%s: refused: %v", c.line, ds)
			continue
		}
		v := cfg.VRRP.Instances[0]
		if n := len(v.Routes) + len(v.Rules) + len(v.Excluded); n != 2 {
			t.Errorf("%s: %d lines are left, want 2", c.line, n)
		}
		if len(ds) != 1 || ds[0].Severity != Warning || ds[0].Kind != KindValue || !strings.Contains(ds[0].What, c.say) {
			t.Errorf("%s: %v, want a warning with %s", c.line, ds, c.say)
		}
	}
}

func TestStatics(t *testing.T) {
	c, ds := loadText("static_ipaddress {\n10.0.0.1/24 track_group T\n10.0.0.2/24 dev eth1 track_group U\n}\nstatic_routes {\n10.1.0.0/24 dev eth1 track_group T\n}\nstatic_rules {\ntable 5 priority 6 track_group T\n}\n" +
		"track_group T {\ngroup {\nV W\n}\n}\nvrrp_instance V {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n10.9.0.1\n}\n}\nglobal_defs {\ndefault_interface eth7\n}\n")
	if c == nil {
		t.Fatal(ds)
	}
	v := &c.VRRP
	if a := v.Addresses; a[0].Device != "eth7" || a[0].StaticGroup != "T" || a[1].Device != "eth1" || a[1].StaticGroup != "" {
		t.Errorf("%+v", a)
	}
	if v.Routes[0].StaticGroup != "T" || v.Rules[0].StaticGroup != "T" || len(v.StaticGroups) != 1 || len(v.StaticGroups[0].Instances) != 1 {
		t.Errorf("%+v", v)
	}
	if n := len(ds); n != 2 || !ds.Has(Warning, KindReference) {
		t.Errorf("%v, want warnings of U and W", ds)
	}
}

func TestTopLevelSettings(t *testing.T) {
	c, ds := loadText("net_namespace a\nnet_namespace_ipvs\ninstance b\ninterface_up_down_delays {\neth0 0.5\neth1 1 2\n}\ngarp_group {\ngarp_interval 0.1\ninterface eth0\n}\ngarp_group {\ngna_interval 1\ninterfaces {\neth0 eth1\n}\n}\n" +
		"global_defs {\nvrrp_garp_interval 0.001\nvrrp_startup_delay 5.5\nlog_unknown_vrids\ndynamic_interfaces\nlvs_timeouts tcp 5 udp 7\nlvs_flush\nlvs_flush_on_stop VS\nnotification_email {\na@b c@d\n}\nsmtp_server mail 26\nnotify_fifo /f u g\nnotify_fifo_script \"/s 1\"\nlvs_notify_fifo /f\nstartup_script /up root\nstartup_script_timeout 3\n}\n")
	if c == nil {
		t.Fatal(ds)
	}
	g := c.Global
	if g.NetNamespace != "a" || !g.HasIPVSNamespace || g.IPVSNamespace != "" || g.Instance != "b" || len(g.Mail.To) != 2 || g.Mail.Server != "mail" || g.Mail.Port != 26 || g.Mail.Timeout != 30*time.Second {
		t.Errorf("%+v", g)
	}
	if g.FIFO.Path != "/f" || g.FIFO.User != "u" || g.FIFO.Group != "g" || g.FIFO.Script.Argv[1] != "1" || g.CheckFIFO.Path != "" {
		t.Errorf("%+v, %+v", g.FIFO, g.CheckFIFO)
	}
	if g.Startup.Command.User != "root" || g.Startup.Timeout != 3*time.Second || g.Shutdown.Timeout != 10*time.Second {
		t.Errorf("%+v", g.Startup)
	}
	v := c.VRRP
	if len(v.Debounce) != 2 || v.Debounce[0].Up != 500*time.Millisecond || v.Debounce[1].Up != 2*time.Second {
		t.Errorf("%+v", v.Debounce)
	}
	if len(v.Pacing) != 2 || len(v.Pacing[1].Devices) != 1 || v.Pacing[1].Devices[0] != "eth1" || v.ARPInterval != time.Millisecond {
		t.Errorf("%+v", v.Pacing)
	}
	if v.StartupDelay != 5500*time.Millisecond || !v.LogUnknownVRIDs || v.Dynamic != vrrp.MissingInterfaces {
		t.Errorf("%+v", v)
	}
	if k := c.Check; k.Timeouts.TCP != 5*time.Second || k.Timeouts.TCPFin != 0 || k.Timeouts.UDP != 7*time.Second || !k.FlushOnStart || k.FlushOnStop.String() != "remove-services" {
		t.Errorf("%+v", k)
	}
}

// What is in another namespace's table is nothing that we could keep right there.
func TestIPVSNamespace(t *testing.T) {
	server := "virtual_server 192.0.2.1 80 {\nprotocol TCP\nreal_server 192.0.2.2 80 {\n}\n}\n"
	sync := "global_defs {\nlvs_sync_daemon eth0\n}\n"
	for _, c := range []struct {
		text string
		ok   bool
	}{
		{"net_namespace_ipvs\n" + server, true},
		{"net_namespace a\nnet_namespace_ipvs a\n" + server + sync, true},
		{"net_namespace_ipvs b\n", true}, // nothing is put there
		{"net_namespace_ipvs b\n" + server, false},
		{"net_namespace a\nnet_namespace_ipvs\n" + server, false},
		{"net_namespace a\nnet_namespace_ipvs b\n" + sync, false},
	} {
		config, ds := loadText(c.text)
		if (config != nil) != c.ok || !c.ok && !ds.Has(Error, KindUnsupported) {
			t.Errorf("%q: %v", c.text, ds)
		}
	}
}
