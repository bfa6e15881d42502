package rules

import "ipvsadm/ipvs"

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
	}
	// Save is -S.
	Save struct{ Numeric bool }
	// Restore is -R.
	Restore struct{}
	// Help is -h, Version is -v.
	Help    struct{}
	Version struct{}
)

func (Change) command()  {}
func (List) command()    {}
func (Save) command()    {}
func (Restore) command() {}
func (Help) command()    {}
func (Version) command() {}

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
