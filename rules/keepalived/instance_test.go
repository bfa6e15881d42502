package keepalived

import (
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ipvsadm/vrrp"
)

// instanceOf reads an instance with the given lines, and what else stands in the
// file.
func instanceOf(t *testing.T, lines, rest string) vrrp.InstanceConfig {
	t.Helper()
	text := "vrrp_instance V {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n192.0.2.1\n}\n" + lines + "\n}\n"
	if strings.HasPrefix(lines, "=") { // all of it
		text = "vrrp_instance V {\n" + lines[1:] + "\n}\n"
	}
	c, ds := loadText(rest + "\n" + text)
	if c == nil {
		t.Fatalf("%s is refused: %v", lines, ds)
	}
	return c.VRRP.Instances[0]
}

// What keepalived.conf(5) gives an instance that says nothing.
func TestDefaultsOfAnInstance(t *testing.T) {
	got := instanceOf(t, "", "")
	want := vrrp.InstanceConfig{
		Name: "V", Device: "eth0",
		Params: vrrp.Params{
			Version: vrrp.V2, VRID: 51, Priority: 100, AdvertisementInterval: time.Second, DownAdverts: 3,
			Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")},
			Accept:    true,
			Announce: vrrp.AnnounceSchedule{
				MasterRepeat: 5, MasterDelay: 5 * time.Second, MasterRefreshRepeat: 1,
				LowerPriorityRepeat: 5, LowerPriorityDelay: 5 * time.Second,
			},
		},
		UnicastTTL: 255, TrackDevice: true,
		Virtual: []vrrp.AddressConfig{{Prefix: netip.MustParsePrefix("192.0.2.1/32"), Preferred: vrrp.Forever}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("differs in %s", differs("", reflect.ValueOf(got), reflect.ValueOf(want)))
	}
	if err := got.Params.Validate(); err != nil {
		t.Errorf("the machine refuses it: %v", err)
	}
}

func TestStateAndPriority(t *testing.T) {
	for _, c := range []struct {
		lines       string
		priority    uint8
		startBackup bool
	}{
		{"", 100, false},
		{"state BACKUP", 100, false},
		{"state MASTER", 255, false},
		{"state MASTER\npriority 150", 150, false},
		{"state SLAVE\npriority 150", 150, false},
		{"state BACKUP\npriority 255", 255, true},
		{"state MASTER\npriority 255", 255, false},
		{"priority 255", 255, true},
		{"priority 0", 100, false},
		{"state MASTER\npriority 300", 100, false},
		{"strict_mode\nstate MASTER\npriority 100", 100, false},
	} {
		if v := instanceOf(t, c.lines, ""); v.Priority != c.priority || v.StartBackup != c.startBackup {
			t.Errorf("%q: priority %d, StartBackup %v; want %d, %v", c.lines, v.Priority, v.StartBackup, c.priority, c.startBackup)
		}
	}
}

// Rounded as keepalived 2.2.7 rounds, seen with -d.
func TestAdvertisementIntervals(t *testing.T) {
	for _, c := range []struct {
		version, interval, want string
	}{
		{"2", "0.4", "1s"}, {"2", "0.5", "1s"}, {"2", "1.4", "1s"}, {"2", "1.5", "2s"}, {"2", "2.6", "3s"}, {"2", "255", "4m15s"},
		{"3", "0.4", "400ms"}, {"3", "0.014", "10ms"}, {"3", "0.015", "20ms"}, {"3", "0.016", "20ms"}, {"3", "0.025", "30ms"},
		{"3", "0.01", "10ms"}, {"3", "1.5", "1.5s"}, {"3", "41", "40.95s"}, {"3", "255", "40.95s"}, {"3", "0", "1s"}, {"2", "256", "1s"},
	} {
		v := instanceOf(t, "version "+c.version+"\nadvert_int "+c.interval, "")
		if v.AdvertisementInterval.String() != c.want {
			t.Errorf("version %s, advert_int %s: %v, want %s", c.version, c.interval, v.AdvertisementInterval, c.want)
		}
	}
}

func TestFamilySaysTheVersion(t *testing.T) {
	const six = "=interface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\nfe80::1\n}\n"
	for _, c := range []struct {
		lines, rest string
		version     vrrp.Version
		ipv6        bool
	}{
		{"", "", vrrp.V2, false},
		{"version 3", "", vrrp.V3, false},
		{"", "global_defs {\nvrrp_version 3\n}", vrrp.V3, false},
		{"version 2", "global_defs {\nvrrp_version 3\n}", vrrp.V2, false},
		{six, "", vrrp.V3, true},
		{six + "version 2", "", vrrp.V3, true},
		{"=interface eth0\nvirtual_router_id 1\nunicast_peer {\nfe80::2\n}\nvirtual_ipaddress_excluded {\n192.0.2.1\n}", "", vrrp.V3, true},
		{"virtual_ipaddress_excluded {\nfe80::1\n}", "", vrrp.V2, false},
	} {
		if v := instanceOf(t, c.lines, c.rest); v.Version != c.version || v.IPv6 != c.ipv6 {
			t.Errorf("%q: %v, IPv6 %v; want %v, %v", c.lines, v.Version, v.IPv6, c.version, c.ipv6)
		}
	}
}

func TestPreemption(t *testing.T) {
	for _, c := range []struct {
		lines     string
		noPreempt bool
		delay     time.Duration
	}{
		{"nopreempt", true, 0},
		{"nopreempt\npreempt", false, 0},
		{"preempt_delay 4.12", false, 4120 * time.Millisecond},
		{"preempt_delay 1001", false, 0},
		{"nopreempt\npreempt_delay 5", true, 0},
		{"nopreempt\nstate MASTER\npriority 100", false, 0},
		{"nopreempt\npriority 255", false, 0},
		{"preempt_delay 5\nstate MASTER\npriority 100", false, 0},
		{"preempt_delay 5\nstrict_mode", false, 0},
	} {
		if v := instanceOf(t, c.lines, ""); v.NoPreempt != c.noPreempt || v.PreemptDelay != c.delay {
			t.Errorf("%q: NoPreempt %v, delay %v; want %v, %v", c.lines, v.NoPreempt, v.PreemptDelay, c.noPreempt, c.delay)
		}
	}
}

func TestAnnouncements(t *testing.T) {
	for _, c := range []struct{ lines, globals, want string }{
		// repeat, delay, refresh, refresh_repeat, lower repeat, lower delay
		{"", "", "5 5s 0s 1 5 5s"},
		{"garp_master_repeat 2\ngarp_master_delay 9", "", "2 9s 0s 1 5 5s"},
		{"", "vrrp_garp_master_repeat 2\nvrrp_garp_master_delay 9", "2 9s 0s 1 2 9s"},
		{"garp_master_delay 7", "vrrp_garp_master_delay 9", "5 7s 0s 1 5 9s"},
		{"garp_master_delay 7", "vrrp_garp_lower_prio_delay 3\nvrrp_garp_lower_prio_repeat 4", "5 7s 0s 1 4 3s"},
		{"garp_lower_prio_repeat 0\ngarp_lower_prio_delay 0", "", "5 5s 0s 1 0 0s"},
		{"garp_master_refresh 60\ngarp_master_refresh_repeat 2", "", "5 5s 1m0s 2 5 5s"},
		{"garp_master_repeat 0", "", "1 5s 0s 1 5 5s"},
		{"", "vrrp_min_garp", "1 0s 0s 1 1 0s"},
		{"garp_master_repeat 3", "vrrp_min_garp", "3 0s 0s 1 1 0s"},
		{"strict_mode\ngarp_lower_prio_repeat 3", "", "5 5s 0s 1 0 0s"},
	} {
		a := instanceOf(t, c.lines, "global_defs {\n"+c.globals+"\n}").Announce
		got := strings.Join([]string{itoa(a.MasterRepeat), a.MasterDelay.String(), a.MasterRefresh.String(), itoa(a.MasterRefreshRepeat), itoa(a.LowerPriorityRepeat), a.LowerPriorityDelay.String()}, " ")
		if got != c.want {
			t.Errorf("%q with %q: %s, want %s", c.lines, c.globals, got, c.want)
		}
	}
	v := instanceOf(t, "garp_extra_if all 100", "")
	if v.Announce.ExtraInterfaces != 100*time.Second || !v.AnnounceAll {
		t.Errorf("garp_extra_if all 100: %v, %v", v.Announce.ExtraInterfaces, v.AnnounceAll)
	}
}

// What instances inherit they can say otherwise, and strict_mode overrules both.
func TestSwitchesAreInherited(t *testing.T) {
	for _, c := range []struct {
		global, local string
		at            func(*vrrp.InstanceConfig) bool
		strict        bool
	}{
		{"vrrp_strict", "strict_mode", func(v *vrrp.InstanceConfig) bool { return v.Strict }, true},
		{"vrrp_skip_check_adv_addr", "skip_check_adv_addr", func(v *vrrp.InstanceConfig) bool { return v.SkipAddressCheck }, false},
		{"vrrp_lower_prio_no_advert", "lower_prio_no_advert", func(v *vrrp.InstanceConfig) bool { return v.LowerPriorityNoAdvert }, true},
		{"vrrp_higher_prio_send_advert", "higher_prio_send_advert", func(v *vrrp.InstanceConfig) bool { return v.HigherPrioritySendAdvert }, false},
		{"vrrp_owner_ignore_adverts", "owner_ignore_adverts", func(v *vrrp.InstanceConfig) bool { return v.OwnerIgnoreAdverts }, true},
		{"v3_checksum_as_v2", "v3_checksum_as_v2", func(v *vrrp.InstanceConfig) bool { return v.Checksum == vrrp.MessageOnly }, false},
		{"vrrp_notify_priority_changes", "notify_priority_changes", func(v *vrrp.InstanceConfig) bool { return v.Notify.Priorities }, false},
		{"smtp_alert_vrrp", "smtp_alert", func(v *vrrp.InstanceConfig) bool { return v.Notify.Mail }, false},
		{"smtp_alert", "smtp_alert", func(v *vrrp.InstanceConfig) bool { return v.Notify.Mail }, false},
	} {
		for _, row := range []struct {
			global, local string
			want          bool
		}{{"", "", false}, {c.global, "", true}, {"", c.local, true}, {c.global, c.local + " off", false}, {c.global + " off", c.local + " on", true}} {
			v := instanceOf(t, row.local, "global_defs {\n"+row.global+"\n}")
			if got := c.at(&v); got != row.want {
				t.Errorf("%q with %q: %v, want %v", row.local, row.global, got, row.want)
			}
		}
		v := instanceOf(t, "strict_mode", "")
		if got := c.at(&v); got != c.strict {
			t.Errorf("%s in strict mode: %v, want %v", c.local, got, c.strict)
		}
	}
}

func TestAcceptMode(t *testing.T) {
	for lines, want := range map[string]bool{
		"": true, "accept": true, "no_accept": false, "accept\nno_accept": false, "no_accept\naccept": true,
		"strict_mode": false, "strict_mode\naccept": false, "strict_mode\nversion 3\naccept": true, "strict_mode\nversion 3": false,
		"strict_mode\nstate MASTER\npriority 255": true,
	} {
		if v := instanceOf(t, lines, ""); v.Accept != want {
			t.Errorf("%q: %v, want %v", lines, v.Accept, want)
		}
	}
}

func TestAuthentication(t *testing.T) {
	auth := func(kind, pass string) string {
		return "authentication {\nauth_type " + kind + "\nauth_pass " + pass + "\n}\n"
	}
	for _, c := range []struct {
		lines    string
		kind     vrrp.AuthType
		password string
	}{
		{auth("PASS", "1111"), vrrp.AuthPass, "1111"},
		{auth("PASS", "123456789"), vrrp.AuthPass, "12345678"},
		{auth("PASS", `"a b"`), vrrp.AuthPass, "a b"},
		{auth("PASS", "ab#cd"), vrrp.AuthPass, "ab"},
		{auth("AH", "1111"), vrrp.AuthAH, "1111"},
		{auth("simple", "1111"), vrrp.AuthNone, ""},
		{"version 3\n" + auth("PASS", "1111"), vrrp.AuthNone, ""},
		{"strict_mode\n" + auth("PASS", "1111"), vrrp.AuthNone, ""},
		{"authentication {\nauth_type PASS\n}\n", vrrp.AuthNone, ""},
		{"authentication {\nauth_pass x\n}\n", vrrp.AuthNone, ""},
	} {
		v := instanceOf(t, c.lines, "")
		var want vrrp.Password
		copy(want[:], c.password)
		if v.Auth != c.kind || v.Password != want {
			t.Errorf("%q: %v, want %v; passwords equal: %v", c.lines, v.Auth, c.kind, v.Password == want)
		}
	}
}

func TestVirtualMAC(t *testing.T) {
	for _, c := range []struct {
		lines, globals string
		want           *vrrp.VMACConfig
	}{
		{"", "", nil},
		{"use_vmac", "", &vrrp.VMACConfig{Name: "vrrp.51", Addr: net.HardwareAddr{0, 0, 0x5e, 0, 1, 51}}},
		{"use_vmac", "vmac_prefix x", &vrrp.VMACConfig{Name: "x.51", Addr: net.HardwareAddr{0, 0, 0x5e, 0, 1, 51}}},
		{"use_vmac name", "", &vrrp.VMACConfig{Name: "name", Addr: net.HardwareAddr{0, 0, 0x5e, 0, 1, 51}}},
		{"use_vmac name 02:00:00:00:00:07", "", &vrrp.VMACConfig{Name: "name", Addr: net.HardwareAddr{2, 0, 0, 0, 0, 7}}},
		{"use_vmac 02:00:00:00:07", "", &vrrp.VMACConfig{Name: "vrrp.51", Addr: net.HardwareAddr{2, 0, 0, 0, 7, 51}}},
		{"use_vmac 01:00:00:00:00:07", "", &vrrp.VMACConfig{Name: "vrrp.51", Addr: net.HardwareAddr{0, 0, 0x5e, 0, 1, 51}}},
		{"use_vmac 02:00:00:00:00:07\nstrict_mode", "", &vrrp.VMACConfig{Name: "vrrp.51", Addr: net.HardwareAddr{0, 0, 0x5e, 0, 1, 51}}},
		{"use_vmac\nvmac_xmit_base", "", &vrrp.VMACConfig{Name: "vrrp.51", Addr: net.HardwareAddr{0, 0, 0x5e, 0, 1, 51}, TransmitBase: true}},
		{"use_vmac\nunicast_peer {\n192.0.2.9\n}", "", &vrrp.VMACConfig{Name: "vrrp.51", Addr: net.HardwareAddr{0, 0, 0x5e, 0, 1, 51}, TransmitBase: true}},
		{"=interface eth0\nvirtual_router_id 51\nuse_vmac\nvirtual_ipaddress {\nfe80::1\n}", "", &vrrp.VMACConfig{Name: "vrrp6.51", Addr: net.HardwareAddr{0, 0, 0x5e, 0, 2, 51}}},
	} {
		if got := instanceOf(t, c.lines, "global_defs {\n"+c.globals+"\n}").VMAC; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %+v, want %+v", c.lines, got, c.want)
		}
	}
}

