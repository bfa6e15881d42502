package sched

import (
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/testdata/lab/uml"
)

// TestOverloadEndsAsInTheKernel lets connections of overloaded servers expire:
// one server comes below its lower threshold by that, one does not.
func TestOverloadEndsAsInTheKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		network(t)
		d := small(t, "fo", 0)
		defer d.client.Close()
		d.add(Server{Addr: d.server(1), Weight: 1})
		d.add(Server{Addr: d.server(2), Weight: 5, Upper: 10, Lower: 4})
		d.add(Server{Addr: d.server(3), Weight: 7, Upper: 10}) // 8 is the first number that is too many
		d.add(Server{Addr: d.server(4), Weight: 9, Upper: 10, Lower: 5})

		var short []flow
		for _, n := range [][2]int{{6, 4}, {2, 8}, {6, 4}} { // for servers 4, 3, 2
			d.do(ipvs.SetTimeouts{Timeouts: ipvs.Timeouts{UDP: 4 * time.Second}})
			short = append(short, d.datagrams(n[0])...)
			d.do(ipvs.SetTimeouts{Timeouts: ipvs.Timeouts{UDP: 300 * time.Second}})
			d.datagrams(n[1])
		}
		d.datagrams(1) // all three are overloaded
		for _, f := range short {
			d.model.Closed(d.want[f].server, false)
		}
		d.waitFor(len(d.flows) - len(short))
		for _, one := range []struct {
			server int
			over   bool
		}{{4, false}, {3, true}, {2, true}} {
			if got := d.model.known[d.server(one.server)].Overloaded; got != one.over {
				t.Errorf("server %d is overloaded: %v", one.server, got)
			}
		}
		d.datagrams(1) // server 4 again
		d.update(Server{Addr: d.server(4)})
		d.datagrams(1) // neither 3 nor 2: they are overloaded still
		for _, f := range short {
			delete(d.want, f)
		}
		d.check()
	})
}

// TestSetsShrinkAsInTheKernel lets the sets of lblcr grow, and grow old.
func TestSetsShrinkAsInTheKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		network(t)
		if err := os.WriteFile("/proc/sys/net/ipv4/vs/lblcr_expiration", []byte("2"), 0); err != nil {
			t.Fatal(err)
		}
		d := small(t, "lblcr", 2*time.Second)
		defer d.client.Close()
		for n := range 6 {
			d.add(Server{Addr: d.server(n + 1), Weight: 5})
		}
		shrunk := false
		for range 2 {
			d.connect(60)
			before := d.sets()
			time.Sleep(3 * time.Second)
			d.connect(60)
			for addr, set := range d.sets() {
				shrunk = shrunk || slices.ContainsFunc(before[addr], func(one *server) bool { return !slices.Contains(set, one) })
			}
			d.add(Server{Addr: d.server(9), Weight: 40}) // idle, so sets grow
			d.connect(30)
			d.remove(d.server(9))
		}
		if !shrunk {
			t.Error("no set has shrunk")
		}
		d.check()
	})
}

// small is a director with a service by firewall mark and no server yet.
func small(t *testing.T, scheduler string, expiry time.Duration) *director {
	client, err := ipvs.Open(ipvs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return game{scheduler: scheduler, family: ipvs.IPv4}.director(t, client, expiry)
}

// datagrams sends datagrams of as many clients and returns their flows.
func (d *director) datagrams(n int) []flow {
	d.t.Helper()
	for range n {
		port := uint16(1000 + len(d.flows))
		d.begin(flow{false, netip.AddrPortFrom(d.address(18, 2000), port), netip.AddrPortFrom(d.address(19, 24), 80)}, time.Since(d.began))
	}
	return d.flows[len(d.flows)-n:]
}

// waitFor waits until the kernel has so many connections.
func (d *director) waitFor(n int) {
	d.t.Helper()
	for range 100 {
		table, err := d.client.Table(ipvs.Query{Service: d.service})
		if err != nil || len(table) != 1 {
			d.t.Fatal(len(table), err)
		}
		sum := 0
		for _, s := range table[0].Destinations {
			sum += int(s.Active + s.Inactive)
		}
		if sum == n {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	d.t.Fatalf("the kernel never had %d connections", n)
}

// sets returns the sets of lblcr.
func (d *director) sets() map[netip.Addr][]*server {
	sets := map[netip.Addr][]*server{}
	for _, bucket := range d.model.algorithm.(*locality).buckets {
		for _, e := range bucket {
			sets[e.addr] = slices.Clone(e.servers)
		}
	}
	return sets
}
