package vrrp

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// frame is one captured Ethernet frame without its addresses.
type frame struct {
	whole     []byte
	srcMAC    net.HardwareAddr
	etherType uint16
	payload   []byte
}

// readPcap reads a capture of ours from testdata/golden.
func readPcap(tb testing.TB, name string) (frames []frame) {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "golden", name+".pcap"))
	if err != nil {
		tb.Fatal(err)
	}
	if len(b) < 24 || binary.LittleEndian.Uint32(b) != 0xa1b2c3d4 || binary.LittleEndian.Uint32(b[20:]) != 1 {
		tb.Fatalf("%s is no little-endian Ethernet capture", name)
	}
	for b = b[24:]; len(b) > 0; {
		n := binary.LittleEndian.Uint32(b[8:])
		p := b[16 : 16+n]
		b = b[16+n:]
		frames = append(frames, frame{p, net.HardwareAddr(p[6:12]), binary.BigEndian.Uint16(p[12:]), p[14:]})
	}
	return frames
}

// golden describes the instance that sent a capture.
type golden struct {
	name   string
	params Params
	count  int // advertisements in the capture, the last one of priority 0
}

var goldens = []golden{
	{"v2-pass", goldenParams(V2, func(p *Params) { p.Auth, p.Password = AuthPass, goldenPassword }), 5},
	{"v2-ah", goldenParams(V2, func(p *Params) { p.Auth, p.Password = AuthAH, goldenPassword }), 5},
	{"v2-vmac", goldenParams(V2, nil), 5},
	{"v3-ipv4", goldenParams(V3, nil), 68},
	{"v3-ipv6", goldenParams(V3, func(p *Params) {
		p.IPv6 = true
		p.Source = netip.MustParseAddr("fe80::9889:ddff:fe72:acd3")
		p.Addresses = []netip.Addr{netip.MustParseAddr("fe80::100"), netip.MustParseAddr("fd00::100")}
	}), 68},
}

var goldenPassword = Password{'s', 'e', 'c', 'r', 'e', 't', '1', '2'}

func goldenParams(v Version, change func(*Params)) Params {
	p := Params{
		Version:               v,
		VRID:                  51,
		Priority:              150,
		AdvertisementInterval: time.Second,
		Addresses:             []netip.Addr{netip.MustParseAddr("10.77.0.100")},
		Source:                netip.MustParseAddr("10.77.0.1"),
		Accept:                true,
		Announce:              DefaultAnnounce(),
	}
	if v == V3 {
		p.AdvertisementInterval = 100 * time.Millisecond
	}
	if change != nil {
		change(&p)
	}
	return p
}

// datagrams returns the advertisements of a capture as a socket delivers them,
// with the frames they came in.
func (g golden) datagrams(tb testing.TB) (ds []Datagram, frames []frame) {
	tb.Helper()
	for _, f := range readPcap(tb, g.name) {
		switch {
		case f.etherType == 0x0800:
			d, r := ParseIPv4(f.payload, 2)
			if r != Accepted {
				tb.Fatalf("%s: IPv4 header refused: %v", g.name, r)
			}
			ds, frames = append(ds, d), append(frames, f)
		case f.etherType == etherTypeIPv6 && f.payload[6] == protocolVRRP:
			src, _ := netip.AddrFromSlice(f.payload[8:24])
			dst, _ := netip.AddrFromSlice(f.payload[24:40])
			ds = append(ds, NewIPv6(f.payload[40:], src, dst, int(f.payload[7]), 2))
			frames = append(frames, f)
		}
	}
	if len(ds) != g.count {
		tb.Fatalf("%s: %d advertisements, want %d", g.name, len(ds), g.count)
	}
	return ds, frames
}

