package vrrp

// State is the state of a virtual router. Its String is keepalived's word, which
// users grep for; the names here are RFC 9568's.
type State uint8

const (
	// Initialize waits for Startup (RFC 9568 §6.4.1).
	Initialize State = iota
	// Backup watches the Active Router (§6.4.2).
	Backup
	// Active forwards for the virtual addresses (§6.4.3).
	Active
	// Fault cannot take part: keepalived's state, the RFCs' Initialize after a
	// Shutdown event from the interface.
	Fault
)

// String is keepalived's name of the state.
func (s State) String() string {
	switch s {
	case Initialize:
		return "INIT"
	case Backup:
		return "BACKUP"
	case Active:
		return "MASTER"
	case Fault:
		return "FAULT"
	}
	return "UNKNOWN"
}

// Trigger is what made a machine change its state.
type Trigger uint8

const (
	// TriggerStartup: it was started.
	TriggerStartup Trigger = iota
	// TriggerOwner: it was started and owns the addresses.
	TriggerOwner
	// TriggerNoResponse: no advertisement for Active_Down_Interval.
	TriggerNoResponse
	// TriggerPriority: the Active Router gave up with priority 0.
	TriggerPriority
	// TriggerPreempt: the Active Router has a lower priority and was ignored.
	TriggerPreempt
	// TriggerHigherPriority: an advertisement of higher priority came in.
	TriggerHigherPriority
	// TriggerHigherAddress: one of equal priority from a greater address.
	TriggerHigherAddress
	// TriggerFault: a cause of fault appeared.
	TriggerFault
	// TriggerHealed: the last cause of fault went away.
	TriggerHealed
	// TriggerGroup: another member of the sync group changed.
	TriggerGroup
	// TriggerOverslept: it did not run for so long that the others must have
	// elected somebody else.
	TriggerOverslept
	// TriggerShutdown: it was told to end.
	TriggerShutdown
	// TriggerReload: it became another virtual router.
	TriggerReload
	// TriggerPending: a script has not given its first result, and nothing else
	// is wrong.
	TriggerPending

	triggers
)

var triggerNames = [triggers]string{
	"startup", "owner", "no-response", "priority", "preempt", "higher-priority",
	"higher-address", "fault", "healed", "group", "overslept", "shutdown", "reload", "pending",
}

func (t Trigger) String() string {
	if t < triggers {
		return triggerNames[t]
	}
	return "unknown"
}

// NewMasterReason is the value of RFC 6527's vrrpv3StatisticsNewMasterReason for
// a transition to Active: notMaster, priority, preempted or masterNoResponse.
func (t Trigger) NewMasterReason() string {
	switch t {
	case TriggerPriority:
		return "priority"
	case TriggerPreempt, TriggerOwner:
		return "preempted"
	case TriggerNoResponse, TriggerGroup:
		return "masterNoResponse"
	}
	return "notMaster"
}

// CauseKind is a kind of thing that makes taking part impossible.
type CauseKind uint8

const (
	// CauseInterface: an interface that is tracked without weight is down, the
	// instance's own among them.
	CauseInterface CauseKind = iota
	// CauseNoSource: the interface has no address of the instance's family.
	CauseNoSource
	// CauseScript: a script that is tracked without weight fails.
	CauseScript
	// CauseScriptPending: such a script has not given its first result. The
	// instance waits, without a word to notify scripts.
	CauseScriptPending
	// CauseProcess: a process that is tracked without weight has no quorum.
	CauseProcess
	// CauseFile: a tracked file says so.
	CauseFile
	// CauseBFD: a BFD session that is tracked without weight is down.
	CauseBFD
	// CauseAddresses: virtual addresses were taken away and cannot be put back.
	CauseAddresses
	// CauseNoPeer: unicast without a peer (unicast_fault_no_peer).
	CauseNoPeer
	// CauseGroup: another member of the sync group is in Fault.
	CauseGroup
	// CausePool: the pool of real servers behind the addresses is empty.
	CausePool

	causeKinds
)

var causeNames = [causeKinds]string{
	"interface", "no-source", "script", "script-pending", "process", "file", "bfd",
	"addresses", "no-peer", "group", "pool",
}

func (k CauseKind) String() string {
	if k < causeKinds {
		return causeNames[k]
	}
	return "unknown"
}

// Cause is one cause of fault: what kind, and which one of them.
type Cause struct {
	Kind CauseKind
	Name string
}

func (c Cause) String() string {
	if c.Name == "" {
		return c.Kind.String()
	}
	return c.Kind.String() + " " + c.Name
}
