package vrrp

import (
	"strings"
	"time"
)

// Notifier is told what happens: for logs, scripts, FIFOs and mail.
type Notifier interface {
	// Notify is called by the Manager's goroutine, and must not block it.
	Notify(Report)
}

// Report is something that happened to an instance or to a sync group.
type Report struct {
	At time.Time
	// Instance or Group is the name of what it happened to; the other is "".
	Instance, Group string
	// Action is a Transition, Notify, Refuse, Log or Detail.
	Action Action
	// Deleted says that the instance stops because a reload removed it.
	Deleted bool
	// Configuration of the one it happened to.
	Config *NotifyConfig
}

// Detail is what only a detailed log tells (Options.Detail): lines as they are.
type Detail struct{ Lines []string }

func (Detail) action()          {}
func (d Detail) String() string { return strings.Join(d.Lines, "; ") }

// SyncRole is what the kernel's connection synchronisation should do.
type SyncRole uint8

const (
	// SyncOff stops it.
	SyncOff SyncRole = iota
	// SyncBackup takes in what others send.
	SyncBackup
	// SyncActive sends.
	SyncActive
	// SyncBoth does both.
	SyncBoth
)

func (r SyncRole) String() string {
	switch r {
	case SyncOff:
		return "off"
	case SyncBackup:
		return "backup"
	case SyncActive:
		return "active"
	}
	return "both"
}
