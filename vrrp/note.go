package vrrp

import (
	"fmt"
	"time"
)

// Note is the kind of a Log action.
type Note uint8

const (
	// NoteTimeout: Active_Down_Timer expired.
	NoteTimeout Note = iota
	// NoteHigherPriority: an Active Router yields to a higher priority.
	NoteHigherPriority
	// NoteHigherAddress: it yields to an equal priority from a greater address.
	NoteHigherAddress
	// NoteLowerPriority: it heard a lower priority and answers.
	NoteLowerPriority
	// NoteLowerPriorityQuiet: it heard a lower priority and may not answer.
	NoteLowerPriorityQuiet
	// NoteDiscarded: a Backup Router ignores a lower priority, to preempt.
	NoteDiscarded
	// NoteZeroHeardBackup: priority 0 received in Backup.
	NoteZeroHeardBackup
	// NoteZeroHeardActive: priority 0 received in Active.
	NoteZeroHeardActive
	// NoteZeroSent: priority 0 sent.
	NoteZeroSent
	// NotePriorityChanged: the effective priority went from Old to New.
	NotePriorityChanged
	// NoteMaster: another router is the Active Router now.
	NoteMaster
	// NoteIntervalLearned: version 3, the Active Router's interval was adopted.
	NoteIntervalLearned
	// NoteIntervalOwn: version 3, our own interval counts again.
	NoteIntervalOwn
	// NoteAddressCount: the advertisement has New addresses, we have Old.
	NoteAddressCount
	// NoteAddressList: as many addresses, but others.
	NoteAddressList
	// NoteSameAddress: equal priority from our own address.
	NoteSameAddress
	// NoteTwoOwners: another router says that it owns the addresses too.
	NoteTwoOwners
	// NotePreemptDelayStarted and NotePreemptDelayStopped: preempt_delay.
	NotePreemptDelayStarted
	NotePreemptDelayStopped
	// NoteFault: a cause of fault appeared.
	NoteFault
	// NoteOverslept: an Active Router did not run for New milliseconds.
	NoteOverslept
	// NoteDoubt: a Backup Router woke up New milliseconds late.
	NoteDoubt
	// NoteOtherChecksum: the sender uses another form of checksum.
	NoteOtherChecksum
	// NoteAddressesLost: somebody removed our virtual addresses, routes or rules.
	NoteAddressesLost

	notes
)

