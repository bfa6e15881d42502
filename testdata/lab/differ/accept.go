package differ

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"ipvsadm/ipvs"
	"ipvsadm/testdata/lab/compat"
)

// The declared differences in what our tool prints.
const (
	helpText         = "help-text"
	unsignedMarks    = "unsigned-marks"
	flag3Saved       = "flag-3-saved"
	namesThatRestore = "names-that-restore"
)

// accepter decides whether our output is what the original's should have been.
type accepter struct {
	table []ipvs.Entry // that was listed
	names []string     // of the differences met
}

func (a *accepter) declared(name string) bool {
	a.names = append(a.names, name)
	return true
}

// outcome reports whether ours is theirs, line by line, but for declared
// differences.
func (a *accepter) outcome(theirs, ours compat.Outcome) bool {
	if theirs.Stderr != ours.Stderr || theirs.Exit != ours.Exit {
		return false
	}
	if theirs.Stdout == ours.Stdout {
		return true
	}
	before, theirHelp, isHelp := cutHelp(theirs.Stdout)
	ourBefore, ourHelp, oursToo := cutHelp(ours.Stdout)
	if isHelp && oursToo && theirHelp != "" && ourHelp != "" {
		a.declared(helpText)
		return a.lines(before, ourBefore)
	}
	return a.lines(theirs.Stdout, ours.Stdout)
}

// cutHelp splits an output after the line with the version, which the help text
// follows.
func cutHelp(out string) (before, help string, ok bool) {
	const versionLine = "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n"
	before, help, ok = strings.Cut(out, versionLine)
	return before, help, ok
}

func (a *accepter) lines(theirs, ours string) bool {
	their, our := strings.Split(theirs, "\n"), strings.Split(ours, "\n")
	if len(their) != len(our) {
		return false
	}
	for i := range their {
		if !a.line(their[i], our[i]) {
			return false
		}
	}
	return true
}

func (a *accepter) line(theirs, ours string) bool {
	if theirs == ours {
		return true
	}
	if unsigned := unsign(theirs); unsigned != theirs {
		a.declared(unsignedMarks)
		theirs = unsigned
	}
	if strings.HasPrefix(theirs, "-A ") || strings.HasPrefix(theirs, "-a ") {
		return a.saved(theirs, ours)
	}
	return theirs == ours
}

// signedMark is a firewall mark from 2147483648 on as the original prints it:
// in a listing, with blanks that fill the column when counters follow, and in a
// saved line.
var signedMark = regexp.MustCompile(`^(FWM  |-[Aa] -f )-([0-9]+)( IPv6)?( *)(.*)$`)

// unsign makes a negative mark the number that was given.
func unsign(line string) string {
	m := signedMark.FindStringSubmatch(line)
	if m == nil {
		return line
	}
	negative, err := strconv.ParseUint(m[2], 10, 32)
	if err != nil {
		return line
	}
	name := m[1] + strconv.FormatUint(1<<32-negative, 10) + m[3]
	blanks := m[4]
	// Counters begin at a fixed column, names of schedulers after one blank.
	if len(m[5]) > 0 && '0' <= m[5][0] && m[5][0] <= '9' {
		was := len(m[1]) + 1 + len(m[2]) + len(m[3])
		blanks = strings.Repeat(" ", len(m[4])+was-len(name))
	}
	return name + blanks + m[5]
}

// saved compares two lines of -S word by word.
func (a *accepter) saved(theirs, ours string) bool {
	their, our := strings.Split(theirs, " "), strings.Split(ours, " ")
	if len(their) != len(our) {
		return false
	}
	for i := range their {
		switch {
		case their[i] == our[i]:
		case i > 0 && their[i-1] == "-b" && a.lostFlag(their[i], our[i], our):
			a.declared(flag3Saved)
		case i > 0 && isAddressOption(their[i-1]) && restorable(their[i], our[i]):
			a.declared(namesThatRestore)
		default:
			return false
		}
	}
	return true
}

// lostFlag reports whether our flags are theirs and flag-3, and a service of
// the scheduler in the line has that.
func (a *accepter) lostFlag(theirs, ours string, line []string) bool {
	if ours != strings.TrimPrefix(theirs+",flag-3", ",") {
		return false
	}
	for _, e := range a.table {
		if e.Flags&ipvs.SchedFlag3 != 0 && (e.Scheduler == "sh" || e.Scheduler == "mh") &&
			strings.Contains(strings.Join(line, " "), " -s "+e.Scheduler+" ") {
			return true
		}
	}
	return false
}

func isAddressOption(word string) bool {
	return word == "-t" || word == "-u" || word == "--sctp-service" || word == "-r"
}

// restorable reports whether theirs is an address that cannot be read back, cut
// at 59 bytes or an IPv6 host's name, and ours is the same address.
func restorable(theirs, ours string) bool {
	const cut = 59
	if len(theirs) == cut && len(ours) > cut && strings.HasPrefix(ours, theirs) {
		return true
	}
	name, port, ok := strings.Cut(strings.TrimPrefix(theirs, "["), "]:")
	number, ourPort, ok2 := strings.Cut(strings.TrimPrefix(ours, "["), "]:")
	if !ok || !ok2 || port != ourPort {
		return false
	}
	a, err := netip.ParseAddr(number)
	return err == nil && hostAddr(name) == a
}

// hostAddr is the address of a host in Hosts.
func hostAddr(name string) netip.Addr {
	for line := range strings.Lines(Hosts) {
		if f := strings.Fields(line); f[1] == name {
			return netip.MustParseAddr(f[0])
		}
	}
	return netip.Addr{}
}
