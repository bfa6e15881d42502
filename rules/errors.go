package rules

import (
	"errors"
	"strings"
	"syscall"

	"ipvsadm/ipvs"
)

// Exit codes of ipvsadm.
const (
	exitOK       = 0
	exitListing  = 1   // a listing failed
	exitInvalid  = 2   // refused before it reached the kernel
	exitRejected = 255 // an option could not be read, or the kernel refused
)

// usageError is a command line that is not carried out. Its text is what
// ipvsadm 1.31 prints on standard error.
type usageError struct {
	text string
	code int
	// skip says that a restore stream leaves out the line and goes on; every
	// other usageError ends it.
	skip bool
	// noCommand says that the line does not begin with a command.
	noCommand bool
}

func (e *usageError) Error() string { return e.text }

// ExitCode returns the exit code of the program.
func (e *usageError) ExitCode() int { return e.code }

// invalid refuses a command line whose options could be read.
func invalid(text string) *usageError { return &usageError{text: text, code: exitInvalid} }

// unreadable refuses a word that is no option, not even in form.
func unreadable(word string, err error) *usageError {
	return &usageError{text: word + ": " + err.Error(), code: exitRejected, skip: true}
}

// tryHelp refuses a command line that does not begin with a command.
func tryHelp(prog string) *usageError {
	return &usageError{text: "Try `" + prog + " -h' or '" + prog + " --help' for more information.", code: exitRejected, noCommand: true}
}

// mistake says what is wrong with a line of a stream, for a report that names
// lines. To try -h, as 1.31 recommends, helps nobody there.
func mistake(err error, words []string) string {
	var u *usageError
	if errors.As(err, &u) && u.noCommand {
		return "no command at its beginning: " + words[0]
	}
	return err.Error()
}

// kernelSentence says in ipvsadm's words why a request failed. What an errno
// means depends on the request.
func kernelSentence(err error) string {
	errno := syscall.EINVAL // the kernel was not reached, or not understood
	var op *ipvs.OpError
	if !errors.As(err, &op) {
		op = &ipvs.OpError{Err: err}
	}
	if e := op.Errno(); e != 0 {
		errno = e
	}
	if s := sentenceOf(op.Request, errno); s != "" {
		return s
	}
	switch errno {
	case syscall.EPERM:
		return "Permission denied (you must be root)"
	case syscall.EINVAL:
		return "Invalid operation.  Possibly wrong module version, address not unicast, ..."
	case syscall.ENOPROTOOPT:
		return "Protocol not available"
	case syscall.ENOMEM:
		return "Memory allocation problem"
	case syscall.EOPNOTSUPP:
		return "Operation not supported with IPv6"
	case syscall.EAFNOSUPPORT:
		return "Operation not supported with specified address family"
	case syscall.EMSGSIZE:
		return "Module is wrong version"
	}
	// Go's texts are those of the C library but for the capital.
	text := errno.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// sentenceOf returns what an errno means for one request, "" if nothing special.
func sentenceOf(r ipvs.Request, errno syscall.Errno) string {
	switch r {
	case ipvs.ReqNewService, ipvs.ReqSetService:
		switch {
		case errno == syscall.ENOENT:
			return "Scheduler or persistence engine not found"
		case errno == syscall.EEXIST && r == ipvs.ReqNewService:
			return "Service already exists"
		case errno == syscall.ESRCH && r == ipvs.ReqSetService:
			return "No such service"
		}
	case ipvs.ReqDelService, ipvs.ReqZero, ipvs.ReqGetService, ipvs.ReqGetDest:
		if errno == syscall.ESRCH {
			return "No such service"
		}
	case ipvs.ReqNewDest, ipvs.ReqSetDest, ipvs.ReqDelDest:
		switch {
		case errno == syscall.ESRCH:
			return "Service not defined"
		case errno == syscall.EEXIST && r == ipvs.ReqNewDest:
			return "Destination already exists"
		case errno == syscall.ENOENT && r != ipvs.ReqNewDest:
			return "No such destination"
		}
	case ipvs.ReqNewDaemon:
		if errno == syscall.EEXIST {
			return "Daemon has already run"
		}
	case ipvs.ReqDelDaemon:
		if errno == syscall.ESRCH {
			return "No daemon is running"
		}
	}
	return ""
}
