package rules

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"ipvsadm/ipvs"
)

func TestTheKernelsRefusalsAreSaidInIpvsadmsWords(t *testing.T) {
	const (
		noService   = "No such service"
		notDefined  = "Service not defined"
		noScheduler = "Scheduler or persistence engine not found"
		noServer    = "No such destination"
	)
	tests := []struct {
		request ipvs.Request
		errno   syscall.Errno
		want    string
	}{
		{ipvs.ReqNewService, syscall.EEXIST, "Service already exists"},
		{ipvs.ReqNewService, syscall.ENOENT, noScheduler},
		{ipvs.ReqSetService, syscall.ENOENT, noScheduler},
		{ipvs.ReqSetService, syscall.ESRCH, noService},
		{ipvs.ReqDelService, syscall.ESRCH, noService},
		{ipvs.ReqZero, syscall.ESRCH, noService},
		{ipvs.ReqGetService, syscall.ESRCH, noService},
		{ipvs.ReqGetDest, syscall.ESRCH, noService},
		{ipvs.ReqNewDest, syscall.ESRCH, notDefined},
		{ipvs.ReqSetDest, syscall.ESRCH, notDefined},
		{ipvs.ReqDelDest, syscall.ESRCH, notDefined},
		{ipvs.ReqNewDest, syscall.EEXIST, "Destination already exists"},
		{ipvs.ReqSetDest, syscall.ENOENT, noServer},
		{ipvs.ReqDelDest, syscall.ENOENT, noServer},
		{ipvs.ReqNewDaemon, syscall.EEXIST, "Daemon has already run"},
		{ipvs.ReqDelDaemon, syscall.ESRCH, "No daemon is running"},
		// What has no row of its own is what the C library says.
		{ipvs.ReqSetService, syscall.EEXIST, "File exists"},
		{ipvs.ReqNewService, syscall.ESRCH, "No such process"},
		{ipvs.ReqNewDest, syscall.ENOENT, "No such file or directory"},
		{ipvs.ReqNewDest, syscall.ERANGE, "Numerical result out of range"},
		{ipvs.ReqNewDaemon, syscall.ENODEV, "No such device"},
		{ipvs.ReqNewDaemon, syscall.ESRCH, "No such process"},
		{ipvs.ReqDelDaemon, syscall.EEXIST, "File exists"},
		{ipvs.ReqFlush, syscall.ESRCH, "No such process"},
		{ipvs.ReqGetInfo, syscall.EIO, "Input/output error"},
	}
	for _, tt := range tests {
		err := &ipvs.OpError{Request: tt.request, Err: tt.errno}
		if got := kernelSentence(err); got != tt.want {
			t.Errorf("%s, %v: %q, want %q", tt.request, tt.errno, got, tt.want)
		}
	}
}

func TestSomeErrorsMeanTheSameForEveryRequest(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{
		syscall.EPERM:        "Permission denied (you must be root)",
		syscall.EINVAL:       "Invalid operation.  Possibly wrong module version, address not unicast, ...",
		syscall.ENOPROTOOPT:  "Protocol not available",
		syscall.ENOMEM:       "Memory allocation problem",
		syscall.EOPNOTSUPP:   "Operation not supported with IPv6",
		syscall.EAFNOSUPPORT: "Operation not supported with specified address family",
		syscall.EMSGSIZE:     "Module is wrong version",
	} {
		for r := ipvs.ReqNewService; r <= ipvs.ReqFlush; r++ {
			if got := kernelSentence(&ipvs.OpError{Request: r, Err: errno}); got != want {
				t.Errorf("%s, %v: %q, want %q", r, errno, got, want)
			}
		}
	}
}

func TestWhatTheKernelDidNotSayIsAnInvalidOperation(t *testing.T) {
	for _, err := range []error{
		&ipvs.OpError{Request: ipvs.ReqNewService, Err: fmt.Errorf("%w: %w", ipvs.ErrTransport, syscall.EPERM)},
		&ipvs.OpError{Request: ipvs.ReqNewService, Err: errors.New("lost")},
		errors.New("lost"),
	} {
		if got := kernelSentence(err); !strings.HasPrefix(got, "Invalid operation.") {
			t.Errorf("%v: %q", err, got)
		}
	}
}

func TestAnErrnoWithoutARequestHasItsGeneralMeaning(t *testing.T) {
	if got := kernelSentence(syscall.EPERM); got != "Permission denied (you must be root)" {
		t.Errorf("got %q", got)
	}
}
