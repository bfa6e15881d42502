package ipvstest_test

import (
	"errors"
	"syscall"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

// kernel is what the fake and the client have in common: rules.Kernel, without
// the need to import it.
type kernel interface {
	doer
	Info() (ipvs.Info, error)
	Table(ipvs.Query) ([]ipvs.Entry, error)
	Timeouts() (ipvs.Timeouts, error)
	Daemons() ([]ipvs.Daemon, error)
}

var (
	_ kernel = (*ipvstest.Kernel)(nil)
	_ kernel = (*ipvs.Client)(nil)
)

// doer is the part of a kernel that changes it.
type doer interface{ Do(...ipvs.Op) []error }

// do carries out one operation and returns its errno; an error that is not the
// kernel's answer comes back as -1.
func do(k doer, op ipvs.Op) syscall.Errno {
	errs := k.Do(op)
	if errs == nil {
		return 0
	}
	return errnoOf(errs[0])
}

func errnoOf(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	var op *ipvs.OpError
	if errors.As(err, &op) && op.Errno() != 0 {
		return op.Errno()
	}
	return ^syscall.Errno(0)
}

func errnoText(e syscall.Errno) string {
	if e == 0 {
		return "success"
	}
	return e.Error()
}
