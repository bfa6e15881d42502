package check

import (
	"testing"
	"testing/synctest"
	"time"

	"ipvsadm/ipvs"
)

// TestTimeouts are those of the configuration where it names them, and else those
// from before the start; an unchanged configuration mends them, and none leaves
// somebody else's alone.
func TestTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, keep := range []bool{false, true} {
			b := newBench(t)
			c := configOf(serverOf(1))
			expect := func(when string, tcp, fin, udp int) {
				t.Helper()
				want := ipvs.Timeouts{TCP: time.Duration(tcp) * time.Second, TCPFin: time.Duration(fin) * time.Second, UDP: time.Duration(udp) * time.Second}
				if got, _ := b.kernel.Timeouts(); got != want {
					t.Errorf("%s: %+v, want %+v", when, got, want)
				}
			}
			reload := func(timeouts ipvs.Timeouts) {
				t.Helper()
				c.Timeouts = timeouts
				if err := b.m.Reload(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			udp := ipvs.Timeouts{UDP: 77 * time.Second}
			b.run(c, func(o *Options) { o.Timeouts, o.KeepTable = b.kernel.Timeouts, keep })
			expect("without any", 900, 120, 300)
			reload(udp)
			expect("udp", 900, 120, 77)
			b.kernel.Do(ipvs.SetTimeouts{Timeouts: ipvs.Timeouts{TCP: time.Second, UDP: time.Second}})
			reload(udp)
			expect("udp, mended", 900, 120, 77)
			before := b.m.counts.Operations
			reload(ipvs.Timeouts{TCPFin: 33 * time.Second})
			expect("another", 900, 33, 300)
			reload(ipvs.Timeouts{})
			expect("without any again", 900, 120, 300)
			b.kernel.Do(ipvs.SetTimeouts{Timeouts: ipvs.Timeouts{TCP: time.Second}})
			reload(ipvs.Timeouts{})
			expect("somebody else's", 1, 120, 300)
			reload(udp)
			if b.m.counts.Operations != before {
				t.Errorf("%d operations on the table", b.m.counts.Operations-before)
			}
			b.stop()
			if keep {
				expect("at the end, with -I", 900, 120, 77)
			} else {
				expect("at the end", 900, 120, 300)
			}
		}
	})
}
