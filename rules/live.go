package rules

import (
	"net/netip"
	"strings"

	"ipvsadm/ipvs"
	"ipvsadm/rules/watch"
)

// watch shows the table again and again: on the whole screen of a terminal, else
// in lines.
func (s *session) watch(l List) int {
	text := s.addressText(l.Numeric)
	c := watch.Config{
		Kernel:  s.kernel,
		Service: l.Service,
		Arrange: func(table []ipvs.Entry) {
			if !l.NoSort {
				sortTable(table)
			}
			text.prefetch(table)
		},
		Labels: watch.Labels{
			Service: func(s *ipvs.Service) string {
				b := text.appendService(nil, &s.ServiceKey)
				return string(append(append(b, ' '), s.Scheduler...))
			},
			Server: func(a netip.AddrPort, p ipvs.Protocol) string { return string(text.append(nil, a, p)) },
		},
		Explain:  kernelSentence,
		Interval: l.Watch,
		Count:    l.Count,
		Exact:    l.Exact,
		ASCII:    !s.unicode(),
	}
	if s.env.Screen != nil {
		screen, err := s.env.Screen()
		switch {
		case err != nil:
			s.complain("cannot use this terminal: " + err.Error())
			return exitListing
		case screen != nil:
			watch.Live(c, screen)
			return exitOK
		}
	}
	if !watch.Plain(c, s.env.Stdout, s.complain) {
		return exitListing
	}
	return exitOK
}

// unicode says whether the user's locale has more than ASCII, by the rules of
// setlocale(3).
func (s *session) unicode() bool {
	for _, name := range [...]string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value, _ := s.env.LookupEnv(name); value != "" {
			value = strings.ToLower(value)
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return false
}
