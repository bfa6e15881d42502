package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ipvsadm/ipvs"
)

// Short ways to write configurations and states in tests.

const (
	interval   = 6 * time.Second
	retryDelay = time.Second
)

var webKey = ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.TCP, Addr: netip.MustParseAddrPort("10.0.0.1:80")}

// addrOf is the address of the nth real server.
func addrOf(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(n)}), 80)
}

// checker is a TCP_CHECK with a number of retries; its address makes it one of a
// kind.
func checker(retries int) CheckerConfig {
	return CheckerConfig{
		Interval: interval, Retries: retries, RetryDelay: retryDelay,
		Probe: TCPConfig{Endpoint{Timeout: 5 * time.Second}},
	}
}

// serverOf is a virtual server whose real servers have these weights and one
// checker without retries each.
func serverOf(weights ...uint32) *ServerConfig {
	s := &ServerConfig{Service: ipvs.Service{ServiceKey: webKey, Scheduler: "rr", Netmask: ipvs.HostMask(ipvs.IPv4)}, Quorum: 1}
	for i, w := range weights {
		s.Reals = append(s.Reals, RealConfig{
			Destination: ipvs.Destination{Addr: addrOf(i), Weight: w}, Checkers: []CheckerConfig{checker(0)},
		})
	}
	return s
}

// with changes a virtual server.
func with(s *ServerConfig, changes ...func(*ServerConfig)) *ServerConfig {
	for _, c := range changes {
		c(s)
	}
	return s
}

func sorry(s *ServerConfig) {
	s.Sorry = &SorryConfig{Destination: ipvs.Destination{Addr: netip.MustParseAddrPort("10.0.2.1:80"), Weight: 1}}
}
func serverSorry() netip.AddrPort  { return with(serverOf(), sorry).Sorry.Addr }
func sorryInhibit(s *ServerConfig) { sorry(s); s.Sorry.Inhibit = true }
func omega(s *ServerConfig)        { s.Omega = true }
func inhibit(s *ServerConfig) {
	for i := range s.Reals {
		s.Reals[i].Inhibit = true
	}
}
func alpha(s *ServerConfig) {
	for i := range s.Reals {
		for j := range s.Reals[i].Checkers {
			s.Reals[i].Checkers[j].Alpha = true
		}
	}
}
func quorum(q, h uint32) func(*ServerConfig) {
	return func(s *ServerConfig) { s.Quorum, s.Hysteresis = q, h }
}
func checkers(real int, list ...CheckerConfig) func(*ServerConfig) {
	return func(s *ServerConfig) { s.Reals[real].Checkers = list }
}

// table writes the servers that should be in the kernel: "0*1 1*0 sorry*1".
func table(p *Pool) string {
	var words []string
	for _, d := range p.wanted(p.config.Service.ServiceKey, nil).Destinations {
		name := "sorry"
		if b := d.Addr.Addr().As4(); b[2] == 1 {
			name = fmt.Sprint(b[3])
		}
		words = append(words, fmt.Sprintf("%s*%d", name, d.Weight))
	}
	return strings.Join(words, " ")
}

// changeLines writes changes one by one, without the servers' states at the
// start.
func changeLines(changes []Change) []string {
	lines := []string{}
	for _, c := range changes {
		lines = append(lines, c.String())
	}
	return lines
}

// sortedLines are the lines of a table in alphabetical order, without blanks.
func sortedLines(s string) string {
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}
