package watch

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"ipvsadm/ipvs"
)

// world is a kernel whose counters the tests turn.
type world struct {
	table   []ipvs.Entry
	err     error
	queries []ipvs.Query
}

// newWorld has so many services with so many servers each: 10.0.0.N:80 and
// 192.168.N.M:8080, N and M from 1 on.
func newWorld(services, servers int) *world {
	w := &world{}
	for i := 1; i <= services; i++ {
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 80)
		e := ipvs.Entry{ServiceState: ipvs.ServiceState{Service: ipvs.Service{
			ServiceKey: ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.TCP, Addr: addr}, Scheduler: "rr",
		}}}
		for j := 1; j <= servers; j++ {
			e.Destinations = append(e.Destinations, ipvs.DestinationState{Destination: ipvs.Destination{
				Addr:   netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 168 + byte(j>>8), byte(i), byte(j)}), 8080),
				Weight: 1,
			}})
		}
		w.table = append(w.table, e)
	}
	return w
}

func (w *world) Table(q ipvs.Query) ([]ipvs.Entry, error) {
	w.queries = append(w.queries, q)
	if w.err != nil {
		return nil, w.err
	}
	var list []ipvs.Entry
	for _, e := range w.table {
		if q.Service != (ipvs.ServiceKey{}) && q.Service != e.ServiceKey {
			continue
		}
		e.Destinations = slices.Clone(e.Destinations)
		for i := range e.Destinations {
			if q.Detail != ipvs.Full {
				d := &e.Destinations[i]
				d.Upper, d.Lower, d.Persistent, d.Stats = 0, 0, 0, ipvs.Stats{}
			}
		}
		list = append(list, e)
	}
	if len(list) == 0 && q.Service != (ipvs.ServiceKey{}) {
		return nil, syscall.ESRCH
	}
	return list, nil
}

// carry has a server of a service take so many connections more; each is ten
// packets in, twenty out, 1000 and 50000 bytes.
func (w *world) carry(service, server int, connections uint64) {
	e := &w.table[service]
	for _, s := range []*ipvs.Stats{&e.Stats, &e.Destinations[server].Stats} {
		s.Conns += connections
		s.InPkts += 10 * connections
		s.OutPkts += 20 * connections
		s.InBytes += 1000 * connections
		s.OutBytes += 50000 * connections
	}
}

func labels() Labels {
	return Labels{
		Service: func(s *ipvs.Service) string {
			if s.FWMark != 0 {
				return fmt.Sprintf("FWM  %d %s", s.FWMark, s.Scheduler)
			}
			return fmt.Sprintf("TCP  %v %s", s.Addr, s.Scheduler)
		},
		Server: func(a netip.AddrPort, _ ipvs.Protocol) string { return a.String() },
	}
}

func config(w *world) Config {
	return Config{Kernel: w, Arrange: func([]ipvs.Entry) {}, Labels: labels(), Explain: error.Error, Interval: time.Second}
}

// show updates a model with what a world has at a second, and returns the text
// of the screen.
func (w *world) show(m *Model, second int, width, height int) string {
	c := config(w)
	s := c.read(m.Shown())
	s.At = time.Date(2026, 1, 2, 3, 4, second, 0, time.UTC)
	m.Update(s)
	return screenText(m, width, height)
}

func screenText(m *Model, width, height int) string {
	var b strings.Builder
	for _, l := range m.View(width, height, false) {
		b.WriteString(l.Text + "\n")
	}
	return b.String()
}
