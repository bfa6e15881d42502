package ipvs

import (
	"errors"
	"fmt"
	"syscall"
)

// OpError is what every failed request returns: what was asked, and why the
// kernel or the way to it refused. errors.Is and errors.As see the Errno, so
//
//	errors.Is(err, syscall.EEXIST)
//
// asks for one cause. The kernel's meaning of an errno depends on the request;
// net/netfilter/ipvs/ip_vs_ctl.c is where they come from.
type OpError struct {
	Request Request
	// Err is a syscall.Errno when the kernel answered, else a transport error
	// (see ErrTransport).
	Err error
}

func (e *OpError) Error() string { return fmt.Sprintf("ipvs: %s: %v", e.Request, e.Err) }

// Unwrap returns Err.
func (e *OpError) Unwrap() error { return e.Err }

// Errno returns the kernel's answer, or 0 if the request never got one.
func (e *OpError) Errno() syscall.Errno {
	if errno, ok := e.Err.(syscall.Errno); ok {
		return errno
	}
	return 0
}

// ErrTransport is in the error of a request that got no valid answer: the
// kernel kept silent for Options.Timeout (os.ErrDeadlineExceeded is in it too),
// the socket failed, an answer was lost or could not be understood. Whether the
// kernel carried the request out is not known then.
var ErrTransport = errors.New("no valid answer from the kernel")

func transport(err error) error { return fmt.Errorf("%w: %w", ErrTransport, err) }

// opError names the request in an error; nil stays nil.
func opError(r Request, err error) error {
	if err == nil {
		return nil
	}
	return &OpError{r, err}
}
