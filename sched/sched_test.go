package sched

import (
	"errors"
	"slices"
	"testing"
)

func TestEverySchedulerOfTheKernelIsKnown(t *testing.T) {
	want := []string{"dh", "fo", "lblc", "lblcr", "lc", "mh", "nq", "ovf", "rr", "sed", "sh", "twos", "wlc", "wrr"}
	var got []string
	for _, s := range All() {
		got = append(got, s.Name)
		if s.Summary == "" {
			t.Errorf("%s has no summary", s.Name)
		}
		if found, ok := Find(s.Name); !ok || found != s {
			t.Errorf("Find(%q) = %v, %v", s.Name, found, ok)
		}
		if s.Module() != "ip_vs_"+s.Name {
			t.Errorf("module of %s is %s", s.Name, s.Module())
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("schedulers %v, want %v", got, want)
	}
	for _, name := range []string{"", "none", "RR", "r", "rr ", "nosuch"} {
		if s, ok := Find(name); ok {
			t.Errorf("Find(%q) = %v, want nothing", name, s)
		}
	}
}

func TestFlagBitsAreTheKernels(t *testing.T) {
	if Flag1 != 8 || Flag2 != 16 || Flag3 != 32 {
		t.Errorf("flags are %d %d %d, want 8 16 32", Flag1, Flag2, Flag3)
	}
}

func TestFlagNames(t *testing.T) {
	tests := []struct {
		scheduler string
		flags     Flags
		want      []string
	}{
		{"sh", 0, nil},
		{"sh", Flag1, []string{"sh-fallback"}},
		{"sh", Flag2, []string{"sh-port"}},
		{"sh", Flag1 | Flag2, []string{"sh-fallback", "sh-port"}},
		{"sh", Flag3, []string{"flag-3"}},
		{"mh", Flag1 | Flag2 | Flag3, []string{"mh-fallback", "mh-port", "flag-3"}},
		{"rr", Flag1 | Flag3, []string{"flag-1", "flag-3"}},
		{"none", Flag2, []string{"flag-2"}},
		{"", Flag1 | Flag2 | Flag3, []string{"flag-1", "flag-2", "flag-3"}},
		{"rr", 1 | 2 | 4 | 64, nil}, // the service's own bits
	}
	for _, tt := range tests {
		if got := FlagNames(tt.scheduler, tt.flags); !slices.Equal(got, tt.want) {
			t.Errorf("FlagNames(%q, %d) = %v, want %v", tt.scheduler, tt.flags, got, tt.want)
		}
	}
}

func TestParseFlag(t *testing.T) {
	tests := []struct {
		scheduler, word string
		want            Flags
		err             error
	}{
		{"sh", "sh-fallback", Flag1, nil},
		{"sh", "sh-port", Flag2, nil},
		{"mh", "mh-fallback", Flag1, nil},
		{"mh", "mh-port", Flag2, nil},
		{"rr", "flag-1", Flag1, nil},
		{"sh", "flag-2", Flag2, nil},
		{"", "flag-3", Flag3, nil},
		{"rr", "sh-fallback", 0, ErrOtherScheduler},
		{"mh", "sh-port", 0, ErrOtherScheduler},
		{"sh", "mh-port", 0, ErrOtherScheduler},
		{"sh", "flag-4", 0, ErrUnknownFlag},
		{"sh", "fallback", 0, ErrUnknownFlag},
		{"sh", "SH-PORT", 0, ErrUnknownFlag},
		{"sh", "", 0, ErrUnknownFlag},
	}
	for _, tt := range tests {
		got, err := ParseFlag(tt.scheduler, tt.word)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("ParseFlag(%q, %q) = %d, %v, want %d, %v", tt.scheduler, tt.word, got, err, tt.want, tt.err)
		}
	}
}

func TestFlagNamesParseBack(t *testing.T) {
	for _, s := range append(All(), Scheduler{Name: "none"}) {
		for f := Flags(0); f <= Flag1|Flag2|Flag3; f += Flag1 {
			var back Flags
			for _, word := range FlagNames(s.Name, f) {
				flag, err := ParseFlag(s.Name, word)
				if err != nil {
					t.Errorf("%s: %q: %v", s.Name, word, err)
				}
				back |= flag
			}
			if back != f {
				t.Errorf("%s: flags %d come back as %d", s.Name, f, back)
			}
		}
	}
}
