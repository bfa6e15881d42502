package jsonform

import (
	"bufio"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"net/netip"

	"ipvsadm/ipvs"
)

// web is a table of one service as Parse returns it.
func web() ipvs.Wanted {
	return ipvs.Wanted{Service: ipvs.Service{
		ServiceKey: ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.TCP, Addr: netip.MustParseAddrPort("10.0.0.1:80")},
		Scheduler:  "wlc", Netmask: ipvs.HostMask(ipvs.IPv4),
	}}
}

func TestWhatIsLeftOutHasIpvsadmsDefaults(t *testing.T) {
	server := ipvs.Destination{Addr: netip.MustParseAddrPort("10.0.1.1:80"), Forward: ipvs.Route, Weight: 1}
	withServer, sticky, mark := web(), web(), web()
	withServer.Destinations = []ipvs.Destination{server}
	sticky.Flags, sticky.Timeout = ipvs.Persistent, 360*time.Second
	mark.ServiceKey = ipvs.ServiceKey{Family: ipvs.IPv6, FWMark: 7}
	mark.Netmask, mark.Scheduler, mark.Flags = 64, "sh", ipvs.SchedFlag2
	for text, want := range map[string]ipvs.Wanted{
		`{"services":[{"protocol":"tcp","addr":"10.0.0.1","port":80}]}`: web(),
		`{"services":[{"protocol":"tcp","addr":"10.0.0.1","port":80,
			"destinations":[{"addr":"10.0.1.1"}]}]}`: withServer,
		`{"services":[{"protocol":"6","addr":"10.0.0.1","port":80,"flags":["persistent"]}]}`: sticky,
		`{"services":[{"sched_name":"sh","af":"inet6","fwmark":7,"flags":["sh-port"],"netmask":"64"}],
			"version":"1.2.1","conn_tab_size":4096}`: mark,
	} {
		got, errs := Parse([]byte(text))
		if len(errs) > 0 || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("%s: got %+v, %v\nwant %+v", text, got, errs, want)
		}
	}
}

