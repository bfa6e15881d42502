package schedule

import (
	"fmt"
	"net/netip"
	"strings"

	"ipvsadm/sched"
)

// exampleServers are those of every example, in the kernel's order.
func exampleServers() []sched.Server {
	server := func(n byte, weight int) sched.Server {
		return sched.Server{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, n}), 80), Weight: weight}
	}
	return []sched.Server{server(1, 3), server(2, 2), server(3, 1), server(4, 0)}
}

// exampleConnections is how many connections an example has: enough to see what
// the scheduler is about.
func exampleConnections(scheduler string) int {
	switch scheduler {
	case "rr", "fo", "nq", "sed", "ovf":
		return 5
	case "wrr":
		return 7
	}
	return 4
}

// example shows what a scheduler does with a few connections.
func (c *command) example(scheduler string) error {
	s, err := sched.New(scheduler, sched.Options{}, exampleServers()...)
	if err != nil {
		return err
	}
	c.out.WriteByte('\n')
	var list []string
	for _, one := range exampleServers() {
		list = append(list, fmt.Sprintf("%s of weight %d", one.Addr.Addr(), one.Weight))
	}
	c.paragraph("", "Example: "+strings.Join(list, ", ")+", in the kernel's order, which begins with the server added last.")
	if shares := s.Shares(); shares != nil {
		c.out.WriteString("All are idle. Probabilities of the next connection:\n\n")
		t := table{header: []string{"server", "probability"}, numbers: []bool{false, true}}
		for _, share := range shares {
			t.rows = append(t.rows, []string{share.Server.Addr().String(), percent(share.Probability)})
		}
		c.write(t)
		return nil
	}
	c.out.WriteString("Connections come and stay open, by TCP:\n\n")
	byDestination := scheduler == "dh" || scheduler == "lblc" || scheduler == "lblcr"
	t := table{header: []string{"client", "server", "why"}}
	if byDestination {
		t.header[0] = "destination"
	}
	for i := range exampleConnections(scheduler) {
		// Every second one is the first one's again.
		n := byte(7 + 4*(i/2))
		if i%2 == 1 {
			n = 7
		}
		connection := sched.Connection{
			Client:  netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, n}), 40000),
			Virtual: netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, 1}), 80),
		}
		shown := connection.Client.Addr()
		if byDestination {
			connection.Virtual = netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, n}), 80)
			shown = connection.Virtual.Addr()
		}
		choice := s.Choose(connection)
		server := "none"
		if choice.Server.IsValid() {
			server = choice.Server.Addr().String()
		}
		s.Opened(choice.Server, true)
		t.rows = append(t.rows, []string{shown.String(), server, wrapReasons(reasons(choice), 50)})
	}
	c.write(t)
	return nil
}

// reasons are the steps of a choice in words, the port of example servers left
// out.
func reasons(choice sched.Choice) []string {
	var why []string
	for _, r := range choice.Why {
		why = append(why, strings.ReplaceAll(r.String(), ":80:", ":"))
	}
	return why
}

// wrapReasons puts every reason on lines of its own.
func wrapReasons(why []string, width int) string {
	lines := make([]string, len(why))
	for i, w := range why {
		lines[i] = wrap(w, width)
	}
	return strings.Join(lines, "\n")
}

// percent writes a share of 1 in hundredths, rounded to a tenth.
func percent(share float64) string { return fmt.Sprintf("%.1f %%", share*100) }
