package check

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"ipvsadm/ipvs"
)

// Table is the kernel's table of virtual services. *ipvs.Client has one. It is
// safe for concurrent use.
type Table interface {
	Table(q ipvs.Query) ([]ipvs.Entry, error)
	Do(ops ...ipvs.Op) []error
}

// Options are what a Manager works with.
type Options struct {
	Table Table
	// Timeouts reads the kernel's timeouts, so that they can be put back at the end;
	// nil if nobody wants that.
	Timeouts func() (ipvs.Timeouts, error)
	// New makes the checker of a configuration. It looks at files of the
	// configuration, and does nothing else.
	New func(c *Config, p ProbeConfig) (Checker, error)
	// Log takes what is said to people, nil for nobody. It may wait: lines are
	// written by a goroutine of their own.
	Log *slog.Logger
	// Notify takes what programs, FIFOs and mails are to tell. It must not wait.
	// nil is for nobody.
	Notify func(Notice)
	// Quorum is told whether a virtual server, by its UniqueName, has its quorum: of
	// each at the start, and whenever it changes, but not when the virtual server
	// goes with a reload or the end. It must not wait. nil is for nobody.
	Quorum func(server string, has bool)
	// Started is called once the kernel's table is as it should be.
	Started func()
	// Concurrent is how many checks are done at a time, 0 for 4096. Others wait.
	Concurrent int
	// Reconcile is how often the kernel's table is read and mended, 0 for 30
	// seconds.
	Reconcile time.Duration
	// KeepTable leaves the kernel's table as it is at the end, whatever the
	// configuration says.
	KeepTable bool
}

const (
	defaultConcurrent = 4096
	// DefaultReconcile is how often the kernel's table is read and mended.
	DefaultReconcile = 30 * time.Second
)

// Manager runs the virtual servers of a configuration: it checks their real
// servers and keeps the kernel's table as it should be.
//
// All state is one goroutine's. Each check that is being done has a goroutine of
// its own, which knows nothing but its checker. So a check that hangs holds up
// itself, and one that panics is a check without a result.
//
// Nothing it knows has to outlive it: a Manager that starts takes over what the
// kernel has. So whoever is killed, or gives up with a panic, can be started
// again, and no rule is lost.
type Manager struct {
	options Options
	log     *journal

	config  *Config
	servers []*server
	owner   ipvs.Owner
	known   known // what the kernel has of ours
	// unsure says that the kernel may lack something that we want, or have services
	// of an earlier configuration, for which owner is then too.
	unsure  bool
	reading *reading // nil if there is none, or it counts no more
	dirty   []*server
	// timeouts are the kernel's from before the start, timed says that ours are set.
	timeouts ipvs.Timeouts
	timed    bool
	room     []ipvs.Destination // for what is wanted of one service
	news     []news
	due      queue
	spread   spread
	running  int
	counts   Counters
	// reconcileAt is when the table is read next, and readAt when it was last.
	reconcileAt, readAt time.Time
	present             map[netip.Addr]bool // addresses of this machine, nil if not known

	ctx     context.Context // of all checks
	results chan outcome

	mu     sync.Mutex
	posted []func(now time.Time)
	wake   chan struct{}
	ended  chan struct{}
}

// Counters count what a Manager did. They only grow.
type Counters struct {
	Checks, Passed, Failed uint64
	// Panics are checks that ended so; they have no result.
	Panics uint64
	// Operations were asked of the kernel, Refused failed.
	Operations, Refused uint64
	// Mended are changes of others that were taken back.
	Mended uint64
	// Slowest is the longest that it took from a verdict until the kernel had
	// answered to the change that follows.
	Slowest time.Duration
}

// NewManager makes a manager. Run starts it.
func NewManager(o Options) *Manager {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Notify == nil {
		o.Notify = func(Notice) {}
	}
	if o.Quorum == nil {
		o.Quorum = func(string, bool) {}
	}
	if o.Concurrent <= 0 {
		o.Concurrent = defaultConcurrent
	}
	if o.Reconcile <= 0 {
		o.Reconcile = DefaultReconcile
	}
	return &Manager{
		options: o,
		results: make(chan outcome, o.Concurrent),
		wake:    make(chan struct{}, 1),
		ended:   make(chan struct{}),
	}
}

// ErrEnded is what calls return after the manager has ended.
var ErrEnded = errors.New("the checks have ended")

