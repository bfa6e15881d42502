package check

import (
	"time"

	"ipvsadm/ipvs"
)

// Config is everything that one configuration says of virtual servers. It is
// plain values, checked and complete: defaults are filled in, what a real server
// or a checker inherits is in it. Whether files, scripts and users exist on this
// machine has not been asked.
type Config struct {
	Servers []ServerConfig
	// Groups are the sets of addresses that servers refer to by name.
	Groups []GroupConfig
	// Files are those that FILE_CHECKs watch.
	Files []FileConfig
	TLS   TLSConfig

	// Timeouts are set until the end; zero leaves the kernel's (lvs_timeouts).
	Timeouts ipvs.Timeouts
	// FlushOnStart empties the kernel's table first, foreign services included
	// (lvs_flush).
	FlushOnStart bool
	FlushOnStop  FlushOnStop
	// InitialNotify runs notify_up also for servers that are up from the start
	// (rs_init_notifies).
	InitialNotify bool
	// QuietCheckers sends mail only when a real server is added or removed, and
	// not for each of several checkers (no_checker_emails).
	QuietCheckers bool
}

// FlushOnStop says how the services are taken away at the end
// (lvs_flush_on_stop). The result is the same for the services of the
// configuration.
type FlushOnStop uint8

const (
	// RemoveAll removes every real server, then every service.
	RemoveAll FlushOnStop = iota
	// RemoveServices removes every service; the kernel removes their servers.
	RemoveServices
	// FlushTable empties the kernel's table, foreign services included.
	FlushTable
)

func (f FlushOnStop) String() string {
	switch f {
	case RemoveAll:
		return "remove-all"
	case RemoveServices:
		return "remove-services"
	case FlushTable:
		return "flush-table"
	}
	return "unknown"
}

// ServerConfig is a virtual server: one or more services of the kernel and the
// real servers behind them.
type ServerConfig struct {
	// Service is the kernel's service. With Group it has no address, port or
	// mark: Config.Services gives the keys.
	Service ipvs.Service
	// Group is the name of a GroupConfig, "" for none.
	Group string

	// Quorum is the total weight of living servers that is enough, and
	// Hysteresis how much more it takes to gain it, and how much less to lose it.
	Quorum, Hysteresis   uint32
	QuorumUp, QuorumDown *Command
	// Omega runs the notify_down and quorum_down commands at the end as well.
	Omega bool
	// Mail is sent when the quorum is gained or lost.
	Mail bool
	// Suspend stops the checks while the address is not on this machine
	// (ha_suspend).
	Suspend bool

	// Sorry takes the place of the real servers without quorum, nil for none.
	Sorry *SorryConfig
	Reals []RealConfig
}

// SorryConfig is a sorry server.
type SorryConfig struct {
	ipvs.Destination
	// Inhibit keeps it in the table with weight 0 while it is not needed.
	Inhibit bool
}

// RealConfig is a real server. It is up while all its checkers are; without one
// it always is.
type RealConfig struct {
	ipvs.Destination
	// Inhibit sets the weight to 0 instead of removing the server when it is
	// down (inhibit_on_failure).
	Inhibit bool
	// NotifyUp and NotifyDown are run when that changes, nil for nothing.
	NotifyUp, NotifyDown *Command
	// Mail is sent when that changes.
	Mail     bool
	Checkers []CheckerConfig
}

// Command is a program to run: never by a shell.
type Command struct {
	// Argv has at least the program, as configured: its path may have to be
	// searched for, and it has not been looked at.
	Argv []string
	// User and Group to run it as. "" are the defaults: keepalived_script if
	// there is such a user, else the one we run as; and the user's own group.
	User, Group string
}

// FileConfig is a file whose content is a number (track_file).
type FileConfig struct {
	Name string
	Path string
	// Init writes InitValue to the file at the start: if there is none, or with
	// Overwrite always.
	Init      bool
	InitValue int
	Overwrite bool
}

// TLSConfig has the files of the client's side of SSL_GET; "" for none.
type TLSConfig struct {
	CA, Certificate, Key string
	Password             Secret
}

// Secret is a string that never prints.
type Secret string

// String hides the secret.
func (Secret) String() string { return "***" }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return "***" }

// MarshalText hides the secret from JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// DefaultInterval is delay_loop when nothing is configured.
const DefaultInterval = time.Minute
