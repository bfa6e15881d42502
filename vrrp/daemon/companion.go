package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"ipvsadm/vrrp"
)

// Companion is what runs in the process beside failover, or alone: the virtual
// servers of the configuration and their health checks. It is told everything by
// the process, and knows nothing of failover.
//
// It lives in goroutines of its own. If Run panics it is run again, so it must be
// able to go on from what the kernel has.
type Companion interface {
	// Check says what of a configuration cannot be run here, and touches nothing.
	Check(s *Setup) error
	// Run runs until the context ends. It calls started once it does what it is
	// for; an error before that says that it cannot.
	Run(ctx context.Context, s *Setup, started func()) error
	// Reload changes to another configuration; after an error nothing has changed.
	Reload(ctx context.Context, s *Setup) error
	// Once does every check once, and writes how each ended. It says whether all
	// were well.
	Once(ctx context.Context, s *Setup, w io.Writer, asJSON bool) (well bool, err error)
	Status(ctx context.Context, w io.Writer, asJSON bool) error
	// File says what number a file of Setup.Files has, Addresses what addresses
	// this machine has. Both may be called at any time.
	File(name string, value int)
	Addresses(present map[netip.Addr]bool)
}

// Surroundings are what a Companion works with.
type Surroundings struct {
	Log *slog.Logger
	// Tell tells programs, FIFOs and mails. It does not wait.
	Tell func(vrrp.Telling)
	// Pool is told whether a virtual server has its quorum. It does not wait.
	Pool func(name string, has bool)
	// Policy is for the programs of a configuration.
	Policy func(s *Setup) vrrp.ScriptPolicy
	// Alone says that there is no failover in this process.
	Alone bool
	// KeepTable leaves the kernel's table as it is at the end.
	KeepTable bool
	// Reconcile is how often the kernel's table is read and mended.
	Reconcile time.Duration
}

// beside runs the companion.
type beside struct {
	companion Companion // nil if there is none
	log       *slog.Logger
	// alone says that there is nothing but the companion: its errors are the
	// process's.
	alone bool
	// failed is called when it cannot run, and is not alone.
	failed func(*Setup)

	mu      sync.Mutex
	running bool
	setup   *Setup     // to run, also after a panic
	ended   chan error // of the run, nil if there was none
}

func (b *beside) isRunning() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.running
}

// start runs the companion until the context ends. It calls ready once, when the
// companion works, or will not and is not all there is.
func (b *beside) start(ctx context.Context, s *Setup, ready func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running, b.setup, b.ended = true, s, make(chan error, 1)
	go func() {
		err := b.run(ctx, sync.OnceFunc(ready))
		b.mu.Lock()
		b.running = false
		b.mu.Unlock()
		b.ended <- err
	}()
}

// comeback is how long a companion that panicked stays away.
const comeback = time.Second

// run runs it again and again, as long as it panics.
func (b *beside) run(ctx context.Context, ready func()) error {
	for {
		err, panicked := b.attempt(ctx, ready)
		if err != nil && !b.alone {
			b.log.Error(fmt.Sprintf("The virtual servers are not run: %v", err))
			b.mu.Lock()
			s := b.setup
			b.mu.Unlock()
			b.failed(s)
		}
		if !panicked {
			if err == nil || !b.alone {
				ready()
			}
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(comeback):
		}
	}
}

func (b *beside) attempt(ctx context.Context, ready func()) (err error, panicked bool) {
	defer func() {
		if p := recover(); p != nil {
			panicked = true
			b.log.Error(fmt.Sprintf("The checks have ended with a panic, and begin anew with what the kernel has: %v\n%s", p, debug.Stack()))
		}
	}()
	b.mu.Lock()
	s := b.setup
	b.mu.Unlock()
	return b.companion.Run(ctx, s, ready), false
}

// reload has the companion go by another configuration.
func (b *beside) reload(ctx context.Context, s *Setup) {
	switch {
	case b.companion == nil:
	case !b.isRunning():
		if s.Servers > 0 {
			b.start(ctx, s, func() {})
		}
	default:
		if err := b.companion.Reload(ctx, s); err != nil {
			b.log.Error(fmt.Sprintf("The virtual servers go on with the old configuration: %v", err))
			return
		}
		b.mu.Lock()
		b.setup = s
		b.mu.Unlock()
	}
}

// patience is how long the companion may take to end: longer than the kernel may
// keep silent.
const patience = 15 * time.Second

// errEndless is what is said of one that takes longer.
var errEndless = errors.New("the checks do not end: the process ends without them")

// wait waits until the companion has ended, if it ever began; once the context has
// ended, no longer than patience.
func (b *beside) wait(ctx context.Context) error {
	b.mu.Lock()
	ended := b.ended
	b.mu.Unlock()
	if ended == nil {
		return nil
	}
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(patience):
		return errEndless
	}
}

// check says what of a configuration the companion cannot run.
func (b *beside) check(s *Setup) error {
	if b.companion == nil || s.Servers == 0 {
		return nil
	}
	return b.companion.Check(s)
}
