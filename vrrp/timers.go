package vrrp

import "time"

// Centisecond is the unit of version 3's intervals.
const Centisecond = 10 * time.Millisecond

// SkewTime is how much later than its peers a router of this priority believes
// that the Active Router is gone: ((256-priority) * interval) / 256, where the
// interval is Active_Adver_Interval in version 3 (RFC 9568 §6.1) and one second
// in version 2 (RFC 3768 §6.1). It multiplies before it divides, in nanoseconds:
// in whole centiseconds all priorities of a sub-second group would fire at once.
func SkewTime(v Version, priority uint8, activeInterval time.Duration) time.Duration {
	if v == V2 {
		activeInterval = time.Second
	}
	return time.Duration(256-int(priority)) * activeInterval / 256
}

// ActiveDownInterval is how long a Backup Router waits for an advertisement:
// adverts * Active_Adver_Interval + Skew_Time. The RFCs say 3 adverts;
// keepalived's down_timer_adverts says 1 to 100.
func ActiveDownInterval(v Version, priority uint8, activeInterval time.Duration, adverts int) time.Duration {
	return time.Duration(adverts)*activeInterval + SkewTime(v, priority, activeInterval)
}
