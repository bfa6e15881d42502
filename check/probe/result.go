package probe

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"

	"ipvsadm/check"
)

// stopped is the reason of a check whose context ended.
const stopped = "the check was stopped"

func pass(reason string) check.Result { return check.Result{Verdict: check.Pass, Reason: reason} }
func fail(reason string) check.Result { return check.Result{Verdict: check.Fail, Reason: reason} }
func skip(reason string) check.Result { return check.Result{Verdict: check.Skip, Reason: reason} }

// failed is the result of a step that ended with an error. what and late are
// keepalived's words for it and for its taking too long; late may be "". An error
// of this host says nothing about the server, and the end of the context neither.
func failed(ctx context.Context, what, late string, err error) check.Result {
	var local *localError
	switch {
	case ctx.Err() != nil:
		return skip(stopped)
	case errors.As(err, &local):
		return skip(local.Error())
	case late != "" && errors.Is(err, os.ErrDeadlineExceeded):
		return fail(late)
	}
	return fail(what + ": " + words(err))
}

// localError is why this host could not do a check, whatever the server is like:
// no file descriptors, no such interface or address. keepalived says "bind
// failed. Rescheduling" and goes by what it knew.
type localError struct {
	op  string
	err error
}

func (e *localError) Error() string { return e.op + ": " + words(e.err) }
func (e *localError) Unwrap() error { return e.err }

// words says what an error is, shortly: for one of the system without the file
// and the call.
func words(err error) string {
	var errno syscall.Errno
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "timed out"
	case errors.As(err, &errno):
		return errno.Error()
	}
	return excerpt(err.Error())
}

// maxExcerpt is how many bytes of what a server said go into a reason.
const maxExcerpt = 60

// excerpt makes what came from a server fit for a log: short, and without
// anything that could end a line or move a cursor.
func excerpt(s string) string {
	cut := ""
	if len(s) > maxExcerpt {
		s, cut = s[:maxExcerpt], "…"
	}
	q := strconv.QuoteToASCII(strings.TrimRight(s, "\r\n"))
	return q[1:len(q)-1] + cut
}
