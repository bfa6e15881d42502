package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/vrrp"
	"ipvsadm/vrrp/linux"
)

// closing is how long scripts and mails of the end are waited for.
const closing = 5 * time.Second

// service is a running daemon.
type service struct {
	// confine is called once the sockets are open, nil where the process is not
	// ours alone.
	confine func(capabilities uint64) error

	env       Env
	opt       options
	log       *slog.Logger
	setup     *Setup
	manager   *vrrp.Manager // nil without failover
	messenger *vrrp.Messenger
	watcher   *vrrp.Watcher
	beside    *beside
	addresses *addressWatch
	signals   chan os.Signal
	// starting counts the parts that have not been started yet.
	starting atomic.Int32
}

// serve runs the daemon until a signal ends it. It returns the exit status.
func serve(env Env, opt options) int {
	log, err := newLog(env.Stderr, opt.logFormat, journaled(env.Environ))
	if err != nil {
		fmt.Fprintln(env.Stderr, err)
		return exitFatal
	}
	for _, line := range opt.useless {
		log.Warn(line)
	}
	s := newService(env, opt, log)
	s.confine = confine
	// From here on, so that whoever wants us to end or to read again before we are
	// ready gets that when we are, and no half of an end.
	signal.Notify(s.signals, unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2,
		unix.Signal(signalRTMin+2), unix.Signal(signalRTMax-1))
	defer signal.Stop(s.signals)
	if s.setup = s.load(context.Background()); s.setup == nil {
		return exitMissing
	}
	err = s.run()
	switch {
	case err == nil:
		log.Info("Stopped")
		return exitOK
	case errors.Is(err, os.ErrPermission):
		log.Error(err.Error())
		return exitUnusable // keepalived's status for missing privileges too
	}
	log.Error(err.Error())
	return exitFatal
}

func newService(env Env, opt options, log *slog.Logger) *service {
	s := &service{
		env: env, opt: opt, log: log, signals: make(chan os.Signal, 16), beside: &beside{log: log, alone: opt.checkOnly},
	}
	if env.Companion != nil && !opt.vrrpOnly {
		s.beside.companion = env.Companion(Surroundings{
			Log: log, Policy: s.policy, Alone: opt.checkOnly, KeepTable: opt.keepTable, Reconcile: opt.reconcile,
			Tell: func(t vrrp.Telling) { s.messenger.Tell(t) },
			Pool: func(name string, has bool) {
				if s.manager != nil {
					s.manager.Set(vrrp.CausePool, name, vrrp.Standing{Known: true, Up: has})
				}
			},
		})
	}
	return s
}

// load reads the configuration and logs what there is to say. It returns nil if
// it cannot be run.
func (s *service) load(ctx context.Context) *Setup {
	setup, messages := s.env.Load(ctx, s.opt.file, s.opt.load)
	for _, m := range messages {
		switch m.Severity {
		case Note:
			s.log.Info(m.Text)
		case Warning, Insecure:
			s.log.Warn(m.Text)
		default:
			s.log.Error(m.Text)
		}
	}
	if setup == nil {
		return nil
	}
	if err := hideSecrets(&setup.VRRP); err != nil {
		s.log.Warn(err.Error())
	}
	if s.opt.checkOnly { // what is left of it concerns virtual servers too
		setup.VRRP = vrrp.Config{Files: setup.VRRP.Files, Sync: setup.VRRP.Sync}
		setup.Process = Process{}
	}
	usable, why := s.policy(setup).Without(setup.VRRP)
	for _, line := range why {
		s.log.Warn(line)
	}
	if len(setup.Commands) > 0 && !setup.ScriptSecurity {
		s.log.Warn("SECURITY VIOLATION - scripts are being executed but script_security not enabled.")
	}
	if s.beside.companion == nil {
		for _, t := range trackings(&usable) {
			if len(t.Pools) > 0 {
				s.log.Warn(fmt.Sprintf("track_virtual_server %s is ignored: virtual servers are not run", t.Pools[0].Name))
				t.Pools = nil
			}
		}
	}
	if err := s.beside.check(setup); err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") { // one for each checker
			s.log.Error(line)
		}
		return nil
	}
	setup.VRRP = usable
	return setup
}

func (s *service) policy(setup *Setup) vrrp.ScriptPolicy {
	return vrrp.ScriptPolicy{
		Secure: setup.ScriptSecurity, UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()), Env: s.env.Environ,
	}
}

