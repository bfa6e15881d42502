package ipvs

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	moby "github.com/moby/ipvs"

	"ipvsadm/testdata/lab/uml"
)

// TestMobyReadsWhatWeWrite and TestWeReadWhatMobyWrites compare with
// github.com/moby/ipvs, which shares no code with us. Where it is known to be
// wrong the comparison says so.
func TestMobyReadsWhatWeWrite(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		c, h := open(t, Options{}), openMoby(t)
		want := randomTable()
		must(t, c, opsOf(want)...)
		must(t, c, SetTimeouts{Timeouts{time.Hour, time.Minute, time.Second}})

		services, err := h.GetServices()
		if err != nil {
			t.Fatal(err)
		}
		got := map[ServiceKey]Service{}
		for _, m := range services {
			s := ServiceFromMoby(m)
			got[s.ServiceKey] = s
		}
		for _, e := range want {
			s := e.Service
			s.Flags |= Hashed
			s.PE = "" // which moby does not read
			if got[s.ServiceKey] != s {
				t.Errorf("moby reads %+v, want %+v", got[s.ServiceKey], s)
			}
			dests, err := h.GetDestinations(e.Service.Moby())
			if err != nil {
				t.Fatal(err)
			}
			read := map[netip.AddrPort]Destination{}
			for _, m := range dests {
				d := DestinationFromMoby(m, s.Family)
				read[d.Addr] = d
			}
			for _, d := range e.Destinations {
				d := d.Destination
				d.Tunnel = Encapsulation{} // which moby does not know
				d.Weight &= 0xffff         // of which it reads 16 bits
				if read[d.Addr] != d {
					t.Errorf("moby reads %+v, want %+v", read[d.Addr], d)
				}
			}
			if len(read) != len(e.Destinations) {
				t.Errorf("moby reads %d servers, want %d", len(read), len(e.Destinations))
			}
		}
		if len(services) != len(want) {
			t.Errorf("moby reads %d services, want %d", len(services), len(want))
		}
		config, err := h.GetConfig()
		if err != nil || *config != (moby.Config{TimeoutTCP: time.Hour, TimeoutTCPFin: time.Minute, TimeoutUDP: time.Second}) {
			t.Errorf("moby reads timeouts %+v, %v", config, err)
		}
	})
}

func TestWeReadWhatMobyWrites(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		c, h := open(t, Options{}), openMoby(t)
		want := randomTable()
		for i := range want {
			e := &want[i]
			if err := h.NewService(e.Service.Moby()); err != nil {
				t.Fatalf("%+v: %v", e.Service, err)
			}
			e.Destinations = slices.DeleteFunc(e.Destinations, func(d DestinationState) bool {
				return FamilyOf(d.Addr.Addr()) != e.Family // which moby writes as one of the service's
			})
			for j := range e.Destinations {
				d := &e.Destinations[j].Destination
				d.Tunnel = Encapsulation{}
				if err := h.NewDestination(e.Service.Moby(), d.Moby()); err != nil {
					t.Fatalf("%+v: %v", *d, err)
				}
			}
		}
		if err := h.SetConfig(&moby.Config{TimeoutTCP: time.Hour, TimeoutTCPFin: time.Minute, TimeoutUDP: time.Second}); err != nil {
			t.Fatal(err)
		}
		compareTable(t, c, want)
		if got, err := c.Timeouts(); err != nil || got != (Timeouts{time.Hour, time.Minute, time.Second}) {
			t.Errorf("timeouts %+v, %v", got, err)
		}

		// What moby changes and takes away.
		e := &want[0]
		e.Scheduler, e.Flags, e.Timeout = "wlc", Persistent, 77*time.Second
		e.Destinations[0].Weight = 12
		if err := h.UpdateService(e.Service.Moby()); err != nil {
			t.Fatal(err)
		}
		if err := h.UpdateDestination(e.Service.Moby(), e.Destinations[0].Destination.Moby()); err != nil {
			t.Fatal(err)
		}
		last := want[len(want)-1].Service
		if err := h.DelService(last.Moby()); err != nil {
			t.Fatal(err)
		}
		compareTable(t, c, want[:len(want)-1])
	})
}

