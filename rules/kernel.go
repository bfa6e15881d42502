package rules

import (
	"io"
	"net/netip"
	"os"

	"ipvsadm/ipvs"
	"ipvsadm/rules/watch"
)

// Kernel is what the command needs of an IPVS; *ipvs.Client is the real one,
// *ipvstest.Kernel the one of tests. Errors are *ipvs.OpError.
type Kernel interface {
	Info() (ipvs.Info, error)
	// Table reads services with their real servers in the kernel's order.
	Table(ipvs.Query) ([]ipvs.Entry, error)
	Timeouts() (ipvs.Timeouts, error)
	// Daemons returns the running daemons, master before backup.
	Daemons() ([]ipvs.Daemon, error)
	// Do carries out ops in order, each whether or not those before it failed,
	// and returns nil if all succeeded, else an error or nil for each.
	Do(ops ...ipvs.Op) []error
}

// Names resolves names of hosts and services, in both directions.
type Names interface {
	// LookupHost returns the first IPv4 address of a host.
	LookupHost(name string) (netip.Addr, error)
	// LookupPort returns the port of a named service of protocol TCP, UDP or SCTP.
	LookupPort(name string, p ipvs.Protocol) (uint16, error)
	// HostName returns the name of an address, false if it has none.
	HostName(netip.Addr) (string, bool)
	// PortName returns the name of a port, false if it has none.
	PortName(port uint16, p ipvs.Protocol) (string, bool)
}

// Env is the world of one command: what it may read, write and ask.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Interactive says that Stdout is a terminal: then -R shows what it has to
	// show before it waits for the next line.
	Interactive bool
	LookupEnv   func(string) (string, bool)
	// Open connects to the kernel. It is called once, before anything but -h
	// and -v.
	Open  func() (Kernel, error)
	Names Names
	// Connections opens the connection table, /proc/net/ip_vs_conn.
	Connections func() (io.ReadCloser, error)
	// Interrupts begins to deliver the signals that end a program, which then do
	// not end it, until stop is called. nil if there are none.
	Interrupts func() (signals <-chan os.Signal, stop func())
	// Screen takes over the terminal for a live view. It returns nil if there is
	// none to take over.
	Screen func() (*watch.Screen, error)
	// Subcommands are those that others carry out, for completion. nil if there
	// are none.
	Subcommands func() []Subcommand
}
