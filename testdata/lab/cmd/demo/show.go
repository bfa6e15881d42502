package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

const (
	counted        = 100             // requests through each method
	requestTimeout = 5 * time.Second // of one request
	// The kernel adds its counters up every 2 s (estimation_timer in ip_vs_est.c).
	countersReady = 2100 * time.Millisecond
)

// demoInGuest builds the network and shows all three methods. The error says
// what did not work as it should.
func demoInGuest(scratch string) error {
	n, err := newNetwork(os.Stdout, scratch)
	if err != nil {
		return err
	}
	fmt.Fprintf(n.out, "\nThe network of the post, in one kernel:\n%s", picture)
	summary := ""
	for _, m := range methods {
		t, err := n.show(m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		summary += fmt.Sprintf("%-4s %v\n", m.name, t)
	}
	fmt.Fprintf(n.out, "\n%sEvery request was answered, and rr shared them evenly.\n", summary)
	return nil
}

// show sets a method up as the post does, sends requests through it, and shows
// and checks where they went.
func (n *network) show(m method) (tally, error) {
	fmt.Fprintf(n.out, "\n=== %s, %s\n\n", m.name, m.what)
	if err := n.setUp(m); err != nil {
		return tally{}, err
	}
	if m.persistent {
		if err := n.showPersistence(); err != nil {
			return tally{}, err
		}
	}
	t := n.requests(counted)
	fmt.Fprintln(n.out)
	if !m.persistent {
		fmt.Fprintln(n.out, "# InActConn: for two minutes a server's closed connections count, those of before too")
	}
	for _, line := range []string{"ipvsadm -L -n", "ipvsadm -L -n --stats", "ipvsadm -L -c -n | head -8"} {
		if err := n.typed("director", line); err != nil {
			return t, err
		}
	}
	if err := n.check(m, t); err != nil {
		return t, err
	}
	return t, n.undo(m)
}

// setUp types a method's commands on the real servers and the director.
func (n *network) setUp(m method) error {
	for _, s := range m.real {
		if s.remark != "" {
			fmt.Fprintf(n.out, "# %s\n", s.remark)
		}
		if err := n.typed("rs1", s.line); err != nil {
			return err
		}
		if err := n.quietly("rs2", s.line, n.out); err != nil {
			return err
		}
	}
	fmt.Fprint(n.out, "# and the same on rs2\n\n")
	for _, s := range m.director {
		if s.remark != "" {
			fmt.Fprintf(n.out, "# %s\n", s.remark)
		}
		if err := n.typed("director", s.line); err != nil {
			return err
		}
	}
	fmt.Fprintln(n.out)
	return nil
}

// undo takes back what a method changed on the real servers.
func (n *network) undo(m method) error {
	for _, machine := range []string{"rs1", "rs2"} {
		for _, line := range m.undo {
			if err := n.quietly(machine, line, n.out); err != nil {
				return err
			}
		}
	}
	return nil
}

// showPersistence shows what the post's -p 20 does to rr, and takes it away:
// with one client, all requests would go to one server.
func (n *network) showPersistence() error {
	if err := n.typed("director", "ipvsadm -L -n"); err != nil {
		return err
	}
	fmt.Fprintln(n.out)
	t := n.requests(4)
	if len(t.answered) != 1 || t.err != nil {
		return fmt.Errorf("with -p 20 one server should answer one client: %v: %w", t, t.err)
	}
	fmt.Fprintln(n.out, "# That is -p 20: for 20 s a client stays with its server. To see rr share, without it:")
	for _, line := range []string{"ipvsadm -E -t " + service + " -s rr", "ipvsadm -Z"} {
		if err := n.typed("director", line); err != nil {
			return err
		}
	}
	fmt.Fprintln(n.out)
	return nil
}

// dial connects from the client, from a port of its own.
func (n *network) dial(ctx context.Context, network, address string) (c net.Conn, err error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{Port: n.port}}
	n.port++
	n.machines["client"].Do(func() { c, err = d.DialContext(ctx, network, address) })
	return c, err
}

// requests sends requests from the client and says who answered.
func (n *network) requests(count int) tally {
	fmt.Fprintf(n.out, "client: %d requests to http://%s/, each on a new connection: ", count, service)
	t := request(context.Background(), n.dial, count)
	fmt.Fprintln(n.out, t)
	time.Sleep(countersReady)
	return t
}

// check says what is wrong with how a method's requests were shared, by what
// the client saw and by what ipvsadm lists.
func (n *network) check(m method, t tally) error {
	half := counted / 2
	if t.answered["rs1"] != half || t.answered["rs2"] != half {
		return errors.Join(fmt.Errorf("%v; want %d and %d", t, half, half), t.err)
	}
	for _, c := range []struct {
		line  string
		field int // in the lines of real servers
		want  string
	}{
		{"ipvsadm -L -n", 2, m.forward},
		{"ipvsadm -L -n --stats --exact", 2, fmt.Sprint(half)},
	} {
		var out bytes.Buffer
		if err := n.quietly("director", c.line, &out); err != nil {
			return err
		}
		if got := serversField(out.String(), c.field); strings.Join(got, " ") != c.want+" "+c.want {
			return fmt.Errorf("%s shows %q for the two real servers, want %q", c.line, got, c.want)
		}
	}
	return nil
}

// serversField returns a field of each real server's line in a listing.
func serversField(listing string, field int) (values []string) {
	for line := range strings.Lines(listing) {
		f := strings.Fields(line)
		if len(f) > field && f[0] == "->" && f[1] != "RemoteAddress:Port" {
			values = append(values, f[field])
		}
	}
	return values
}
