package ipvs

import (
	"cmp"
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

// readText reads text as the file, beside a list of services.
func readText(text string, services []ServiceKey) *procTable {
	client, f := fakeClient(nil)
	f.files = map[string]func() (io.ReadCloser, error){
		"ip_vs": func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
	}
	return client.readProc(entriesOf(services), Basic)
}

func entriesOf(services []ServiceKey) (list []Entry) {
	for _, k := range services {
		list = append(list, entry(service(k, "rr")))
	}
	return list
}

// procKeys are the services in a text, as far as they are understood.
func procKeys(text string) (keys []ServiceKey) {
	for line := range strings.Lines(text) {
		if k, ok := parseProcService([]byte(line)); ok && k != (ServiceKey{}) {
			k.Family = cmp.Or(k.Family, IPv4)
			keys = append(keys, k)
		}
	}
	return keys
}

func TestProcTable(t *testing.T) {
	// As Linux 6.1 writes it.
	const text = procTitle +
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
		"  -> 0A000009:0000      Route   1      0          0         \n"
	for _, c := range []struct {
		service ServiceKey
		detail  Detail
		known   bool
		servers []DestinationState
	}{
		{tcp("10.0.0.1:80"), Basic, true, []DestinationState{
			procState("10.0.0.2:80", Masq, 1, 0, 0), procState("10.0.0.3:8080", Route, 70000, 12, 4000000000),
			procState("10.0.0.4:80", Tunnel, 0, 0, 0), procState("10.0.0.5:80", LocalNode, 2147483647, 0, 0),
			procState("[2001:db8::7]:80", Tunnel, 1, 0, 0)}},
		{tcp("10.0.0.1:80"), WithTunnels, false, nil},
		{udp("10.0.0.1:5060"), WithTunnels, true, nil},
		{sctp("[2001:db8::1]:9"), WithTunnels, true, []DestinationState{procState("[2001:db8::2]:9", Route, 1, 0, 0)}},
		{sctp("[2001:db8::1]:9"), Full, false, nil},
		{fwmark(IPv6, 3000000000), Settings, true, []DestinationState{procState("10.0.0.9:0", Route, 1, 0, 0)}},
		{key(47, "10.0.0.1:0"), Basic, false, nil},
	} {
		p := newProcTable(entriesOf([]ServiceKey{c.service}))
		if !p.parse(strings.NewReader(text), c.detail) {
			t.Fatal("not understood")
		}
		p.doubt(c.detail)
		if p.lines != 5 || p.knows(0) != c.known {
			t.Errorf("%+v: known is %v; %d services", c.service, p.knows(0), p.lines)
		}
		got := p.list[0].Destinations
		if c.known && !slices.Equal(got, c.servers) {
			t.Errorf("%+v: %+v, want %+v", c.service, got, c.servers)
		}
		if cap(got) != len(got) {
			t.Errorf("%+v: appending would overwrite the next service's servers", c.service)
		}
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
		if p := newProcTable(nil); p.parse(strings.NewReader(text), Basic) {
			t.Errorf("%s: understood as %+v", name, p)
		}
	}
	broken := io.MultiReader(strings.NewReader(procTitle+web), iotest.ErrReader(errors.New("broken")))
	if newProcTable(nil).parse(broken, Basic) {
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
		"twice in /proc":              {two + "TCP  0A000001:0050 rr  \n", []ServiceKey{web, mark4}, false, []ServiceKey{web, mark4}},
		"twice in /proc and netlink":  {two + "TCP  0A000001:0050 rr  \n", []ServiceKey{web, web, mark4}, false, []ServiceKey{mark4}},
		"mark in both families":       {two + "FWM  00000007 rr \n", []ServiceKey{web, mark4, mark6}, false, []ServiceKey{web}},
		"mark in both, one in /proc":  {two, []ServiceKey{web, mark4, mark6}, false, []ServiceKey{web}},
		"another protocol":            {two + "IP_9  0A000001:0050 rr  \n", []ServiceKey{web, mark4, key(9, "10.0.0.1:80")}, false, []ServiceKey{web, mark4}},
		"address as IPv6, not mapped": {two, []ServiceKey{tcp("[::ffff:10.0.0.1]:80"), mark4}, false, []ServiceKey{mark4}},
	} {
		p := readText(c.text, c.services)
		if got := p.confirms(); got != c.confirms {
			t.Errorf("%s: confirms %v", name, got)
		}
		for i, k := range c.services {
			if p.knows(i) != slices.Contains(c.known, k) {
				t.Errorf("%s: %+v certain is %v", name, k, p.knows(i))
			}
		}
	}
	var none *procTable
	if none.confirms() {
		t.Error("no file confirms")
	}
	if none.knows(0) {
		t.Error("no file has servers")
	}
}
