package ipvs

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

const procTitle = "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n" +
	"  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"

// procState is a real server as /proc shows it.
func procState(addr string, f Forward, weight, active, inactive uint32) DestinationState {
	return DestinationState{Destination: dest(addr, f, weight), Active: active, Inactive: inactive}
}

func TestProcTable(t *testing.T) {
	// As Linux 6.1 writes it.
	p := parseProc(strings.NewReader(procTitle +
		"TCP  0A000001:0050 rr  \n" +
		"  -> 0A000002:0050      Masq    1      0          0         \n" +
		"  -> 0A000003:1F90      Route   70000  12         4000000000\n" +
		"  -> 0A000004:0050      Tunnel  0      0          0         \n" +
		"  -> 0A000005:0050      Local   2147483647 0          0         \n" +
		"  -> [2001:0db8:0000:0000:0000:0000:0000:0007]:0050      Tunnel  1      0          0         \n" +
		"UDP  0A000001:13C4 rr ops persistent 6000 FFFFFFFF\n" +
		"SCTP  [2001:0db8:0000:0000:0000:0000:0000:0001]:0009 wlc persistent 10000 40000000\n" +
		"  -> [2001:0db8:0000:0000:0000:0000:0000:0002]:0009      Route   1      0          0         \n" +
		"IP_47  0A000001:0000 rr  \n" +
		"  -> 0A000002:0000      Route   1      0          0         \n" +
		"FWM  B2D05E00 mh persistent 1 FFFFFFFF\n" +
		"  -> 0A000009:0000      Route   1      0          0         \n"))
	if p == nil {
		t.Fatal("not understood")
	}
	want := map[ServiceKey][]DestinationState{
		tcp("10.0.0.1:80"): {procState("10.0.0.2:80", Masq, 1, 0, 0), procState("10.0.0.3:8080", Route, 70000, 12, 4000000000),
			procState("10.0.0.4:80", Tunnel, 0, 0, 0), procState("10.0.0.5:80", LocalNode, 2147483647, 0, 0),
			procState("[2001:db8::7]:80", Tunnel, 1, 0, 0)},
		udp("10.0.0.1:5060"):     {},
		sctp("[2001:db8::1]:9"):  {procState("[2001:db8::2]:9", Route, 1, 0, 0)},
		fwmark(IPv6, 3000000000): {procState("10.0.0.9:0", Route, 1, 0, 0)},
	}
	if p.services != len(want)+1 || len(p.index) != len(want) {
		t.Errorf("%d services, %d of them understood", p.services, len(p.index))
	}
	for k, dests := range want {
		s := p.index[procKey(&k)]
		if s == nil {
			t.Errorf("no %+v", k)
			continue
		}
		s.joined = 1
		if got, ok := p.destinations(&k, Basic); !ok || !slices.Equal(got, dests) {
			t.Errorf("%+v: %+v, %v, want %+v", k, got, ok, dests)
		}
		withTunnels := k != tcp("10.0.0.1:80")
		if _, ok := p.destinations(&k, WithTunnels); ok != withTunnels {
			t.Errorf("%+v: enough for tunnels is %v", k, ok)
		}
		if cap(dests) > 0 {
			if got, _ := p.destinations(&k, Basic); cap(got) != len(got) {
				t.Errorf("%+v: appending would overwrite the next service's servers", k)
			}
		}
	}
	if _, ok := p.destinations(&ServiceKey{Family: IPv4, Protocol: 47, Addr: addrPort("10.0.0.1:0")}, Basic); ok {
		t.Error("servers of a protocol that is not understood")
	}
}

