// The runtime's watch over a container's CPU limit would cost every command an
// eighth of its start: a goroutine, and mostly a thread.
//
//go:debug updatemaxprocs=0

// Command ipvsadm administers the Linux virtual server, and runs failover of
// virtual addresses.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/term"

	"ipvsadm/check"
	"ipvsadm/check/probe"
	"ipvsadm/check/status"
	"ipvsadm/ipvs"
	"ipvsadm/rules"
	"ipvsadm/rules/keepalived"
	"ipvsadm/rules/schedule"
	"ipvsadm/rules/watch"
	"ipvsadm/vrrp"
	"ipvsadm/vrrp/daemon"
)

func main() {
	switch args := os.Args; {
	case len(args) > 0 && filepath.Base(args[0]) == "keepalived":
		os.Exit(daemon.Keepalived(vrrpEnv(), args[1:]))
	case len(args) > 1 && args[1] == "vrrp":
		os.Exit(daemon.Main(vrrpEnv(), args[2:]))
	case len(args) > 1 && args[1] == "sched":
		os.Exit(schedule.Main(scheduleEnv(), args[2:]))
	case len(args) > 1 && args[1] == "check":
		os.Exit(daemon.Check(vrrpEnv(), args[2:]))
	}
	os.Exit(rules.Main(rules.Env{
		Stdin:       os.Stdin,
		Stdout:      os.Stdout,
		Stderr:      os.Stderr,
		Interactive: term.IsTerminal(int(os.Stdout.Fd())),
		LookupEnv:   os.LookupEnv,
		Open:        func() (rules.Kernel, error) { return ipvs.Open(ipvs.Options{}) },
		Names:       rules.NewSystemNames(),
		Connections: func() (io.ReadCloser, error) { return ipvs.OpenProc("/proc/net/ip_vs_conn") },
		Interrupts:  interrupts,
		Screen:      screen,
		Subcommands: subcommands,
	}, os.Args))
}

// subcommands are the commands that are words, for completion.
func subcommands() []rules.Subcommand {
	list := schedule.Subcommands()
	flags := daemon.Flags()
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		list = append(list, rules.Subcommand{Name: name, Flags: flags[name]})
	}
	return list
}

// screen takes over the terminal. There is none if a standard stream is something
// else, or if it says that it cannot be drawn on.
func screen() (*watch.Screen, error) {
	kind := os.Getenv("TERM")
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stdout.Fd())) || kind == "" || kind == "dumb" {
		return nil, nil
	}
	return watch.OpenScreen(os.Stdin, os.Stdout, os.Getenv("NO_COLOR") == "") // see no-color.org
}

// interrupts delivers the signals by which a user or a machine ends a program.
// The end of a pipe is none: who no longer looks still wants it done.
func interrupts() (<-chan os.Signal, func()) {
	signal.Ignore(syscall.SIGPIPE)
	c := make(chan os.Signal, 1)
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(sig) { // nohup means it
			signal.Notify(c, sig)
		}
	}
	return c, func() { signal.Stop(c) }
}

// openLoaded connects to the IPVS of a kernel that has it loaded. Others load it
// when they are asked for it.
func openLoaded() (rules.Kernel, error) {
	if _, err := os.Stat("/proc/net/ip_vs"); err != nil {
		return nil, err
	}
	return ipvs.Open(ipvs.Options{NoModprobe: true})
}

// scheduleEnv is what the explanations and predictions of schedulers need.
func scheduleEnv() schedule.Env {
	return schedule.Env{
		Stdin:       os.Stdin,
		Stdout:      os.Stdout,
		Stderr:      os.Stderr,
		Interactive: term.IsTerminal(int(os.Stdout.Fd())),
		Open:        openLoaded,
		Names:       rules.NewSystemNames(),
		Connections: func() (io.ReadCloser, error) { return ipvs.OpenProc("/proc/net/ip_vs_conn") },
		Root:        os.DirFS("/"),
		ReadFile:    os.ReadFile,
	}
}

// vrrpEnv is what the daemons need of the world.
func vrrpEnv() daemon.Env {
	return daemon.Env{
		Stdout:    os.Stdout,
		Stderr:    os.Stderr,
		Args:      os.Args,
		Environ:   os.Environ(),
		Load:      keepalived.LoadSetup,
		Sync:      syncConnections,
		Companion: func(s daemon.Surroundings) daemon.Companion { return newHealth(s) },
	}
}

// syncConnections has the kernel's synchronisation of connections play a role.
func syncConnections(c vrrp.SyncConfig, role vrrp.SyncRole) error {
	client, err := ipvs.Open(ipvs.Options{})
	if err != nil {
		return err
	}
	defer client.Close()
	// What does not run cannot be stopped, which is fine.
	client.Do(ipvs.StopDaemon{State: ipvs.Master}, ipvs.StopDaemon{State: ipvs.Backup})
	return errors.Join(client.Do(syncStarts(c, role)...)...)
}

