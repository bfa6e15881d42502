package ipvstest_test

import (
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

func TestAKernelWithFewModules(t *testing.T) {
	k := ipvstest.New(ipvstest.Options{Schedulers: []string{"wlc"}, Engines: []string{}})
	for _, s := range []step{
		{add(web), syscall.ENOENT}, ok(add(web, scheduler("wlc"))), {edit(web), syscall.ENOENT},
		{edit(web, scheduler("wlc"), engine("sip")), syscall.ENOENT}, ok(edit(web, scheduler("none"))),
	} {
		if got := do(k, s.op); got != s.want {
			t.Errorf("%#v: %v, want %v", s.op, errnoText(got), errnoText(s.want))
		}
	}
}

func TestAKernelWithoutIPv6(t *testing.T) {
	k := build(t, ipvstest.Options{NoIPv6: true}, add(web))
	for _, op := range []ipvs.Op{
		add(web6), add(mark(ipvs.IPv6, 1)), ipvs.Zero{Service: web6},
		addServer(web, "[2001:db8::2]:80", tunnel(ipvs.IPIP, 0, 0)), removeServer(web, "[2001:db8::2]:80"),
	} {
		if got := do(k, op); got != syscall.EAFNOSUPPORT {
			t.Errorf("%#v: %v", op, errnoText(got))
		}
	}
	if got := do(k, removeServer(marked, "[2001:db8::2]:80")); got != syscall.ESRCH {
		t.Errorf("without the service: %v", errnoText(got))
	}
}

func TestAddressesDecideWhatIsBroadcastAndLocal(t *testing.T) {
	k := build(t, ipvstest.Options{Addresses: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.1/24"), netip.MustParsePrefix("10.1.0.0/31"), netip.MustParsePrefix("10.2.0.7/32"),
		netip.MustParsePrefix("10.3.64.1/18"), netip.MustParsePrefix("fe80::1/64"),
	}}, add(web), add(web6))
	for a, want := range map[string]syscall.Errno{
		"10.0.0.1": 0, "10.0.0.0": 0, "10.0.0.255": syscall.EINVAL, "10.0.1.255": 0, "10.1.0.1": 0, "10.2.0.7": 0,
		"10.3.127.255": syscall.EINVAL, "10.3.64.255": 0, "127.255.255.255": 0, // lo is down
	} {
		if got := do(k, addServer(web, a+":80")); got != want {
			t.Errorf("%s: %v, want %v", a, errnoText(got), errnoText(want))
		}
	}
	for a, want := range map[string]syscall.Errno{"fe80::1": 0, "fe80::2": syscall.EINVAL, "2001:db8::ffff": 0, "::1": 0} {
		if got := do(k, addServer(web6, "["+a+"]:80")); got != want {
			t.Errorf("%s: %v, want %v", a, errnoText(got), errnoText(want))
		}
	}
}

func TestClockRateBoundsTimeouts(t *testing.T) {
	for hz, want := range map[uint32]time.Duration{0: 42949671, 100: 42949671, 250: 17179868, 1000: 4294966} {
		k := build(t, ipvstest.Options{HZ: hz}, add(web, persistent(0xffffffff)))
		if got := table(t, k, web)[0].Timeout; got != want*time.Second {
			t.Errorf("at %d Hz 2^32-1 seconds come back as %v", hz, got)
		}
	}
	k := ipvstest.New(ipvstest.Options{HZ: 1000})
	set := func(d time.Duration) ipvs.Op {
		return ipvs.SetTimeouts{Timeouts: ipvs.Timeouts{UDP: d}}
	}
	for d, want := range map[time.Duration]syscall.Errno{
		2147483 * time.Second: 0, 2147484 * time.Second: syscall.EINVAL, -time.Second: syscall.EINVAL, -1: syscall.EINVAL,
		2147483999 * time.Millisecond: 0, 1 << 62: syscall.EINVAL,
	} {
		if got := do(k, set(d)); got != want {
			t.Errorf("timeout %v: %v, want %v", d, errnoText(got), errnoText(want))
		}
	}
	if errs := k.Do(set(time.Minute), set(time.Second/2)); errs != nil {
		t.Error(errs)
	}
	if got, _ := k.Timeouts(); got.UDP != time.Minute {
		t.Errorf("half a second set the timeout to %v", got.UDP)
	}
}

