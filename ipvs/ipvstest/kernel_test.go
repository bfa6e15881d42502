package ipvstest_test

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"sync"
	"syscall"
	"testing"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

// build returns a kernel on which all ops succeeded.
func build(t *testing.T, o ipvstest.Options, ops ...ipvs.Op) *ipvstest.Kernel {
	t.Helper()
	k := ipvstest.New(o)
	if errs := k.Do(ops...); errs != nil {
		t.Fatal(errors.Join(errs...))
	}
	return k
}

// table reads a table in full.
func table(t *testing.T, k *ipvstest.Kernel, service ipvs.ServiceKey) []ipvs.Entry {
	t.Helper()
	entries, err := k.Table(ipvs.Query{Service: service, Detail: ipvs.Full})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func wantString(t *testing.T, k *ipvstest.Kernel, want string) {
	t.Helper()
	if got := k.String(); got != want {
		t.Errorf("table is\n%swant\n%s", got, want)
	}
}

func TestAFreshKernel(t *testing.T) {
	k := ipvstest.New(ipvstest.Options{})
	info, err := k.Info()
	if err != nil || info != (ipvs.Info{Version: 0x010201, ConnTableSize: 4096}) {
		t.Errorf("Info() = %+v, %v", info, err)
	}
	timeouts, err := k.Timeouts()
	if want := (ipvs.Timeouts{TCP: 900 * time.Second, TCPFin: 120 * time.Second, UDP: 300 * time.Second}); err != nil || timeouts != want {
		t.Errorf("Timeouts() = %v, %v", timeouts, err)
	}
	if daemons, err := k.Daemons(); err != nil || daemons != nil {
		t.Errorf("Daemons() = %v, %v", daemons, err)
	}
	if entries := table(t, k, ipvs.ServiceKey{}); entries != nil {
		t.Errorf("table is %v", entries)
	}
	wantString(t, k, "")
}

func TestDoCarriesOutWhatFollowsAFailure(t *testing.T) {
	k := ipvstest.New(ipvstest.Options{})
	errs := k.Do(add(web), add(web), addServer(web, "0.0.0.0:80"), addServer(web, "10.0.0.2:80"))
	if len(errs) != 4 || errs[0] != nil || errs[3] != nil {
		t.Fatalf("errors are %v", errs)
	}
	want := []error{nil,
		&ipvs.OpError{Request: ipvs.ReqNewService, Err: syscall.EEXIST},
		&ipvs.OpError{Request: ipvs.ReqNewDest, Err: syscall.EINVAL}, nil}
	if !reflect.DeepEqual(errs, want) {
		t.Errorf("errors are %v, want %v", errs, want)
	}
	wantString(t, k, "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.0.0.2:80 -m -w 1\n")
	if errs := k.Do(); errs != nil {
		t.Errorf("nothing done, yet %v", errs)
	}
	if errs := k.Do(nil); do(k, nil) != syscall.EOPNOTSUPP || len(errs) != 1 {
		t.Errorf("a nil operation returns %v", errs)
	}
}

func TestEveryOperationNamesItsRequest(t *testing.T) {
	k := ipvstest.New(ipvstest.Options{Before: func(ipvs.Request) error { return syscall.EPERM }})
	for want, op := range map[ipvs.Request]ipvs.Op{
		ipvs.ReqNewService: add(web), ipvs.ReqSetService: edit(web), ipvs.ReqDelService: remove(web),
		ipvs.ReqNewDest: addServer(web, "10.0.0.2:80"), ipvs.ReqSetDest: editServer(web, "10.0.0.2:80"), ipvs.ReqDelDest: removeServer(web, "10.0.0.2:80"),
		ipvs.ReqFlush: ipvs.Flush{}, ipvs.ReqZero: ipvs.Zero{}, ipvs.ReqSetConfig: ipvs.SetTimeouts{},
		ipvs.ReqNewDaemon: start(ipvs.Master), ipvs.ReqDelDaemon: stop(ipvs.Master),
	} {
		if got := k.Do(op)[0].(*ipvs.OpError).Request; got != want {
			t.Errorf("%T is request %v, want %v", op, got, want)
		}
	}
	reads := map[ipvs.Request]func() error{
		ipvs.ReqGetInfo:    func() error { _, err := k.Info(); return err },
		ipvs.ReqGetConfig:  func() error { _, err := k.Timeouts(); return err },
		ipvs.ReqGetDaemon:  func() error { _, err := k.Daemons(); return err },
		ipvs.ReqGetService: func() error { _, err := k.Table(ipvs.Query{}); return err },
	}
	for want, read := range reads {
		if got := read().(*ipvs.OpError).Request; got != want {
			t.Errorf("reading is request %v, want %v", got, want)
		}
	}
}

func TestEditsReplaceEverything(t *testing.T) {
	k := build(t, ipvstest.Options{}, add(web, scheduler("sh"), persistent(60), netmask(0xffffff00), engine("sip"), flags(0xffff)),
		addServer(web, "10.0.0.2:80", tunnel(ipvs.GUE, 6080, 1), weight(9), thresholds(9, 3)),
		edit(web), editServer(web, "10.0.0.2:80"))
	got := table(t, k, web)[0]
	if want := service(web, flags(ipvs.Hashed)); got.Service != want || got.Destinations[0].Destination != server("10.0.0.2:80") {
		t.Errorf("after edits %+v", got)
	}
}

func TestMasterIsListedBeforeBackup(t *testing.T) {
	k := build(t, ipvstest.Options{}, start(ipvs.Backup), start(ipvs.Master))
	d, err := k.Daemons()
	if err != nil || len(d) != 2 || d[0].State != ipvs.Master || d[1].State != ipvs.Backup {
		t.Errorf("daemons %+v, %v", d, err)
	}
}

func TestReadingOneService(t *testing.T) {
	k := build(t, ipvstest.Options{}, add(web), add(marked, scheduler("")), addServer(web, "10.0.0.2:80", weight(3)))
	got := table(t, k, web)
	want := []ipvs.Entry{{
		ServiceState: ipvs.ServiceState{Service: service(web, flags(ipvs.Hashed))},
		Destinations: []ipvs.DestinationState{{Destination: server("10.0.0.2:80", weight(3))}},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	// A key's protocol and address mean nothing beside a mark.
	full := marked
	full.Protocol, full.Addr = ipvs.UDP, addr("10.0.0.1:80")
	if got := table(t, k, full); len(got) != 1 || got[0].ServiceKey != marked || got[0].Scheduler != "none" {
		t.Errorf("the marked service is %+v", got)
	}
	for key, want := range map[ipvs.ServiceKey]syscall.Errno{
		web6:                          syscall.ESRCH,
		mark(ipvs.IPv6, 7):            syscall.ESRCH,
		mark(7, 7):                    syscall.EAFNOSUPPORT,
		{Family: ipvs.IPv4}:           syscall.EAFNOSUPPORT,
		{Protocol: 6, Addr: web.Addr}: syscall.EAFNOSUPPORT,
	} {
		_, err := k.Table(ipvs.Query{Service: key})
		if errnoOf(err) != want {
			t.Errorf("reading %v: %v, want %v", key, err, want)
		}
	}
}

func TestDetailLeavesOutWhatWasNotAsked(t *testing.T) {
	k := build(t, ipvstest.Options{}, add(web),
		addServer(web, "10.0.0.2:80", tunnel(ipvs.GUE, 6080, ipvs.TunnelCsum), weight(3), thresholds(9, 4)),
		addServer(web, "10.0.0.3:80", tunnel(ipvs.GUE, 6080, 0), forward(ipvs.Route)))
	for _, a := range []string{"10.0.0.2:80", "10.0.0.3:80"} {
		k.SetConnections(web, addr(a), 1, 2, 3)
		k.SetDestinationStats(web, addr(a), ipvs.Stats{Conns: 4})
	}
	k.SetStats(web, ipvs.Stats{Conns: 8})
	basic := func(a string, f ipvs.Forward, w uint32) ipvs.DestinationState {
		return ipvs.DestinationState{Destination: server(a, forward(f), weight(w)), Active: 1, Inactive: 2}
	}
	tunnelled := basic("10.0.0.2:80", ipvs.Tunnel, 3)
	tunnelled.Tunnel = ipvs.Encapsulation{Type: ipvs.GUE, Port: 6080, Flags: ipvs.TunnelCsum}
	settings := [2]ipvs.DestinationState{basic("10.0.0.3:80", ipvs.Route, 1), tunnelled}
	settings[1].Upper, settings[1].Lower = 9, 4
	settings[0].Persistent, settings[1].Persistent = 3, 3
	for detail, want := range map[ipvs.Detail][]ipvs.DestinationState{
		ipvs.Settings:    settings[:],
		ipvs.Basic:       {basic("10.0.0.3:80", ipvs.Route, 1), basic("10.0.0.2:80", ipvs.Tunnel, 3)},
		ipvs.WithTunnels: {basic("10.0.0.3:80", ipvs.Route, 1), tunnelled},
	} {
		entries, err := k.Table(ipvs.Query{Detail: detail})
		if err != nil || len(entries) != 1 || entries[0].Stats.Conns != 8 || !reflect.DeepEqual(entries[0].Destinations, want) {
			t.Errorf("detail %d: %+v, %v\nwant %+v", detail, entries, err, want)
		}
	}
	if d := table(t, k, web)[0].Destinations[1]; d.Persistent != 3 || d.Stats.Conns != 4 || d.Upper != 9 || d.Lower != 4 {
		t.Errorf("in full: %+v", d)
	}
}

func TestOrderIsByBucketThenNewestFirst(t *testing.T) {
	ops := []ipvs.Op{
		add(marked), add(mark(ipvs.IPv6, 7)), add(mark(ipvs.IPv4, 3)), add(mark(ipvs.IPv4, 0x107)),
		add(tcp("10.0.0.1:80")), add(udp("10.0.0.1:80")), add(tcp("10.9.9.1:80")), add(tcp("10.0.0.2:80")),
		add(tcp("10.0.0.1:20480")), add(tcp("[2001:db8::1]:80")), add(tcp("[2001:db8:0:1:0:2:0:3]:80")),
	}
	// Buckets: TCP .1:80 is 6^1^80 = 87, UDP 17^1^80 = 64, TCP .2:80 is 84, and
	// the last IPv6 address folds to b8^1^2^3 = b8, which makes 6^b8^80 = 238.
	plain := `-A -u 10.0.0.1:80 -s rr
-A -t 10.0.0.2:80 -s rr
-A -t 10.0.0.1:20480 -s rr
-A -t 10.9.9.1:80 -s rr
-A -t 10.0.0.1:80 -s rr
-A -t [2001:db8:0:1:0:2:0:3]:80 -s rr
-A -t [2001:db8::1]:80 -s rr
-A -f 3 -s rr
-A -f 263 -s rr
-A -f 7 -6 -s rr
-A -f 7 -s rr
`
	wantString(t, build(t, ipvstest.Options{}, ops...), plain)
	salted := build(t, ipvstest.Options{HashSalt: 0x80}, ops...)
	if salted.String() == plain {
		t.Error("the salt changes nothing")
	}
}

func TestStringIsWhatIpvsadmSaves(t *testing.T) {
	k := build(t, ipvstest.Options{},
		add(mark(ipvs.IPv6, 3000000000), scheduler("mh"), flags(ipvs.SchedFlag1|ipvs.SchedFlag2), persistent(10), netmask(64)),
		add(mark(ipvs.IPv4, 1), scheduler("sh"), flags(ipvs.SchedFlag3)),
		add(key(ipvs.SCTP, "10.0.0.9:1"), scheduler("none")),
		add(key(50, "10.0.0.8:1")),
		add(udp("10.0.0.1:5060"), persistent(60), netmask(0xffff0080), engine("sip"), func(s *ipvs.Service) { s.Flags |= ipvs.OnePacket }),
		add(tcp("[2001:db8::7]:80"), netmask(64)),
		addServer(udp("10.0.0.1:5060"), "10.0.0.2:5060"),
		addServer(udp("10.0.0.1:5060"), "10.0.0.3:5060", forward(ipvs.Route), weight(0)),
		addServer(udp("10.0.0.1:5060"), "10.0.0.4:5060", forward(ipvs.LocalNode)),
		addServer(udp("10.0.0.1:5060"), "10.0.0.5:5060", forward(5)),
		addServer(udp("10.0.0.1:5060"), "[2001:db8::5]:0", tunnel(ipvs.IPIP, 0, 0)),
		addServer(udp("10.0.0.1:5060"), "10.0.0.6:5060", tunnel(ipvs.GUE, 6080, ipvs.TunnelRemCsum)),
		addServer(udp("10.0.0.1:5060"), "10.0.0.7:5060", tunnel(ipvs.GUE, 6080, 0)),
		addServer(udp("10.0.0.1:5060"), "10.0.0.8:5060", tunnel(ipvs.GRE, 0, ipvs.TunnelCsum)),
		addServer(udp("10.0.0.1:5060"), "10.0.0.9:5060", tunnel(9, 0, 0)),
	)
	wantString(t, k, `-A --xxx-service 10.0.0.8:1 -s rr
-A --sctp-service 10.0.0.9:1 -s none
-A -u 10.0.0.1:5060 -s rr -p 60 -M 255.255.0.128 --pe sip -o
-a -u 10.0.0.1:5060 -r 10.0.0.9:5060 -i -w 1
-a -u 10.0.0.1:5060 -r 10.0.0.8:5060 -i -w 1 --tun-type gre --tun-csum
-a -u 10.0.0.1:5060 -r 10.0.0.7:5060 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum
-a -u 10.0.0.1:5060 -r 10.0.0.6:5060 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum
-a -u 10.0.0.1:5060 -r [2001:db8::5]:0 -i -w 1 --tun-type ipip
-a -u 10.0.0.1:5060 -r 10.0.0.5:5060 (null) -w 1
-a -u 10.0.0.1:5060 -r 10.0.0.4:5060 -g -w 1
-a -u 10.0.0.1:5060 -r 10.0.0.3:5060 -g -w 0
-a -u 10.0.0.1:5060 -r 10.0.0.2:5060 -m -w 1
-A -t [2001:db8::7]:80 -s rr
-A -f 3000000000 -6 -s mh -p 10 -M 64 -b mh-fallback,mh-port
-A -f 1 -s sh -b flag-3
`)
}

func TestZoneIsDropped(t *testing.T) {
	k := build(t, ipvstest.Options{Addresses: []netip.Prefix{netip.MustParsePrefix("fe80::1/64")}},
		add(tcp("[fe80::9%lo]:80")), addServer(tcp("[fe80::9%eth0]:80"), "[fe80::1%lo]:80"))
	wantString(t, k, "-A -t [fe80::9]:80 -s rr\n-a -t [fe80::9]:80 -r [fe80::1]:80 -m -w 1\n")
}

func TestConcurrentUse(t *testing.T) {
	k := ipvstest.New(ipvstest.Options{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			own := tcp(fmt.Sprintf("10.0.0.%d:80", i))
			for range 50 {
				if errs := k.Do(add(own), addServer(own, "10.1.0.1:80"), edit(own), remove(own)); errs != nil {
					t.Error(errs)
				}
				if _, err := k.Table(ipvs.Query{Detail: ipvs.Full}); err != nil {
					t.Error(err)
				}
				_ = k.String()
			}
		})
	}
	wg.Wait()
	wantString(t, k, "")
}
