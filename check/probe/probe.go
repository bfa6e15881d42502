package probe

import (
	"context"
	"fmt"
	"runtime/debug"
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
	// Turns bounds how many checks work at the same time, nil for no bounds.
	Turns *Turns
	// Panicked is told of a panic in a checker, which fails the check and nothing
	// else. nil is for nobody.
	Panicked func(value any, stack []byte)
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
	c, err := newChecker(p, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Kind(), err)
	}
	return &guard{checker: c, turns: o.Turns, panicked: o.Panicked}, nil
}

// Validate returns the error that New would. It makes no checker of which there
// may be very many, and which always works.
func Validate(p check.ProbeConfig, o Options) error {
	switch p.(type) {
	case check.TCPConfig, check.UDPConfig, check.PingConfig, check.SMTPConfig:
		return nil
	}
	_, err := New(p, o)
	return err
}

func newChecker(p check.ProbeConfig, o Options) (check.Checker, error) {
	switch p := p.(type) {
	case check.TCPConfig:
		return newTCP(p, o), nil
	case check.HTTPConfig:
		return newHTTP(p, o)
	case check.SMTPConfig:
		return newSMTP(p, o), nil
	case check.DNSConfig:
		return newDNS(p, o)
	case check.UDPConfig:
		return newUDP(p, o), nil
	case check.PingConfig:
		return newPing(p, o), nil
	case check.MiscConfig:
		return &miscChecker{config: p, run: o.Run, turns: o.Turns}, nil
	case check.FileCheckConfig:
		return &fileChecker{config: p, file: o.File}, nil
	}
	return nil, fmt.Errorf("there is no such checker")
}

// guard keeps a panic of a checker from ending the daemon, and has it work when it
// is its turn.
type guard struct {
	checker  check.Checker
	turns    *Turns
	panicked func(any, []byte)
}

func (g *guard) Check(ctx context.Context) (r check.Result) {
	g.turns.take()
	defer g.turns.leave()
	defer func() {
		if p := recover(); p != nil {
			if g.panicked != nil {
				g.panicked(p, debug.Stack())
			}
			r = fail("the checker itself failed: " + excerpt(fmt.Sprint(p)))
		}
	}()
	if ctx.Err() != nil {
		return skip(stopped)
	}
	return g.checker.Check(ctx)
}
