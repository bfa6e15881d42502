package rules

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

// What is saved, by number or by name, restores the same table, but for what -S
// does not save.
func TestSaveAndRestoreAreInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := ipvstest.New(ipvstest.Options{})
		if err := slices.IndexFunc(from.Do(drawTable(t)...), func(err error) bool { return err != nil }); err >= 0 {
			t.Fatalf("the kernel refuses operation %d", err)
		}
		for _, args := range [][]string{{"ipvsadm-save", "-n"}, {"ipvsadm", "-S"}} {
			_, text, _ := ipvsadm(from, "", args...)
			to := ipvstest.New(ipvstest.Options{HashSalt: 77})
			if code, stdout, stderr := ipvsadm(to, text, "ipvsadm", "-R"); code != exitOK || stdout != "" || stderr != "" {
				t.Fatalf("restoring says %q, %q and exits %d:\n%s", stdout, stderr, code, text)
			}
			if got, want := saved(t, to), saved(t, from); !maps.EqualFunc(got, want, sameEntry) {
				t.Fatalf("restored from\n%sis\n%vwant\n%v", text, to, from)
			}
			// Lines in another order where the kernel's was another: the order is no
			// total one.
			_, again, _ := ipvsadm(to, "", args...)
			if sortedLines(again) != sortedLines(text) {
				t.Fatalf("saved again:\n%s\nwas\n%s", again, text)
			}
		}
	})
}

// Where numbers are near each other the order is total, and a saved table is
// the same to the byte after any number of restorations.
func TestSavedTextIsAFixedPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream strings.Builder
		for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, 400), 1, 40, rapid.ID).Draw(t, "services") {
			fmt.Fprintf(&stream, "-A -t 10.0.%d.%d:80 -s rr\n", i>>8, i&255)
			for _, j := range rapid.SliceOfNDistinct(rapid.IntRange(1, 254), 0, 10, rapid.ID).Draw(t, "servers") {
				fmt.Fprintf(&stream, "-a -t 10.0.%d.%d:80 -r 192.168.0.%d:80 -m -w %d\n", i>>8, i&255, j, i)
			}
		}
		first := ipvstest.New(ipvstest.Options{})
		ipvsadm(first, stream.String(), "ipvsadm", "-R")
		_, text, _ := ipvsadm(first, "", "ipvsadm", "-Sn")
		second := ipvstest.New(ipvstest.Options{HashSalt: 5})
		ipvsadm(second, text, "ipvsadm-restore")
		if _, again, _ := ipvsadm(second, "", "ipvsadm", "-Sn"); again != text || sortedLines(text) != sortedLines(stream.String()) {
			t.Fatalf("saved\n%s\nthen\n%s\nof\n%s", text, again, &stream)
		}
	})
}

// entry is what -S saves of a service.
type entry struct {
	service ipvs.Service
	servers map[netip.AddrPort]ipvs.Destination
}

func sameEntry(a, b entry) bool { return a.service == b.service && maps.Equal(a.servers, b.servers) }

// saved returns the table without what -S does not save.
func saved(t *rapid.T, k Kernel) map[ipvs.ServiceKey]entry {
	table, err := k.Table(ipvs.Query{Detail: ipvs.Full})
	if err != nil {
		t.Fatal(err)
	}
	all := map[ipvs.ServiceKey]entry{}
	for _, e := range table {
		servers := map[netip.AddrPort]ipvs.Destination{}
		for _, d := range e.Destinations {
			d.Upper, d.Lower = 0, 0
			servers[d.Addr] = d.Destination
		}
		all[e.ServiceKey] = entry{e.Service, servers}
	}
	return all
}

func sortedLines(text string) string {
	lines := strings.SplitAfter(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// drawTable draws the operations that make a table out of what the command line
// can say.
func drawTable(t *rapid.T) []ipvs.Op {
	services := rapid.SliceOfNDistinct(rapid.Custom(drawService), 0, 12,
		func(s ipvs.Service) ipvs.ServiceKey { return s.ServiceKey }).Draw(t, "services")
	var ops []ipvs.Op
	for _, s := range services {
		ops = append(ops, ipvs.AddService{Service: s})
		servers := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) ipvs.Destination { return drawServer(t, s.ServiceKey) }), 0, 8,
			func(d ipvs.Destination) netip.AddrPort { return d.Addr }).Draw(t, "servers")
		for _, d := range servers {
			ops = append(ops, ipvs.AddDestination{Service: s.ServiceKey, Destination: d})
		}
	}
	return ops
}