// messages are whom the messenger has to tell. What the configuration does not
// name is named after the machine.
func (s *service) messages(setup *Setup) vrrp.MessengerConfig {
	c := vrrp.MessengerConfig{RouterID: setup.RouterID, Mail: setup.Mail, Detail: s.opt.detail, Policy: s.policy(setup)}
	for _, f := range setup.FIFOs {
		if f.Events == vrrp.RouterEvents && s.opt.checkOnly || f.Events == vrrp.ServerEvents && s.beside.companion == nil {
			continue // nobody writes to it
		}
		c.FIFOs = append(c.FIFOs, f)
	}
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	c.RouterID = cmp.Or(c.RouterID, name)
	c.Mail.Helo = cmp.Or(c.Mail.Helo, name)
	c.Mail.From = cmp.Or(c.Mail.From, "keepalived@"+name)
	return c
}

// run does everything between reading the configuration and the end.
func (s *service) run() (err error) {
	if name := s.namespace(); name != "" {
		if err := enterNamespace(name, s.env.Args, s.env.Environ); err != nil {
			return err
		}
	}
	keepFromScripts(s.env.Environ)
	s.opt.separate(s.setup.Instance)
	pid, err := lockPID(s.opt.pidFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pid.remove()) }()
	options := vrrp.Options{Detail: s.opt.detail, Log: s.log, Started: s.partStarted, Sync: s.env.Sync}
	if !s.opt.checkOnly {
		wire, err := linux.NewWire()
		if err != nil {
			return err
		}
		defer wire.Close()
		host, err := linux.NewHost()
		if err != nil {
			return err
		}
		defer host.Close()
		options.Wire, options.Host = wire, host
	}
	if s.confine != nil {
		if !s.opt.checkOnly {
			// Failover runs on this thread, and on a processor of Go's that nothing else
			// needs, so no other thread of ours has to run for it to go on. It gets no
			// priority before them: where Go's garbage collector looks at its stack while it
			// is to go on, it waits in a loop, and would keep the collector from the processor.
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
		}
		for _, err := range s.setup.Process.apply() {
			s.log.Warn(err.Error())
		}
		if err := s.confine(s.setup.Process.capabilities()); err != nil {
			s.log.Warn(err.Error())
		}
	}
	s.once(s.setup.Startup)
	defer func() { s.once(s.setup.Shutdown) }()

	s.messenger = vrrp.NewMessenger(s.log)
	defer s.farewell()
	s.messenger.Apply(s.messages(s.setup))
	if !s.opt.checkOnly {
		options.Notifier = s.messenger
		s.manager = vrrp.NewManager(options)
	}
	s.watcher = vrrp.NewWatcher(s.log, s.tracked)
	defer s.watcher.Close()
	s.watch(s.setup)
	defer func() { s.addresses.close() }()
	socket, err := listen(s.opt.socket, s.answer)
	switch {
	case err == nil:
		defer socket.close()
	case errors.Is(err, errRunning) && s.opt.keepalived && s.opt.socket == defaultSocket:
		// keepalived lets many run that differ in their PID files only.
		s.log.Warn("ipvsadm vrrp status will not find us: " + err.Error() + "; give --socket PATH")
	default:
		return fmt.Errorf("control socket: %w", err)
	}
	return s.manage()
}

// tracked hands on how a tracked thing stands.
func (s *service) tracked(kind vrrp.CauseKind, name string, standing vrrp.Standing) {
	if s.manager != nil {
		s.manager.Set(kind, name, standing)
	}
	if s.beside.companion != nil && kind == vrrp.CauseFile {
		s.beside.companion.File(name, standing.Value)
	}
}

// watch watches what a configuration wants to know.
func (s *service) watch(setup *Setup) {
	if s.beside.companion != nil {
		s.watcher.WantFiles(setup.Files)
		if setup.Addresses && s.addresses == nil {
			s.addresses = watchAddresses(s.log, s.beside.companion.Addresses)
		}
	}
	s.watcher.Apply(&setup.VRRP, s.policy(setup))
}

// namespace is the network namespace to run in. That of the command line counts.
func (s *service) namespace() string {
	if s.opt.namespace != "" {
		return s.opt.namespace
	}
	return s.setup.NetNamespace
}

// manage runs the manager, and does what signals ask for meanwhile.
func (s *service) manage() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.obey(ctx, cancel, s.signals)
	}()
	err := s.work(ctx)
	cancel()
	<-ended
	systemd{}.stopping()
	return err
}

