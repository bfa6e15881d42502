package probe

import (
	"context"
	"fmt"
	"syscall"

	"ipvsadm/check"
)

// Options are what checkers need besides their configuration.
type Options struct {
	// TLS has the files of SSL_GET. They are read by New.
	TLS check.TLSConfig
	// Run runs the program of a MISC_CHECK to its end. When ctx ends first it ends
	// the program and its whole process group, and says TimedOut.
	Run func(ctx context.Context, c check.Command) Exit
	// File is the number in a file of FILE_CHECK, by its name in the
	// configuration, and false if there is none.
	File func(name string) (value int64, ok bool)
	// Heavy limits how many checks may at the same time do what keeps a processor
	// busy, by its capacity: searching for patterns. nil is for no limit. All
	// checkers of a process share one.
	Heavy chan struct{}
}

// Exit is how a program ended.
type Exit struct {
	// Err is why it could not be started, nil if it was.
	Err error
	// TimedOut says that it was killed for taking too long.
	TimedOut bool
	Code     int // exit status, if it exited
	Signal   syscall.Signal
}

// New returns the checker for a configuration. An error is a configuration that
// cannot work here: a certificate that cannot be read, a pattern that cannot be
// understood.
func New(p check.ProbeConfig, o Options) (check.Checker, error) {
	return nil, fmt.Errorf("%s: there is no such checker", p.Kind())
}
