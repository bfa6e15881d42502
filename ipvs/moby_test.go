package ipvs

import (
	"net"
	"testing"

	moby "github.com/moby/ipvs"
	"pgregory.net/rapid"
)

func TestMobyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genService().Draw(t, "service")
		if got := ServiceFromMoby(s.Moby()); got != s {
			t.Fatalf("%+v, want %+v", got, s)
		}
		d := genDestination().Draw(t, "destination")
		d.Tunnel = Encapsulation{}
		if got := DestinationFromMoby(d.Moby(), 0); got != d {
			t.Fatalf("%+v, want %+v", got, d)
		}
	})
}

// TestMobyValues has what callers of moby/ipvs write.
func TestMobyValues(t *testing.T) {
	littleEndian(t)
	s := ServiceFromMoby(&moby.Service{Address: net.ParseIP("10.0.0.1"), Protocol: 6, Port: 80, AddressFamily: 2,
		SchedName: moby.RoundRobin, Netmask: 0x00ffffff})
	want := service(tcp("10.0.0.1:80"), "rr")
	want.Netmask = 0xffffff00
	if s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
	if s := ServiceFromMoby(&moby.Service{FWMark: 7, AddressFamily: 10, Netmask: 128}); s != service(fwmark(IPv6, 7), "") {
		t.Errorf("%+v", s)
	}
	for _, c := range []struct {
		ip      string
		family  uint16
		service Family
		want    string
	}{
		{"10.0.0.2", 0, IPv4, "10.0.0.2:80"},
		{"10.0.0.2", 2, IPv6, "10.0.0.2:80"},
		{"2001:db8::2", 0, IPv6, "[2001:db8::2]:80"},
		{"::ffff:10.0.0.2", 10, IPv6, "[::ffff:10.0.0.2]:80"},
	} {
		d := DestinationFromMoby(&moby.Destination{Address: net.ParseIP(c.ip), AddressFamily: c.family, Port: 80, ConnectionFlags: 0x100 | moby.ConnFwdTunnel}, c.service)
		if d != dest(c.want, Tunnel, 0) {
			t.Errorf("%s of family %d: %+v, want %s", c.ip, c.family, d, c.want)
		}
	}
}
