package ipvstest_test

import (
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
	"ipvsadm/testdata/lab/uml"
)

// TestTrashOnRealKernel lets real connections count before a real server is
// removed. Each case has a namespace of its own, so that all wait together for
// the kernel to add up its counters.
func TestTrashOnRealKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		cases := trashTable()
		clients := make([]*ipvs.Client, len(cases))
		for i, c := range cases {
			ns := uml.NewNetNS(t, fmt.Sprintf("trash%d", i))
			for _, a := range []string{"10.0.0.1/32", "10.0.0.2/32", "10.0.0.9/32", "a00:1::/128", "a00:1::5/128"} {
				ns.AddAddr(t, "lo", a)
			}
			client, err := ipvs.Open(ipvs.Options{Namespace: ns.Path()})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			must(t, client, c.setUp()...)
			ns.Do(func() { send(t, c.from.ServiceKey) })
			clients[i] = client
		}
		time.Sleep(2500 * time.Millisecond) // ip_vs_est.c does its sums every 2 s
		for i, c := range cases {
			t.Run(c.name, func(t *testing.T) { compareTrash(t, c, clients[i]) })
		}
	})
}

// compareTrash gives the fake the counters of the kernel, changes both and
// looks at both again.
func compareTrash(t *testing.T, c trashCase, client *ipvs.Client) {
	fake := build(t, ipvstest.Options{}, c.setUp()...)
	counted := read(t, client)[0]
	server := counted.Destinations[0]
	if server.Stats.Conns != 1 || server.Inactive != 1 || server.Persistent != uint32(c.from.Flags&ipvs.Persistent) {
		t.Fatalf("after one connection the kernel shows %+v", server)
	}
	fake.SetStats(c.from.ServiceKey, counted.Stats)
	fake.SetConnections(c.from.ServiceKey, server.Addr, server.Active, server.Inactive, server.Persistent)
	fake.SetDestinationStats(c.from.ServiceKey, server.Addr, server.Stats)
	must(t, fake, c.change...)
	must(t, client, c.change...)

	real, err := client.Table(ipvs.Query{Service: c.look, Detail: ipvs.Full})
	if err != nil {
		t.Fatal(err)
	}
	got, want := table(t, fake, c.look)[0].Destinations[0], real[0].Destinations[0]
	// Rates fade as time goes by.
	got.Stats, want.Stats = totals(got.Stats), totals(want.Stats)
	if got != want {
		t.Errorf("fake %+v\nkernel %+v", got, want)
	}
	if kept := (kept{want.Inactive == 1, want.Stats.Conns == 1}); kept != c.keeps {
		t.Errorf("the kernel keeps %+v, the table says %+v", kept, c.keeps)
	}
}

func totals(s ipvs.Stats) ipvs.Stats {
	s.CPS, s.InPPS, s.OutPPS, s.InBPS, s.OutBPS = 0, 0, 0, 0, 0
	return s
}

// send sends one datagram to a service, of the calling thread's namespace.
func send(t *testing.T, k ipvs.ServiceKey) {
	t.Helper()
	to := k.Addr.String()
	if k.FWMark != 0 {
		to = "10.0.0.1:80"
	}
	d := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		if e := raw.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_MARK, int(k.FWMark))
		}); e != nil {
			return e
		}
		return err
	}}
	conn, err := d.Dial("udp", to)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
}
