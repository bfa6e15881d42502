package ipvs

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
)

// The golden bytes in these tests are those of a little-endian host.
func littleEndian(t testing.TB) {
	t.Helper()
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("golden bytes are of a little-endian machine")
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAttributesAreWrittenAsTheKernelReadsThem(t *testing.T) {
	littleEndian(t)
	nested, at := beginNest(nil, 2)
	nested = appendU8(nested, 13, 1)
	endNest(nested, at)
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"u8, padded", appendU8(nil, 8, 0xfe), "0500 0800 fe000000"},
		{"u16, padded", appendU16(nil, 1, 10), "0600 0100 0a000000"},
		{"u16 in network order", appendBE16(nil, 4, 80), "0600 0400 00500000"},
		{"u32", appendU32(nil, 8, 300), "0800 0800 2c010000"},
		{"u32 in network order", appendBE32(nil, 9, 0xffffff00), "0800 0900 ffffff00"},
		{"string with its NUL", appendString(nil, 6, "rr"), "0700 0600 72720000"},
		{"string that fills its words", appendString(nil, 6, "wlc"), "0800 0600 776c6300"},
		{"empty string", appendString(nil, 6, ""), "0500 0600 00000000"},
		{"IPv4 address in 16 bytes", appendAddr(nil, 3, netip.MustParseAddr("10.0.0.1")),
			"1400 0300 0a000001 00000000 00000000 00000000"},
		{"IPv6 address", appendAddr(nil, 3, netip.MustParseAddr("2001:db8::1")),
			"1400 0300 20010db8 00000000 00000000 00000001"},
		{"bytes without padding", appendAttr(nil, 5, []byte{1, 2, 3, 4}), "0800 0500 01020304"},
		{"bytes with padding", appendAttr(nil, 5, []byte{1}), "0500 0500 01000000"},
		{"nested", nested, "0c00 0280 0500 0d00 01000000"},
	} {
		if want := unhex(t, c.want); !bytes.Equal(c.got, want) {
			t.Errorf("%s: %x, want %x", c.name, c.got, want)
		}
	}
}

// TestAttributesAreReadWithCare lists what a reader can meet.
func TestAttributesAreReadWithCare(t *testing.T) {
	littleEndian(t)
	type read struct {
		typ   uint16
		value string
	}
	for _, c := range []struct {
		name, in string
		want     []read
		err      error
	}{
		{"nothing", "", nil, nil},
		{"two", "0600 0100 0a00 0000  0800 0500 01020304", []read{{1, "0a00"}, {5, "01020304"}}, nil},
		{"flags above the type", "0600 01c0 0a00 0000", []read{{1, "0a00"}}, nil},
		{"no value", "0400 0700", []read{{7, ""}}, nil},
		{"last one without padding", "0500 0700 ab", []read{{7, "ab"}}, nil},
		{"padding at the end", "0400 0700 000000", []read{{7, ""}}, nil},
		{"length zero", "0000 0700 00000000", nil, errMalformed},
		{"length less than a header", "0300 0700 00000000", nil, errMalformed},
		{"length beyond the end", "0900 0700 00000000", nil, errMalformed},
		{"second one cut off", "0400 0100  0800 0500 010203", []read{{1, ""}}, errMalformed},
	} {
		var got []read
		a := attrs{rest: unhex(t, c.in)}
		for a.next() {
			got = append(got, read{a.typ, hex.EncodeToString(a.value)})
		}
		if a.err != c.err || len(got) != len(c.want) {
			t.Errorf("%s: %v, %v; want %v, %v", c.name, got, a.err, c.want, c.err)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %v, want %v", c.name, got[i], c.want[i])
			}
		}
	}
}

func TestValuesOfOtherLengthsThanTheirType(t *testing.T) {
	littleEndian(t)
	value := func(s string) *attrs { return &attrs{value: unhex(t, s)} }
	for _, c := range []struct {
		name string
		read func(*attrs) uint64
		in   string
		want uint64
		err  error
	}{
		{"u8", func(a *attrs) uint64 { return uint64(a.u8()) }, "07", 7, nil},
		{"u8 from nothing", func(a *attrs) uint64 { return uint64(a.u8()) }, "", 0, errMalformed},
		{"u16 from more", func(a *attrs) uint64 { return uint64(a.u16()) }, "0102 0304", 0x0201, nil},
		{"u16 from less", func(a *attrs) uint64 { return uint64(a.u16()) }, "01", 0, errMalformed},
		{"network order", func(a *attrs) uint64 { return uint64(a.be16()) }, "0102", 0x0102, nil},
		{"u32 from less", func(a *attrs) uint64 { return uint64(a.u32()) }, "010203", 0, errMalformed},
		{"counter of 64 bits", (*attrs).count, "0100000002000000", 2<<32 + 1, nil},
		{"counter of 32 bits", (*attrs).count, "01000080", 0x80000001, nil},
		{"counter of neither", (*attrs).count, "0100", 0, errMalformed},
	} {
		a := value(c.in)
		if got := c.read(a); got != c.want || a.err != c.err {
			t.Errorf("%s: %d, %v; want %d, %v", c.name, got, a.err, c.want, c.err)
		}
	}
}

func TestTextEndsAtItsNUL(t *testing.T) {
	for in, want := range map[string]string{"rr\x00": "rr", "rr": "rr", "\x00": "", "": "", "a\x00b\x00": "a"} {
		a := attrs{value: []byte(in)}
		if got := a.text("rr"); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestAddressNeedsItsBytes(t *testing.T) {
	sixteen := unhex(t, "20010db8 00000000 00000000 00000001")
	for _, c := range []struct {
		family Family
		b      []byte
		want   string
	}{
		{IPv4, sixteen, "32.1.13.184"},
		{IPv4, sixteen[:4], "32.1.13.184"},
		{IPv6, sixteen, "2001:db8::1"},
		{IPv4, sixteen[:3], ""},
		{IPv6, sixteen[:15], ""},
		{IPv4, nil, ""},
		{0, sixteen, ""},
		{7, sixteen, ""},
	} {
		got, err := address(c.family, c.b)
		if c.want == "" {
			if err != errMalformed {
				t.Errorf("family %d, %d bytes: %v, %v", c.family, len(c.b), got, err)
			}
		} else if err != nil || got.String() != c.want {
			t.Errorf("family %d, %d bytes: %v, %v, want %s", c.family, len(c.b), got, err, c.want)
		}
	}
}
