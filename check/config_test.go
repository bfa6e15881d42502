package check

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ipvsadm/ipvs"
)

func entry(first, last string, port uint16) GroupEntry {
	return GroupEntry{First: netip.MustParseAddr(first), Last: netip.MustParseAddr(last), Port: port}
}

func TestGroupEntriesKnowTheirSize(t *testing.T) {
	for _, c := range []struct {
		e    GroupEntry
		want uint64
	}{
		{entry("10.0.0.1", "10.0.0.1", 80), 1},
		{entry("10.0.0.250", "10.0.1.5", 80), 12},
		{entry("0.0.0.0", "255.255.255.255", 80), 1 << 32},
		{entry("fd00::1", "fd00::1:0", 80), 1 << 16},
		{entry("fd00::", "fd00::ffff:ffff:ffff:ffff", 80), 1 << 32}, // no more is counted
		{entry("::", "ffff::", 80), 1 << 32},
		{GroupEntry{Mark: 5}, 1},
	} {
		if got := c.e.Size(); got != c.want {
			t.Errorf("%v-%v: %d, want %d", c.e.First, c.e.Last, got, c.want)
		}
	}
}

func TestServicesOfAServer(t *testing.T) {
	c := Config{Groups: []GroupConfig{{Name: "other", Entries: []GroupEntry{{Mark: 1}}}, {Name: "G", Entries: []GroupEntry{
		entry("10.0.0.254", "10.0.1.1", 80), {Mark: 7}, {Mark: 8, Family: ipvs.IPv6}, entry("255.255.255.255", "255.255.255.255", 1),
	}}}}
	s := ServerConfig{Group: "G", Service: ipvs.Service{ServiceKey: ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.UDP}}}
	address := func(a string) ipvs.ServiceKey {
		return ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.UDP, Addr: netip.MustParseAddrPort(a)}
	}
	want := []ipvs.ServiceKey{
		address("10.0.0.254:80"), address("10.0.0.255:80"), address("10.0.1.0:80"), address("10.0.1.1:80"),
		{Family: ipvs.IPv4, FWMark: 7}, {Family: ipvs.IPv6, FWMark: 8}, address("255.255.255.255:1"),
	}
	if got := c.Services(&s); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	s = ServerConfig{Service: ipvs.Service{ServiceKey: address("10.0.0.1:53")}}
	if got := c.Services(&s); !slices.Equal(got, []ipvs.ServiceKey{address("10.0.0.1:53")}) {
		t.Errorf("%v", got)
	}
}

// The names of keepalived's log.
func TestNamesOfServers(t *testing.T) {
	for want, s := range map[string]ServerConfig{
		"[10.0.0.1]:tcp:80": {Service: ipvs.Service{ServiceKey: ipvs.ServiceKey{Protocol: ipvs.TCP, Addr: netip.MustParseAddrPort("10.0.0.1:80")}}},
		"[fd00::1]:udp:53":  {Service: ipvs.Service{ServiceKey: ipvs.ServiceKey{Protocol: ipvs.UDP, Addr: netip.MustParseAddrPort("[fd00::1]:53")}}},
		"[10.0.0.1]:sctp:0": {Service: ipvs.Service{ServiceKey: ipvs.ServiceKey{Protocol: ipvs.SCTP, Addr: netip.MustParseAddrPort("10.0.0.1:0")}}},
		"FWM 7":             {Service: ipvs.Service{ServiceKey: ipvs.ServiceKey{FWMark: 7}}},
		"[G]:tcp:0":         {Group: "G", Service: ipvs.Service{ServiceKey: ipvs.ServiceKey{Protocol: ipvs.TCP}}},
		"[G]:none:0":        {Group: "G"},
	} {
		if got := s.UniqueName(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if s.Group != "" {
			want = "[G]:0"
		}
		if got := s.Name(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	c := TLSConfig{Password: "hunter22"}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s %q", c, c, c, c.Password, c.Password), string(encoded)} {
		if strings.Contains(shown, "hunter22") {
			t.Errorf("the password is in %s", shown)
		}
	}
}

func TestEveryProbeHasAWord(t *testing.T) {
	for _, p := range []ProbeConfig{TCPConfig{}, HTTPConfig{}, HTTPConfig{TLS: true}, SMTPConfig{}, DNSConfig{}, UDPConfig{}, PingConfig{}, MiscConfig{}, FileCheckConfig{}} {
		p.probe() // the set is closed
		if k := p.Kind(); !strings.HasSuffix(k, "_CHECK") && !strings.HasSuffix(k, "_GET") {
			t.Errorf("%T is called %s", p, k)
		}
	}
}
