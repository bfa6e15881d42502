package rules

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"ipvsadm/ipvs"
)

func TestEndpointsAreReadAsIpvsadmReadsThem(t *testing.T) {
	tests := []struct {
		about, text string
		want        string // "" if it is refused; without :port if none was given
	}{
		{"an address and a port", "10.0.0.1:80", "10.0.0.1:80"},
		{"an address", "10.0.0.1", "10.0.0.1"},
		{"port 0", "10.0.0.1:0", "10.0.0.1:0"},
		{"a port by name", "10.0.0.1:http", "10.0.0.1:80"},
		{"a port by another name", "10.0.0.1:www", "10.0.0.1:80"},
		{"a name of a port in capitals", "10.0.0.1:HTTP", ""},
		{"a name of a port of another protocol", "10.0.0.1:m3ua", ""},
		{"a name nobody knows", "10.0.0.1:nosuchport", ""},
		{"a blank after a name", "10.0.0.1:http ", ""},
		{"an empty port", "10.0.0.1:", ""},
		{"a sign before the port", "10.0.0.1:+80", "10.0.0.1:80"},
		{"a blank before the port", "10.0.0.1: 80", "10.0.0.1:80"},
		{"a blank after the port", "10.0.0.1:80 ", ""},
		{"zeros before the port", "10.0.0.1:080", "10.0.0.1:80"},
		{"a hexadecimal port", "10.0.0.1:0x50", ""},
		{"a port of 17 bits", "10.0.0.1:65536", ""},
		{"a port of 33 bits", "10.0.0.1:4294967376", ""},
		{"a negative port", "10.0.0.1:-1", ""},
		{"two ports", "10.0.0.1:80:81", ""},
		{"only a port", "80", ""},
		{"only a port, with a colon", ":80", ""},
		{"nothing", "", ""},
		{"an address of one number", "1:80", "0.0.0.1:80"},
		{"an address of two numbers", "10.1:80", "10.0.0.1:80"},
		{"an octal address", "010.0.0.1:80", "8.0.0.1:80"},
		{"a hexadecimal address", "0x0a000001:80", "10.0.0.1:80"},
		{"the greatest number", "4294967295:80", "255.255.255.255:80"},
		{"a number too great", "4294967296:80", ""},
		{"a part too great", "256.0.0.1:80", ""},
		{"five parts", "1.2.3.4.5:80", ""},
		{"a blank before the address", " 10.0.0.1:80", ""},
		{"a blank after the address", "10.0.0.1 :80", "10.0.0.1:80"},
		{"words after the address", "10.0.0.1 foo:80", "10.0.0.1:80"},
		{"no address", "0:80", "0.0.0.0:80"},
		{"a broadcast address", "255.255.255.255:80", "255.255.255.255:80"},
		{"a host", "localhost:http", "127.0.0.1:80"},
		{"a host without a port", "LOCALHOST", "127.0.0.1"},
		{"a host nobody knows", "nosuchhost:80", ""},
		{"IPv6", "2001:db8::5", "2001:db8::5"},
		{"IPv6 with what looks like a port", "::1:80", "::1:80"},
		{"IPv6 in brackets with a port", "[::1]:80", "[::1]:80"},
		{"IPv6 with a port by name", "[::1]:http", "[::1]:80"},
		{"IPv6 in brackets without a port, new here", "[2001:db8::5]", "2001:db8::5"},
		{"IPv6 with an empty port", "[::1]:", ""},
		{"IPv6 without a colon before the port", "[::1]80", ""},
		{"IPv6 without its bracket", "[::1", ""},
		{"IPv6 with a bracket too many", "::1]", ""},
		{"IPv6 in two brackets", "[[::1]]:80", ""},
		{"IPv6 with two ports", "[::1]:80:90", ""},
		{"IPv6 with a zone", "[fe80::1%lo]:80", ""},
		{"IPv6 with a zone, without a port", "fe80::1%lo", ""},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:80", "[::ffff:10.0.0.1]:80"},
		{"IPv6 of zeros", "[::]:80", "[::]:80"},
		{"an empty address", "[]:80", ""},
		{"IPv4 in brackets loses its port", "[10.0.0.1]:80", "10.0.0.1"},
		{"whatever it is", "[10.0.0.1]:xyz", "10.0.0.1"},
		{"but keeps one inside", "[10.0.0.1:5]:80", "10.0.0.1:5"},
		{"IPv4 in brackets without a port", "[10.0.0.1]", ""},
		{"a number in brackets is an address", "[80]:80", "0.0.0.80"},
		{"a host in brackets loses its port", "[localhost]:80", "127.0.0.1"},
	}
	for _, tt := range tests {
		t.Run(tt.about, func(t *testing.T) {
			e, ok := parseEndpoint(tt.text, ipvs.TCP, newFewNames())
			got := ""
			switch {
			case ok && e.hasPort:
				got = netip.AddrPortFrom(e.addr, e.port).String()
			case ok:
				got = e.addr.String()
			}
			if got != tt.want {
				t.Errorf("%q is %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

// strictNames fails a test that asks for a name.
type strictNames struct {
	fewNames
	t *testing.T
}

func (n strictNames) LookupHost(name string) (netip.Addr, error) {
	n.t.Errorf("asked for host %q", name)
	return netip.Addr{}, errors.New("no")
}

func (n strictNames) LookupPort(name string, p ipvs.Protocol) (uint16, error) {
	n.t.Errorf("asked for port %q", name)
	return 0, errors.New("no")
}

func TestNumbersAreNeverLookedUp(t *testing.T) {
	p := newParser("ipvsadm", strictNames{t: t}, noEnv)
	for _, line := range []string{
		"-A -t 10.0.0.1:80 -p 5 -M 255.255.255.0",
		"-a -t [::1]:80 -r 2001:db8::5",
		"-a -u 10.1:53 -r 0x0a000002 -m",
		"-A -t 80",
		"-A -t [::1]80",
	} {
		p.parse(wordsOf(line))
	}
}

// TestAddressesAreThoseOfTheCLibrary compares with what glibc was seen to do.
func TestAddressesAreThoseOfTheCLibrary(t *testing.T) {
	b, err := os.ReadFile("testdata/inet.txt")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.SplitN(strings.TrimSpace(line), " ", 3)
		text, err := strconv.Unquote(fields[2])
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		read := inetAton
		if fields[0] == "6" {
			read = parseIPv6
		}
		got := "-"
		if a, ok := read(text); ok {
			got = hex.EncodeToString(a.AsSlice())
		}
		if got != fields[1] {
			t.Errorf("%q is %s, want %s", text, got, fields[1])
		}
		tried++
	}
	if tried < 700 {
		t.Errorf("only %d addresses in testdata/inet.txt", tried)
	}
}

func TestMasksAndPrefixLengths(t *testing.T) {
	for text, want := range map[string]uint32{
		"255.255.255.0": 0xffffff00, "0xffffff00": 0xffffff00, "24": 24, "255.255": 0xff0000ff, "0.0.0.0": 0,
		"255.255.255.0 x": 0xffffff00, "localhost": 0x7f000001,
		"/0": 0, "/1": 0x80000000, "/8": 0xff000000, "/24": 0xffffff00, "/31": 0xfffffffe, "/32": 0xffffffff,
	} {
		if got, ok := parseMask(text, newFewNames()); !ok || got != want {
			t.Errorf("mask %q is %x, %v, want %x", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "/", "/33", "/-1", "/x", "/24 ", "256.0.0.0", "nosuch", "::"} {
		if got, ok := parseMask(text, newFewNames()); ok {
			t.Errorf("mask %q is %x, want none", text, got)
		}
	}
	for text, want := range map[string]uint32{
		"1": 1, "64": 64, "128": 128, " +64": 64, "064": 64, "64abc": 64, "64.9": 64, "128 ": 128, "/64": 64, "/128": 128,
		"4294967360":  64, // 32 bits are kept
		"-4294967232": 64,
	} {
		if got, ok := parsePrefixLen(text); !ok || got != want {
			t.Errorf("prefix length %q is %d, %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "0", "129", "-1", "abc", "255.255.255.0", "99999999999999999999", "/0", "/129", "/64abc", "/"} {
		if got, ok := parsePrefixLen(text); ok {
			t.Errorf("prefix length %q is %d, want none", text, got)
		}
	}
}
