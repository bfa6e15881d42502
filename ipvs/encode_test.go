package ipvs

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sameAsIpvsadm maps command lines of testdata/ipvsadm-requests.txt to what
// they ask for.
func sameAsIpvsadm() map[string]Op {
	web, web6 := tcp("10.0.0.1:80"), sctp("[2001:db8::1]:9")
	with := func(s Service, change func(*Service)) Service { change(&s); return s }
	masq := dest("10.0.0.3:8080", Masq, 70000)
	masq.Upper, masq.Lower = 200, 100
	return map[string]Op{
		"-A -t 10.0.0.1:80 -s rr": AddService{service(web, "rr")},
		"-A -t 10.0.0.1:443 -s sh -b sh-port,sh-fallback -p 300 -M 255.255.255.0": AddService{Service{tcp("10.0.0.1:443"), "sh",
			Persistent | SchedFlag1 | SchedFlag2, 300 * time.Second, 0xffffff00, ""}},
		"-A -u 10.0.0.1:5060 -s rr -p 60 --pe sip -o": AddService{Service{udp("10.0.0.1:5060"), "rr",
			Persistent | OnePacket, time.Minute, 0xffffffff, "sip"}},
		"-A --sctp-service [2001:db8::1]:9 -s wlc -p 100 -M 64":        AddService{Service{web6, "wlc", Persistent, 100 * time.Second, 64, ""}},
		"-A -f 3000000000 -s mh -b flag-3":                             AddService{with(service(fwmark(IPv4, 3000000000), "mh"), func(s *Service) { s.Flags = SchedFlag3 })},
		"-A -f 7 -6 -p":                                                AddService{Service{fwmark(IPv6, 7), "wlc", Persistent, 6 * time.Minute, 128, ""}},
		"-E -t 10.0.0.1:80":                                            EditService{service(web, "wlc")},
		"-a -t 10.0.0.1:80 -r 10.0.0.2 -g -w 5":                        AddDestination{web, dest("10.0.0.2:80", Route, 5)},
		"-a -t 10.0.0.1:80 -r 10.0.0.3:8080 -m -w 70000 -x 200 -y 100": AddDestination{web, masq},
		"-a -t 10.0.0.1:80 -r [2001:db8::2]:80 -i --tun-type gue --tun-port 6080 --tun-csum": AddDestination{web,
			tunnel("[2001:db8::2]:80", Encapsulation{GUE, 6080, TunnelCsum})},
		"-a -t 10.0.0.1:80 -r 10.0.0.4:80 -i --tun-type gre --tun-csum": AddDestination{web,
			tunnel("10.0.0.4:80", Encapsulation{GRE, 0, TunnelCsum})},
		"-a -t 10.0.0.1:80 -r 10.0.0.5:80 -i --tun-type gue --tun-port 6081 --tun-remcsum": AddDestination{web,
			tunnel("10.0.0.5:80", Encapsulation{GUE, 6081, TunnelRemCsum})},
		"-a -t 10.0.0.1:80 -r 10.0.0.6:80 -i":                     AddDestination{web, dest("10.0.0.6:80", Tunnel, 1)},
		"-a --sctp-service [2001:db8::1]:9 -r [2001:db8::3]:9 -m": AddDestination{web6, dest("[2001:db8::3]:9", Masq, 1)},
		"-a -f 7 -6 -r [2001:db8::3]:0 -g":                        AddDestination{fwmark(IPv6, 7), dest("[2001:db8::3]:0", Route, 1)},
		"-a -f 3000000000 -r 10.0.0.9:0 -g":                       AddDestination{fwmark(IPv4, 3000000000), dest("10.0.0.9:0", Route, 1)},
		"-e -t 10.0.0.1:80 -r 10.0.0.2 -w 0":                      EditDestination{web, dest("10.0.0.2:80", Route, 0)},
		"-d -t 10.0.0.1:80 -r 10.0.0.3:8080":                      DeleteDestination{web, addrPort("10.0.0.3:8080")},
		"--set 900 0 300":                                         SetTimeouts{Timeouts{TCP: 15 * time.Minute, UDP: 5 * time.Minute}},
		"--start-daemon master --mcast-interface d0 --syncid 5 --sync-maxlen 1000 --mcast-group 239.1.1.1 --mcast-port 9999 --mcast-ttl 4": StartDaemon{
			Daemon{Master, "d0", 5, 1000, netip.MustParseAddr("239.1.1.1"), 9999, 4}},
		"--start-daemon backup --mcast-interface d0 --mcast-group ff02::5": StartDaemon{
			Daemon{State: Backup, Interface: "d0", Group: netip.MustParseAddr("ff02::5")}},
		"--stop-daemon master": StopDaemon{Master},
		"-Z -t 10.0.0.1:80":    Zero{web},
		"-Z":                   Zero{},
		"-D -f 7 -6":           DeleteService{fwmark(IPv6, 7)},
		"-D -t 10.0.0.1:443":   DeleteService{tcp("10.0.0.1:443")},
		"-C":                   Flush{},
	}
}

