package vrrp

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWhatCannotBeEncodedIsRefused(t *testing.T) {
	requirement(t, "9568:5.2.9-2")
	v4, v6 := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fe80::1")
	many := make([]netip.Addr, 256)
	for i := range many {
		many[i] = v4
	}
	for _, tc := range []struct {
		name string
		a    Advertisement
		dst  netip.Addr
		want string
	}{
		{"version 4", Advertisement{Version: 4, MaxAdvertiseInterval: time.Second}, GroupIPv4(), "unknown version 4"},
		{"half a centisecond", Advertisement{Version: V3, MaxAdvertiseInterval: 5 * time.Millisecond}, GroupIPv4(), "interval 5ms"},
		{"half a second in version 2", Advertisement{Version: V2, MaxAdvertiseInterval: 500 * time.Millisecond}, GroupIPv4(), "interval 500ms"},
		{"41 seconds", Advertisement{Version: V3, MaxAdvertiseInterval: 41 * time.Second}, GroupIPv4(), "interval 41s"},
		{"256 seconds", Advertisement{Version: V2, MaxAdvertiseInterval: 256 * time.Second}, GroupIPv4(), "interval 4m16s"},
		{"negative", Advertisement{Version: V3, MaxAdvertiseInterval: -Centisecond}, GroupIPv4(), "interval -10ms"},
		{"256 addresses", Advertisement{Version: V3, MaxAdvertiseInterval: time.Second, Addresses: many}, GroupIPv4(), "256 addresses"},
		{"IPv6 address in an IPv4 packet", Advertisement{Version: V3, MaxAdvertiseInterval: time.Second, Addresses: []netip.Addr{v4, v6}}, GroupIPv4(), "address fe80::1"},
		{"IPv4 address in an IPv6 packet", Advertisement{Version: V3, MaxAdvertiseInterval: time.Second, Addresses: []netip.Addr{v6, v4}}, GroupIPv6(), "address 10.0.0.1"},
		{"version 2 over IPv6", Advertisement{Version: V2, MaxAdvertiseInterval: time.Second}, GroupIPv6(), "IPv4 only"},
	} {
		before := []byte("before")
		b, err := tc.a.Append(before, v6, tc.dst, WithPseudoHeader)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one with %q", tc.name, err, tc.want)
		}
		if string(b) != "before" {
			t.Errorf("%s: left %q behind", tc.name, b)
		}
	}
	if _, err := AppendIPv4(nil, IPv4{Source: v6, Destination: GroupIPv4()}, Advertisement{}); err == nil {
		t.Error("an IPv6 source in an IPv4 header is encoded")
	}
	if b, err := AppendIPv4([]byte("x"), IPv4{Source: v4, Destination: GroupIPv4()}, Advertisement{}); err == nil || string(b) != "x" {
		t.Errorf("a broken advertisement left %q behind, error %v", b, err)
	}
}

// Whatever is encoded decodes to itself, for every count of addresses.
func TestEncodedPacketsDecodeToThemselves(t *testing.T) {
	for name, p := range receivers() {
		for _, n := range []int{1, 2, 19, 255} {
			p.Addresses = nil
			for i := range n {
				if p.IPv6 {
					p.Addresses = append(p.Addresses, netip.AddrFrom16([16]byte{0xfe, 0x80, 14: byte(i >> 8), 15: byte(i)}))
				} else {
					p.Addresses = append(p.Addresses, netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}))
				}
			}
			for _, priority := range []uint8{0, 1, 254, 255} {
				v := Check(craft(p, priority).finish(), &p, 0)
				if v.Reason != Accepted || v.OtherAddresses {
					t.Fatalf("%s with %d addresses: %v", name, n, v.Reason)
				}
				if want := p.advertisement(priority); fmt.Sprintf("%+v", v.Advertisement) != fmt.Sprintf("%+v", want) {
					t.Fatalf("%s: decoded %+v, encoded %+v", name, v.Advertisement, want)
				}
			}
		}
	}
}

func TestIPv4Header(t *testing.T) {
	_, frames := goldens[3].datagrams(t)
	packet := frames[0].payload
	for _, tc := range []struct {
		name   string
		change func([]byte) []byte
		want   Reason
	}{
		{"as sent", func(b []byte) []byte { return b }, Accepted},
		{"not IPv4", func(b []byte) []byte { b[0] = 0x65; return b }, ReasonPacketLength},
		{"header of 16 bytes", func(b []byte) []byte { b[0] = 0x44; return b }, ReasonPacketLength},
		{"header longer than the packet", func(b []byte) []byte { b[0] = 0x4f; return b }, ReasonPacketLength},
		{"total length above what came", func(b []byte) []byte { b[3]++; return b }, ReasonPacketLength},
		{"total length below the header", func(b []byte) []byte { b[3] = 19; return b }, ReasonPacketLength},
		{"first fragment", func(b []byte) []byte { b[6] = 0x20; return b }, ReasonPacketLength},
		{"last fragment", func(b []byte) []byte { b[7] = 1; return b }, ReasonPacketLength},
		{"don't fragment", func(b []byte) []byte { b[6] = 0x40; return b }, Accepted},
		{"with options", func(b []byte) []byte {
			b[0], b[3] = 0x46, b[3]+4
			return slices.Insert(b, 20, 1, 1, 1, 0)
		}, Accepted},
		{"empty", func([]byte) []byte { return nil }, ReasonPacketLength},
	} {
		d, r := ParseIPv4(tc.change(slices.Clone(packet)), 7)
		if r != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, r, tc.want)
			continue
		}
		if r != Accepted {
			continue
		}
		if v := Check(&d, &goldens[3].params, 0); v.Reason != Accepted {
			t.Errorf("%s: %v", tc.name, v.Reason)
		}
		if d.TTL != 255 || d.Interface != 7 || d.Source.String() != "10.77.0.1" || d.Destination != GroupIPv4() {
			t.Errorf("%s: read as %+v", tc.name, d)
		}
	}
}

