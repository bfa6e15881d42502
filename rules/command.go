package rules

import (
	"net/netip"
	"time"

	"ipvsadm/ipvs"
)

// Command is a command line that passed every check. The set is closed.
type Command interface{ command() }

type (
	// Change is -A -E -D -C -a -e -d -Z --set --start-daemon --stop-daemon.
	Change struct{ Op ipvs.Op }
	// List is -L; Service's zero value lists them all.
	List struct {
		Service    ipvs.ServiceKey
		Format     Format
		Numeric    bool
		Exact      bool // counters in full, not in K, M, G, T
		NoSort     bool // in the kernel's order
		Persistent bool // with ListConnections: show persistence engine data
		JSON       bool
		// Watch is the interval of a live view, 0 for none, and Count the number
		// of views after which it ends, 0 for no end.
		Watch time.Duration
		Count int
	}
	// Save is -S.
	Save struct{ Numeric bool }
	// Restore is -R, and ipvsadm-restore with Fresh.
	Restore struct {
		Replace Replace
		JSON    bool // the stream is JSON
		Fresh   bool // empty the table first
	}
	// Drain is -d and -e with --drain: weight 0, wait, then delete or not.
	Drain struct {
		Service  ipvs.ServiceKey
		Addr     netip.AddrPort
		Delete   bool
		Timeout  time.Duration // 0 for none
		Inactive bool          // wait for more than active connections
	}
	// DryRun is a command that only shows what it would change: a Change, a
	// Restore or a Drain.
	DryRun struct{ Command }
	// Help is -h, Version is -v.
	Help    struct{}
	Version struct{}
)

func (Change) command()  {}
func (List) command()    {}
func (Save) command()    {}
func (Restore) command() {}
func (Drain) command()   {}
func (DryRun) command()  {}
func (Help) command()    {}
func (Version) command() {}

// Replace says what of the table -R may delete.
type Replace uint8

const (
	NoReplace       Replace = iota // nothing: the stream is carried out line by line
	ReplaceAll                     // all that the stream does not leave there
	ReplaceServices                // of that, services named in the stream and their servers
)

// Format is one of the forms of -L.
type Format int

const (
	ListDefault Format = iota
	ListStats
	ListRate
	ListThresholds
	ListPersistentConns
	ListTunnels
	ListConnections
	ListTimeouts
	ListDaemons
)