// TestRequestsAreThoseOfIpvsadm compares with recorded requests of ipvsadm
// 1.31. Where only a key counts ipvsadm sends a whole service or server with
// empty fields; we send the key. All else has to be the same byte by byte.
func TestRequestsAreThoseOfIpvsadm(t *testing.T) {
	littleEndian(t)
	ops := sameAsIpvsadm()
	for _, r := range recordedRequests(t) {
		op, ok := ops[r.line]
		if !ok {
			continue // a listing
		}
		delete(ops, r.line)
		got, err := appendOp([]byte{uint8(RequestOf(op)), genlVersion, 0, 0}, op)
		if err != nil {
			t.Errorf("%s: %v", r.line, err)
			continue
		}
		switch op.(type) {
		case AddService, EditService, SetTimeouts, StartDaemon, StopDaemon, Flush:
			if !bytes.Equal(got, r.body) {
				t.Errorf("%s:\n%x, ipvsadm\n%x", r.line, got, r.body)
			}
			continue
		}
		ours, theirs := flatten(t, got[4:]), flatten(t, r.body[4:])
		if got[0] != r.body[0] {
			t.Errorf("%s: command %d, ipvsadm %d", r.line, got[0], r.body[0])
		}
		for name, value := range theirs {
			switch ours[name] {
			case value:
				delete(ours, name)
			case "": // left out: not a part of the key
				if !optional(op, name) {
					t.Errorf("%s: attribute %s is missing", r.line, name)
				}
			}
		}
		for name, value := range ours {
			t.Errorf("%s: attribute %s is %s, ipvsadm %s", r.line, name, value, theirs[name])
		}
	}
	for line := range ops {
		t.Errorf("%s is not recorded", line)
	}
}

// optional says whether ipvsadm sends an attribute in vain: all that is no key
// in the service of requests that don't change it, and in the real server to
// be deleted.
func optional(op Op, name string) bool {
	switch name {
	case "1.1", "1.2", "1.3", "1.4", "1.5", "2.1", "2.2", "2.11":
		return false
	}
	_, deletes := op.(DeleteDestination)
	return strings.HasPrefix(name, "1.") || deletes
}

type recorded struct {
	line string
	body []byte // from the generic netlink header on
}