func drawAddr(f ipvs.Family) *rapid.Generator[netip.Addr] {
	if f == ipvs.IPv4 { // some have names
		return rapid.OneOf(
			rapid.Map(rapid.SampledFrom([]string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "192.168.0.21", "192.168.0.22", "192.168.0.23"}), netip.MustParseAddr),
			rapid.Custom(func(t *rapid.T) netip.Addr {
				return netip.AddrFrom4([4]byte{byte(rapid.IntRange(1, 126).Draw(t, "a")), rapid.Byte().Draw(t, "b"), 3, rapid.Byte().Draw(t, "d")})
			}))
	}
	return rapid.OneOf(
		rapid.Map(rapid.SampledFrom([]string{"2001:db8::1", "2001:db8::b", "64:ff9b::10.0.0.1", "2001:db8:0:1:1:1:1:1"}), netip.MustParseAddr),
		rapid.Custom(func(t *rapid.T) netip.Addr {
			a := [16]byte{0: 0x20, 1: 0x01}
			for i := 2; i < 16; i++ {
				a[i] = rapid.SampledFrom([]byte{0, 0, 0, 1, 0xff}).Draw(t, "byte")
			}
			return netip.AddrFrom16(a)
		}))
}

var somePorts = rapid.OneOf(rapid.SampledFrom([]uint16{80, 443, 5060, 8080, 65535}), rapid.Uint16Min(1))

func drawService(t *rapid.T) ipvs.Service {
	var s ipvs.Service
	s.Family = rapid.SampledFrom([]ipvs.Family{ipvs.IPv4, ipvs.IPv6}).Draw(t, "family")
	s.Netmask = ipvs.HostMask(s.Family)
	s.Scheduler = rapid.SampledFrom([]string{"rr", "wrr", "wlc", "sh", "mh", "none"}).Draw(t, "scheduler")
	s.Flags = ipvs.Hashed | ipvs.ServiceFlags(rapid.Uint32Range(0, 7).Draw(t, "scheduler flags"))*ipvs.SchedFlag1
	if rapid.Bool().Draw(t, "marked") {
		s.FWMark = rapid.Uint32Min(1).Draw(t, "mark")
	} else {
		s.Protocol = rapid.SampledFrom([]ipvs.Protocol{ipvs.TCP, ipvs.UDP, ipvs.SCTP}).Draw(t, "protocol")
		s.Addr = netip.AddrPortFrom(drawAddr(s.Family).Draw(t, "address"), somePorts.Draw(t, "port"))
	}
	if (s.Protocol == ipvs.UDP || s.FWMark != 0) && rapid.Bool().Draw(t, "one packet") {
		s.Flags |= ipvs.OnePacket
	}
	if !rapid.Bool().Draw(t, "persistent") {
		return s
	}
	s.Flags |= ipvs.Persistent
	s.Timeout = time.Duration(rapid.Int32Range(1, maxTimeout).Draw(t, "timeout")) * time.Second
	if s.Family == ipvs.IPv6 {
		s.Netmask = rapid.Uint32Range(1, 128).Draw(t, "prefix")
	} else {
		s.Netmask = rapid.OneOf(rapid.Just(uint32(0xffffff00)), rapid.Uint32()).Draw(t, "mask")
	}
	if s.FWMark == 0 && rapid.Bool().Draw(t, "port 0") {
		s.Addr = netip.AddrPortFrom(s.Addr.Addr(), 0)
	}
	s.PE = rapid.SampledFrom([]string{"", "sip"}).Draw(t, "engine")
	return s
}

