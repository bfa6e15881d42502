package keepalived

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// set remembers what was there.
type set[T comparable] map[T]bool

// twice adds an element and tells whether it was there.
func (s *set[T]) twice(e T) bool {
	if (*s)[e] {
		return true
	}
	if *s == nil {
		*s = make(set[T])
	}
	(*s)[e] = true
	return false
}

// integer is any number that a word can set.
type integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// parseInt reads a decimal number. keepalived knows no other base, and takes a
// plus sign and blanks before it.
func parseInt(word string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimLeft(word, blanks), 10, 64)
	return n, err == nil
}

// inRange reads argument i as a number from lo to hi. Otherwise it says that the
// statement is ignored, and ok is false.
func inRange[N integer](s *statement, i int, lo, hi N) (n N, ok bool) {
	v, ok := parseInt(s.args[i])
	if !ok || v < int64(lo) || uint64(hi) < math.MaxInt64 && v > int64(hi) {
		s.badValue(s.args[i], fmt.Sprintf("a whole number from %d to %d", lo, hi))
		return 0, false
	}
	return N(v), true
}

// badValue says that a value is not what is wanted and the statement ignored.
func (s *statement) badValue(value, wanted string) {
	s.warn(KindValue, s.name+" is ignored: "+strconv.Quote(abridge(value))+" is not "+wanted, "")
}

// parseSeconds reads decimal seconds to the microsecond; more places are cut off.
func parseSeconds(word string) (time.Duration, bool) {
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(strings.TrimLeft(word, blanks), "+"), ".")
	if whole+fraction == "" || len(whole) > 10 || !isDigits(whole) || !isDigits(fraction) {
		return 0, false
	}
	seconds, _ := strconv.ParseInt("0"+whole, 10, 64)
	if seconds > int64(math.MaxInt64/time.Second)-1 {
		return 0, false
	}
	micro, _ := strconv.ParseInt((fraction + "000000")[:6], 10, 64)
	return time.Duration(seconds)*time.Second + time.Duration(micro)*time.Microsecond, true
}

func isDigits(s string) bool {
	return strings.TrimLeft(s, "0123456789") == ""
}

// formatSeconds writes a time as parseSeconds reads it.
func formatSeconds(d time.Duration) string {
	s := fmt.Sprintf("%d.%06d", d/time.Second, d%time.Second/time.Microsecond)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// seconds reads argument i as decimal seconds from lo to hi.
func (s *statement) seconds(i int, lo, hi time.Duration) (time.Duration, bool) {
	d, ok := parseSeconds(s.args[i])
	if !ok || d < lo || d > hi {
		s.badValue(s.args[i], "a number of seconds from "+formatSeconds(lo)+" to "+formatSeconds(hi))
		return 0, false
	}
	return d, true
}

// parseBool reads the words for yes and no.
func parseBool(word string) (value, ok bool) {
	switch word {
	case "on", "true", "yes":
		return true, true
	case "off", "false", "no":
		return false, true
	}
	return false, false
}

func formatBool(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

// yes reads an optional BOOL, which means on when it is left out.
func (s *statement) yes() (value, ok bool) {
	if len(s.args) == 0 {
		return true, true
	}
	if value, ok = parseBool(s.args[0]); !ok {
		s.badValue(s.args[0], "on or off")
	}
	return value, ok
}

// parseAddr reads an IP address without a zone.
func parseAddr(word string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(word)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, false
	}
	return a, true
}

// addr reads argument i as an IP address.
func (s *statement) addr(i int) (netip.Addr, bool) {
	a, ok := parseAddr(s.args[i])
	if !ok {
		s.badValue(s.args[i], "an IP address")
	}
	return a, ok
}

// maxInterface is the longest name of an interface (IFNAMSIZ less the NUL).
const maxInterface = 15

// isInterface tells whether the kernel takes a name for an interface
// (dev_valid_name in net/core/dev.c).
func isInterface(name string) bool {
	return name != "" && len(name) <= maxInterface && name != "." && name != ".." &&
		!strings.ContainsAny(name, "/:"+blanks)
}

// iface reads argument i as the name of an interface. Whether there is one of
// that name is not asked: the file may be for another machine.
func (s *statement) iface(i int) (string, bool) {
	name := s.args[i]
	if !isInterface(name) {
		s.badValue(name, "a name for an interface: 1 to 15 characters without /, : and blanks")
		return "", false
	}
	return strings.Clone(name), true
}

// str returns argument i as a string of its own: arguments are parts of the
// file's text, which is not to be kept for their sake.
func (s *statement) str(i int) string { return strings.Clone(s.args[i]) }
