package jsonform

import (
	"strconv"

	"ipvsadm/ipvs"
	"ipvsadm/sched"
)

// word is a number of the kernel's and the word for it. What has no word is
// written, and read, as its number in quotes, so that nothing a kernel can hold
// is lost.
type word struct {
	number uint32
	text   string
}

// Data of the program, never written.
var (
	protocolWords = [...]word{{uint32(ipvs.TCP), "tcp"}, {uint32(ipvs.UDP), "udp"}, {uint32(ipvs.SCTP), "sctp"}}
	methodWords   = [...]word{
		{uint32(ipvs.Masq), "masq"}, {uint32(ipvs.LocalNode), "local"}, {uint32(ipvs.Tunnel), "tunnel"},
		{uint32(ipvs.Route), "route"}, {uint32(ipvs.Bypass), "bypass"},
	}
	tunnelWords = [...]word{{uint32(ipvs.IPIP), "ipip"}, {uint32(ipvs.GUE), "gue"}, {uint32(ipvs.GRE), "gre"}}
)

func wordOf(words []word, number uint32) string {
	for _, w := range words {
		if w.number == number {
			return w.text
		}
	}
	return strconv.FormatUint(uint64(number), 10)
}

// numberOf is the inverse of wordOf. Numbers go up to limit.
func numberOf(words []word, text string, limit uint64) (uint32, bool) {
	for _, w := range words {
		if w.text == text {
			return w.number, true
		}
	}
	n, err := strconv.ParseUint(text, 10, 32)
	return uint32(n), err == nil && n <= limit
}

func familyWord(f ipvs.Family) string {
	if f == ipvs.IPv6 {
		return "inet6"
	}
	return "inet"
}

// flagWords are those of a service's flags, the scheduler's in the words that -b
// takes.
func flagWords(s *ipvs.Service) []string {
	var words []string
	if s.Flags&ipvs.Persistent != 0 {
		words = append(words, "persistent")
	}
	if s.Flags&ipvs.OnePacket != 0 {
		words = append(words, "ops")
	}
	if s.Flags&ipvs.SchedFlags != 0 {
		words = append(words, sched.FlagNames(s.Scheduler, sched.Flags(s.Flags))...)
	}
	return words
}

func parseFlag(scheduler, word string) (ipvs.ServiceFlags, error) {
	switch word {
	case "persistent":
		return ipvs.Persistent, nil
	case "ops":
		return ipvs.OnePacket, nil
	}
	flag, err := sched.ParseFlag(scheduler, word)
	return ipvs.ServiceFlags(flag), err
}

func tunnelFlagWords(f ipvs.TunnelFlags) []string {
	var words []string
	if f&ipvs.TunnelCsum != 0 {
		words = append(words, "csum")
	}
	if f&ipvs.TunnelRemCsum != 0 {
		words = append(words, "remcsum")
	}
	return words
}

// appendNetmask adds a mask in the form of its family: 255.255.255.0 or /64.
func appendNetmask(b []byte, s *ipvs.Service) []byte {
	b = append(member(b, "netmask"), '"')
	if s.Family == ipvs.IPv6 {
		b = strconv.AppendUint(append(b, '/'), uint64(s.Netmask), 10)
	} else {
		b = dotted(s.Netmask).AppendTo(b)
	}
	return append(b, '"')
}
