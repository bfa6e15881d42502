package vrrp

import (
	"testing"
	"time"
)

// The table of exact values, in nanoseconds.
func TestTimerTable(t *testing.T) {
	requirement(t, "3768:6.1-timers", "9568:6.1-timers")
	for _, tc := range []struct {
		version    Version
		priority   uint8
		interval   time.Duration
		skew, down time.Duration
	}{
		{V3, 100, 100 * Centisecond, 609_375_000, 3_609_375_000},
		{V3, 254, 100 * Centisecond, 7_812_500, 3_007_812_500},
		{V3, 1, 100 * Centisecond, 996_093_750, 3_996_093_750},
		{V3, 255, 100 * Centisecond, 3_906_250, 3_003_906_250},
		{V3, 100, 1 * Centisecond, 6_093_750, 36_093_750},
		{V3, 254, 1 * Centisecond, 78_125, 30_078_125},
		{V3, 1, 4095 * Centisecond, 40_790_039_062, 163_640_039_062},
		{V3, 1, 1000 * Centisecond, 9_960_937_500, 39_960_937_500},
		{V3, 200, 10 * Centisecond, 21_875_000, 321_875_000},
		// Version 2 skews by the second, whatever the interval.
		{V2, 100, time.Second, 609_375_000, 3_609_375_000},
		{V2, 100, 5 * time.Second, 609_375_000, 15_609_375_000},
		{V2, 254, 255 * time.Second, 7_812_500, 765_007_812_500},
		{V2, 1, time.Second, 996_093_750, 3_996_093_750},
	} {
		if got := SkewTime(tc.version, tc.priority, tc.interval); got != tc.skew {
			t.Errorf("%v priority %d interval %v: skew %d ns, want %d", tc.version, tc.priority, tc.interval, got, tc.skew)
		}
		if got := ActiveDownInterval(tc.version, tc.priority, tc.interval, 3); got != tc.down {
			t.Errorf("%v priority %d interval %v: down after %d ns, want %d", tc.version, tc.priority, tc.interval, got, tc.down)
		}
	}
}

// Every priority and every interval against arithmetic of another shape: a
// centisecond is 10 000 000 ns and 10 000 000 / 256 is 78 125 / 2, so the skew
// is (256-priority) * centiseconds * 78 125 half nanoseconds, rounded down.
func TestTimersAreExactForEveryPriorityAndInterval(t *testing.T) {
	requirement(t, "9568:6.1-timers")
	pairs := 0
	for cs := int64(1); cs <= 4095; cs++ {
		interval := time.Duration(cs) * Centisecond
		previous := time.Duration(1 << 62)
		for priority := 1; priority <= 255; priority++ {
			halves := int64(256-priority) * cs * 78_125
			skew := time.Duration(halves >> 1)
			if got := SkewTime(V3, uint8(priority), interval); got != skew {
				t.Fatalf("priority %d, %d cs: skew %d ns, want %d", priority, cs, got, skew)
			}
			down := ActiveDownInterval(V3, uint8(priority), interval, 3)
			if want := time.Duration(3*cs*10_000_000) + skew; down != want {
				t.Fatalf("priority %d, %d cs: down after %d ns, want %d", priority, cs, down, want)
			}
			if down >= previous {
				t.Fatalf("priority %d, %d cs: not sooner than a lower priority", priority, cs)
			}
			previous = down
			pairs++
		}
	}
	if pairs != 1_044_225 {
		t.Fatalf("%d pairs", pairs)
	}
	for seconds := int64(1); seconds <= 255; seconds++ {
		for priority := 1; priority <= 255; priority++ {
			want := time.Duration(3*seconds*1_000_000_000 + int64(256-priority)*3_906_250)
			if got := ActiveDownInterval(V2, uint8(priority), time.Duration(seconds)*time.Second, 3); got != want {
				t.Fatalf("version 2, priority %d, %d s: down after %d ns, want %d", priority, seconds, got, want)
			}
		}
	}
}

func TestDownTimerAdverts(t *testing.T) {
	for _, adverts := range []int{1, 3, 100} {
		got := ActiveDownInterval(V3, 100, time.Second, adverts)
		if want := time.Duration(adverts)*time.Second + 609_375_000; got != want {
			t.Errorf("%d advertisements: %v, want %v", adverts, got, want)
		}
	}
}
