package daemon

import (
	"context"
	"io"
	"time"

	"ipvsadm/vrrp"
)

// Env is what the command needs of the world.
type Env struct {
	Stdout, Stderr io.Writer
	// Args are all words of the command line, as os.Args has them, and Environ is
	// our environment: for starting the program anew.
	Args, Environ []string
	// Load reads a configuration. The Setup is nil if there is an Error among
	// the messages.
	Load func(ctx context.Context, file string, o LoadOptions) (*Setup, []Message)
	// Companion makes what runs beside failover. nil if there is nothing.
	Companion func(Surroundings) Companion
	// Sync makes the kernel's connection synchronisation follow an instance
	// (lvs_sync_daemon). nil if there is none.
	Sync func(vrrp.SyncConfig, vrrp.SyncRole) error
}

// LoadOptions say for which machine a configuration is read.
type LoadOptions struct {
	// ConfigID is what lines with @ID are compared with, "" for the machine's
	// name up to the first dot.
	ConfigID string
	// AllFiles makes every include that finds nothing an Error.
	AllFiles bool
}

// Severity says what a Message means for running the configuration.
type Severity uint8

const (
	// Note changes nothing.
	Note Severity = iota
	// Warning is for what is run all the same.
	Warning
	// Insecure is for programs that are run without enable_script_security.
	Insecure
	// Error is for what leaves the meaning in doubt: nothing is run.
	Error
	// Missing is an Error for an argument or a name that is not there.
	Missing
)

func (s Severity) String() string {
	switch s {
	case Note:
		return "note"
	case Warning:
		return "warning"
	case Insecure:
		return "insecure"
	case Error:
		return "error"
	}
	return "missing"
}

// Message is something to say about a configuration.
type Message struct {
	Severity Severity
	Text     string // "FILE:LINE: what is wrong; what to write instead"
}

// Setup is a whole configuration, checked, of which nothing is done yet.
type Setup struct {
	VRRP vrrp.Config
	// Commands are all programs that the configuration names, in its order.
	Commands []CommandUse
	// ScriptSecurity is enable_script_security.
	ScriptSecurity bool
	// RouterID names this machine in mails, "" for the machine's name.
	RouterID string
	Mail     vrrp.MailConfig
	FIFOs    []vrrp.FIFOConfig
	// Startup and Shutdown are run once, before everything and after it.
	Startup, Shutdown OnceCommand
	// NetNamespace is the network namespace to run in, "" for ours.
	NetNamespace string
	// Process is for the whole process, from its start to its end.
	Process Process
	// Instance is part of the names of our files, unless the command line gives
	// them, so that several can run on one machine; "" for one alone.
	Instance string
	// Servers is how many virtual servers there are, and Beside what the Companion
	// has to know of them: this package knows nothing of it.
	Servers int
	Beside  any
	// Files are those in VRRP.Files that the Companion wants to know the numbers
	// of, and Addresses says that it wants to know the addresses of this machine.
	Files     []string
	Addresses bool
}

// OnceCommand is a program that is run once.
type OnceCommand struct {
	Command *vrrp.Command // nil for none
	Timeout time.Duration
}

// CommandUse is a program and where it is named.
type CommandUse struct {
	Position string // FILE:LINE
	Word     string // script, notify_master …
	Command  vrrp.Command
}

// Exit statuses. Those of the test of a configuration are keepalived's.
const (
	exitOK       = 0
	exitFatal    = 1
	exitMissing  = 2 // an argument is missing in the configuration; a daemon: any error in it
	exitUnusable = 4 // the configuration cannot be run; a daemon: no permission
	exitWarnings = 5 // it would be run, with warnings
	exitInsecure = 6 // it would run programs without enable_script_security
)
