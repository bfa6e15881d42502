package compat

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipvsadm/ipvs"
)

// Guest is a World on the kernel of this machine, which tests take from package
// uml: that of the network namespace of the calling thread. Set and Run must be
// called on that thread, and in a mount namespace of the test's own.
type Guest struct {
	dir     string           // where ipvsadm, ipvsadm-save and ipvsadm-restore are
	process func(Entry) bool // whether an entry is run by these programs
	hosts   string           // the hosts file
	modules modules
}

// NewGuest returns a world that keeps its files in scratch. It makes the state
// of IPVS what it is in a new namespace, and puts a hosts file over this
// machine's; Close takes it away.
//
// Entries that process selects, and those that need a shell, are run by the
// programs in dir. Set-ups and all others call package rules in this process,
// with a client of the real kernel: that does what our program does, and starting
// a process takes a tenth of a second in a guest.
func NewGuest(dir, scratch string, process func(Entry) bool) (*Guest, error) {
	g := &Guest{dir: dir, process: process, hosts: filepath.Join(scratch, "hosts")}
	if err := Reset(""); err != nil {
		return nil, err
	}
	if err := os.WriteFile(g.hosts, []byte(Hosts), 0o644); err != nil {
		return nil, err
	}
	if err := unix.Mount(g.hosts, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		return nil, fmt.Errorf("replace /etc/hosts: %w", err)
	}
	return g, nil
}

// Close gives the machine its hosts file and its modules back.
func (g *Guest) Close() error {
	return errors.Join(g.modules.load(), unix.Unmount("/etc/hosts", 0))
}

// Set is part of World.
func (g *Guest) Set(s Setup) error {
	switch s.Verb {
	case "run":
		return mustSucceed(g.run(s.Arg, false))
	case "hosts":
		return g.appendHost(s.Arg)
	case "odd":
		c, err := ipvs.Open(ipvs.Options{})
		if err != nil {
			return err
		}
		defer c.Close()
		return doAll(c.Do(OddEntries()...))
	case "unload":
		return g.modules.unload()
	case "autoload":
		return g.modules.autoload()
	case "load":
		return g.modules.load()
	}
	return ErrCannot
}

func (g *Guest) appendHost(line string) error {
	f, err := os.OpenFile(g.hosts, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(line + "\n")
	return err
}

// Run is part of World.
func (g *Guest) Run(e Entry) (Outcome, error) {
	out, err := g.run(e.Command, g.process(e))
	// The name of the kernel stands in what modprobe says.
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		out.Stderr = strings.ReplaceAll(out.Stderr, unix.ByteSliceToString(u.Release[:]), recordedRelease)
	}
	return out, err
}

// recordedRelease is the kernel of the recording.
const recordedRelease = "6.1.176"

func (g *Guest) run(line string, process bool) (Outcome, error) {
	if inv, ok := ParseCommand(line); ok {
		if process {
			return Processes(g.dir)(inv), nil
		}
		return InProcess("")(inv), nil
	}
	// A line that is just bash -c has a shell of its own.
	if script, ok := strings.CutPrefix(line, "bash -c '"); ok && strings.Count(script, "'") == 1 {
		line = strings.TrimSuffix(script, "'")
	}
	return Shell(g.dir, line), nil
}

// Reset empties the table of the network namespace with this path, or of the
// calling thread's if it is empty, stops its daemons and sets the timeouts to the
// kernel's defaults.
func Reset(namespace string) error {
	c, err := ipvs.Open(ipvs.Options{Namespace: namespace})
	if err != nil {
		return err
	}
	defer c.Close()
	daemons, err := c.Daemons()
	if err != nil {
		return err
	}
	ops := []ipvs.Op{
		ipvs.Flush{},
		ipvs.SetTimeouts{Timeouts: ipvs.Timeouts{TCP: 15 * time.Minute, TCPFin: 2 * time.Minute, UDP: 5 * time.Minute}},
	}
	for _, d := range daemons {
		ops = append(ops, ipvs.StopDaemon{State: d.State})
	}
	return doAll(c.Do(ops...))
}

// AddInterface gives the network namespace of the calling thread the interface
// of the recording: d0 with 10.0.0.254/24.
func AddInterface() error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "d0"
	d0 := &netlink.Dummy{LinkAttrs: attrs}
	if err := netlink.LinkAdd(d0); err != nil {
		return fmt.Errorf("add d0: %w", err)
	}
	addr, err := netlink.ParseAddr("10.0.0.254/24")
	if err == nil {
		err = netlink.AddrAdd(d0, addr)
	}
	if err == nil {
		err = netlink.LinkSetUp(d0)
	}
	return err
}
