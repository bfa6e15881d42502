package vrrp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Options are what a Manager works with.
type Options struct {
	Wire Wire
	Host Host
	// Notifier is told of everything that happens, nil for nobody.
	Notifier Notifier
	// Detail reports every step of the driver to the Notifier too.
	Detail bool
	// Log takes what goes wrong on the host, nil for nowhere. What machines have
	// to say goes to the Notifier.
	Log *slog.Logger
	// Started is called once all instances have been started, if it is not nil.
	Started func()
	// Sync makes the kernel's connection synchronisation follow an instance. It
	// is called from a goroutine of its own, one call after the other; a role
	// that was overtaken by the next is left out. It may be nil if no
	// configuration has Sync.
	Sync func(SyncConfig, SyncRole) error
}

// Manager runs the virtual routers of a configuration.
//
// All machines live in one goroutine, so that what many of them have to send at
// the same moment leaves in one system call, and what they change on the host in
// a few. Nothing in it waits: not for the network, not for scripts.
type Manager struct {
	wire     Wire
	host     Host
	notifier Notifier
	log      *slog.Logger
	options  Options

	config    Config
	units     []*unit
	byPort    map[address][]*instance
	view      *View
	applied   uint64 // calls of Host.Apply
	links     debouncer
	virtual   map[netip.Addr]bool
	standings map[Cause]Standing
	vmacs     map[string]*VMACLink // those asked for
	vmacRetry backoff              // of those that could not be made
	static    holder
	pacing    pacing
	sync      *syncWorker

	arena    []byte
	outbox   []Outgoing
	reports  []Report
	lastTick time.Time
	lookAt   time.Time // when to look at all instances again, zero for no reason to
	counters ManagerCounters
	sendLog  time.Time // when the next failure to send may be logged

	mu     sync.Mutex
	posted []func(now time.Time)
	ended  chan struct{}
}

// address is whom a datagram is for.
type address struct {
	port Port
	vrid uint8
}

// unit is what has one deadline: a sync group, or an instance that is in none.
type unit struct {
	group    *Group // nil for an instance alone
	config   *GroupConfig
	members  []*instance
	deadline time.Time
	since    time.Time
}

// NewManager makes a manager. Run starts it.
func NewManager(o Options) *Manager {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Manager{
		wire:      o.Wire,
		host:      o.Host,
		notifier:  o.Notifier,
		log:       o.Log,
		options:   o,
		standings: map[Cause]Standing{},
		vmacs:     map[string]*VMACLink{},
		ended:     make(chan struct{}),
	}
}

// ErrEnded is what calls return after the manager has ended.
var ErrEnded = errors.New("the VRRP manager has ended")