// syncStarts are the daemons that a role needs.
func syncStarts(c vrrp.SyncConfig, role vrrp.SyncRole) (ops []ipvs.Op) {
	daemon := ipvs.Daemon{Interface: c.Device, SyncID: uint32(c.ID), MaxLen: c.MaxLen, Group: c.Group, Port: c.Port, TTL: c.TTL}
	for _, state := range []ipvs.DaemonState{ipvs.Master, ipvs.Backup} {
		if role == vrrp.SyncBoth || role == vrrp.SyncActive && state == ipvs.Master || role == vrrp.SyncBackup && state == ipvs.Backup {
			daemon.State = state
			ops = append(ops, ipvs.StartDaemon{Daemon: daemon})
		}
	}
	return ops
}

// health runs the virtual servers of a configuration in the process of failover,
// or alone. It is all that connects the two.
type health struct {
	daemon.Surroundings
	probes probe.Options // but for TLS: there can be very many checkers
	// room is how many processors Go must have so that failover finds one whenever it
	// has something to do. The kernel gives it a real one then: it prefers the thread
	// that has slept.
	room int

	mu      sync.Mutex
	manager *check.Manager // nil when it does not run
	policy  vrrp.ScriptPolicy
	files   map[string]int
	present map[netip.Addr]bool // nil if nobody asked
	synced  vrrp.SyncConfig     // what synchronise began
}

func newHealth(s daemon.Surroundings) *health {
	h := &health{Surroundings: s, files: map[string]int{}}
	turns := probe.NewTurns(runtime.GOMAXPROCS(0), s.Alone) // and no more than a container may use
	// Three for what manages the checks, what reads the table, and failover. The rest
	// because Go also gives processors to threads that look for work, and the kernel
	// may let those wait.
	h.room = turns.AtOnce() + 3 + 8
	h.probes = probe.Options{
		Turns: turns, Run: h.run, File: h.file,
		Panicked: func(value any, stack []byte) {
			h.Log.Error(fmt.Sprintf("A checker has failed itself: %v\n%s", value, stack))
		},
	}
	return h
}

// Check implements daemon.Companion.
func (h *health) Check(s *daemon.Setup) error {
	h.disable(s)
	return check.Validate(configOf(s), func(c *check.Config, p check.ProbeConfig) error {
		return probe.Validate(p, h.probing(c))
	})
}

// disable leaves out each MISC_CHECK whose program is not there or may not be run. As
// with keepalived its server is not judged by it; that it cannot be run says nothing
// of the server.
func (h *health) disable(s *daemon.Setup) {
	type program struct{ file, user, group string }
	policy, known := h.Policy(s), map[program]error{}
	c := configOf(s)
	for i := range c.Servers {
		for j := range c.Servers[i].Reals {
			real := &c.Servers[i].Reals[j]
			real.Checkers = slices.DeleteFunc(real.Checkers, func(k check.CheckerConfig) bool {
				misc, ok := k.Probe.(check.MiscConfig)
				if !ok || len(misc.Command.Argv) == 0 {
					return false
				}
				p := program{misc.Command.Argv[0], misc.Command.User, misc.Command.Group}
				err, seen := known[p]
				if !seen {
					_, err = policy.Prepare(vrrp.Command(misc.Command))
					known[p] = err
				}
				if err != nil {
					h.Log.Warn(fmt.Sprintf("Disabling misc script %s of service %s: %v", p.file, real.Addr, err))
				}
				return err != nil
			})
		}
	}
}

func configOf(s *daemon.Setup) *check.Config { return s.Beside.(*check.Config) }

// Run implements daemon.Companion.
func (h *health) Run(ctx context.Context, s *daemon.Setup, started func()) error {
	client, err := ipvs.Open(ipvs.Options{})
	switch {
	case errors.Is(err, syscall.ENOPROTOOPT):
		return fmt.Errorf("this kernel has no IPVS, or its module ip_vs cannot be loaded: %w", err)
	case err != nil:
		return err
	}
	defer client.Close()
	reader, err := ipvs.Open(ipvs.Options{})
	if err != nil {
		return err
	}
	defer reader.Close()
	if !h.Alone {
		runtime.GOMAXPROCS(max(h.room, runtime.GOMAXPROCS(0)))
		// To collect garbage Go stops failover too, for as long as the kernel lets other
		// threads of ours wait: half as often for half as much memory again.
		debug.SetGCPercent(200)
	}
	// What reading a large configuration left behind is used again for what is made
	// of it, in place of memory that the process does not have yet.
	runtime.GC()
	m := check.NewManager(check.Options{
		Table: kernelTable{client, reader}, Timeouts: client.Timeouts, New: h.checker, Log: h.Log, Quorum: h.Pool, Started: started,
		KeepTable: h.KeepTable, Reconcile: h.Reconcile, Concurrent: checksAtOnce(),
		Notify: func(n check.Notice) {
			h.Tell(vrrp.Telling{Command: (*vrrp.Command)(n.Command), FIFO: n.FIFO, Subject: n.Subject, Body: n.Body})
		},
	})
	h.mu.Lock()
	h.manager, h.policy = m, h.Policy(s)
	if h.present != nil {
		m.SetAddresses(h.present)
	}
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		h.manager = nil
		h.mu.Unlock()
	}()
	if h.Alone {
		h.synchronise(s.VRRP.Sync)
		if !h.KeepTable {
			defer h.synchronise(nil)
		}
	}
	return m.Run(ctx, *configOf(s))
}

