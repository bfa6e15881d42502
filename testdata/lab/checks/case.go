package checks

import (
	"fmt"
	"strings"
)

// Case is one virtual server, and what must become of it.
type Case struct {
	// Name says what the servers do.
	Name string
	// Service are lines of the virtual_server block.
	Service string
	// Reals are its real servers, with numbers from 1.
	Reals []Real
	// Want is the service's part of the table with keepalived, first and after
	// the servers have changed their ways. It is a list of NUMBER:WEIGHT, with s
	// for the sorry server, or "gone". The second is "" if nothing changes.
	// Where keepalived's own verdict is a matter of luck, it is "anything", and
	// only Ours counts.
	Want [2]string
	// Ours is the same with ours, where that is different: a declared difference,
	// by its name.
	Ours   [2]string
	Differ string

	// Address is the virtual server's, "" for an address of its own, port 80. In
	// it and in all lines VIP, RS1, RS2, SORRY and FILE1 stand for addresses and
	// files of the case.
	Address string
	// IPv6 makes all addresses of the case IPv6.
	IPv6 bool
}

// Real is a real server.
type Real struct {
	// Block are the lines of the real_server block.
	Block string
	// Port is the port, 80 if it is 0.
	Port uint16
	// Does is what the server does, first and later. The second is the first
	// unless it says something.
	Does [2]Behaviour
}

// Behaviour is what a server does. The zero Behaviour refuses connections and
// datagrams.
type Behaviour struct {
	TCP Stream   // serves a connection, nil refuses it
	UDP Datagram // answers a datagram, nil refuses it
	// Route is where packets for the server end: "" at the server, "blackhole"
	// nowhere, "unreachable" in an ICMP error.
	Route string
	// File is what is written into the file of the real server, "" for none.
	File string
}

func (b Behaviour) empty() bool { return b.TCP == nil && b.UDP == nil && b.Route == "" && b.File == "" }

// behaviour is what the server does in a phase, 0 or 1.
func (r *Real) behaviour(phase int) Behaviour {
	if phase == 1 && r.changes() {
		return r.Does[1]
	}
	return r.Does[0]
}

func (r *Real) changes() bool { return !r.Does[1].empty() || r.Does[1].Route == refusing }

// refusing as the Route of a second Behaviour that is otherwise zero: it refuses.
const refusing = "refusing"

// wants is what the case says for a phase, of keepalived and of ours.
func (c *Case) wants(phase int) (theirs, ours string) {
	theirs, ours = c.Want[0], c.Ours[0]
	if phase == 1 && c.Want[1] != "" {
		theirs, ours = c.Want[1], c.Ours[1]
	}
	if c.Differ == "" {
		ours = theirs
	}
	return theirs, ours
}

// addresses of case number n.

func (c *Case) vip(n int) string   { return c.address(88, n, 0) }
func (c *Case) sorry(n int) string { return c.address(78, n, 250) }

func (c *Case) real(n, i int) string { return c.address(78, n, i+1) }

func (c *Case) address(net, n, host int) string {
	if c.IPv6 {
		return fmt.Sprintf("fd%d::%x:%x", net, n, host)
	}
	return fmt.Sprintf("10.%d.%d.%d", net, n, host)
}

// config is the case's part of the configuration. Files are in dir.
func (c *Case) config(n int, dir string) string {
	address := c.Address
	if address == "" {
		address = "VIP 80"
	}
	service := c.Service
	for _, d := range [][2]string{
		{"delay_loop", "4"}, {"lvs_sched", "rr"}, {"lvs_method", "NAT"}, {"protocol", "TCP"},
		{"warmup", "1"}, {"retry", "1"}, {"delay_before_retry", "1"}, {"connect_timeout", "5"},
	} {
		if !strings.Contains(service, d[0]+" ") {
			service = d[0] + " " + d[1] + "\n" + service
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\nvirtual_server %s {\n%s", c.Name, address, indent(service, 1))
	for i, r := range c.Reals {
		fmt.Fprintf(&b, "\treal_server %s %d {\n%s\t}\n", c.real(n, i), r.port(), indent(r.Block, 2))
	}
	b.WriteString("}\n")
	words := []string{"VIP", c.vip(n), "SORRY", c.sorry(n)}
	for i := range c.Reals {
		words = append(words, fmt.Sprintf("RS%d", i+1), c.real(n, i), fmt.Sprintf("FILE%d", i+1), file(dir, n, i), fmt.Sprintf("TRACK%d", i+1), track(n, i))
	}
	return c.files(n, dir) + strings.NewReplacer(words...).Replace(b.String())
}

// files declares the files that FILE_CHECKs of the case watch.
func (c *Case) files(n int, dir string) string {
	var b strings.Builder
	for i, r := range c.Reals {
		if strings.Contains(r.Block, fmt.Sprintf("TRACK%d", i+1)) {
			fmt.Fprintf(&b, "track_file %s {\n\tfile %s\n}\n", track(n, i), file(dir, n, i))
		}
	}
	return b.String()
}

func file(dir string, n, i int) string { return fmt.Sprintf("%s/case%d-%d", dir, n, i+1) }
func track(n, i int) string            { return fmt.Sprintf("track%d_%d", n, i+1) }

func (r *Real) port() uint16 {
	if r.Port == 0 {
		return 80
	}
	return r.Port
}

// indent puts lines, which are separated by line feeds or semicolons, in a block.
func indent(lines string, depth int) string {
	var b strings.Builder
	for line := range strings.SplitSeq(lines, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(strings.Repeat("\t", depth) + line + "\n")
		}
	}
	return b.String()
}