func openMoby(t *testing.T) *moby.Handle {
	h, err := moby.New("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func opsOf(entries []Entry) (ops []Op) {
	for _, e := range entries {
		ops = append(ops, AddService{e.Service})
		for _, d := range e.Destinations {
			ops = append(ops, AddDestination{e.ServiceKey, d.Destination})
		}
	}
	return ops
}

// compareTable compares what the kernel has, at every detail, with entries in
// the order in which they were added.
func compareTable(t testing.TB, c *Client, entries []Entry) {
	t.Helper()
	want := map[ServiceKey]Entry{}
	for _, e := range entries {
		e.Flags |= Hashed
		e.Destinations = slices.Clone(e.Destinations)
		slices.Reverse(e.Destinations) // the kernel puts the newest first
		want[e.ServiceKey] = e
	}
	order := table(t, c, Query{Detail: Full})
	for _, d := range []Detail{Basic, WithTunnels, Full} {
		got := table(t, c, Query{Detail: d})
		if len(got) != len(entries) {
			t.Errorf("detail %d: %d services, want %d", d, len(got), len(entries))
		}
		for i, e := range got {
			w := []Entry{want[e.ServiceKey]}
			if d != Full {
				w = basic(w)
				if d == WithTunnels {
					for j := range e.Destinations {
						if e.Destinations[j].Tunnel != want[e.ServiceKey].Destinations[j].Tunnel {
							t.Errorf("tunnel %+v", e.Destinations[j])
						}
					}
				}
				e = basic([]Entry{e})[0]
			}
			if !sameTable([]Entry{e}, w) {
				t.Errorf("detail %d: %+v, want %+v", d, e, w[0])
			}
			if i < len(order) && order[i].ServiceKey != e.ServiceKey {
				t.Errorf("detail %d: %+v in place %d, which has %+v", d, e.ServiceKey, i, order[i].ServiceKey)
			}
		}
	}
}

// randomTable has 120 services of all kinds with up to 8 servers of all kinds,
// the same in every run.
func randomTable() (entries []Entry) {
	r := rand.New(rand.NewPCG(1, 2))
	addr := func(f Family, service bool, n int) netip.Addr {
		net := byte(2)
		if service {
			net = 1
		}
		if f == IPv4 {
			return netip.AddrFrom4([4]byte{10, net, byte(n >> 8), byte(n)})
		}
		return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, net, 14: byte(n >> 8), 15: byte(n)})
	}
	for i := range 120 {
		f := []Family{IPv4, IPv6}[r.IntN(2)]
		k := ServiceKey{Family: f, Protocol: []Protocol{TCP, UDP, SCTP, 47}[r.IntN(4)],
			Addr: netip.AddrPortFrom(addr(f, true, i), uint16(r.IntN(65536)))}
		if r.IntN(4) == 0 {
			k = fwmark(f, uint32(i/2+1)+1<<31*uint32(r.IntN(2))) // some in both families
			if slices.ContainsFunc(entries, func(e Entry) bool { return e.ServiceKey == k }) {
				continue
			}
		}
		s := service(k, []string{"rr", "wlc", "sh", "mh", "none"}[r.IntN(5)])
		s.Flags = ServiceFlags(r.IntN(8)) << 3
		if r.IntN(3) == 0 {
			s.Flags |= Persistent
			s.Timeout = time.Duration(1+r.IntN(2678400)) * time.Second
			s.Netmask = uint32(1 + r.IntN(128))
			if f == IPv4 {
				s.Netmask = 0xffffffff << r.IntN(32)
			}
			if k.Protocol == UDP {
				s.PE = "sip"
			}
		}
		if k.Protocol == UDP && r.IntN(2) == 0 {
			s.Flags |= OnePacket
		}
		e := entry(s)
		for j := range r.IntN(9) {
			d := Destination{Forward: []Forward{Masq, Route, Tunnel, LocalNode}[r.IntN(4)], Weight: r.Uint32N(1 << 31)}
			df := f
			if d.Forward == Tunnel {
				df = []Family{IPv4, IPv6}[r.IntN(2)]
				d.Tunnel = []Encapsulation{{}, {GUE, uint16(1 + r.IntN(65535)), TunnelFlags(r.IntN(3))}, {Type: GRE, Flags: TunnelFlags(r.IntN(2))}}[r.IntN(3)]
			}
			d.Addr = netip.AddrPortFrom(addr(df, false, 10*i+j), uint16(r.IntN(65536)))
			if r.IntN(2) == 0 {
				d.Upper = r.Uint32N(1 << 31)
				d.Lower = r.Uint32N(d.Upper + 1)
			}
			e.Destinations = append(e.Destinations, DestinationState{Destination: d})
		}
		entries = append(entries, e)
	}
	return entries
}