func drawServer(t *rapid.T, k ipvs.ServiceKey) ipvs.Destination {
	d := ipvs.Destination{
		Forward: rapid.SampledFrom([]ipvs.Forward{ipvs.Masq, ipvs.Tunnel, ipvs.Route}).Draw(t, "method"),
		Weight:  rapid.Uint32Range(0, maxInt).Draw(t, "weight"),
		Upper:   rapid.Uint32Range(10, 20).Draw(t, "upper"),
		Lower:   rapid.Uint32Range(0, 10).Draw(t, "lower"),
	}
	family, port := k.Family, k.Addr.Port()
	if d.Forward == ipvs.Tunnel {
		family = rapid.SampledFrom([]ipvs.Family{ipvs.IPv4, ipvs.IPv6}).Draw(t, "server family")
		d.Tunnel = rapid.SampledFrom([]ipvs.Encapsulation{
			{Type: ipvs.IPIP},
			{Type: ipvs.GUE, Port: 6080}, {Type: ipvs.GUE, Port: 1, Flags: ipvs.TunnelCsum}, {Type: ipvs.GUE, Port: 65535, Flags: ipvs.TunnelRemCsum},
			{Type: ipvs.GRE}, {Type: ipvs.GRE, Flags: ipvs.TunnelCsum},
		}).Draw(t, "tunnel")
	}
	if d.Forward == ipvs.Masq || k.FWMark != 0 {
		port = rapid.OneOf(rapid.Just(uint16(0)), somePorts).Draw(t, "server port")
	}
	d.Addr = netip.AddrPortFrom(drawAddr(family).Draw(t, "server"), port)
	return d
}

// FuzzRestore gives any stream to -R. However it arrives, all at once or byte by
// byte, it does the same, and what it made can be saved and restored.
func FuzzRestore(f *testing.F) {
	for _, stream := range []string{
		"", "\n", "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 192.168.0.1:80 -m\n-L -n\n-S\n",
		"ipvsadm -A -f 7 -6 -p 10 -M 64 -b flag-1\r\n# note\n-A -f 7 -6 # again\n-e -f 7 -6 -r [2001:db8::1]:5 -m\n-L --stats",
		"-A -u 10.0.0.1:53 -o\n-a -u 10.0.0.1:53 -r 10.0.0.2 -i --tun-type gue --tun-port 5\n-Z\n-C\n--set 1 2 3\n-L --timeout\n",
		"-A -t 10.0.0.1:80 --bogus\n-D -t 10.0.0.1:80\n-E -t x\n-A -t 10.0.0.1:80\n", "-v\n-C\n", "-R\n", "-A -t [::1]:80\n-a -t [::1]:80 -r 10.0.0.1 -i \t ",
		"--start-daemon master --mcast-interface lo\n-L --daemon\n--stop-daemon master\n",
	} {
		f.Add([]byte(stream))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		at, by := ipvstest.New(ipvstest.Options{}), ipvstest.New(ipvstest.Options{})
		code, stdout, stderr := ipvsadm(at, string(stream), "ipvsadm", "-R")
		s, out, errs := newSession(by)
		s.env.Stdin = iotest.OneByteReader(strings.NewReader(string(stream)))
		if c := Main(s.env, []string{"ipvsadm", "-R"}); c != code || out.String() != stdout || errs.String() != stderr || by.String() != at.String() {
			t.Errorf("at once:\nexit %d\n%s%s%v\nbyte by byte:\nexit %d\n%s%s%v", code, stdout, stderr, at, c, out, errs, by)
		}
		switch code {
		case exitOK, exitListing, exitInvalid, exitRejected:
		default:
			t.Errorf("exit code %d", code)
		}
		_, text, _ := ipvsadm(at, "", "ipvsadm", "-Sn")
		again := ipvstest.New(ipvstest.Options{})
		code, _, stderr = ipvsadm(again, text, "ipvsadm", "-R")
		if _, textAgain, _ := ipvsadm(again, "", "ipvsadm", "-Sn"); code != exitOK || stderr != "" || sortedLines(textAgain) != sortedLines(text) {
			t.Errorf("saved\n%s\nthen, exit code %d, %q\n%s", text, code, stderr, textAgain)
		}
	})
}