func TestGoldenPacketsAreAccepted(t *testing.T) {
	requirement(t, "9568:5.1.1.3-2", "9568:5.1.2.3-2", "9568:5.2.2-1", "9568:5.2.5-1", "9568:5.2.8-1",
		"9568:7.1-1", "9568:7.1-2", "9568:7.1-6")
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			ds, _ := g.datagrams(t)
			last := uint32(0)
			for i, d := range ds {
				v := Check(&d, &g.params, last)
				if v.Reason != Accepted || v.Checksum != effectiveForm(g.params.Version, g.params.IPv6, WithPseudoHeader) || v.OtherAddresses {
					t.Fatalf("packet %d: %v, %v checksum, other addresses %t", i, v.Reason, v.Checksum, v.OtherAddresses)
				}
				last = v.Sequence
				want := uint8(150)
				if i == len(ds)-1 {
					want = PriorityStop
				}
				a := v.Advertisement
				if a.Priority != want || a.VRID != 51 || a.MaxAdvertiseInterval != g.params.AdvertisementInterval {
					t.Fatalf("packet %d: decoded as %+v", i, a)
				}
				if vrid, ok := d.VRID(); !ok || vrid != 51 {
					t.Fatalf("packet %d: VRID %d, %t", i, vrid, ok)
				}
			}
		})
	}
}

func TestGoldenPacketsAreEncodedToTheByte(t *testing.T) {
	requirement(t, "3768:auth-field", "9568:5.1.1.3-1", "9568:5.2.6-1", "9568:5.2.8-3", "9568:5.2.9-2",
		"9568:7.2-1", "9568:7.2-3", "9568:7.2-4")
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			_, frames := g.datagrams(t)
			for i, f := range frames {
				priority := uint8(150)
				if i == len(frames)-1 {
					priority = PriorityStop
				}
				a := g.params.advertisement(priority)
				var got, want []byte
				var err error
				if g.params.IPv6 {
					want = f.payload[40:]
					got, err = a.Append(nil, g.params.Source, g.params.Destinations()[0], WithPseudoHeader)
				} else {
					want = f.payload
					got, err = AppendIPv4(nil, IPv4{
						Source: g.params.Source, Destination: g.params.Destinations()[0],
						ID: uint16(i + 1), TTL: TTL,
						Password: g.params.Password, Sequence: uint32(i + 1),
					}, a)
				}
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Fatalf("packet %d:\n got %x\nwant %x", i, got, want)
				}
			}
		})
	}
}

func TestGoldenAnnouncementsAreEncodedToTheByte(t *testing.T) {
	seen := map[string]int{}
	for _, g := range goldens {
		for _, f := range readPcap(t, g.name) {
			var addr netip.Addr
			switch {
			case f.etherType == etherTypeARP:
				addr = netip.AddrFrom4([4]byte(f.payload[14:18]))
			case f.etherType == etherTypeIPv6 && f.payload[6] == protocolICMP6 && f.payload[40] == 136:
				addr = netip.AddrFrom16([16]byte(f.payload[48:64]))
			default:
				continue
			}
			got, err := AppendAnnouncement(nil, addr, f.srcMAC, false)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, f.whole) {
				t.Fatalf("%s: announcement of %v:\n got %x\nwant %x", g.name, addr, got, f.whole)
			}
			seen[addr.String()]++
		}
	}
	// Five for the transition, and five more after five seconds in the longer ones.
	want := map[string]int{"10.77.0.100": 25, "fe80::100": 10, "fd00::100": 10}
	for addr, n := range want {
		if seen[addr] != n {
			t.Errorf("%d announcements of %s in the captures, want %d", seen[addr], addr, n)
		}
	}
}

// The published bytes of version 3 without pseudo-header (RFC 9568,
// v3_checksum_as_v2), which no capture of ours has.
func TestChecksumWithoutPseudoHeader(t *testing.T) {
	requirement(t, "9568:5.2.8-2")
	p := goldenParams(V3, nil)
	for form, want := range map[ChecksumForm]uint16{MessageOnly: 0x2e10, WithPseudoHeader: 0x4333} {
		b, err := p.advertisement(150).Append(nil, p.Source, GroupIPv4(), form)
		if err != nil {
			t.Fatal(err)
		}
		if got := binary.BigEndian.Uint16(b[6:]); got != want {
			t.Errorf("%v checksum %#x, want %#x", form, got, want)
		}
	}
}
