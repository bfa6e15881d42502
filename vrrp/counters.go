package vrrp

// Counters are one virtual router's counters, with the names of RFC 6527 where
// it has one. They only grow, and a reload keeps them.
type Counters struct {
	// MasterTransitions counts transitions to Active, ReleasedMaster those away.
	MasterTransitions, ReleasedMaster uint64
	// RcvdAdvertisements counts accepted advertisements, priority 0 included.
	RcvdAdvertisements uint64
	// SentAdvertisements counts sent ones, priority 0 included. One that goes to
	// several unicast peers counts once.
	SentAdvertisements uint64
	// RcvdPriZeroPackets and SentPriZeroPackets count those of priority 0.
	RcvdPriZeroPackets, SentPriZeroPackets uint64
	// AddressListErrors counts accepted advertisements with other addresses.
	AddressListErrors uint64
	// IntervalsLearned counts how often the Active Router's interval was adopted.
	IntervalsLearned uint64
	// Overslept counts how often the machine woke up too late to believe its own
	// timer: as Active (it stepped down) or as Backup (it listened once more).
	Overslept uint64
	// RepliesSuppressed counts answers that were not sent because the last one
	// was less than 10 ms ago.
	RepliesSuppressed uint64
	// Refused counts refused datagrams by Reason.
	Refused [reasons]uint64
}

// RefusedFor is the number of datagrams refused for a reason.
func (c *Counters) RefusedFor(r Reason) uint64 {
	if r < reasons {
		return c.Refused[r]
	}
	return 0
}