func TestZonesAreDropped(t *testing.T) {
	p := goldens[4].params
	d := craft(p, 100).finish()
	got := NewIPv6(d.Payload, d.Source.WithZone("eth0"), d.Destination.WithZone("eth0"), 255, 0)
	if v := Check(&got, &p, 0); v.Reason != Accepted || v.Source != peerAddr(true) {
		t.Errorf("%v from %v", v.Reason, v.Source)
	}
}

// The authentication header covers the TTL of multicast packets only: routers
// may change that of others.
func TestAuthenticationHeaderCoversWhatRoutersMustNotChange(t *testing.T) {
	requirement(t, "3768:auth-type")
	for _, unicast := range []bool{false, true} {
		dst := GroupIPv4()
		if unicast {
			dst = netip.MustParseAddr("10.77.0.9")
		}
		p := goldens[1].params
		packet, err := AppendIPv4(nil, IPv4{Source: p.Source, Destination: dst, TTL: TTL, Sequence: 1, Password: p.Password}, p.advertisement(1))
		if err != nil {
			t.Fatal(err)
		}
		for offset, covered := range map[int]bool{1: false, 8: !unicast, 10: false, 4: true, 12: true, 16: true} {
			changed := slices.Clone(packet)
			changed[offset] ^= 4
			d, r := ParseIPv4(changed, 0)
			if r != Accepted {
				t.Fatalf("byte %d: %v", offset, r)
			}
			if got := !verifyAH(&d, p.Password); got != covered {
				t.Errorf("unicast %t: byte %d covered: %t, want %t", unicast, offset, got, covered)
			}
		}
		d, _ := ParseIPv4(packet, 0)
		if verifyAH(&d, Password{1}) {
			t.Error("another key verifies")
		}
	}
	if verifyAH(&Datagram{Payload: make([]byte, 24)}, Password{}) {
		t.Error("a datagram without its IP header verifies")
	}
}

func TestVirtualMAC(t *testing.T) {
	requirement(t, "9568:7.3")
	if got := VirtualMAC(51, false).String(); got != "00:00:5e:00:01:33" {
		t.Error(got)
	}
	if got := VirtualMAC(255, true).String(); got != "00:00:5e:00:02:ff" {
		t.Error(got)
	}
}

func TestAnnouncementFlagsAndErrors(t *testing.T) {
	mac := VirtualMAC(1, true)
	addr := netip.MustParseAddr("fe80::1%eth0")
	plain, err := AppendAnnouncement(nil, addr, mac, false)
	if err != nil {
		t.Fatal(err)
	}
	router, _ := AppendAnnouncement(nil, addr, mac, true)
	if plain[58] != 0x20 || router[58] != 0xa0 {
		t.Errorf("flags %#x and %#x, want override, and router beside it", plain[58], router[58])
	}
	for _, b := range [][]byte{plain, router} {
		sum := addrSum(netip.AddrFrom16([16]byte(b[22:38]))) + addrSum(netip.AddrFrom16([16]byte(b[38:54]))) + 58 + 32 + byteSum(b[54:])
		if fold(sum) != 0xffff {
			t.Errorf("checksum of %x is wrong", b)
		}
	}
	if _, err := AppendAnnouncement(nil, addr, net.HardwareAddr{1, 2, 3}, false); err == nil {
		t.Error("a MAC address of three bytes is announced")
	}
	if _, err := AppendAnnouncement(nil, netip.Addr{}, mac, false); err == nil {
		t.Error("no address is announced")
	}
}

func TestPasswordsDoNotPrint(t *testing.T) {
	secret := Password{'h', 'u', 's', 'h'}
	p := goldenParams(V2, func(p *Params) { p.Auth, p.Password = AuthPass, secret })
	a := p.advertisement(1)
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, v := range []any{secret, p, a, SendAdvertisement{Advertisement: a}, Verdict{Advertisement: a}, Reload{Params: p}} {
			s := fmt.Sprintf(format, v)
			if strings.Contains(s, "hush") || strings.Contains(s, "104 117") || strings.Contains(s, "0x68, 0x75") {
				t.Errorf("%s of %T shows the password: %s", format, v, s)
			}
		}
	}
}
