package rules

import (
	"strconv"
	"time"
)

// Values of the options that 1.31 does not have.

func (d *draft) replaceWhat(value string) error {
	switch value {
	case "all":
		d.replace = ReplaceAll
	case "services":
		d.replace = ReplaceServices
	default:
		return invalid("illegal replace value `" + value + "' specified: want services, or all")
	}
	return nil
}

func (d *draft) drainFor(value string) error {
	if seconds, ok := parseNumber(value, 0, maxTimeout); ok {
		d.drainTime = time.Duration(seconds) * time.Second
		return nil
	}
	t, err := time.ParseDuration(value)
	if err != nil || t < time.Second || t > maxTimeout*time.Second {
		return invalid("illegal drain time-out `" + value + "' specified: want 1 to 2678400 seconds, or a time such as 5m or 1h; 0 for no end")
	}
	d.drainTime = t
	return nil
}

// The interval of --watch, in seconds: less than a tenth shows nothing, more
// than a day nobody waits for.
const minInterval, maxInterval = 0.1, 24 * 60 * 60

func (d *draft) watchEvery(value string) error {
	seconds, err := strconv.ParseFloat(value, 64)
	if err != nil {
		var t time.Duration
		t, err = time.ParseDuration(value)
		seconds = t.Seconds()
	}
	if err != nil || !(minInterval <= seconds && seconds <= maxInterval) {
		return invalid("illegal watch interval `" + value + "' specified: want 0.1 to 86400 seconds, or a time such as 500ms or 2m")
	}
	d.interval = time.Duration(seconds * float64(time.Second))
	return nil
}

func (d *draft) watchCount(value string) error {
	return number(value, 1, maxInt, &d.count, "illegal count specified: want 1 or more")
}

// checkExtra refuses options that 1.31 does not have where they make no sense
// together, which their grammar cannot say.
func (d *draft) checkExtra(stream bool) error {
	if d.given>>optDryRun == 0 {
		return nil
	}
	if stream && d.given.meets(setOf(optDryRun, optDrain, optWatch)) {
		for _, o := range [...]option{optDryRun, optDrain, optWatch} {
			if d.given.has(o) {
				return invalid("Illegal '" + o.String() + "' option in a restore stream")
			}
		}
	}
	for _, pair := range [...]struct{ option, needs option }{{optDrainInactive, optDrain}, {optCount, optWatch}} {
		if d.given.has(pair.option) && !d.given.has(pair.needs) {
			return invalid("You need to supply the '" + pair.needs.String() + "' option for the '" + pair.option.String() + "' option")
		}
	}
	for _, pair := range [...]struct {
		option option
		with   optionSet
	}{
		// Draining changes the weight and nothing else.
		{optDrain, setOf(optForward, optWeight, optUpper, optLower) | tunnelOptions()},
		// The live view shows what it shows.
		{optWatch, setOf(optConnection, optTimeout, optDaemon, optStats, optRate, optThresholds,
			optPersistentConn, optTunInfo, optJSON)},
	} {
		for o := option(0); d.given.has(pair.option) && o < numOptions; o++ {
			if pair.with.has(o) && d.given.has(o) {
				return invalid("The option '" + o.String() + "' conflicts with the '" + pair.option.String() +
					"' option in the '" + d.verb.String() + "' command")
			}
		}
	}
	return nil
}
