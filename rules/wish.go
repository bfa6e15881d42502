package rules

import (
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"ipvsadm/ipvs"
)

// wish is what a stream that replaces the table asks for: the table that its
// lines, carried out in their order on an empty one, would leave. Timeouts and
// synchronisation daemons that it does not speak of stay as they are.
type wish struct {
	image    *image
	lines    int // that said something
	where    func(line int) string
	timeouts ipvs.Timeouts // zero ones stay
	daemons  [3]daemonWish // by state
}

// daemonWish says whether a daemon is to run or to be stopped, where asked.
type daemonWish struct {
	asked, run bool
	daemon     ipvs.Daemon
}

func newWish() *wish { return &wish{image: newImage(), where: atLine} }

// apply takes in a line of the stream, or says why a kernel would refuse it.
func (w *wish) apply(op ipvs.Op, line int) syscall.Errno {
	switch op := op.(type) {
	case *ipvs.AddService:
		return w.image.addService(*op, line)
	case *ipvs.AddDestination:
		return w.image.addServer(*op, line)
	case ipvs.SetTimeouts:
		w.timeouts = merged(w.timeouts, op.Timeouts)
	case ipvs.StartDaemon:
		d := &w.daemons[op.Daemon.State]
		if d.run {
			return syscall.EEXIST
		}
		*d = daemonWish{true, true, op.Daemon}
	case ipvs.StopDaemon:
		w.daemons[op.State] = daemonWish{asked: true}
	default:
		_, errno := w.image.apply(op, line)
		return errno
	}
	return 0
}

// why says why a kernel would refuse what a line asks for, and what helps where
// the kernel's own word for it does not.
func (w *wish) why(op ipvs.Op, errno syscall.Errno) string {
	sentence := kernelSentence(&ipvs.OpError{Request: ipvs.RequestOf(op), Err: errno})
	switch errno {
	case syscall.EEXIST:
		if line := w.image.lineOf(op); line > 0 {
			sentence += ": " + w.where(line) + " adds it"
		}
	case syscall.ERANGE:
		d, isAdd := op.(ipvs.AddDestination)
		if !isAdd {
			d = ipvs.AddDestination(op.(ipvs.EditDestination))
		}
		return fmt.Sprintf("the lower threshold must not exceed the upper: -y %d is more than -x %d; raise -x or lower -y",
			d.Destination.Lower, d.Destination.Upper)
	}
	return sentence
}

// owner says what may be deleted.
func (w *wish) owner(scope Replace) ipvs.Owner {
	if scope == ReplaceServices {
		named := w.image.named()
		return func(k ipvs.ServiceKey, _ netip.AddrPort) bool { return named[k] }
	}
	return ipvs.OwnsAll
}

// plan returns the changes that make the wish come true of what the kernel has.
// The first n take nothing away from the table.
func (w *wish) plan(k Kernel, table []ipvs.Entry, scope Replace) (plan []ipvs.Change, n int, err error) {
	have, want := w.image.differing(table)
	plan = ipvs.Plan(have, want, w.owner(scope))
	for n < len(plan) && !deletes(plan[n].Op) {
		n++
	}
	other, err := w.otherChanges(k)
	if err != nil || len(other) == 0 {
		return plan, n, err
	}
	return append(append(plan[:n:n], other...), plan[n:]...), n + len(other), nil
}

// deletes tells whether an operation takes something away from the table.
func deletes(op ipvs.Op) bool {
	switch op.(type) {
	case ipvs.DeleteService, ipvs.DeleteDestination, ipvs.Flush:
		return true
	}
	return false
}

// otherChanges are those of timeouts and daemons.
func (w *wish) otherChanges(k Kernel) (changes []ipvs.Change, err error) {
	add := func(op ipvs.Op) { changes = append(changes, ipvs.Change{Op: op}) }
	if w.timeouts != (ipvs.Timeouts{}) {
		have, err := k.Timeouts()
		if err != nil {
			return nil, err
		}
		if set := merged(have, w.timeouts); set != have {
			add(ipvs.SetTimeouts{Timeouts: w.timeouts})
		}
	}
	if w.daemons == ([3]daemonWish{}) {
		return changes, nil
	}
	var running [3]ipvs.Daemon
	list, err := k.Daemons()
	for _, d := range list {
		if int(d.State) < len(running) {
			running[d.State] = d
		}
	}
	for state, d := range w.daemons {
		runs := running[state].State != 0
		if !d.asked || d.run && runs && serves(&running[state], &d.daemon) {
			continue
		}
		if runs {
			add(ipvs.StopDaemon{State: ipvs.DaemonState(state)})
		}
		if d.run {
			add(ipvs.StartDaemon{Daemon: d.daemon})
		}
	}
	return changes, err
}

// merged returns timeouts after others were set, of which zero ones do not count.
func merged(have, set ipvs.Timeouts) ipvs.Timeouts {
	for _, f := range [...]struct{ have, set *time.Duration }{
		{&have.TCP, &set.TCP}, {&have.TCPFin, &set.TCPFin}, {&have.UDP, &set.UDP},
	} {
		if *f.set != 0 {
			*f.have = *f.set
		}
	}
	return have
}

// serves says whether a running daemon is the one that is wanted, where what was
// left to the kernel does not matter.
func serves(running, want *ipvs.Daemon) bool {
	w := *want
	if w.MaxLen == 0 {
		w.MaxLen = running.MaxLen
	}
	if !w.Group.IsValid() {
		w.Group = running.Group
	}
	if w.Port == 0 {
		w.Port = running.Port
	}
	if w.TTL == 0 {
		w.TTL = running.TTL
	}
	return w == *running
}
