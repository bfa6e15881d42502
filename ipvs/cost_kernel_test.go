package ipvs

import (
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
)

// counting counts the system calls of a socket.
type counting struct {
	socket
	sends, receives int
}

func (c *counting) send(b []byte) error { c.sends++; return c.socket.send(b) }

func (c *counting) receive(wait time.Duration) ([]datagram, error) {
	c.receives++
	return c.socket.receive(wait)
}

func (c *counting) settings() *settingsReader { return c.socket.(*kernelSocket).settings() }

// TestCostOnTheKernel pins the number of system calls that requests take.
func TestCostOnTheKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		const n = 2000
		c := open(t, Options{})
		count := &counting{socket: c.sock}
		c.sock = count
		cost := func(what string, sends, receives int, f func()) {
			t.Helper()
			*count = counting{socket: count.socket}
			start := time.Now()
			f()
			took := time.Since(start)
			if count.sends != sends || count.receives > receives {
				t.Errorf("%s: %d sends, %d receives; want %d, at most %d", what, count.sends, count.receives, sends, receives)
			}
			t.Logf("%s: %d sends, %d receives, %v", what, count.sends, count.receives, took.Round(100*time.Microsecond))
		}
		one := manyServices(1, 1)
		cost("one service", 1, 1, func() { must(t, c, one[0]) })
		cost("one server", 1, 1, func() { must(t, c, one[1]) })
		cost("one refusal", 1, 1, func() { c.Do(one[0]) })
		cost("one service read", 2, 2, func() { table(t, c, Query{Service: one[0].(AddService).Service.ServiceKey, Detail: Full}) })
		cost("flush", 1, 1, func() { must(t, c, Flush{}) })

		ops := manyServices(n, 1)
		batches := (len(ops) + maxBatch - 1) / maxBatch
		cost("2000 services x 1", batches, batches, func() { must(t, c, ops...) })
		// 90 services in a datagram, two datagrams in a receive.
		list := n/90/2 + 2
		cost("table, basic", 1, list, func() { checkMany(t, table(t, c, Query{}), n, 1) })
		cost("table, with tunnels", 1, list, func() { checkMany(t, table(t, c, Query{Detail: WithTunnels}), n, 1) })
		dumps := 0 // beside that of the services
		if !wideWords {
			dumps = n
		}
		cost("table, settings", 1+dumps, list+dumps, func() { checkMany(t, table(t, c, Query{Detail: Settings}), n, 1) })
		// The list a second time goes through another socket.
		cost("table, full", 1+n, list+n, func() { checkMany(t, table(t, c, Query{Detail: Full}), n, 1) })
	})
}
