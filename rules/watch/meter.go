package watch

import (
	"net/netip"
	"time"

	"ipvsadm/ipvs"
)

// metric is something that is measured of services and servers alike.
type metric uint8

const (
	active metric = iota // connections
	inactive
	conns // per second, as the rest
	inPkts
	outPkts
	inBytes
	outBytes
	numMetrics
)

// values are one measurement.
type values [numMetrics]float64

// id names a service or, with server valid, a real server of it.
type id struct {
	service ipvs.ServiceKey
	server  netip.AddrPort
}

// renewal is how often the kernel renews the counters that it shows, from those
// that each processor keeps (estimation_timer in ip_vs_est.c). Between two
// renewals they stand still, whatever the traffic.
const renewal = 2 * time.Second

// trendSamples is how many samples a sparkline goes back.
const trendSamples = 48

// meter follows one service or server from sample to sample.
type meter struct {
	stats ipvs.Stats // of the sample that rates count from
	at    time.Time  // of that sample, the zero time for none
	still bool       // the counters have stood still since
	now   values
	rated bool // now has rates, not only connections
	// trend has the last samples, the oldest first; until is the number of the
	// latest. Most servers are never on the screen: it is made as it grows.
	trend [][numMetrics]float32
	until uint64
	// The thresholds that were seen, and whether the server is over the upper
	// one. The kernel does not tell; see overload.
	upper, lower uint32
	overloaded   bool
}

// measure takes what the kernel counted until a time. Counters that stand still
// for no longer than a renewal and a bit prove nothing: the rates stay. When they
// go on then, the difference is of one renewal.
func (m *meter) measure(s *ipvs.Stats, at time.Time) {
	passed := at.Sub(m.at)
	switch {
	case m.at.IsZero():
		m.setRates(float64(s.CPS), float64(s.InPPS), float64(s.OutPPS), float64(s.InBPS), float64(s.OutBPS))
	case passed <= 0:
		return
	case passed <= renewal*5/4 && counters(s) == counters(&m.stats):
		m.still = true
		return
	default:
		seconds := passed.Seconds()
		if m.still || passed < renewal {
			seconds = renewal.Seconds()
		}
		// Who resets counters resets them all, so one that fell speaks for all.
		old := m.stats
		if s.Conns < old.Conns || s.InPkts < old.InPkts || s.OutPkts < old.OutPkts || s.InBytes < old.InBytes || s.OutBytes < old.OutBytes {
			old = ipvs.Stats{}
		}
		m.setRates(float64(s.Conns-old.Conns)/seconds, float64(s.InPkts-old.InPkts)/seconds, float64(s.OutPkts-old.OutPkts)/seconds,
			float64(s.InBytes-old.InBytes)/seconds, float64(s.OutBytes-old.OutBytes)/seconds)
	}
	m.stats, m.at, m.still = *s, at, false
}

// counters are what never falls but by a reset.
func counters(s *ipvs.Stats) [5]uint64 {
	return [...]uint64{s.Conns, s.InPkts, s.OutPkts, s.InBytes, s.OutBytes}
}

func (m *meter) setRates(perSecond ...float64) {
	copy(m.now[conns:], perSecond)
	m.rated = true
}

// forgetRates is for a sample without counters. The next with counters begins
// anew, for the average over a time off the screen is not what happens now.
func (m *meter) forgetRates() {
	m.setRates(0, 0, 0, 0, 0)
	m.rated, m.at = false, time.Time{}
}

// connections takes the numbers of connections.
func (m *meter) connections(nActive, nInactive uint64) {
	m.now[active], m.now[inactive] = float64(nActive), float64(nInactive)
}

// overload works out whether the kernel gives the server no connections for
// their number: from the upper threshold on, until they fall below the lower
// one or, without it, three quarters of the upper (ip_vs_bind_dest and
// ip_vs_unbind_dest in ip_vs_conn.c).
func (m *meter) overload(total uint64) {
	upper, lower := uint64(m.upper), uint64(m.lower)
	switch {
	case upper == 0:
		m.overloaded = false
	case total >= upper:
		m.overloaded = true
	case lower != 0:
		m.overloaded = m.overloaded && total >= lower
	default:
		m.overloaded = m.overloaded && total*4 >= upper*3
	}
}

// remember ends a sample. Those since the last one that is remembered were
// without counters, and stay blank.
func (m *meter) remember(sample uint64) {
	if len(m.trend) > 0 {
		for range min(sample-m.until-1, trendSamples) {
			m.push(values{})
		}
	}
	m.push(m.now)
	m.until = sample
}

func (m *meter) push(v values) {
	if len(m.trend) == trendSamples {
		m.trend = m.trend[:copy(m.trend, m.trend[1:])]
	}
	var one [numMetrics]float32
	for i := range v {
		one[i] = float32(v[i])
	}
	m.trend = append(m.trend, one)
}

// history returns the last n values of a metric, oldest first, fewer if there
// are not so many.
func (m *meter) history(of metric, n int) []float32 {
	trend := m.trend[max(len(m.trend)-n, 0):]
	list := make([]float32, len(trend))
	for i := range list {
		list[i] = trend[i][of]
	}
	return list
}
