package sched

import (
	"slices"
	"strconv"
	"strings"
)

// Generation is one of two ways in which kernels count the connections of a
// server. It matters to the load of lc, wlc, lblc, lblcr and twos, and to when a
// server is overloaded.
type Generation uint8

const (
	// Classic kernels count active and inactive connections apart. A connection
	// that becomes active costs 256 times an inactive one, and new thresholds show
	// at the next connection.
	Classic Generation = iota
	// Totals is what kernels do that count active and all connections: an active
	// one costs 257 times an inactive one, and new thresholds show at once.
	Totals
)

// activeCost is how many inactive connections an active one counts for.
func (g Generation) activeCost() int64 {
	if g == Totals {
		return 257
	}
	return 256
}

// String names the generation.
func (g Generation) String() string {
	if g == Totals {
		return "totals"
	}
	return "classic"
}

// GenerationOf returns the generation of a kernel by its version, such as
// "6.1.192" or "6.12.117-1", false if that is none.
//
// Known are Linux 6.1.176, which is Classic, and 6.1.192 and 6.12.117, which are
// Totals. Earlier versions of these series, and the series before 7.2, count as
// Classic, others as Totals.
func GenerationOf(version string) (Generation, bool) {
	number, _, _ := strings.Cut(version, "-")
	parts := strings.Split(strings.TrimSuffix(number, "+"), ".")
	if len(parts) < 2 {
		return Classic, false
	}
	var v [3]int
	for i := range min(len(parts), len(v)) {
		n, err := strconv.ParseUint(parts[i], 10, 16)
		if err != nil {
			return Classic, false
		}
		v[i] = int(n)
	}
	first := [3]int{7, 2, 0}
	switch [2]int{v[0], v[1]} {
	case [2]int{6, 1}:
		first = [3]int{6, 1, 192}
	case [2]int{6, 12}:
		first = [3]int{6, 12, 117}
	}
	if slices.Compare(v[:], first[:]) < 0 {
		return Classic, true
	}
	return Totals, true
}
