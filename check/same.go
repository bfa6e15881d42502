package check

import (
	"reflect"
	"slices"
)

// sameServer says that two configurations of a virtual server say the same. It is
// asked of every server at every reload, so it neither allocates nor reflects where
// most of the values are.
func sameServer(a, b *ServerConfig) bool {
	return a.Service == b.Service && a.Group == b.Group && a.Quorum == b.Quorum && a.Hysteresis == b.Hysteresis &&
		a.Omega == b.Omega && a.Mail == b.Mail && a.Suspend == b.Suspend &&
		sameCommand(a.QuorumUp, b.QuorumUp) && sameCommand(a.QuorumDown, b.QuorumDown) &&
		(a.Sorry == b.Sorry || a.Sorry != nil && b.Sorry != nil && *a.Sorry == *b.Sorry) &&
		slices.EqualFunc(a.Reals, b.Reals, sameReal)
}

func sameReal(a, b RealConfig) bool {
	return a.Destination == b.Destination && a.Inhibit == b.Inhibit && a.Mail == b.Mail &&
		sameCommand(a.NotifyUp, b.NotifyUp) && sameCommand(a.NotifyDown, b.NotifyDown) &&
		slices.EqualFunc(a.Checkers, b.Checkers, sameChecker)
}

func sameCommand(a, b *Command) bool {
	return a == b || a != nil && b != nil && a.User == b.User && a.Group == b.Group && slices.Equal(a.Argv, b.Argv)
}

func sameChecker(a, b CheckerConfig) bool {
	if !sameProbe(a.Probe, b.Probe) {
		return false
	}
	a.Probe, b.Probe = nil, nil
	return a == b
}

// sameProbe says that two checks do the same.
func sameProbe(a, b ProbeConfig) bool {
	t := reflect.TypeOf(a)
	if t != reflect.TypeOf(b) {
		return false
	}
	if t.Comparable() {
		return a == b
	}
	return reflect.DeepEqual(a, b)
}