// noteTable holds the name of a Note, whether it is for detailed logs only
// (keepalived's -D), and its sentence. The sentences are keepalived's where it
// has one, because people alert on them.
var noteTable = [notes]struct {
	name   string
	detail bool
	line   func(Log) string
}{
	NoteTimeout: {"timeout", true, fixed("Receive advertisement timeout")},
	NoteHigherPriority: {"higher-priority", false, func(l Log) string {
		return fmt.Sprintf("Master received advert from %v with higher priority %d, ours %d", l.Source, l.Theirs, l.Ours)
	}},
	NoteHigherAddress: {"higher-address", false, func(l Log) string {
		return fmt.Sprintf("Master received advert from %v with same priority %d but higher IP address than ours", l.Source, l.Theirs)
	}},
	NoteLowerPriority: {"lower-priority", false, func(l Log) string {
		return fmt.Sprintf("Received advert from %v with lower priority %d, ours %d, forcing new election", l.Source, l.Theirs, l.Ours)
	}},
	NoteLowerPriorityQuiet: {"lower-priority-quiet", false, func(l Log) string {
		return fmt.Sprintf("Received advert from %v with lower priority %d, ours %d", l.Source, l.Theirs, l.Ours)
	}},
	NoteDiscarded: {"discarded", false, func(l Log) string {
		return fmt.Sprintf("received lower priority (%d) advert from %v - discarding", l.Theirs, l.Source)
	}},
	NoteZeroHeardBackup: {"zero-heard-backup", true, fixed("Backup received priority 0 advertisement")},
	NoteZeroHeardActive: {"zero-heard-active", true, fixed("Master received priority 0 message")},
	NoteZeroSent:        {"zero-sent", true, fixed("sent 0 priority")},
	NotePriorityChanged: {"priority-changed", false, func(l Log) string {
		return fmt.Sprintf("Changing effective priority from %d to %d", l.Old, l.New)
	}},
	NoteMaster: {"master", true, func(l Log) string { return fmt.Sprintf("master set to %v", l.Source) }},
	NoteIntervalLearned: {"interval-learned", true, func(l Log) string {
		return fmt.Sprintf("advertisement interval updated from %dms to %dms by master", l.Old, l.New)
	}},
	NoteIntervalOwn: {"interval-own", true, func(l Log) string {
		return fmt.Sprintf("changing advert interval from %dms to locally configured %dms", l.Old, l.New)
	}},
	NoteAddressCount: {"address-count", false, func(l Log) string {
		return fmt.Sprintf("expected %d VIPs but received %d from %v", l.Old, l.New, l.Source)
	}},
	NoteAddressList: {"address-list", false, func(l Log) string {
		return fmt.Sprintf("advert from %v has other VIPs than ours", l.Source)
	}},
	NoteSameAddress: {"same-address", false, fixed("WARNING - equal priority advert received from remote host with our IP address.")},
	NoteTwoOwners: {"two-owners", false, func(l Log) string {
		return fmt.Sprintf("CONFIGURATION ERROR: %v has priority 255 too, but only one router can own the addresses", l.Source)
	}},
	NotePreemptDelayStarted: {"preempt-delay-started", true, func(l Log) string {
		return fmt.Sprintf("start preempt delay (%.6f)", (time.Duration(l.New) * time.Millisecond).Seconds())
	}},
	NotePreemptDelayStopped: {"preempt-delay-stopped", true, fixed("stop preempt delay")},
	NoteFault:               {"fault", false, func(l Log) string { return "entering FAULT state " + faultReason(l.Cause) }},
	NoteOverslept: {"overslept", false, func(l Log) string {
		return fmt.Sprintf("did not run for %d ms, another router must be master by now - leaving MASTER state first", l.New)
	}},
	NoteDoubt: {"doubt", false, func(l Log) string {
		return fmt.Sprintf("woke up %d ms late, listening once more before taking over", l.New)
	}},
	NoteOtherChecksum: {"other-checksum", false, func(l Log) string {
		return fmt.Sprintf("adverts from %v have the %v checksum, not ours - accepted", l.Source, ChecksumForm(l.New))
	}},
	NoteAddressesLost: {"addresses-lost", false, fixed("VIPs or routes were removed by somebody else - restoring them")},
}

func fixed(s string) func(Log) string { return func(Log) string { return s } }

// String is the note's name.
func (n Note) String() string {
	if n < notes {
		return noteTable[n].name
	}
	return "unknown"
}

// Detail tells whether the note is for detailed logs (-D) only.
func (a Log) Detail() bool { return a.Note < notes && noteTable[a.Note].detail }

// Line is the log line, as keepalived prints it for the named instance.
func (a Log) Line(instance string) string {
	if a.Note >= notes {
		return "(" + instance + ") unknown note"
	}
	head := "(" + instance + ") "
	// keepalived puts a colon here, and only for these two.
	if a.Note == NoteFault && (a.Cause.Kind == CauseScript || a.Cause.Kind == CauseInterface) {
		head = "(" + instance + "): "
	}
	return head + noteTable[a.Note].line(a) + andMore(a.Suppressed)
}

// andMore says how many lines were left out before this one.
func andMore(suppressed uint64) string {
	if suppressed == 0 {
		return ""
	}
	return fmt.Sprintf(" (and %d more of them)", suppressed)
}

