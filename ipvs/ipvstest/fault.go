package ipvstest

import (
	"sync/atomic"
	"syscall"

	"ipvsadm/ipvs"
)

// FailNth returns a function for Options.Before that answers the nth request of
// a kind, counted from 1, with errno, and lets all others through.
//
//	ipvstest.New(ipvstest.Options{Before: ipvstest.FailNth(ipvs.ReqNewDest, 3, syscall.ENOMEM)})
func FailNth(req ipvs.Request, n int64, errno syscall.Errno) func(ipvs.Request) error {
	var seen atomic.Int64
	return func(r ipvs.Request) error {
		if r == req && seen.Add(1) == n {
			return errno
		}
		return nil
	}
}