func TestVirtualMACInterfacesHaveNamesOfTheirOwn(t *testing.T) {
	var text strings.Builder
	for _, device := range []string{"eth0", "eth1", "eth2"} {
		text.WriteString("vrrp_instance " + device + " {\ninterface " + device + "\nvirtual_router_id 7\nuse_vmac\nvirtual_ipaddress {\n192.0.2.1\n}\n}\n")
	}
	text.WriteString("vrrp_instance x {\ninterface eth3\nvirtual_router_id 8\nuse_vmac vrrp.7.1\nvirtual_ipaddress {\n192.0.2.1\n}\n}\n")
	c, ds := loadText(text.String())
	if c == nil {
		t.Fatal(ds)
	}
	var names []string
	for _, v := range c.VRRP.Instances {
		names = append(names, v.VMAC.Name)
	}
	if want := []string{"vrrp.7", "vrrp.7.2", "vrrp.7.3", "vrrp.7.1"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
}

func TestUnicast(t *testing.T) {
	v := instanceOf(t, "unicast_src_ip 192.0.2.2\nunicast_ttl 64\nunicast_peer {\n192.0.2.3\n192.0.2.4 min_ttl 250\n192.0.2.5 max_ttl 64\n192.0.2.6 min_ttl 0 max_ttl 10\nfe80::1\n192.0.2.3\n}", "")
	want := []vrrp.Peer{
		{Addr: netip.MustParseAddr("192.0.2.3")},
		{Addr: netip.MustParseAddr("192.0.2.4"), MinTTL: 250, MaxTTL: 255},
		{Addr: netip.MustParseAddr("192.0.2.5"), MinTTL: 1, MaxTTL: 64},
		{Addr: netip.MustParseAddr("192.0.2.6"), MinTTL: 1, MaxTTL: 10},
	}
	if !slices.Equal(v.Peers, want) || v.Source != netip.MustParseAddr("192.0.2.2") || v.UnicastTTL != 64 {
		t.Errorf("%v from %v with TTL %d", v.Peers, v.Source, v.UnicastTTL)
	}
	v = instanceOf(t, "=virtual_router_id 1\nunicast_src_ip 192.0.2.2\nunicast_peer {\n192.0.2.3\n}\nvirtual_ipaddress {\n192.0.2.1\n192.0.2.9 dev lo\n}", "global_defs {\ndefault_interface eth5\n}")
	if v.Device != "" || v.TrackDevice || v.Virtual[0].Device != "eth5" || v.Virtual[1].Device != "lo" {
		t.Errorf("without interface: %q, tracked %v, %+v", v.Device, v.TrackDevice, v.Virtual)
	}
}

// keepalived sends IPv6 unicast with hop limit 64. Whoever changes a node for ours
// and leaves its file as it is must not get two masters.
func TestHopLimitOfIPv6Peers(t *testing.T) {
	six := func(peers string) string {
		return "vrrp_instance V {\ninterface eth0\nvirtual_router_id 1\nunicast_peer {\n" + peers + "\n}\nvirtual_ipaddress {\nfe80::1\n}\n}\n"
	}
	peer := func(addr string, low, high uint8) vrrp.Peer {
		return vrrp.Peer{Addr: netip.MustParseAddr(addr), MinTTL: low, MaxTTL: high}
	}
	for _, c := range []struct {
		peers string
		want  []vrrp.Peer
		warns int
	}{
		{"fe80::2\nfe80::3", []vrrp.Peer{peer("fe80::2", 64, 255), peer("fe80::3", 64, 255)}, 1},
		{"fe80::2 min_ttl 255\nfe80::3", []vrrp.Peer{peer("fe80::2", 255, 255), peer("fe80::3", 64, 255)}, 1},
		{"fe80::2 min_ttl 255", []vrrp.Peer{peer("fe80::2", 255, 255)}, 0},
		{"fe80::2 max_ttl 64", []vrrp.Peer{peer("fe80::2", 1, 64)}, 0},
	} {
		config, ds := loadText(six(c.peers))
		if config == nil {
			t.Fatalf("%q is refused: %v", c.peers, ds)
		}
		if got := config.VRRP.Instances[0].Peers; !slices.Equal(got, c.want) {
			t.Errorf("%q: %v, want %v", c.peers, got, c.want)
		}
		warns := 0
		for _, d := range ds {
			if strings.Contains(d.String(), "hop limit") {
				warns++
				if d.Severity != Warning || d.Position.Line != 4 || !strings.Contains(d.Fix, "min_ttl 255") {
					t.Errorf("%q: %v", c.peers, d)
				}
			}
		}
		if warns != c.warns {
			t.Errorf("%q: %d warnings, want %d: %v", c.peers, warns, c.warns, ds)
		}
	}
	if four := instanceOf(t, "unicast_peer {\n192.0.2.3\n}", "").Peers[0]; four != peer("192.0.2.3", 0, 0) {
		t.Errorf("an IPv4 peer: %v", four)
	}
}

func TestMulticastGroups(t *testing.T) {
	six := "=interface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\nfe80::1\n}"
	globals := "global_defs {\nvrrp_mcast_group4 224.0.0.99\nvrrp_mcast_group6 ff02::99\n}"
	for _, c := range []struct{ lines, rest, want string }{
		{"", "", "invalid IP"}, {"", globals, "224.0.0.99"}, {six, globals, "ff02::99"},
		{"mcast_dst_ip 224.0.0.7", globals, "224.0.0.7"}, {"mcast_dst_ip ff02::7", globals, "224.0.0.99"},
		{"mcast_dst_ip 224.0.0.18", globals, "invalid IP"}, // the RFC's
		{"mcast_dst_ip 224.0.0.7\nunicast_peer {\n192.0.2.9\n}", "", "invalid IP"},
	} {
		if got := instanceOf(t, c.lines, c.rest).Group.String(); got != c.want {
			t.Errorf("%q: %s, want %s", c.lines, got, c.want)
		}
	}
}

func TestMoreAddressesThanAnAdvertisementCounts(t *testing.T) {
	v := instanceOf(t, "=interface eth0\nvirtual_router_id 1\nvirtual_ipaddress_excluded {\n10.9.9.9\n}\nvirtual_ipaddress {\n~SEQ(A,0,1) ~SEQ(B,1,150) 10.0.${A}.${B}\n}", "")
	if len(v.Virtual) != 255 || len(v.Addresses) != 255 || len(v.Excluded) != 46 || v.Excluded[45].Prefix.String() != "10.9.9.9/32" {
		t.Errorf("%d advertised, %d in the machine, %d excluded", len(v.Virtual), len(v.Addresses), len(v.Excluded))
	}
}

func TestTracking(t *testing.T) {
	rest := "vrrp_script s {\nscript /bin/true\nweight 5 reverse\n}\ntrack_file f {\nfile /f\n}\nvrrp_track_process p {\nprocess x\nweight -3\n}\n"
	v := instanceOf(t, "track_script {\ns\n}\ntrack_file {\nf weight 9\n}\ntrack_process {\np weight 0 reverse\n}\ntrack_interface {\neth1 weight -7\neth0\n}", rest)
	want := vrrp.TrackConfig{
		Devices:   []vrrp.TrackedConfig{{Name: "eth1", Weight: -7}},
		Scripts:   []vrrp.TrackedConfig{{Name: "s", Weight: 5, Reverse: true}},
		Files:     []vrrp.TrackedConfig{{Name: "f", Weight: 9}},
		Processes: []vrrp.TrackedConfig{{Name: "p", Weight: 0, Reverse: true}},
	}
	if !reflect.DeepEqual(v.Track, want) {
		t.Errorf("%+v, want %+v", v.Track, want)
	}
	if v = instanceOf(t, "track_script {\ns weight 4 noreverse\n}", rest); v.Track.Scripts[0] != (vrrp.TrackedConfig{Name: "s", Weight: 4}) {
		t.Errorf("%+v", v.Track.Scripts)
	}
	if v = instanceOf(t, "priority 255\ntrack_script {\ns weight 0\ns2\n}\ntrack_file {\nf\n}", rest); len(v.Track.Scripts) != 1 || v.Track.Files != nil {
		t.Errorf("an owner tracks %+v", v.Track)
	}
}

// A virtual server that is tracked is named as in its own block.
func TestTrackedPools(t *testing.T) {
	server := func(name string) string {
		return "virtual_server " + name + " {\nprotocol TCP\nlvs_sched rr\nlvs_method DR\nreal_server 10.0.0.9 {\n}\n}\n"
	}
	rest := server("10.0.0.1 80") + server("fwmark 7") + "virtual_server_group G {\n10.0.0.2 80\n}\n" + server("group G")
	v := instanceOf(t, "track_virtual_server {\n10.0.0.1 80 tcp weight -20\nfwmark 7\ngroup G tcp weight 5 reverse\n10.0.0.1 81\n}", rest)
	want := []vrrp.TrackedConfig{{Name: "[10.0.0.1]:tcp:80", Weight: -20}, {Name: "FWM 7"}, {Name: "[G]:tcp:0", Weight: 5, Reverse: true}}
	if !slices.Equal(v.Track.Pools, want) {
		t.Errorf("%+v, want %+v", v.Track.Pools, want)
	}
}

func TestSyncGroups(t *testing.T) {
	instance := func(name, vrid, lines string) string {
		return "vrrp_instance " + name + " {\ninterface eth" + vrid + "\nvirtual_router_id " + vrid + "\nvirtual_ipaddress {\n10.0.0." + vrid + "\n}\n" + lines + "\n}\n"
	}
	both := instance("A", "1", "track_interface {\neth9 weight 5\n}") + instance("B", "2", "")
	for _, c := range []struct {
		group  string
		weight int
	}{
		{"group {\nA\nB\n}", 0},
		{"group {\nA B\n}\nsync_group_tracking_weight", 5},
	} {
		cfg, ds := loadText("vrrp_sync_group G {\n" + c.group + "\n}\n" + both)
		if cfg == nil {
			t.Fatal(ds)
		}
		if got := cfg.VRRP.Instances[0].Track.Devices[0].Weight; got != c.weight || !slices.Equal(cfg.VRRP.Groups[0].Instances, []string{"A", "B"}) {
			t.Errorf("%q: weight %d, want %d; %v", c.group, got, c.weight, cfg.VRRP.Groups[0].Instances)
		}
	}
}

func TestSyncDaemon(t *testing.T) {
	for _, c := range []struct {
		lines, globals string
		want           *vrrp.SyncConfig
	}{
		{"", "", nil},
		{"", "lvs_sync_daemon eth1", &vrrp.SyncConfig{Device: "eth1"}},
		{"", "lvs_sync_daemon eth1 V", &vrrp.SyncConfig{Device: "eth1", Instance: "V", ID: 51}},
		{"", "lvs_sync_daemon eth1 V 9", &vrrp.SyncConfig{Device: "eth1", Instance: "V", ID: 9}},
		{"", "lvs_sync_daemon eth1 inst V id 0", &vrrp.SyncConfig{Device: "eth1", Instance: "V"}},
		{"", "lvs_sync_daemon eth1 nobody", nil}, // with a warning that names its line
		{"", "lvs_sync_daemon eth1 inst nobody id 9", nil},
		{"", "lvs_sync_daemon eth1 V id 3 maxlen 1000 port 8000 ttl 3 group 224.0.0.99",
			&vrrp.SyncConfig{Device: "eth1", Instance: "V", ID: 3, MaxLen: 1000, Port: 8000, TTL: 3, Group: netip.MustParseAddr("224.0.0.99")}},
		{"lvs_sync_daemon_interface eth2", "", &vrrp.SyncConfig{Device: "eth2", Instance: "V", ID: 51}},
		{"lvs_sync_daemon_interface eth2", "lvs_sync_daemon eth1", &vrrp.SyncConfig{Device: "eth1"}},
	} {
		cfg, ds := loadText("global_defs {\n" + c.globals + "\n}\nvrrp_instance V {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n192.0.2.1\n}\n" + c.lines + "\n}\n")
		if cfg == nil {
			t.Fatal(ds)
		}
		if !reflect.DeepEqual(cfg.VRRP.Sync, c.want) {
			t.Errorf("%q, %q: %+v, want %+v", c.lines, c.globals, cfg.VRRP.Sync, c.want)
		}
		warned := slices.ContainsFunc(ds, func(d Diagnostic) bool {
			return d.Kind == KindReference && d.Position.String() == "/f.conf:2" && strings.Contains(d.What, "there is no instance nobody")
		})
		if warned != strings.Contains(c.globals, "nobody") {
			t.Errorf("%q: %v", c.globals, ds)
		}
	}
}

func TestCommandsKnowTheirUserAndTheirPlace(t *testing.T) {
	cfg, ds := loadText("vrrp_instance V {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n192.0.2.1\n}\nnotify \"/bin/n 'a b'\" root wheel\nnotify_master /bin/m\n}\nglobal_defs {\nscript_user nobody nogroup\n}\n")
	if cfg == nil {
		t.Fatal(ds)
	}
	n := cfg.VRRP.Instances[0].Notify
	if !reflect.DeepEqual(n.Any, &vrrp.Command{Argv: []string{"/bin/n", "a b"}, User: "root", Group: "wheel"}) ||
		!reflect.DeepEqual(n.Master, &vrrp.Command{Argv: []string{"/bin/m"}, User: "nobody", Group: "nogroup"}) {
		t.Errorf("%+v, %+v", n.Any, n.Master)
	}
	if len(cfg.Commands) != 2 || cfg.Commands[0].Position.String() != "/f.conf:7" || cfg.Commands[0].Word != "notify" || cfg.Commands[1].Command != n.Master {
		t.Errorf("%+v", cfg.Commands)
	}
}

// Names of virtual MAC interfaces for single addresses, as keepalived 2.2.7 gives
// them in the same configurations.
func TestVMACsOfAddresses(t *testing.T) {
	const lines = "=interface eth0\nvirtual_router_id 51\n"
	at := func(name, base string) vrrp.AddressVMAC { return vrrp.AddressVMAC{Name: name, Base: base} }
	for _, c := range []struct {
		lines, rest string
		want        []vrrp.AddressVMAC
	}{
		{"virtual_ipaddress {\n192.0.2.1 use_vmac\n192.0.2.2 dev eth1\n}", "", []vrrp.AddressVMAC{at("vrrp.51", "eth0")}},
		{"virtual_ipaddress {\n192.0.2.1\n192.0.2.2 dev eth1 use_vmac\n192.0.2.3 dev eth1 use_vmac\n}", "", []vrrp.AddressVMAC{at("vrrp.51", "eth1")}},
		{"use_vmac\nvirtual_ipaddress {\n192.0.2.1 use_vmac\n192.0.2.2 dev eth1 use_vmac\n}", "", []vrrp.AddressVMAC{at("vrrp1.51", "eth1")}},
		{"use_vmac_addr\nvirtual_ipaddress {\n192.0.2.1\n192.0.2.2 dev eth1\n}\nvirtual_ipaddress_excluded {\n192.0.2.3 dev eth2\n}", "",
			[]vrrp.AddressVMAC{at("vrrp.51", "eth1"), at("vrrp1.51", "eth2")}},
		{"use_vmac_addr\nvirtual_ipaddress {\nfe80::1\nfd00::1 dev eth1\n}", "global_defs {\nvmac_addr_prefix ad\n}", []vrrp.AddressVMAC{at("ad6.51", "eth1")}},
		{"virtual_ipaddress {\n192.0.2.1\n192.0.2.2 dev eth1\n}", "", nil},
	} {
		if got := instanceOf(t, lines+c.lines, c.rest).AddressVMACs; !slices.Equal(got, c.want) {
			t.Errorf("%q: %v, want %v", c.lines, got, c.want)
		}
	}
	c, ds := loadText("vrrp_instance V {\n" + lines[1:] + "virtual_ipaddress {\n192.0.2.1\n}\nvirtual_ipaddress_excluded {\nfd00::1 use_vmac\n}\n}\n")
	if c != nil || !ds.Has(Error, KindConflict) {
		t.Errorf("an address of the other family: %v", ds)
	}
}
