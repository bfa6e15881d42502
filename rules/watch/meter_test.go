package watch

import (
	"testing"
	"time"

	"ipvsadm/ipvs"
)

// A kernel renews its counters every two seconds. Views more often than that
// must not show 0 and twice the truth in turns, whenever in between they look.
func TestRatesBetweenRenewals(t *testing.T) {
	const perRenewal, traffic = 100, 5 * time.Minute
	start := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	for _, every := range []time.Duration{100 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second} {
		for _, phase := range []time.Duration{0, 300 * time.Millisecond, 999 * time.Millisecond} {
			m, renewals := meter{}, time.Duration(0)
			for at := time.Duration(0); at <= traffic+5*time.Second; at += every {
				// As timers do, a renewal comes a little late each time.
				if next := phase + renewals*2*time.Second*101/100; next <= at && next < traffic {
					renewals++
				}
				m.measure(&ipvs.Stats{Conns: perRenewal * uint64(renewals)}, start.Add(at))
				if got := m.now[conns]; at > 4*time.Second && at < traffic-2*time.Second && got != perRenewal/2 {
					t.Fatalf("every %v, after %v: %v connections/s, want %v", every, at, got, perRenewal/2)
				}
			}
			if got := m.now[conns]; got != 0 {
				t.Errorf("every %v: %v connections/s five seconds after the last", every, got)
			}
		}
	}
}

// Views that are further apart than renewals divide by the time between them.
func TestRatesOfLongIntervals(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	m := meter{}
	for i, want := range []float64{7, 30, 0, 30} {
		m.measure(&ipvs.Stats{Conns: []uint64{0, 300, 300, 600}[i], CPS: 7}, start.Add(time.Duration(i)*10*time.Second))
		if got := m.now[conns]; got != want {
			t.Errorf("view %d: %v connections/s, want %v", i, got, want)
		}
	}
}
