package vrrp

import (
	"fmt"
	"net/netip"
)

// Action is something for the driver to do. Actions are carried out in order.
// The set is closed.
type Action interface {
	action()
	String() string
}

type (
	// SendAdvertisement sends it to all Destinations of the parameters.
	SendAdvertisement struct {
		Advertisement Advertisement
		// Checksum is the form of the checksum.
		Checksum ChecksumForm
		// Sequence is the number for the authentication header, with AuthAH.
		Sequence uint32
	}
	// AddAddresses puts up the virtual addresses, advertised and excluded, then
	// routes and rules. Accept tells whether packets to them are accepted.
	AddAddresses struct{ Accept bool }
	// RemoveAddresses takes all that away, whether this process put it up or one
	// before it, and forgets the announcements still to be sent.
	RemoveAddresses struct{}
	// UpdateAddresses brings what is there to the reloaded configuration. What
	// is in both is not touched; what is new is announced.
	UpdateAddresses struct{ Accept bool }
	// Announce sends gratuitous ARP requests or unsolicited neighbour
	// advertisements.
	Announce struct {
		Repeat int           // so many for each address, all addresses in turn
		Scope  AnnounceScope // which addresses
	}
	// Transition reports a change of state, for logs and counters.
	Transition struct {
		From, To State
		Trigger  Trigger
	}
	// Notify tells the world: scripts, FIFO, mail, the connection sync daemon.
	Notify struct {
		Kind     NotifyKind
		State    State
		Priority uint8 // effective
	}
	// Refuse reports a datagram that was refused. At most one a second is
	// reported for each Reason; the counters have them all.
	Refuse struct {
		Verdict    Verdict
		Version    Version
		Suppressed uint64 // refused for the same Reason since the last report
	}
	// Log is something worth a line beside the transitions.
	Log struct {
		Note         Note
		Source       netip.Addr // the other router
		Theirs, Ours uint8      // priorities, for the notes that name them
		Old, New     int64      // milliseconds or numbers, for those that have them
		Cause        Cause      // for the notes about faults
		Suppressed   uint64     // the same since the last one that was logged
	}
)

// AnnounceScope says which virtual addresses are announced.
type AnnounceScope uint8

const (
	// AllAddresses announces every virtual address, excluded ones too.
	AllAddresses AnnounceScope = iota
	// ExtraInterfaces announces one address on each interface that holds virtual
	// addresses but does not send the advertisements (garp_extra_if).
	ExtraInterfaces
)

// NotifyKind is what a Notify is about.
type NotifyKind uint8

const (
	// NotifyState: the state changed.
	NotifyState NotifyKind = iota
	// NotifyStop: the instance ends (notify_stop).
	NotifyStop
	// NotifyPriority: the effective priority changed (notify_priority_changes).
	NotifyPriority
	// NotifyLowerPriority: an Active Router heard one of lower priority
	// (notify_master_rx_lower_pri).
	NotifyLowerPriority
)

func (SendAdvertisement) action() {}
func (AddAddresses) action()      {}
func (RemoveAddresses) action()   {}
func (UpdateAddresses) action()   {}
func (Announce) action()          {}
func (Transition) action()        {}
func (Notify) action()            {}
func (Refuse) action()            {}
func (Log) action()               {}

func (a SendAdvertisement) String() string {
	return fmt.Sprintf("send priority %d", a.Advertisement.Priority)
}
func (a AddAddresses) String() string  { return "add addresses" + accepting(a.Accept) }
func (RemoveAddresses) String() string { return "remove addresses" }
func (a UpdateAddresses) String() string {
	return "update addresses" + accepting(a.Accept)
}

func accepting(yes bool) string {
	if yes {
		return ""
	}
	return " without accepting"
}

func (a Announce) String() string {
	if a.Scope == ExtraInterfaces {
		return "announce on extra interfaces"
	}
	return fmt.Sprintf("announce %d times", a.Repeat)
}

func (a Transition) String() string {
	return fmt.Sprintf("%v to %v (%v)", a.From, a.To, a.Trigger)
}

// String is the word for the FIFO and for notify scripts, and the priority.
func (a Notify) String() string { return fmt.Sprintf("notify %s %d", a.Word(), a.Priority) }

// Word is keepalived's word for the notification: MASTER, BACKUP, FAULT, STOP,
// MASTER_PRIORITY, BACKUP_PRIORITY or MASTER_RX_LOWER_PRI.
func (a Notify) Word() string {
	switch a.Kind {
	case NotifyStop:
		return "STOP"
	case NotifyPriority:
		return a.State.String() + "_PRIORITY"
	case NotifyLowerPriority:
		return "MASTER_RX_LOWER_PRI"
	}
	return a.State.String()
}

func (a Refuse) String() string { return "refuse " + a.Verdict.Reason.String() }
func (a Log) String() string    { return "log " + a.Note.String() }
