package sim

// Sight is a rare thing that a good run of many seeds must have seen: what was
// never seen was never tested.
type Sight int

const (
	DoubleActive Sight = iota // two Active Routers at once
	TieBroken                 // an equal priority decided by address
	OwnerAgainstOwner
	ZeroHandOver // priority 0 made somebody take over
	LongPause    // an Active Router was paused beyond its peers' patience
	Overslept    // and stepped down
	Doubted      // a Backup Router woke up late and listened once more
	IntervalAdopted
	NoPreemptHeld
	PreemptDelayed
	LowerAnswered
	GroupMoved
	HealedDouble // a cut healed with several Active Routers
	HealedOneWay // a cut in one direction healed
	ReloadInActive
	AddressesLost
	StaleRemoved

	sights
)

var sightNames = [sights]string{
	"double-active", "tie-broken", "owner-against-owner", "zero-hand-over", "long-pause", "overslept", "doubted",
	"interval-adopted", "nopreempt-held", "preempt-delayed", "lower-answered", "group-moved", "healed-double",
	"healed-one-way", "reload-in-active", "addresses-lost", "stale-removed",
}

func (s Sight) String() string { return sightNames[s] }

// Seen counts rare things.
type Seen [sights]int

// Add adds up what two runs saw.
func (s *Seen) Add(o Seen) {
	for i, n := range o {
		s[i] += n
	}
}
