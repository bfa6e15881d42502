package sched

import (
	"errors"
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

// Other returns the other generation.
func (g Generation) Other() Generation { return Totals - g }

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

var (
	// ErrNoVersion says that a text is not the version of a kernel.
	ErrNoVersion = errors.New("not the version of a kernel")
	// ErrUnknownKernel says that nobody has looked how a kernel counts.
	ErrUnknownKernel = errors.New("it is not known how this kernel counts connections")
)

// GenerationOf returns the generation of a kernel by its version, such as
// "6.1.192" or "6.12.117-1".
//
// Known are Linux 6.1 up to 176, which is Classic, 6.1 from 192 on and 6.12 from
// 117 on, which are Totals. Of others it returns the likelier generation with
// ErrUnknownKernel: Totals from 7.2 on, the change being of the summer of 2026.
func GenerationOf(version string) (Generation, error) {
	v, ok := parseVersion(version)
	if !ok {
		return Classic, ErrNoVersion
	}
	series := [2]int{v[0], v[1]}
	switch patch := v[2]; {
	case series == [2]int{6, 1} && patch >= 192, series == [2]int{6, 12} && patch >= 117:
		return Totals, nil
	case series == [2]int{6, 1} && patch <= 176 && patch > 0:
		return Classic, nil
	case slices.Compare(series[:], []int{7, 2}) >= 0:
		return Totals, ErrUnknownKernel
	}
	return Classic, ErrUnknownKernel
}

// parseVersion reads the numbers of a version, of which it takes two or three.
// What follows a dash, and a plus sign, do not count.
func parseVersion(version string) (v [3]int, ok bool) {
	number, _, _ := strings.Cut(version, "-")
	parts := strings.Split(strings.TrimSuffix(number, "+"), ".")
	if len(parts) < 2 {
		return v, false
	}
	for i := range min(len(parts), len(v)) {
		n, err := strconv.ParseUint(parts[i], 10, 16)
		if err != nil {
			return v, false
		}
		v[i] = int(n)
	}
	return v, true
}
