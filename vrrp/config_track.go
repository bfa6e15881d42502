package vrrp

import (
	"fmt"
	"time"
)

// TrackConfig is what an instance or a group watches.
type TrackConfig struct {
	Devices   []TrackedConfig
	Scripts   []TrackedConfig
	Files     []TrackedConfig
	Processes []TrackedConfig
	// Pools are virtual servers that must have their quorum of real servers.
	// They are named as keepalived's log does: "[10.0.0.1]:tcp:80", "FWM 1".
	Pools []TrackedConfig
}

// TrackedConfig is one thing that is watched.
type TrackedConfig struct {
	Name string
	// Weight 0 means Fault when the thing fails. A positive weight is added to
	// the priority while it does not fail, a negative one while it does. A file's
	// number is multiplied by the weight, and the product added.
	Weight int
	// Reverse turns adding and taking away around; with weight 0 it means Fault
	// while the thing does not fail.
	Reverse bool
}

// ScriptConfig is a program that is run again and again (vrrp_script).
type ScriptConfig struct {
	Name    string
	Command Command
	// Interval is from start to start, Timeout what a run may take.
	Interval, Timeout time.Duration
	// Weight and Reverse are for those who track it without their own.
	Weight  int
	Reverse bool
	// Rise and Fall are how many results in a row change the verdict, from 1.
	Rise, Fall int
	// InitFail takes it for failed until the first result.
	InitFail bool
}

// FileConfig is a file whose content is a number (track_file).
type FileConfig struct {
	Name    string
	Path    string
	Weight  int
	Reverse bool
	// Init writes InitValue to the file at the start: if there is none, or with
	// Overwrite always.
	Init      bool
	InitValue int
	Overwrite bool
}

// ProcessConfig is a set of processes that should be running
// (vrrp_track_process).
type ProcessConfig struct {
	Name string
	// Command is the name of the program, or with FullCommand or Args its first
	// word as in /proc/PID/cmdline.
	Command string
	Args    []string
	Match   ParamMatch
	// FullCommand compares the command line and not the name of the process.
	FullCommand bool
	Weight      int
	Reverse     bool
	// Quorum is how many must run, and QuorumMax how many may, -1 for any
	// number. Quorum is at least 1 unless QuorumMax is 0: none may run.
	Quorum, QuorumMax int
	// ForkDelay and TerminateDelay are how long there must be enough, and not
	// enough, of them to count.
	ForkDelay, TerminateDelay time.Duration
}

// ParamMatch says how the arguments of a process are compared.
type ParamMatch uint8

const (
	// MatchNone compares none, unless there are Args.
	MatchNone ParamMatch = iota
	// MatchExact wants the same arguments; without Args it wants none.
	MatchExact
	// MatchPartial wants the arguments to begin with Args.
	MatchPartial
	// MatchInitial is MatchPartial where the last one may be longer as well.
	MatchInitial
)

func (m ParamMatch) String() string {
	switch m {
	case MatchNone:
		return "none"
	case MatchExact:
		return "exact"
	case MatchPartial:
		return "partial"
	case MatchInitial:
		return "initial"
	}
	return fmt.Sprintf("ParamMatch(%d)", uint8(m))
}