// Run runs the configuration until the context is done. Then it takes the
// services away as the configuration says. It returns an error at once if the
// configuration cannot run, or if the kernel cannot be read. It is called once.
//
// A panic is for the caller to recover from: the kernel's table stays as it is,
// and another Manager can go on with it.
func (m *Manager) Run(ctx context.Context, c Config) error {
	defer close(m.ended)
	m.log = newJournal(m.options.Log)
	defer m.log.close()
	checks, cancel := context.WithCancel(context.Background())
	defer func() {
		cancel()
		m.await()
	}()
	m.ctx = checks
	if err := m.start(&c); err != nil {
		return err
	}
	if m.options.Started != nil {
		m.options.Started()
	}
	m.loop(ctx)
	cancel()
	return m.stop()
}

// Reload changes to another configuration. After an error nothing has changed.
// What is in both goes on as if nothing had happened: states, counters of the
// kernel, checks that are being done.
func (m *Manager) Reload(ctx context.Context, c Config) error {
	return m.call(ctx, func(now time.Time) error {
		defer m.log.flush() // before the caller says that it is done
		return m.reload(now, &c)
	})
}

// SetAddresses says which addresses this machine has, for virtual servers whose
// checks stop without theirs (ha_suspend). It may be called before Run too. The
// map is not to be changed afterwards.
func (m *Manager) SetAddresses(present map[netip.Addr]bool) {
	m.post(func(now time.Time) {
		m.present = present
		for _, s := range m.servers {
			m.suspend(now, s)
		}
	})
}

// FileChanged has all FILE_CHECKs of a file look at it now. It may be called at
// any time.
func (m *Manager) FileChanged(name string) {
	m.post(func(now time.Time) {
		for r := range m.runners() {
			if f, ok := r.config.Probe.(FileCheckConfig); ok && f.File == name {
				m.hurry(now, r)
			}
		}
	})
}

// loop does what is due and what is asked, until the context ends.
func (m *Manager) loop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var wakes time.Time // when the timer expires, zero when it has
	for ctx.Err() == nil {
		var now time.Time
		select {
		case <-ctx.Done():
			return
		case o := <-m.results:
			now = o.at // near enough: to look at the clock may take as long as all the rest
			m.take(o)
			m.takeWaiting()
		case <-m.wake:
			m.doPosted()
			now = time.Now()
		case <-timer.C:
			now, wakes = time.Now(), time.Time{}
		}
		if len(m.dirty)+len(m.news) > 0 {
			m.settle()
			now = time.Now()
		}
		if !now.Before(m.reconcileAt) {
			m.reconcile(now)
		}
		m.log.flush()
		m.launch(now)
		if at := m.next(); at != wakes {
			timer.Reset(at.Sub(now))
			wakes = at
		}
	}
}

// next is when there is something to do if nothing happens before.
func (m *Manager) next() time.Time {
	if len(m.due) > 0 && m.running < m.options.Concurrent && m.due[0].due.Before(m.reconcileAt) {
		return m.due[0].due
	}
	return m.reconcileAt
}

// post has the manager's goroutine do something. It never waits.
func (m *Manager) post(do func(now time.Time)) {
	m.mu.Lock()
	m.posted = append(m.posted, do)
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *Manager) doPosted() {
	m.mu.Lock()
	posted := m.posted
	m.posted = nil
	m.mu.Unlock()
	for _, do := range posted {
		do(time.Now())
	}
}

// call has the manager's goroutine do something and waits for it.
func (m *Manager) call(ctx context.Context, do func(now time.Time) error) error {
	result := make(chan error, 1)
	m.post(func(now time.Time) { result <- do(now) })
	select {
	case err := <-result:
		return err
	case <-m.ended:
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// start takes over what the kernel has, and makes its table what it should be.
func (m *Manager) start(c *Config) error {
	servers, err := m.build(c, nil)
	if err != nil {
		return err
	}
	if c.FlushOnStart {
		if errs := m.options.Table.Do(ipvs.Flush{}); errs != nil {
			return fmt.Errorf("empty the kernel's table: %w", errors.Join(errs...))
		}
		m.log.info("Removed all services: lvs_flush")
	}
	m.findTimeouts()
	m.setTimeouts(c.Timeouts)
	have, err := m.options.Table.Table(ipvs.Query{Detail: ipvs.Settings})
	if err != nil {
		return fmt.Errorf("read the kernel's table: %w", err)
	}
	now := time.Now()
	m.config, m.servers, m.owner = c, servers, c.Owner(nil)
	m.open(now, servers, have)
	m.doPosted()
	m.bring(now, have)
	m.log.flush()
	return nil
}