// post has the manager's goroutine do something. It never blocks.
func (m *Manager) post(do func(now time.Time)) {
	m.mu.Lock()
	m.posted = append(m.posted, do)
	m.mu.Unlock()
	m.wire.Interrupt()
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

// Set says how a tracked script, file, process or pool stands, named as in the
// configuration. It may be called before Run too. Interfaces the manager watches
// itself.
func (m *Manager) Set(kind CauseKind, name string, s Standing) {
	m.post(func(now time.Time) {
		m.standings[Cause{kind, name}] = s
		for _, u := range m.units {
			for _, inst := range u.members {
				if slices.ContainsFunc(inst.trackers, func(t Tracker) bool { return t.Kind == kind && t.Name == name }) {
					m.track(now, inst)
				}
			}
		}
	})
}

// Reload changes to another configuration. If it returns an error that says so,
// nothing has changed. Instances whose configuration is the same notice nothing.
func (m *Manager) Reload(ctx context.Context, c Config) error {
	return m.call(ctx, func(now time.Time) error { return m.reload(now, c) })
}

// Run runs the configuration until the context is done. Then Active Routers give
// up with priority 0, and what was put up is taken away. It returns an error at
// once if the configuration cannot run here. It is called once.
func (m *Manager) Run(ctx context.Context, c Config) error {
	defer close(m.ended)
	if err := m.start(ctx, c); err != nil {
		return err
	}
	if m.options.Started != nil {
		m.options.Started()
	}
	defer context.AfterFunc(ctx, m.wire.Interrupt)()
	go m.watch(ctx)
	for ctx.Err() == nil {
		m.wire.Wait(m.nap(time.Now()))
		m.doPosted(time.Now())
		m.step()
	}
	m.shutdown()
	return nil
}

// watch hands over what the host looks like, until the context is done.
func (m *Manager) watch(ctx context.Context) {
	for {
		select {
		case v := <-m.host.Views():
			// Only when it has seen this one is the latest of the next taken.
			_ = m.call(ctx, func(now time.Time) error { m.see(now, v); return nil })
		case <-ctx.Done():
			return
		}
	}
}

// coalesce is the least time between two rounds of due timers. On a router with
// hundreds of instances their advertisements leave together that are due within
// it, and so with few system calls; one with few instances never meets it.
const coalesce = 500 * time.Microsecond

// longNap is how long it sleeps if nothing is due.
const longNap = time.Hour

// nap is how long there is nothing to do unless something happens.
func (m *Manager) nap(now time.Time) time.Duration {
	at := earliest(earliest(m.pacing.deadline(), m.links.deadline()), m.lookAt)
	for _, u := range m.units {
		at = earliest(at, u.deadline)
	}
	if at.IsZero() {
		return longNap
	}
	if soonest := m.lastTick.Add(coalesce); at.Before(soonest) {
		at = soonest
	}
	return max(at.Sub(now), 0)
}

// step hands over all that has been received, and only then looks at the time:
// after a pause the Active Router's advertisements are in the queue, and our own
// timers have expired.
func (m *Manager) step() {
	now := time.Now()
	m.wire.Receive(func(port Port, d Datagram, r Reason) { m.receive(now, port, &d, r) })
	m.tick(now)
	m.flush(now)
}

// tick tells machines whose deadline has passed.
func (m *Manager) tick(now time.Time) {
	for _, u := range m.units {
		if u.deadline.IsZero() || now.Before(u.deadline) {
			continue
		}
		m.lastTick = now
		if u.group != nil {
			m.carryAll(now, u, u.group.Handle(now, WholeGroup, Tick{}))
		} else {
			m.handle(now, u.members[0], Tick{})
		}
	}
	if m.links.due(now) || !m.lookAt.IsZero() && !now.Before(m.lookAt) {
		m.lookAt = time.Time{}
		m.makeVMACs(now)
		m.observeAll(now)
	}
}

// receive finds the instance that a datagram is for.
func (m *Manager) receive(now time.Time, port Port, d *Datagram, r Reason) {
	vrid, ok := d.VRID()
	if r != Accepted || !ok {
		m.counters.Malformed++
		return
	}
	to := m.byPort[address{port, vrid}]
	if len(to) == 0 {
		m.counters.UnknownVRID++
		m.noteUnknown(now, d, vrid)
		return
	}
	for _, inst := range to {
		m.handle(now, inst, Packet{*d})
	}
}

// handle hands an event to one machine, through its sync group if it has one,
// and carries out what comes of it.
func (m *Manager) handle(now time.Time, inst *instance, ev Event) {
	u := inst.unit
	if u.group != nil {
		m.carryAll(now, u, u.group.Handle(now, inst.member, ev))
		return
	}
	for _, a := range inst.machine.Handle(now, ev) {
		m.carry(now, inst, a)
	}
	u.deadline = inst.machine.Deadline()
}

func (m *Manager) carryAll(now time.Time, u *unit, actions []MemberAction) {
	for _, a := range actions {
		if a.Member == WholeGroup {
			if _, ok := a.Action.(Transition); ok {
				u.since = now
			}
			m.reports = append(m.reports, Report{At: now, Group: u.group.Name(), Action: a.Action, Config: &u.config.Notify})
		} else {
			m.carry(now, u.members[a.Member], a.Action)
		}
	}
	u.deadline = u.group.Deadline()
}

// carry notes what an action asks for. It is done in flush, for all instances
// together and in the order that the protocol wants.
func (m *Manager) carry(now time.Time, inst *instance, a Action) {
	switch a := a.(type) {
	case SendAdvertisement:
		if err := m.packets(inst, a); err != nil {
			inst.sendErrors++
			m.logSend(now, fmt.Errorf("(%s) send advertisement: %w", inst.config.Name, err))
		}
	case AddAddresses, UpdateAddresses:
		m.detailHold(now, inst, true)
		inst.hold(true)
	case RemoveAddresses:
		m.detailHold(now, inst, false)
		inst.hold(false)
		m.pacing.drop(inst)
	case Announce:
		m.announce(now, inst, a)
	default:
		if t, ok := a.(Transition); ok {
			inst.since = now
			m.follow(inst, t.To)
		}
		m.reports = append(m.reports, Report{
			At: now, Instance: inst.config.Name, Action: a, Deleted: inst.deleted, Config: &inst.config.Notify,
		})
	}
}

// flush does what has been noted: advertisements leave before the addresses go
// up, the addresses are up before they are announced, and whoever is told of it
// finds it done.
func (m *Manager) flush(now time.Time) {
	if len(m.outbox) > 0 {
		if err := m.wire.Send(m.outbox); err != nil {
			m.counters.SendErrors++
			m.logSend(now, err)
		}
		m.outbox, m.arena = m.outbox[:0], m.arena[:0]
	}
	m.settle(now)
	if due := m.pacing.due(now); len(due) > 0 {
		m.detailAnnounced(now, due)
		if err := m.host.Announce(due); err != nil {
			m.counters.AnnounceErrors++
			m.logSend(now, err)
		}
	}
	if m.notifier != nil {
		for _, r := range m.reports {
			m.notifier.Notify(r)
		}
	}
	m.reports = m.reports[:0]
}

// settle brings the host to what instances want.
func (m *Manager) settle(now time.Time) {
	dirty := m.static.dirty
	for _, u := range m.units {
		for _, inst := range u.members {
			dirty = dirty || inst.dirty
		}
	}
	if !dirty {
		return
	}
	result := settleHolders(now, m.host, m.holders())
	if result.applied {
		m.applied++
	}
	for _, err := range result.errs {
		m.counters.HostErrors++
		m.log.Error(err.Error())
	}
	for _, u := range m.units {
		for _, inst := range u.members {
			if slices.Contains(result.late, &inst.holder) && inst.machine.State() == Active {
				m.log.Info("(" + inst.config.Name + ") VIPs or routes that could not be added are there now")
				m.announce(now, inst, Announce{Repeat: inst.machine.Params().Announce.MasterRepeat})
			}
		}
	}
}

func (m *Manager) holders() []*holder {
	all := []*holder{&m.static}
	for _, u := range m.units {
		for _, inst := range u.members {
			all = append(all, &inst.holder)
		}
	}
	return all
}

func (m *Manager) doPosted(now time.Time) {
	m.mu.Lock()
	posted := m.posted
	m.posted = nil
	m.mu.Unlock()
	for _, do := range posted {
		do(now)
	}
}

// logSend logs a failure to send, at most once a second.
func (m *Manager) logSend(now time.Time, err error) {
	if now.Before(m.sendLog) {
		return
	}
	m.sendLog = now.Add(reportGap)
	m.log.Error(err.Error())
}

// noteUnknown logs that another router is on the link, at most once a second.
func (m *Manager) noteUnknown(now time.Time, d *Datagram, vrid uint8) {
	if !m.config.LogUnknownVRIDs || now.Before(m.counters.unknownLog) {
		return
	}
	m.counters.unknownLog = now.Add(reportGap)
	m.log.Info(fmt.Sprintf("Unknown VRID(%d) received from %v. Ignoring...", vrid, d.Source))
}

// observeAll looks at every instance again, and at what is static.
func (m *Manager) observeAll(now time.Time) {
	if m.restore(now, &m.static) {
		m.log.Warn("Restoring static addresses, routes and rules that somebody deleted")
	}
	for _, u := range m.units {
		for _, inst := range u.members {
			m.observe(now, inst)
		}
	}
}