func TestMistakesAreNamedWithTheirPlace(t *testing.T) {
	const service = `"protocol":"tcp","addr":"10.0.0.1","port":80`
	server := func(members string) string {
		return `{"services":[{` + service + `,"destinations":[{"addr":"10.0.1.1",` + members + `}]}]}`
	}
	for text, want := range map[string]string{
		``:                      `line 1, column 1: the document is empty`,
		"\n-A -f 1\n":           `line 2, column 1: this is no JSON, but what is read without --json`,
		"{\n \"a\" 1}":          `line 2, column 6: invalid character '1' after object key`,
		`{"services":[`:         `line 1, column 14: unexpected end of JSON input`,
		"{\"services\":[]}\n{}": `line 2, column 1: invalid character '{' after top-level value`,
		`[]`:                    `line 1, column 1: want an object`,
		`{"timeouts":{}}`: `line 1, column 1: services: is missing: this is not a table` + "\n" +
			`line 1, column 2: timeouts: unknown; known here are version, conn_tab_size, services`,
		`{"services":{}}`:               `line 1, column 2: services: want an array`,
		`{"services":[7]}`:              `line 1, column 14: services[0]: want an object`,
		`{"services":[],"services":[]}`: `line 1, column 16: services: is here twice`,
		`{"services":[{"protocol":"tcp","addr":"10.0.0.1"}]}`:                                                 `line 1, column 14: services[0].port: is missing: a service has a fwmark, or protocol, addr and port`,
		"{\"services\":[\n{" + service + "},\n{" + service + "}]}":                                            `line 3, column 1: services[1]: is the same as services[0]`,
		`{"services":[{"fwmark":1,"port":80}]}`:                                                               `line 1, column 26: services[0].port: has no place beside fwmark`,
		`{"services":[{"fwmark":0}]}`:                                                                         `line 1, column 15: services[0].fwmark: want a number from 1 to 4294967295`,
		`{"services":[{"fwmark":1.5}]}`:                                                                       `line 1, column 15: services[0].fwmark: want a whole number from 0 to 4294967295`,
		`{"services":[{"fwmark":1,"af":"ipv4"}]}`:                                                             `line 1, column 26: services[0].af: want inet or inet6`,
		`{"services":[{` + service + `,"af":"inet6"}]}`:                                                       `line 1, column 60: services[0].af: is not that of 10.0.0.1`,
		`{"services":[{"protocol":"gre","addr":"10.0.0.1","port":80}]}`:                                       `line 1, column 15: services[0].protocol: want tcp, udp or sctp`,
		`{"services":[{"protocol":"tcp","addr":"www","port":80}]}`:                                            `line 1, column 32: services[0].addr: "www" is not an IP address`,
		`{"services":[{` + service + `,"sched_name":7}]}`:                                                     `line 1, column 60: services[0].sched_name: want a string`,
		`{"services":[{` + service + `,"sched_name":"0123456789abcdef"}]}`:                                    `line 1, column 60: services[0].sched_name: want at most 15 bytes, none of them 0`,
		`{"services":[{` + service + `,"flags":["sh-port"]}]}`:                                                `line 1, column 60: services[0].flags: [0]: "sh-port": flag of another scheduler`,
		`{"services":[{` + service + `,"flags":"ops"}]}`:                                                      `line 1, column 60: services[0].flags: want an array of strings`,
		`{"services":[{` + service + `,"flags":[1]}]}`:                                                        `line 1, column 69: services[0].flags[0]: want a string`,
		`{"services":[{` + service + `,"netmask":"24"}]}`:                                                     `line 1, column 60: services[0].netmask: want a mask such as 255.255.255.0`,
		`{"services":[{"af":"inet6","fwmark":1,"netmask":"/129"}]}`:                                           `line 1, column 39: services[0].netmask: want a prefix length such as /64`,
		server(`"wieght":1`):                                                                                  `line 1, column 95: services[0].destinations[0].wieght: unknown; known here are addr, port, fwd_method, weight, u_thresh, l_thresh, tun_type, tun_port, tun_flags, active_conns, inact_conns, persist_conns, stats`,
		server(`"weight":-1`):                                                                                 `line 1, column 95: services[0].destinations[0].weight: want a whole number from 0 to 2147483647`,
		server(`"port":65536`):                                                                                `line 1, column 95: services[0].destinations[0].port: want a whole number from 0 to 65535`,
		server(`"fwd_method":"nat"`):                                                                          `line 1, column 95: services[0].destinations[0].fwd_method: want masq, tunnel, route, local or bypass`,
		server(`"l_thresh":1`):                                                                                `line 1, column 95: services[0].destinations[0].l_thresh: is above u_thresh, which is 0`,
		server(`"tun_type":"vxlan"`):                                                                          `line 1, column 95: services[0].destinations[0].tun_type: want ipip, gue or gre`,
		server(`"tun_flags":["x"]`):                                                                           `line 1, column 95: services[0].destinations[0].tun_flags: want csum or remcsum, not "x"`,
		server(`"fwd_method":"tunnel","tun_type":"gue"`):                                                      `line 1, column 76: services[0].destinations[0].tun_port: is missing: a gue tunnel has one`,
		`{"services":[{` + service + `,"destinations":[{}]}]}`:                                                `line 1, column 76: services[0].destinations[0].addr: is missing`,
		`{"services":[{` + service + `,"destinations":[{"addr":"2001:db8::1"}]}]}`:                            `line 1, column 77: services[0].destinations[0].addr: another address family than the service's needs fwd_method tunnel`,
		`{"services":[{` + service + `,"destinations":[{"addr":"10.0.1.1"},{"addr":"10.0.1.1","port":80}]}]}`: `line 1, column 96: services[0].destinations[1]: is the same as destinations[0]`,
	} {
		table, errs := Parse([]byte(text))
		var got []string
		for _, err := range errs {
			got = append(got, err.Error())
			if place := (*Error)(nil); !errors.As(err, &place) {
				t.Errorf("%s: %T has no place", text, err)
			}
		}
		if strings.Join(got, "\n") != want || table != nil {
			t.Errorf("%s: got %v\n%s\nwant\n%s", text, table, strings.Join(got, "\n"), want)
		}
	}
}

func TestStringsAreEscaped(t *testing.T) {
	got := string(appendString(nil, "a\"b\\c\n\x00\x7fé\xffz"))
	if want := `"a\"b\\c\u000a\u0000\u007fé` + "\ufffd" + `z"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What one can put into the other takes: any text that Parse accepts is written
// and read again as the same table.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"services":[{"protocol":"tcp","addr":"10.0.0.1","port":80,"destinations":[{"addr":"10.0.1.1"}]}]}`))
	f.Add([]byte(`{"services":[{"af":"inet6","fwmark":7,"flags":["persistent","ops","flag-3"],"netmask":"/64","pe_name":"sip",
		"destinations":[{"addr":"10.0.1.1","fwd_method":"tunnel","tun_type":"gue","tun_port":6080,"tun_flags":["csum"],"weight":0,"u_thresh":9,"l_thresh":3}]}]}`))
	f.Add([]byte(`{"services":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		table, errs := Parse(text)
		if len(errs) > 0 {
			return
		}
		var entries []ipvs.Entry
		for _, w := range table {
			e := ipvs.Entry{ServiceState: ipvs.ServiceState{Service: w.Service}}
			for _, d := range w.Destinations {
				e.Destinations = append(e.Destinations, ipvs.DestinationState{Destination: d})
			}
			entries = append(entries, e)
		}
		var out strings.Builder
		w := bufio.NewWriter(&out)
		WriteTable(w, ipvs.Info{}, entries, true)
		w.Flush()
		again, errs := Parse([]byte(out.String()))
		if len(errs) > 0 || !reflect.DeepEqual(again, table) {
			t.Errorf("%s\nis %+v\nwritten as\n%s\nread as %+v, %v", text, table, &out, again, errs)
		}
	})
}