func faultReason(c Cause) string {
	switch c.Kind {
	case CauseInterface:
		return "(interface " + c.Name + " down)"
	case CauseNoSource:
		return "(no " + c.Name + " address for interface)"
	case CauseScript:
		return "due to script " + c.Name
	case CauseScriptPending:
		return "(waiting for script " + c.Name + ")"
	case CauseProcess:
		return "(tracked process " + c.Name + " down)"
	case CauseFile:
		return "(tracked file " + c.Name + ")"
	case CauseBFD:
		return "(BFD instance " + c.Name + " down)"
	case CauseAddresses:
		return "(VIPs cannot be restored)"
	case CauseNoPeer:
		return "(no unicast peer)"
	case CauseGroup:
		return "(sync group " + c.Name + ")"
	case CausePool:
		return "(no real server in " + c.Name + ")"
	}
	return "(" + c.String() + ")"
}

// Line is the log line of the transition. It is empty for the return to
// Initialize and for the wait for a script's first result, of which keepalived
// says nothing.
func (a Transition) Line(instance string) string {
	if a.To == Initialize || a.Trigger == TriggerPending {
		return ""
	}
	line := "(" + instance + ") Entering " + a.To.String() + " STATE"
	if a.From == Initialize && a.To != Active {
		line += " (init)"
	}
	return line
}

// GroupLine is the log line of a sync group's transition. It is empty for its
// start as BACKUP, for the wait for scripts and for its end, of which keepalived
// says nothing.
func (a Transition) GroupLine(group string) string {
	if a.To == Initialize || a.Trigger == TriggerPending || a.From == Initialize && a.To == Backup {
		return ""
	}
	return "VRRP_Group(" + group + ") Syncing instances to " + a.To.String() + " state"
}

// Line is the log line for a refused datagram.
func (a Refuse) Line(instance string) string {
	return "(" + instance + ") " + refusalText(a.Verdict, a.Version) + andMore(a.Suppressed)
}

func refusalText(v Verdict, version Version) string {
	switch v.Reason {
	case ReasonPacketLength, ReasonAddressLength:
		return fmt.Sprintf("vrrp packet too short, length %d and expect %d", v.Got, v.Want)
	case ReasonVersion:
		return fmt.Sprintf("wrong version. Received %d and expect %d", v.Got, v.Want)
	case ReasonType:
		return fmt.Sprintf("Invalid packet type. %d and expect %d", v.Got, v.Want)
	case ReasonTTL:
		if v.Got == TTLUnknown {
			return fmt.Sprintf("invalid TTL/HL. Received none and expect %d", v.Want)
		}
		return fmt.Sprintf("invalid TTL/HL. Received %d and expect %d", v.Got, v.Want)
	case ReasonChecksum:
		return fmt.Sprintf("Invalid %v checksum", version)
	case ReasonVRID:
		return fmt.Sprintf("wrong VRID. Received %d and expect %d", v.Got, v.Want)
	case ReasonAddressCount:
		return fmt.Sprintf("received no VIPs from %v, expected %d", v.Source, v.Want)
	case ReasonIntervalZero:
		return fmt.Sprintf("received advertisement interval 0 from %v", v.Source)
	case ReasonFamily:
		return fmt.Sprintf("received an IPv%d advert, expected IPv%d", v.Got, v.Want)
	case ReasonDestination:
		return fmt.Sprintf("received an advert from %v that was not sent to us", v.Source)
	case ReasonSource:
		return fmt.Sprintf("unicast source address %v not a unicast peer", v.Source)
	case ReasonAuthTypeUnknown:
		return fmt.Sprintf("Invalid auth type: %d", v.Got)
	case ReasonAuthTypeMismatch:
		return fmt.Sprintf("received a %d auth, expecting %d!", v.Got, v.Want)
	case ReasonAuthFailure:
		return "received an invalid passwd!"
	case ReasonReplay:
		return fmt.Sprintf("IPSEC-AH : sequence number %d already processed. Packet dropped. Local(%d)", v.Got, v.Want)
	case ReasonInterval:
		return fmt.Sprintf("advertisement interval mismatch mine=%d sec rcv'd=%d sec", v.Want, v.Got)
	case ReasonOwner:
		return fmt.Sprintf("we own the addresses, ignoring the advert from %v", v.Source)
	}
	return fmt.Sprintf("refused an advert from %v (%v)", v.Source, v.Reason)
}
