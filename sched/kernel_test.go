package sched

import (
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"

	"ipvsadm/ipvs"
	"ipvsadm/testdata/lab/uml"
	"ipvsadm/testdata/lab/wire"
)

var update = flag.Bool("update", false, "write the golden file anew, in the kernel")

func TestMain(m *testing.M) {
	uml.Init()
	os.Exit(m.Run())
}

// TestEverySchedulerChoosesAsTheKernelDoes sends connections of many clients to
// many addresses of a service, TCP and UDP, while servers are added, removed,
// weighed anew and given thresholds, and compares one by one.
func TestEverySchedulerChoosesAsTheKernelDoes(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		var golden strings.Builder
		for _, g := range games() {
			t.Run(g.name, func(t *testing.T) {
				uml.NewNetNS(t, "director").Do(func() {
					network(t)
					client, err := ipvs.Open(ipvs.Options{})
					if err != nil {
						t.Fatal(err)
					}
					defer client.Close()
					golden.WriteString(g.name + " " + g.play(t, client).check() + "\n")
				})
			})
		}
		if *update && !t.Failed() {
			if err := os.WriteFile(goldenFile, []byte(golden.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// network gives every address a way out that leads nowhere.
func network(t *testing.T) {
	t.Helper()
	if err := wire.Dead(); err != nil {
		t.Fatal(err)
	}
}

// check compares the kernel's connections with what the model said, and returns
// whom the kernel took in the notation of golden.
func (d *director) check() string {
	file, err := d.client.Connections()
	if err != nil {
		d.t.Fatal(err)
	}
	defer file.Close()
	got := map[flow]netip.AddrPort{}
	scanner := ipvs.NewConnScanner(file)
	for scanner.Scan() {
		c := scanner.Conn()
		got[flow{c.Protocol == "TCP", c.Client, c.Virtual}] = c.Destination
	}
	if err := scanner.Err(); err != nil {
		d.t.Fatal(err)
	}
	served, wrong := 0, 0
	first := want{number: len(d.flows) + 1}
	var firstFlow flow
	for f, w := range d.want {
		if w.server.IsValid() {
			served++
		}
		if d.model.options.Persistent > 0 && w.server.IsValid() {
			// By firewall mark, persistence keeps the port of the packet.
			w.server = netip.AddrPortFrom(w.server.Addr(), f.virtual.Port())
		}
		if got[f] != w.server {
			wrong++
			if w.number < first.number {
				first, firstFlow = w, f
			}
		}
	}
	if wrong > 0 {
		d.t.Errorf("%d of %d differ; the first is number %d, %s to %s: the kernel took %s, the model %s, because %v",
			wrong, len(d.flows), first.number, firstFlow.client, firstFlow.virtual, got[firstFlow], first.server, first.why)
	}
	d.t.Logf("%d connections, %d served", len(d.flows), served)
	if served == 0 {
		d.t.Error("nobody was served")
	}
	d.counters()
	servers := make([]netip.AddrPort, len(d.flows))
	for i, f := range d.flows {
		servers[i] = got[f]
	}
	return d.golden(servers)
}

// counters compares the numbers of connections, and the order of the servers.
func (d *director) counters() {
	table, err := d.client.Table(ipvs.Query{Service: d.service})
	if err != nil || len(table) != 1 {
		d.t.Fatal(len(table), err)
	}
	servers := d.model.Servers()
	for i, got := range table[0].Destinations {
		want := servers[i]
		if got.Addr != want.Addr || int(got.Active) != want.Active || int(got.Inactive) != want.Inactive {
			d.t.Errorf("server %d of the kernel is %s with %d+%d connections, of the model %s with %d+%d",
				i, got.Addr, got.Active, got.Inactive, want.Addr, want.Active, want.Inactive)
		}
	}
}
