package differ

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ipvsadm/testdata/lab/compat"
)

// The declared differences in what our tool takes. Each is a name of
// testdata/transcripts/differences.md.
const (
	comments        = "comments"
	trailingBlanks  = "trailing-blanks"
	bracketsNoPort  = "brackets-without-port"
	prefixLengths   = "prefix-length"
	emptySchedFlags = "empty-scheduler-flags"
)

// Declared returns the names of the differences that Translate and the
// comparison of outputs know.
func Declared() []string {
	return []string{
		comments, trailingBlanks, bracketsNoPort, prefixLengths, emptySchedFlags,
		helpText, unsignedMarks, flag3Saved, namesThatRestore,
	}
}

// Translate returns what to give the original so that it has to do what our
// tool does with inv, and the names of the declared differences that makes
// necessary: none for almost all invocations, and inv stays as it is.
func Translate(inv compat.Invocation) (compat.Invocation, []string) {
	t := translator{options: options(), posix: len(inv.Env) > 0}
	if inv.Name() == "ipvsadm" {
		inv.Argv = append([]string{inv.Argv[0]}, t.values(inv.Argv[1:])...)
	}
	inv.Stdin = t.stream(inv.Stdin, inv.Name() == "ipvsadm-restore")
	return inv, t.names
}

type translator struct {
	options []opt
	posix   bool
	names   []string // of the differences met
}

func (t *translator) declared(name string) {
	if !slices.Contains(t.names, name) {
		t.names = append(t.names, name)
	}
}

// values replaces values that only our tool accepts.
func (t *translator) values(words []string) []string {
	words = slices.Clone(words)
	ipv6 := false // whether -M is a prefix length by now
	for _, k := range scan(t.options, words, t.posix) {
		if k.opt == nil {
			continue
		}
		value, name := k.value, ""
		switch k.opt.long {
		case "tcp-service", "udp-service", "sctp-service", "real-server":
			value, name = withoutBrackets(k.value), bracketsNoPort
			if k.opt.long != "real-server" {
				ipv6 = strings.Count(value, ":") > 1
			}
		case "ipv6":
			ipv6 = true
		case "netmask":
			value, name = plainMask(k.value, ipv6), prefixLengths
		case "sched-flags":
			// Commas alone crash the original.
			if k.value != "" && strings.Trim(k.value, ",") == "" {
				t.declared(emptySchedFlags)
				return t.values(withoutFlags(words, k))
			}
		}
		if value != k.value {
			words[k.word] = words[k.word][:k.from] + value
			t.declared(name)
		}
	}
	return words
}

// withoutFlags gives -b the empty value, which takes the long form where words
// cannot be empty.
func withoutFlags(words []string, k token) []string {
	const none = "--sched-flags="
	option := k.word
	if k.from == 0 {
		option--
		words = slices.Delete(words, k.word, k.word+1)
	}
	letters, _, _ := strings.Cut(words[option], "b")
	if strings.HasPrefix(words[option], "--") || letters == "-" {
		words[option] = none
		return words
	}
	words[option] = letters // of a bundle
	return slices.Insert(words, option+1, none)
}

// withoutBrackets turns [2001:db8::1] into 2001:db8::1.
func withoutBrackets(value string) string {
	inner, ok := strings.CutPrefix(value, "[")
	if inner, ok2 := strings.CutSuffix(inner, "]"); ok && ok2 {
		if a, err := netip.ParseAddr(inner); err == nil && a.Is6() && a.Zone() == "" {
			return inner
		}
	}
	return value
}

// plainMask turns /24 into 255.255.255.0, and /64 into 64 for IPv6.
func plainMask(value string, ipv6 bool) string {
	length, ok := strings.CutPrefix(value, "/")
	n, err := strconv.Atoi(length)
	switch {
	case !ok || err != nil || n < 0 || n > 128:
	case ipv6 && n > 0:
		return length
	case !ipv6 && n <= 32:
		mask := uint32(math.MaxUint32 << (32 - n))
		return fmt.Sprintf("%d.%d.%d.%d", mask>>24, mask>>16&0xff, mask>>8&0xff, mask&0xff)
	}
	return value
}

// stream translates the lines of a restore stream. The shell that stands
// before the original in ipvsadm-restore ends the last line itself.
func (t *translator) stream(text string, script bool) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if changed, ok := t.line(line); ok {
			lines[i] = changed
		}
	}
	last := lines[len(lines)-1]
	blanks := len(last) - len(strings.TrimRight(last, " \t\r"))
	if !script && blanks >= 2 && blanks < len(last) {
		t.declared(trailingBlanks)
		lines = append(lines, "")
	}
	return strings.Join(lines, "\n")
}

// line translates a line, if it needs it.
func (t *translator) line(line string) (string, bool) {
	words := slices.DeleteFunc(strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == '\r' }),
		func(w string) bool { return w == "ipvsadm" })
	before := slices.Clone(words)
	for _, k := range scan(t.options, words, t.posix) {
		// A word for a value that may be left out stands where an option could.
		optional := k.opt != nil && k.opt.shape == optional && k.from == 0
		if (k.opt == nil || optional) && strings.HasPrefix(k.value, "#") {
			words = words[:k.word]
			t.declared(comments)
			break
		}
	}
	words = t.values(words)
	return strings.Join(words, " "), !slices.Equal(words, before)
}