// work runs failover and its companion until the context ends.
func (s *service) work(ctx context.Context) error {
	s.starting.Store(1)
	if s.opt.checkOnly {
		if s.beside.companion == nil {
			return errors.New("there is nothing to run without failover")
		}
		s.beside.start(ctx, s.setup, s.partStarted)
		return s.beside.wait(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.poolsAre(s.setup, vrrp.Standing{}) // not known before the companion has looked
	s.beside.failed = func(setup *Setup) { s.poolsAre(setup, vrrp.Standing{Known: true}) }
	if s.beside.companion != nil && s.setup.Servers > 0 {
		s.starting.Store(2)
		s.beside.start(ctx, s.setup, s.partStarted)
	}
	err := s.manager.Run(ctx, s.setup.VRRP)
	cancel()
	return errors.Join(err, s.beside.wait(ctx))
}

// poolsAre says the same of all virtual servers that are tracked.
func (s *service) poolsAre(setup *Setup, standing vrrp.Standing) {
	for _, t := range trackings(&setup.VRRP) {
		for _, p := range t.Pools {
			s.manager.Set(vrrp.CausePool, p.Name, standing)
		}
	}
}

// trackings are what all instances and groups track.
func trackings(c *vrrp.Config) (all []*vrrp.TrackConfig) {
	for i := range c.Instances {
		all = append(all, &c.Instances[i].Track)
	}
	for i := range c.Groups {
		all = append(all, &c.Groups[i].Track)
	}
	return all
}

// partStarted is called when failover, or its companion, has been started.
func (s *service) partStarted() {
	if s.starting.Add(-1) == 0 {
		s.started()
	}
}

// obey does what signals ask for, one after the other, until the context ends.
func (s *service) obey(ctx context.Context, stop func(), signals <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case got := <-signals:
			switch got {
			case unix.SIGTERM, unix.SIGINT:
				s.log.Info("Stopping")
				stop()
			case unix.SIGHUP:
				systemd{}.reloading()
				s.reload(ctx)
				systemd{}.ready()
			case unix.Signal(signalRTMin + 2):
				s.print(ctx, "status json")
			case unix.Signal(signalRTMax - 1):
				s.log.Info("Counters only grow; they are not cleared")
			default:
				s.print(ctx, "status")
			}
		}
	}
}

// started is called when everything has been started.
func (s *service) started() {
	s.log.Info("Startup complete")
	systemd{}.ready()
	tellParent(s.env.Environ)
}

// reload changes to the configuration as it is now. If anything in it is wrong,
// nothing changes.
func (s *service) reload(ctx context.Context) {
	s.log.Info("Reloading")
	setup := s.load(ctx)
	if setup == nil {
		s.log.Error("The configuration is not used: go on with the old one")
		return
	}
	if s.manager != nil {
		// Whoever tracks something new must know how it stands before it is tracked.
		s.watcher.Preview(&setup.VRRP)
		if err := s.manager.Reload(ctx, setup.VRRP); err != nil {
			s.log.Error(fmt.Sprintf("The configuration is not used, go on with the old one: %v", err))
			return
		}
	}
	if setup.Process != s.setup.Process {
		s.log.Warn("vrrp_priority, vrrp_rt_priority and vrrp_no_swap take effect at the next start: the power to change them has been given up")
		setup.Process = s.setup.Process
	}
	s.messenger.Apply(s.messages(setup))
	s.watch(setup)
	s.beside.reload(ctx, setup)
	s.setup = setup
	if s.manager != nil && setup.VRRP.FIFOStatesOnReload {
		s.writeStates(ctx)
	}
	s.log.Info("Reload finished")
}

// writeStates writes the states of all instances to the FIFOs, and to nobody else.
func (s *service) writeStates(ctx context.Context) {
	status, err := s.manager.Status(ctx)
	if err != nil {
		return
	}
	for i := range status.Instances {
		v := &status.Instances[i]
		s.messenger.Notify(vrrp.Report{
			At: status.At, Instance: v.Name, Config: &vrrp.NotifyConfig{},
			Action: vrrp.Notify{Kind: vrrp.NotifyState, State: v.State, Priority: v.Priority},
		})
	}
}

// print writes the status to standard error.
func (s *service) print(ctx context.Context, question string) {
	if err := s.answer(ctx, question, s.env.Stderr); err != nil {
		s.log.Warn(err.Error())
	}
}

// once runs a program of startup_script or shutdown_script and waits for it.
func (s *service) once(c OnceCommand) {
	if c.Command == nil {
		return
	}
	program, err := s.policy(s.setup).Prepare(*c.Command)
	if err != nil {
		s.log.Warn("Cannot run script: " + err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.Timeout)
	defer cancel()
	if r := program.Run(ctx); !r.OK() {
		s.log.Warn(fmt.Sprintf("Script %v %v", program, r))
	}
}

// farewell waits for what the end has to be told to.
func (s *service) farewell() {
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	s.messenger.Close(ctx)
}
