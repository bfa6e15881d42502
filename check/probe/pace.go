package probe

import "time"

// pace has work be followed by rest. Who has the only turn uses it.
type pace struct {
	began time.Time // when the turn began
	left  time.Time // when the last one ended
	// rested is when there will have been enough rest for all turns so far.
	rested time.Time
}

// There is twice as much rest as work, as soon as there was work for half a
// millisecond.
const (
	restPerWork = 2
	tired       = restPerWork * time.Millisecond / 2
)

// begin begins a turn that was asked for at a time and given now. It returns how long
// to rest first, 0 for not at all; the turn begins again after the rest.
func (p *pace) begin(asked, now time.Time) time.Duration {
	// If it was waited for when the last one ended, to hand it over was work too.
	if p.began = p.left; p.began.Before(asked) {
		p.began = asked
	}
	if rest := p.rested.Sub(now); rest >= tired {
		return rest
	}
	return 0
}

// end ends a turn. The time in which there is none is rest.
func (p *pace) end(now time.Time) {
	if p.rested.Before(p.began) {
		p.rested = p.began
	}
	p.left = now
	p.rested = p.rested.Add((1 + restPerWork) * now.Sub(p.began))
}
