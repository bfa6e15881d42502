package sched

import (
	"net/netip"
	"testing"

	"ipvsadm/ipvs"
	"ipvsadm/testdata/lab/uml"
	"ipvsadm/testdata/lab/wire"
)

// TestSimulationsAreTheKernels sends the connections of a simulation to a kernel,
// which must share them out in the same way.
func TestSimulationsAreTheKernels(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		for _, known := range All() {
			if known.Name == "twos" { // which the kernel of the tests does not have
				continue
			}
			t.Run(known.Name, func(t *testing.T) {
				uml.NewNetNS(t, "director").Do(func() { simulateInKernel(t, known.Name) })
			})
		}
	})
}

func simulateInKernel(t *testing.T, scheduler string) {
	network(t)
	d := small(t, scheduler, 0)
	defer d.client.Close()
	for i, weight := range []int{4, 2, 0, 6, 1} {
		one := Server{Addr: d.server(i + 1), Weight: weight}
		if weight == 2 {
			one.Upper = 20
		}
		d.add(one)
	}
	load := Traffic{Clients: 40, Connections: 300, Rate: 1000, Stream: true, Seed: 3}
	for range 8 {
		load.Virtual = append(load.Virtual, netip.AddrPortFrom(d.address(19, 256), 80))
	}
	fresh := newRun(d.model, load)
	o, err := Simulate(d.model, load, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range load.Connections {
		c, _, _ := fresh.draw(fresh.random.IntN(load.Clients))
		d.send(c.Client, c.Virtual, true, wire.SYN)
	}
	table, err := d.client.Table(ipvs.Query{Service: d.service})
	if err != nil {
		t.Fatal(err)
	}
	served := 0
	for i, got := range table[0].Destinations {
		want := o.Tallies[i]
		if got.Addr != want.Server || int(got.Active) != want.Connections {
			t.Errorf("the kernel gave %s %d connections, the simulation %s %d", got.Addr, got.Active, want.Server, want.Connections)
		}
		served += int(got.Active)
	}
	if served+o.Refused != load.Connections || served == 0 {
		t.Errorf("%d served, %d refused of %d", served, o.Refused, load.Connections)
	}
}
