package rules

import (
	"math"
	"testing"
)

func TestNumbersAreReadAsStrtolReadsThem(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "5": 5, "+5": 5, "-5": -5, "007": 7, " 5": 5, "\t\n\v\f\r 5": 5, "-0": 0,
		"2147483648": 2147483648, "9223372036854775807": math.MaxInt64, "-9223372036854775807": -math.MaxInt64,
	} {
		if got, ok := parseNumber(text, -math.MaxInt64, math.MaxInt64); !ok || got != want {
			t.Errorf("%q is %d, %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"", " ", "+", "-", "--5", "+-5", "+ 5", "5 ", "5x", "x5", "0x10", "1.5", "1e3", "٥",
	} {
		if got, ok := parseNumber(text, -math.MaxInt64, math.MaxInt64); ok {
			t.Errorf("%q is %d, want no number", text, got)
		}
	}
	for _, text := range []string{"9", "21", "-10", "4294967306", "18446744073709551626", "99999999999999999999"} {
		if got, ok := parseNumber(text, 10, 20); ok {
			t.Errorf("%q is %d, want it out of range", text, got)
		}
	}
	if n, ok := parseNumber("10", 10, 20); !ok || n != 10 {
		t.Error("the lowest number is not in range")
	}
	if n, ok := parseNumber("20", 10, 20); !ok || n != 20 {
		t.Error("the highest number is not in range")
	}
}

func TestFirewallMarksHave32Bits(t *testing.T) {
	for text, want := range map[string]uint32{"1": 1, "010": 10, "+7": 7, "2147483648": 1 << 31, "4294967295": math.MaxUint32} {
		if got, ok := parseMark(text); !ok || got != want {
			t.Errorf("mark %q is %d, %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "4294967296", "18446744073709551617", "-18446744073709551615", "5x", "0x10"} {
		if got, ok := parseMark(text); ok {
			t.Errorf("mark %q is %d, want none", text, got)
		}
	}
}