func recordedRequests(t testing.TB) (list []recorded) {
	f, err := os.Open("testdata/ipvsadm-requests.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	line := ""
	for s.Scan() {
		if l, ok := strings.CutPrefix(s.Text(), "$ ipvsadm "); ok {
			line = l
		} else if !strings.HasPrefix(s.Text(), "#") {
			list = append(list, recorded{line, unhex(t, s.Text())})
		}
	}
	if s.Err() != nil || len(list) == 0 {
		t.Fatal("no requests recorded: ", s.Err())
	}
	return list
}

// flatten returns attributes, with those nested one deep, by name: "1.3".
func flatten(t testing.TB, b []byte) map[string]string {
	m := map[string]string{}
	outer := attrs{rest: b}
	for outer.next() {
		inner := attrs{rest: outer.value}
		for inner.next() {
			m[fmt.Sprintf("%d.%d", outer.typ, inner.typ)] = hex.EncodeToString(inner.value)
		}
		if inner.err != nil {
			t.Fatal(inner.err)
		}
	}
	if outer.err != nil {
		t.Fatal(outer.err)
	}
	return m
}

// TestValuesTheKernelCannotBeAsked are refused with the errno the kernel has
// for their like, before they turn into something else on the way.
func TestValuesTheKernelCannotBeAsked(t *testing.T) {
	web := tcp("10.0.0.1:80")
	with := func(change func(*Service)) Op {
		s := service(web, "rr")
		change(&s)
		return AddService{s}
	}
	for _, c := range []struct {
		name string
		op   Op
		want error
	}{
		{"service without an address", AddService{Service{ServiceKey: ServiceKey{Family: IPv4, Protocol: TCP}}}, syscall.EAFNOSUPPORT},
		{"service without anything", AddService{}, nil}, // family 0: the kernel refuses it
		{"IPv6 address in an IPv4 service", DeleteService{ServiceKey{Family: IPv4, Protocol: TCP, Addr: addrPort("[::1]:80")}}, syscall.EAFNOSUPPORT},
		{"IPv4 address in an IPv6 service", Zero{ServiceKey{Family: IPv6, Protocol: TCP, Addr: addrPort("10.0.0.1:80")}}, syscall.EAFNOSUPPORT},
		{"server without an address", AddDestination{web, Destination{}}, syscall.EAFNOSUPPORT},
		{"server to edit without an address", EditDestination{web, Destination{}}, syscall.EAFNOSUPPORT},
		{"server to delete without an address", DeleteDestination{web, netip.AddrPort{}}, syscall.EAFNOSUPPORT},
		{"server to delete from no service", DeleteDestination{ServiceKey{Family: 3}, addrPort("10.0.0.1:80")}, syscall.EAFNOSUPPORT},
		{"negative persistence", with(func(s *Service) { s.Timeout = -1 }), syscall.EINVAL},
		{"persistence of 2^32 s", with(func(s *Service) { s.Timeout = (math.MaxUint32 + 1) * time.Second }), syscall.EINVAL},
		{"persistence of 2^32-1 s", with(func(s *Service) { s.Timeout = math.MaxUint32 * time.Second }), nil},
		{"scheduler of 256 letters", with(func(s *Service) { s.Scheduler = strings.Repeat("x", 256) }), syscall.EINVAL},
		{"scheduler of 255 letters", with(func(s *Service) { s.Scheduler = strings.Repeat("x", 255) }), nil},
		{"scheduler with a NUL", with(func(s *Service) { s.Scheduler = "rr\x00x" }), syscall.EINVAL},
		{"engine with a NUL", with(func(s *Service) { s.PE = "\x00" }), syscall.EINVAL},
		{"interface with a NUL", StartDaemon{Daemon{State: Master, Interface: "a\x00"}}, syscall.EINVAL},
		{"negative timeout", SetTimeouts{Timeouts{TCPFin: -time.Second}}, syscall.EINVAL},
		{"timeout of 2^32 s", SetTimeouts{Timeouts{UDP: (math.MaxUint32 + 1) * time.Second}}, syscall.EINVAL},
		{"no operation", nil, syscall.EOPNOTSUPP},
	} {
		if _, err := appendOp(nil, c.op); err != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestServiceWithoutSchedulerIsNone(t *testing.T) {
	b, err := appendOp(nil, AddService{service(tcp("10.0.0.1:80"), "")})
	if err != nil {
		t.Fatal(err)
	}
	s, err := decodeService(b, new(Service))
	if err != nil || s.Scheduler != "none" {
		t.Errorf("scheduler %q, %v", s.Scheduler, err)
	}
}

func TestHashedIsNotSent(t *testing.T) {
	s := service(tcp("10.0.0.1:80"), "rr")
	s.Flags = Hashed | Persistent
	b, err := appendOp(nil, EditService{s})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decodeService(b, new(Service)); err != nil || got.Flags != Persistent {
		t.Errorf("flags %b, %v", got.Flags, err)
	}
}
