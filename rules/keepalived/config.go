package keepalived

import (
	"time"

	"ipvsadm/check"
	"ipvsadm/vrrp"
	"ipvsadm/vrrp/daemon"
)

// Config is a whole configuration, checked. Nothing of the machine but files
// was looked at to make it, and nothing was touched.
type Config struct {
	Global Global
	VRRP   vrrp.Config
	Check  check.Config

	// Commands are all programs that the configuration names, in its order. The
	// Commands in VRRP and Check say the same. Whoever runs them must look at each
	// first: whether it is there, whether its user is, and whether somebody else
	// could change it.
	Commands []CommandUse
}

// CommandUse is a program and where it was named.
type CommandUse struct {
	Position Position
	Word     string // script, notify_master, misc_path …
	Command  *vrrp.Command
}

// Global is what concerns the process as a whole.
type Global struct {
	// RouterID names this machine in mails; "" is the machine's own name.
	RouterID string
	Mail     Mail

	// ScriptUser and ScriptGroup were given by script_user; Commands without a
	// user have them already. ScriptSecurity refuses to run a program as root
	// that somebody else could change (enable_script_security).
	ScriptUser, ScriptGroup string
	ScriptSecurity          bool
	// Startup and Shutdown are run once, before everything and after it.
	Startup, Shutdown OnceCommand

	// FIFOs to write events to: all of them, those of VRRP, those of checkers.
	FIFO, VRRPFIFO, CheckFIFO FIFO

	// Instance tells several processes on one machine apart.
	Instance string
	// AddressVMACPrefix began the names of the virtual MAC interfaces of single
	// addresses, "" if there are none (vmac_addr_prefix).
	AddressVMACPrefix string
	// NetNamespace is the network namespace to run in, "" for the one we are in.
	// IPVSNamespace is that of the kernel's table if HasIPVSNamespace, "" being
	// the one we were started in.
	NetNamespace, IPVSNamespace string
	HasIPVSNamespace            bool
	// Process says how the kernel treats the whole process.
	Process daemon.Process
}

// Mail is whom to send mails to, and how.
type Mail struct {
	To     []string // none: no mail is sent
	From   string   // "" is keepalived@ the machine's name
	Server string   // name or address, "" for no mail
	Port   uint16
	Helo   string // "" is the machine's name
	// Timeout is for connecting.
	Timeout time.Duration
	// NoFaults sends no mail for FAULT (no_email_faults).
	NoFaults bool
}

// OnceCommand is a program that is run once.
type OnceCommand struct {
	Command *vrrp.Command // nil for none
	Timeout time.Duration
}

// FIFO is a named pipe to write events to.
type FIFO struct {
	Path string // "" for none
	// User and Group own it, "" for those we run as.
	User, Group string
	// Script reads it: it is started with the path as last argument. nil for none.
	Script *vrrp.Command
}
