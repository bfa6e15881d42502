package rules

import (
	"math"
	"strings"
)

// Limits of values.
const (
	maxInt     = math.MaxInt32
	maxPort    = 65535
	maxTimeout = 31 * 24 * 60 * 60 // seconds; above it the kernel's jiffies may wrap
)

// parseNumber reads a whole word as C's strtol does in base 10: blanks and a
// sign may stand before the digits, nothing after them.
func parseNumber(s string, low, high int64) (int64, bool) {
	n, rest, ok := leadingNumber(s)
	if !ok || rest != "" || n < low || n > high {
		return 0, false
	}
	return n, true
}

// leadingNumber reads the number a string begins with, as strtol does, and
// returns what follows it. Numbers out of range become the nearest in range.
func leadingNumber(s string) (n int64, rest string, ok bool) {
	s = strings.TrimLeft(s, cSpace)
	negative := strings.HasPrefix(s, "-")
	if negative || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	i := 0
	for ; i < len(s) && isDigit(s[i]); i++ {
		digit := int64(s[i] - '0')
		if n > (math.MaxInt64-digit)/10 {
			n = math.MaxInt64
			continue
		}
		n = n*10 + digit
	}
	if negative {
		n = -n
	}
	return n, s[i:], i > 0
}

// cSpace is what C's isspace takes for a blank.
const cSpace = " \t\n\v\f\r"

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func allDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// parseMark reads a firewall mark, 1 to 4294967295.
func parseMark(s string) (uint32, bool) {
	n, ok := parseNumber(s, 1, math.MaxUint32)
	return uint32(n), ok
}
