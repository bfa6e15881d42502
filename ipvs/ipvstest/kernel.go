package ipvstest

import (
	"math"
	"slices"
	"sync"
	"syscall"
	"time"

	"ipvsadm/ipvs"
)

// Kernel is an IPVS in memory, that of one network namespace. It satisfies
// rules.Kernel. All methods are safe for concurrent use.
type Kernel struct {
	opt Options

	mu       sync.Mutex
	byAddr   hashTable
	byMark   hashTable
	trash    []*destination // removed ones, oldest first
	timeouts ipvs.Timeouts
	daemons  []ipvs.Daemon // master before backup
}

// New returns a kernel with an empty table.
func New(o Options) *Kernel {
	return &Kernel{
		opt:      o.withDefaults(),
		timeouts: ipvs.Timeouts{TCP: 15 * time.Minute, TCPFin: 2 * time.Minute, UDP: 5 * time.Minute},
	}
}

// Info returns version 1.2.1 and 4096 connection buckets.
func (k *Kernel) Info() (ipvs.Info, error) {
	if err := k.before(ipvs.ReqGetInfo); err != nil {
		return ipvs.Info{}, err
	}
	return ipvs.Info{Version: 0x010201, ConnTableSize: 4096}, nil
}

// Timeouts returns the connection timeouts.
func (k *Kernel) Timeouts() (ipvs.Timeouts, error) {
	if err := k.before(ipvs.ReqGetConfig); err != nil {
		return ipvs.Timeouts{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.timeouts, nil
}

// Daemons returns the running synchronisation daemons, master before backup.
func (k *Kernel) Daemons() ([]ipvs.Daemon, error) {
	if err := k.before(ipvs.ReqGetDaemon); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.daemons), nil
}

// Do carries out ops in order, each whether or not those before it failed, and
// returns nil if all succeeded, else an error or nil for each. Errors are
// *ipvs.OpError with the errno of the kernel.
func (k *Kernel) Do(ops ...ipvs.Op) []error {
	errs := make([]error, len(ops))
	failed := false
	for i, op := range ops {
		errs[i] = k.do(ipvs.ValueOf(op))
		failed = failed || errs[i] != nil
	}
	if !failed {
		return nil
	}
	return errs
}

func (k *Kernel) do(op ipvs.Op) error {
	req := requestOf(op)
	if err := k.before(req); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if errno := k.apply(op); errno != 0 {
		return &ipvs.OpError{Request: req, Err: errno}
	}
	return nil
}

// before gives Options.Before its chance to answer.
func (k *Kernel) before(req ipvs.Request) error {
	if k.opt.Before == nil {
		return nil
	}
	if err := k.opt.Before(req); err != nil {
		return &ipvs.OpError{Request: req, Err: err}
	}
	return nil
}

// requestOf returns the request that carries an operation.
func requestOf(op ipvs.Op) ipvs.Request {
	switch op.(type) {
	case ipvs.AddService:
		return ipvs.ReqNewService
	case ipvs.EditService:
		return ipvs.ReqSetService
	case ipvs.DeleteService:
		return ipvs.ReqDelService
	case ipvs.AddDestination:
		return ipvs.ReqNewDest
	case ipvs.EditDestination:
		return ipvs.ReqSetDest
	case ipvs.DeleteDestination:
		return ipvs.ReqDelDest
	case ipvs.Flush:
		return ipvs.ReqFlush
	case ipvs.Zero:
		return ipvs.ReqZero
	case ipvs.SetTimeouts:
		return ipvs.ReqSetConfig
	case ipvs.StartDaemon:
		return ipvs.ReqNewDaemon
	case ipvs.StopDaemon:
		return ipvs.ReqDelDaemon
	}
	return 0
}

// apply changes the state as the op says, or leaves it and says why: 0 is
// success. ip_vs_genl_set_cmd and ip_vs_genl_set_daemon in ip_vs_ctl.c.
func (k *Kernel) apply(op ipvs.Op) syscall.Errno {
	switch op := op.(type) {
	case ipvs.AddService:
		return k.addService(op.Service)
	case ipvs.EditService:
		return k.editService(op.Service)
	case ipvs.DeleteService:
		return k.deleteService(op.Service)
	case ipvs.AddDestination:
		return k.addDestination(op.Service, op.Destination)
	case ipvs.EditDestination:
		return k.editDestination(op.Service, op.Destination)
	case ipvs.DeleteDestination:
		return k.deleteDestination(op.Service, op.Addr)
	case ipvs.Flush:
		return k.flush()
	case ipvs.Zero:
		return k.zero(op.Service)
	case ipvs.SetTimeouts:
		return k.setTimeouts(op.Timeouts)
	case ipvs.StartDaemon:
		return k.startDaemon(op.Daemon)
	case ipvs.StopDaemon:
		return k.stopDaemon(op.State)
	}
	return syscall.EOPNOTSUPP // an unknown command, for generic netlink
}

// setTimeouts is ip_vs_set_timeout: all are checked before any is set.
func (k *Kernel) setTimeouts(t ipvs.Timeouts) syscall.Errno {
	wanted := [...]time.Duration{t.TCP, t.TCPFin, t.UDP}
	for _, d := range wanted {
		if s, ok := seconds(d); !ok || s > math.MaxInt32/k.opt.HZ {
			return syscall.EINVAL
		}
	}
	for i, kept := range [...]*time.Duration{&k.timeouts.TCP, &k.timeouts.TCPFin, &k.timeouts.UDP} {
		if d := wanted[i].Truncate(time.Second); d != 0 {
			*kept = d
		}
	}
	return 0
}
