package vrrp

import "slices"

// Tracker is something an instance tracks (track_interface, track_script,
// track_process, track_file, track_bfd).
type Tracker struct {
	// Kind is CauseInterface, CauseScript, CauseProcess, CauseFile, CauseBFD or
	// CausePool.
	Kind CauseKind
	Name string
	// Weight is added to the priority while the thing is up if it is positive,
	// and while it is down if it is negative. With 0 the thing being down is a
	// fault. For a file it is the factor of the number in it.
	Weight int
	// Reverse turns the meaning around.
	Reverse bool
}

// Standing is what is known of a tracked thing.
type Standing struct {
	// Known is false for a script that has not ended yet for the first time.
	Known bool
	// Up says that the interface is up, the script succeeded and so on.
	Up bool
	// Value is the number in a tracked file, which has no Up.
	Value int
}

const (
	// A file's number times its weight is a fault from here down, and counts no
	// more than that up: keepalived's limits.
	fileFault = -254
	fileMost  = 253
)

// judge tells what the thing does to the priority, and whether it is a fault.
func (t Tracker) judge(s Standing) (weight int, cause Cause, fault bool) {
	sign := 1
	if t.Reverse {
		sign = -1
	}
	cause = Cause{t.Kind, t.Name}
	switch {
	case t.Kind == CauseFile && t.Weight == 0:
		return 0, cause, (s.Value != 0) != t.Reverse
	case t.Kind == CauseFile:
		weight = s.Value * t.Weight * sign
		if weight <= fileFault {
			return 0, cause, true
		}
		return min(weight, fileMost), cause, false
	case !s.Known && t.Weight == 0:
		return 0, Cause{CauseScriptPending, t.Name}, true
	case !s.Known:
		return 0, cause, false
	case t.Weight == 0:
		return 0, cause, s.Up == t.Reverse
	case s.Up == (t.Weight > 0):
		return t.Weight * sign, cause, false
	}
	return 0, cause, false
}

// Tracking adds up what an instance tracks, and turns changes into events for
// its machine. It is pure.
type Tracking struct {
	trackers  []Tracker
	standings []Standing
	weight    int
	causes    []Cause
}

// NewTracking starts with the given trackers, of which nothing is known yet: an
// interface is down, a file has 0 in it, a script is still running. Set what is
// known before the machine's Startup.
func NewTracking(trackers []Tracker) *Tracking {
	k := &Tracking{trackers: trackers, standings: make([]Standing, len(trackers))}
	for i, t := range trackers {
		k.standings[i].Known = t.Kind != CauseScript
	}
	return k
}

// Set says how tracker i stands now.
func (k *Tracking) Set(i int, s Standing) { k.standings[i] = s }

// Events returns what changed since it was last asked: new faults, then the
// weight, then what healed. So a thing that turns from pending to failed is never
// seen as fine in between, and a priority counts before its router starts.
func (k *Tracking) Events() (events []Event) {
	weight := 0
	var causes []Cause
	for i, t := range k.trackers {
		w, c, fault := t.judge(k.standings[i])
		weight += w
		if fault && !slices.Contains(causes, c) {
			causes = append(causes, c)
		}
	}
	for _, c := range causes {
		if !slices.Contains(k.causes, c) {
			events = append(events, Failed{c})
		}
	}
	if weight != k.weight {
		events = append(events, Weighed{weight})
	}
	for _, c := range k.causes {
		if !slices.Contains(causes, c) {
			events = append(events, Healed{c})
		}
	}
	k.weight, k.causes = weight, causes
	return events
}
