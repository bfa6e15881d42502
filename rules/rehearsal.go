package rules

import (
	"bufio"
	"io"
	"slices"
	"syscall"

	"ipvsadm/ipvs"
)

// exitWouldChange is the exit code of a dry run that found something to change.
const exitWouldChange = 3

// dryRun shows what a command would change. The command runs as ever, but on a
// rehearsal in place of the kernel, and what it prints is left out; so its
// messages and, if it would fail, its exit code are those of the real one.
func (s *session) dryRun(cmd Command) int {
	r := &rehearsal{Kernel: s.kernel}
	out := s.out
	s.kernel, s.out = r, bufio.NewWriter(io.Discard)
	code := s.run(cmd)
	s.out = out
	s.showSteps(r.steps)
	if code == exitOK && len(r.steps) > 0 {
		return exitWouldChange
	}
	return code
}

// rehearsal is a Kernel that keeps changes to itself: it reads the real one's
// table, timeouts and daemons when they are first needed, and from then on
// changes and shows its own.
type rehearsal struct {
	Kernel   // only read from
	image    *image
	timeouts *ipvs.Timeouts
	daemons  []ipvs.Daemon
	asked    bool // for daemons
	steps    []step
}

// step is a change that was rehearsed, with what was there before.
type step struct {
	ipvs.Change
	// servers and services went with a service or with the whole table.
	services, servers int
	oldTimeouts       ipvs.Timeouts
	oldDaemon         ipvs.Daemon
}

// Table shows the table as it would be. Numbers of connections are as if there
// were none, so that nobody waits for them.
func (r *rehearsal) Table(q ipvs.Query) ([]ipvs.Entry, error) {
	if err := r.load(); err != nil {
		return nil, err
	}
	table := r.image.entries()
	if q.Service == (ipvs.ServiceKey{}) {
		return table, nil
	}
	i := slices.IndexFunc(table, func(e ipvs.Entry) bool { return e.ServiceKey == q.Service })
	if i < 0 {
		return nil, &ipvs.OpError{Request: ipvs.ReqGetService, Err: syscall.ESRCH}
	}
	return table[i : i+1], nil
}

func (r *rehearsal) load() error {
	if r.image != nil {
		return nil
	}
	table, err := r.Kernel.Table(ipvs.Query{Detail: ipvs.Full})
	if err != nil {
		return err
	}
	sortTable(table)
	r.image = imageOf(table)
	return nil
}

func (r *rehearsal) Timeouts() (ipvs.Timeouts, error) {
	if r.timeouts == nil {
		t, err := r.Kernel.Timeouts()
		if err != nil {
			return t, err
		}
		r.timeouts = &t
	}
	return *r.timeouts, nil
}

func (r *rehearsal) Daemons() ([]ipvs.Daemon, error) {
	if !r.asked {
		list, err := r.Kernel.Daemons()
		if err != nil {
			return nil, err
		}
		r.daemons, r.asked = list, true
	}
	return r.daemons, nil
}

// Do rehearses changes.
func (r *rehearsal) Do(ops ...ipvs.Op) []error {
	errs := make([]error, len(ops))
	failed := false
	for i, op := range ops {
		errs[i] = r.do(ipvs.ValueOf(op)) // which a step keeps
		failed = failed || errs[i] != nil
	}
	if !failed {
		return nil
	}
	return errs
}

func (r *rehearsal) do(op ipvs.Op) error {
	var errno syscall.Errno
	var err error
	switch op := op.(type) {
	case ipvs.SetTimeouts:
		err = r.setTimeouts(op)
	case ipvs.StartDaemon:
		errno, err = r.startDaemon(op)
	case ipvs.StopDaemon:
		errno, err = r.stopDaemon(op)
	default:
		errno, err = r.change(op)
	}
	if errno != 0 {
		err = &ipvs.OpError{Request: ipvs.RequestOf(op), Err: errno}
	}
	return err
}

// change rehearses a change of the table.
func (r *rehearsal) change(op ipvs.Op) (syscall.Errno, error) {
	if err := r.load(); err != nil {
		return 0, err
	}
	s := step{}
	counts := false
	switch op := op.(type) {
	case ipvs.Flush:
		for _, e := range r.image.entries() {
			s.services++
			s.servers += len(e.Destinations)
		}
	case ipvs.DeleteService:
		if e := r.image.find(op.Service); e != nil {
			s.servers = e.left
		}
	case ipvs.Zero:
		counts = r.counts(op.Service)
	}
	var errno syscall.Errno
	if s.Change, errno = r.image.apply(op, 0); errno != 0 {
		return errno, nil
	}
	switch op := op.(type) {
	case ipvs.EditService:
		if !differs(ipvs.Wanted{Service: s.Old.(ipvs.AddService).Service}, ipvs.Wanted{Service: op.Service}) {
			return 0, nil
		}
	case ipvs.EditDestination:
		if s.Old == ipvs.Op(ipvs.AddDestination(op)) {
			return 0, nil
		}
	case ipvs.Flush:
		if s.services == 0 {
			return 0, nil
		}
	case ipvs.Zero:
		if !counts {
			return 0, nil
		}
	}
	r.steps = append(r.steps, s)
	return 0, nil
}

// counts tells whether a service, or any for the zero key, has a counter that is
// not 0. Those of the whole director, which are no part of the table, do not
// count.
func (r *rehearsal) counts(k ipvs.ServiceKey) bool {
	if k != (ipvs.ServiceKey{}) {
		s := r.image.find(k)
		return s != nil && s.counts
	}
	return slices.ContainsFunc(r.image.order, func(s *imageService) bool { return s.counts && !s.gone })
}

// differs says whether the kernel can tell one service from another.
func differs(have, want ipvs.Wanted) bool {
	e := ipvs.Entry{ServiceState: ipvs.ServiceState{Service: have.Service}}
	return len(ipvs.Plan([]ipvs.Entry{e}, []ipvs.Wanted{want}, ipvs.OwnsAll)) > 0
}

func (r *rehearsal) setTimeouts(op ipvs.SetTimeouts) error {
	old, err := r.Timeouts()
	if err != nil {
		return err
	}
	set := merged(old, op.Timeouts)
	if set != old {
		r.timeouts = &set
		r.steps = append(r.steps, step{Change: ipvs.Change{Op: op}, oldTimeouts: old})
	}
	return nil
}

func (r *rehearsal) startDaemon(op ipvs.StartDaemon) (syscall.Errno, error) {
	i, err := r.daemon(op.Daemon.State)
	switch {
	case err != nil:
		return 0, err
	case i >= 0:
		return syscall.EEXIST, nil
	}
	r.daemons = append(slices.Clone(r.daemons), op.Daemon)
	r.steps = append(r.steps, step{Change: ipvs.Change{Op: op}})
	return 0, nil
}

func (r *rehearsal) stopDaemon(op ipvs.StopDaemon) (syscall.Errno, error) {
	i, err := r.daemon(op.State)
	switch {
	case err != nil:
		return 0, err
	case i < 0:
		return syscall.ESRCH, nil
	}
	r.steps = append(r.steps, step{Change: ipvs.Change{Op: op}, oldDaemon: r.daemons[i]})
	r.daemons = slices.Delete(slices.Clone(r.daemons), i, i+1)
	return 0, nil
}

// daemon returns the place of a running daemon, -1 if it does not run.
func (r *rehearsal) daemon(state ipvs.DaemonState) (int, error) {
	list, err := r.Daemons()
	return slices.IndexFunc(list, func(d ipvs.Daemon) bool { return d.State == state }), err
}
