package check

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

func TestWantedOfAGroup(t *testing.T) {
	server := serverOf(1, 2)
	server.Service.ServiceKey = ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.TCP}
	server.Group = "G"
	server.Reals[0].Addr = netip.MustParseAddrPort("10.0.1.0:0")
	server.Reals[1].Addr = netip.MustParseAddrPort("10.0.1.1:8080")
	c := &Config{Servers: []ServerConfig{*server}, Groups: []GroupConfig{{Name: "G", Entries: []GroupEntry{
		{First: netip.MustParseAddr("10.0.0.1"), Last: netip.MustParseAddr("10.0.0.2"), Port: 443},
		{Mark: 7}, {Mark: 8, Family: ipvs.IPv6},
	}}}}
	p, _ := NewPool(&c.Servers[0], nil)
	k := ipvstest.New(ipvstest.Options{})
	plan := ipvs.Plan(nil, c.Wanted([]*Pool{p})[:3], ipvs.OwnsAll)
	if errs := k.Do(ipvs.Ops(plan)...); errs != nil {
		t.Fatal(errs)
	}
	got := strings.Split(strings.TrimSpace(k.String()), "\n")
	slices.Sort(got)
	want := []string{
		"-A -f 7 -s rr",
		"-A -t 10.0.0.1:443 -s rr",
		"-A -t 10.0.0.2:443 -s rr",
		"-a -f 7 -r 10.0.1.0:0 -m -w 1",
		"-a -f 7 -r 10.0.1.1:8080 -m -w 2",
		"-a -t 10.0.0.1:443 -r 10.0.1.0:443 -m -w 1",
		"-a -t 10.0.0.1:443 -r 10.0.1.1:8080 -m -w 2",
		"-a -t 10.0.0.2:443 -r 10.0.1.0:443 -m -w 1",
		"-a -t 10.0.0.2:443 -r 10.0.1.1:8080 -m -w 2",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the table is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if six := c.Wanted([]*Pool{p})[3]; six.Netmask != 128 || six.FWMark != 8 {
		t.Errorf("the IPv6 service of the group: %+v", six.Service)
	}
}

// TestOwner removes a service, a server and a sorry server from the
// configuration: what only others made stays.
func TestOwner(t *testing.T) {
	mail := serverOf(1)
	mail.Service.Addr = netip.MustParseAddrPort("10.0.0.1:25")
	before := &Config{Servers: []ServerConfig{*with(serverOf(1, 1), sorryInhibit), *mail}}
	after := &Config{Servers: []ServerConfig{*serverOf(1)}}
	k := ipvstest.New(ipvstest.Options{})
	apply := func(c, old *Config) int {
		t.Helper()
		var pools []*Pool
		for i := range c.Servers {
			p, _ := NewPool(&c.Servers[i], nil)
			pools = append(pools, p)
		}
		have, err := k.Table(ipvs.Query{Detail: ipvs.Full})
		if err != nil {
			t.Fatal(err)
		}
		plan := ipvs.Plan(have, c.Wanted(pools), c.Owner(old))
		if errs := k.Do(ipvs.Ops(plan)...); errs != nil {
			t.Fatal(errs)
		}
		return len(plan)
	}
	foreign := ipvs.Service{ServiceKey: ipvs.ServiceKey{Family: ipvs.IPv4, FWMark: 9}, Scheduler: "sh", Netmask: 0xffffffff}
	apply(before, nil)
	for _, err := range k.Do(ipvs.AddService{Service: foreign},
		ipvs.AddDestination{Service: webKey, Destination: ipvs.Destination{Addr: addrOf(99), Weight: 3}}) {
		t.Fatal(err)
	}
	if n := apply(before, nil); n != 0 {
		t.Errorf("the same again: %d changes", n)
	}
	if n := apply(after, before); n != 3 {
		t.Errorf("%d changes for a server, a sorry server and a service that go", n)
	}
	want := "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.0.1.99:80 -m -w 3\n-a -t 10.0.0.1:80 -r 10.0.1.0:80 -m -w 1\n-A -f 9 -s sh\n"
	if k.String() != want {
		t.Errorf("the table is\n%swant\n%s", k, want)
	}
	for _, errs := range k.Do(ipvs.Flush{}, ipvs.AddService{Service: foreign}) {
		t.Fatal(errs)
	}
	if n := apply(after, after); n != 2 || !strings.Contains(k.String(), "10.0.1.0:80") {
		t.Errorf("after a flush from outside %d changes and\n%s", n, k)
	}
}