// TestProcInDoubt: what is not certain is asked of netlink.
func TestProcInDoubt(t *testing.T) {
	const web = "TCP  0A000001:0050 rr  \n"
	for name, text := range map[string]string{
		"empty":                  "",
		"only titles, cut":       procTitle[:60],
		"other title":            "Something Else\n\n\n",
		"server before service":  procTitle + "  -> 0A000002:0050      Masq    1      0          0         \n",
		"cut service":            procTitle + "TCP  0A0000",
		"cut server":             procTitle + web + "  -> 0A000002:0050      Masq    1   ",
		"service without a name": procTitle + "TCP\n",
		"other without a name":   procTitle + "IP_9\n",
		"blank line":             procTitle + "\n",
		"address":                procTitle + "TCP  0A00000Z:0050 rr  \n",
		"no port":                procTitle + "TCP  0A000001 rr  \n",
		"port":                   procTitle + "TCP  0A000001:10050 rr  \n",
		"mark 0":                 procTitle + "FWM  00000000 rr \n",
		"mark":                   procTitle + "FWM  1FFFFFFFF rr \n",
		"server's address":       procTitle + web + "  -> [0A000002]:      Masq    1      0          0\n",
		"forwarding method":      procTitle + web + "  -> 0A000002:0050      FullNAT 1      0          0\n",
		"negative weight":        procTitle + web + "  -> 0A000002:0050      Masq    -1     0          0\n",
		"a column less":          procTitle + web + "  -> 0A000002:0050      Masq    1      0\n",
		"a column more":          procTitle + web + "  -> 0A000002:0050      Masq    1      0          0       0\n",
		"line without an end":    procTitle + strings.Repeat("x", 70<<10),
	} {
		if p := parseProc(strings.NewReader(text)); p != nil {
			t.Errorf("%s: understood as %+v", name, p)
		}
	}
	if p := parseProc(io.MultiReader(strings.NewReader(procTitle+web), iotest.ErrReader(errors.New("broken")))); p != nil {
		t.Error("a file that can't be read to its end")
	}
}

func TestProcConfirmsOnlyTheSameServices(t *testing.T) {
	const two = procTitle + "TCP  0A000001:0050 rr  \nFWM  00000007 rr \n"
	web, mark4, mark6 := tcp("10.0.0.1:80"), fwmark(IPv4, 7), fwmark(IPv6, 7)
	for name, c := range map[string]struct {
		text     string
		services []ServiceKey
		confirms bool
		known    []ServiceKey // whose servers are certain
	}{
		"the same":                    {two, []ServiceKey{web, mark6}, true, []ServiceKey{web, mark6}},
		"another order":               {two, []ServiceKey{mark4, web}, true, []ServiceKey{web, mark4}},
		"one only in netlink":         {two, []ServiceKey{web, mark4, tcp("10.0.0.1:81")}, false, []ServiceKey{web, mark4}},
		"one only in /proc":           {two, []ServiceKey{web}, false, []ServiceKey{web}},
		"one in place of another":     {two, []ServiceKey{web, tcp("10.0.0.1:81")}, false, []ServiceKey{web}},
		"twice in netlink":            {two, []ServiceKey{web, web}, false, nil},
		"twice in /proc":              {two + "TCP  0A000001:0050 rr  \n", []ServiceKey{web, mark4}, false, []ServiceKey{mark4}},
		"twice in /proc and netlink":  {two + "TCP  0A000001:0050 rr  \n", []ServiceKey{web, web, mark4}, false, []ServiceKey{mark4}},
		"mark in both families":       {two + "FWM  00000007 rr \n", []ServiceKey{web, mark4, mark6}, false, []ServiceKey{web}},
		"mark in both, one in /proc":  {two, []ServiceKey{web, mark4, mark6}, false, []ServiceKey{web}},
		"another protocol":            {two + "IP_9  0A000001:0050 rr  \n", []ServiceKey{web, mark4, key(9, "10.0.0.1:80")}, false, []ServiceKey{web, mark4}},
		"address as IPv6, not mapped": {two, []ServiceKey{tcp("[::ffff:10.0.0.1]:80"), mark4}, false, []ServiceKey{mark4}},
	} {
		client, f := fakeClient(nil)
		f.files = map[string]func() (io.ReadCloser, error){
			"ip_vs": func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(c.text)), nil },
		}
		var services []Entry
		for _, k := range c.services {
			services = append(services, entry(service(k, "rr")))
		}
		p := client.readProc(services)
		if got := p.confirms(len(services)); got != c.confirms {
			t.Errorf("%s: confirms %v", name, got)
		}
		for _, k := range c.services {
			if _, ok := p.destinations(&k, Basic); ok != slices.Contains(c.known, k) {
				t.Errorf("%s: %+v certain is %v", name, k, ok)
			}
		}
	}
	var none *procTable
	if none.confirms(0) {
		t.Error("no file confirms")
	}
	if _, ok := none.destinations(&web, Basic); ok {
		t.Error("no file has servers")
	}
}