func TestTimeoutsThatCannotBeSent(t *testing.T) {
	k := ipvstest.New(ipvstest.Options{})
	for _, d := range []time.Duration{-1, -time.Second, 1 << 62} {
		late := func(s *ipvs.Service) { s.Timeout = d }
		if got := do(k, add(web, late, scheduler(strings.Repeat("x", 20)))); got != syscall.EINVAL {
			t.Errorf("%v: %v", d, errnoText(got))
		}
		// It is seen before the family.
		if got := do(k, add(ipvs.ServiceKey{Family: ipvs.IPv6, Protocol: 6, Addr: web.Addr}, late)); got != syscall.EINVAL {
			t.Errorf("%v: %v", d, errnoText(got))
		}
	}
}

func TestKeysThatCannotBeSent(t *testing.T) {
	k := build(t, ipvstest.Options{}, add(web))
	crossed := ipvs.ServiceKey{Family: ipvs.IPv6, Protocol: ipvs.TCP, Addr: web.Addr}
	for _, op := range []ipvs.Op{
		add(crossed, scheduler(strings.Repeat("x", 20))), remove(crossed), ipvs.Zero{Service: crossed}, addServer(crossed, "10.0.0.2:80"),
		ipvs.AddDestination{Service: web}, ipvs.EditDestination{Service: web}, ipvs.DeleteDestination{Service: web},
		ipvs.AddDestination{Service: web6},
	} {
		if got := do(k, op); got != syscall.EAFNOSUPPORT {
			t.Errorf("%#v: %v", op, errnoText(got))
		}
	}
}

func TestWideThresholds(t *testing.T) {
	for wide, want := range map[bool]syscall.Errno{false: syscall.EINVAL, true: 0} {
		k := build(t, ipvstest.Options{WideThresholds: wide}, add(web))
		if got := do(k, addServer(web, "10.0.0.2:80", thresholds(1<<31, 0))); got != want {
			t.Errorf("wide %v: %v, want %v", wide, errnoText(got), errnoText(want))
		}
	}
}

func TestDaemonsGetWhatTheKernelFillsIn(t *testing.T) {
	o := ipvstest.Options{Interfaces: []ipvstest.Interface{{Name: "eth0", MTU: 1400}, {Name: "eth1", MTU: 9000}}}
	all := ipvs.Daemon{State: ipvs.Backup, Interface: "eth1", SyncID: 7, MaxLen: 1000, Group: netip.MustParseAddr("ff02::1"), Port: 9, TTL: 3}
	tests := []struct{ set, want ipvs.Daemon }{
		{ipvs.Daemon{State: ipvs.Master, Interface: "eth0"},
			ipvs.Daemon{State: ipvs.Master, Interface: "eth0", MaxLen: 1472, Group: netip.MustParseAddr("224.0.0.81"), Port: 8848, TTL: 1}},
		{ipvs.Daemon{State: ipvs.Backup, Interface: "eth0"},
			ipvs.Daemon{State: ipvs.Backup, Interface: "eth0", MaxLen: 1472, Group: netip.MustParseAddr("224.0.0.81"), Port: 8848, TTL: 1}},
		{ipvs.Daemon{State: ipvs.Backup, Interface: "eth1"},
			ipvs.Daemon{State: ipvs.Backup, Interface: "eth1", MaxLen: 8972, Group: netip.MustParseAddr("224.0.0.81"), Port: 8848, TTL: 1}},
		{all, ipvs.Daemon{State: ipvs.Backup, Interface: "eth1", SyncID: 7, MaxLen: 1024, Group: netip.MustParseAddr("ff02::1"), Port: 9, TTL: 3}},
		{ipvs.Daemon{State: ipvs.Master, Interface: "eth1", Group: netip.MustParseAddr("ff02::1%eth1")},
			ipvs.Daemon{State: ipvs.Master, Interface: "eth1", MaxLen: 1452, Group: netip.MustParseAddr("ff02::1"), Port: 8848, TTL: 1}},
	}
	for _, tt := range tests {
		k := build(t, o, ipvs.StartDaemon{Daemon: tt.set})
		if got, err := k.Daemons(); err != nil || len(got) != 1 || got[0] != tt.want {
			t.Errorf("%+v runs as %+v, %v; want %+v", tt.set, got, err, tt.want)
		}
	}
}