// synchronise has connections synchronised where no failover does it, nil for no
// more (lvs_sync_daemon). What would follow an instance does not run then.
func (h *health) synchronise(c *vrrp.SyncConfig) {
	want, role := vrrp.SyncConfig{}, vrrp.SyncOff
	if c != nil && c.Instance == "" {
		want, role = *c, vrrp.SyncBoth
	}
	h.mu.Lock()
	was := h.synced
	h.synced = want
	h.mu.Unlock()
	if was == want {
		return
	}
	if err := syncConnections(want, role); err != nil {
		h.Log.Error(fmt.Sprintf("connection synchronisation (%v): %v", role, err))
	}
}

// kernelTable is the kernel's table. It is read by a client of its own, since changes
// must not wait for that.
type kernelTable struct {
	*ipvs.Client
	reader *ipvs.Client
}

// Table implements check.Table.
func (t kernelTable) Table(q ipvs.Query) ([]ipvs.Entry, error) { return t.reader.Table(q) }

// checksAtOnce is how many checks are done at a time: 4096, and fewer where that
// many files cannot be open. Some checks need two, and others need some too.
func checksAtOnce() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(max(limit.Cur/4, 1), 4096))
}

// running is the manager, nil when there is none.
func (h *health) running() (*check.Manager, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.manager == nil {
		return nil, check.ErrEnded
	}
	return h.manager, nil
}

// Reload implements daemon.Companion.
func (h *health) Reload(ctx context.Context, s *daemon.Setup) error {
	m, err := h.running()
	if err != nil {
		return err
	}
	if err := m.Reload(ctx, *configOf(s)); err != nil {
		return err
	}
	if h.Alone {
		h.synchronise(s.VRRP.Sync)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.policy = h.Policy(s)
	return nil
}

// Status implements daemon.Companion.
func (h *health) Status(ctx context.Context, w io.Writer, asJSON bool) error {
	m, err := h.running()
	if err != nil {
		return err
	}
	s, err := m.Status(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return status.WriteJSON(w, s)
	}
	return status.WriteText(w, s)
}

// Once implements daemon.Companion.
func (h *health) Once(ctx context.Context, s *daemon.Setup, w io.Writer, asJSON bool) (well bool, err error) {
	h.policy = h.Policy(s)
	for _, f := range s.VRRP.Files {
		h.files[f.Name] = vrrp.ReadTrackFile(f.Path)
	}
	results, err := check.Once(ctx, *configOf(s), h.checker, checksAtOnce())
	if err != nil {
		return false, err
	}
	well = !slices.ContainsFunc(results, func(r check.OnceResult) bool { return !r.Well() })
	if asJSON {
		return well, status.WriteOnceJSON(w, results)
	}
	return well, status.WriteOnce(w, results)
}

// File implements daemon.Companion.
func (h *health) File(name string, value int) {
	h.mu.Lock()
	h.files[name] = value
	m := h.manager
	h.mu.Unlock()
	if m != nil {
		m.FileChanged(name)
	}
}

// Addresses implements daemon.Companion.
func (h *health) Addresses(present map[netip.Addr]bool) {
	h.mu.Lock()
	h.present = present
	m := h.manager
	h.mu.Unlock()
	if m != nil {
		m.SetAddresses(present)
	}
}

// checker makes a checker.
func (h *health) checker(c *check.Config, p check.ProbeConfig) (check.Checker, error) {
	return probe.New(p, h.probing(c))
}

// probing is what the checkers of a configuration work with.
func (h *health) probing(c *check.Config) probe.Options {
	o := h.probes
	o.TLS = c.TLS
	return o
}

// file is the number in a file of FILE_CHECK.
func (h *health) file(name string) (int64, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	v, ok := h.files[name]
	return int64(v), ok
}

// run runs the program of a MISC_CHECK.
func (h *health) run(ctx context.Context, c check.Command) probe.Exit {
	h.mu.Lock()
	policy := h.policy
	h.mu.Unlock()
	program, err := policy.Prepare(vrrp.Command(c))
	if err != nil {
		return probe.Exit{Err: err}
	}
	r := program.Run(ctx)
	return probe.Exit{Err: r.Err, TimedOut: r.TimedOut, Code: r.Code, Signal: r.Signal}
}
