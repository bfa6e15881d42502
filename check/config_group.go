package check

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"ipvsadm/ipvs"
)

// GroupConfig is a virtual_server_group: the addresses and marks of services
// that are balanced alike.
type GroupConfig struct {
	Name    string
	Entries []GroupEntry
}

// GroupEntry is a range of addresses with a port, or a firewall mark.
type GroupEntry struct {
	// First and Last are of one family, First not above Last; invalid for a mark.
	First, Last netip.Addr
	Port        uint16
	Mark        uint32
	// Family of a mark; 0 if it is to follow from the real servers.
	Family ipvs.Family
}

// Size is the number of services that an entry stands for, at most 2^32.
func (e GroupEntry) Size() uint64 {
	if !e.First.IsValid() {
		return 1
	}
	first, last := e.First.As16(), e.Last.As16()
	var diff uint64
	for i := range first {
		if i < 8 && first[i] != last[i] {
			return 1 << 32
		}
		if i >= 8 {
			diff = diff<<8 + uint64(last[i]) - uint64(first[i])
		}
	}
	return min(diff, 1<<32-1) + 1
}

// Services returns the keys of all services of a virtual server, in the order of
// the configuration.
func (c *Config) Services(s *ServerConfig) []ipvs.ServiceKey {
	if s.Group == "" {
		return []ipvs.ServiceKey{s.Service.ServiceKey}
	}
	var keys []ipvs.ServiceKey
	for _, g := range c.Groups {
		if g.Name != s.Group {
			continue
		}
		for _, e := range g.Entries {
			keys = e.appendServices(keys, s)
		}
	}
	return keys
}

func (e GroupEntry) appendServices(keys []ipvs.ServiceKey, s *ServerConfig) []ipvs.ServiceKey {
	if !e.First.IsValid() {
		family := e.Family
		if family == 0 {
			family = s.Service.Family
		}
		return append(keys, ipvs.ServiceKey{Family: family, FWMark: e.Mark})
	}
	for a := e.First; a.IsValid() && a.Compare(e.Last) <= 0; a = a.Next() {
		keys = append(keys, ipvs.ServiceKey{
			Family: ipvs.FamilyOf(a), Protocol: s.Service.Protocol, Addr: netip.AddrPortFrom(a, e.Port),
		})
	}
	return keys
}

// Name is how keepalived names a virtual server in its log: "[10.0.0.1]:tcp:80",
// "FWM 1", and "[NAME]:0" for a group.
func (s *ServerConfig) Name() string {
	k := s.Service.ServiceKey
	switch {
	case s.Group != "":
		return fmt.Sprintf("[%s]:0", s.Group)
	case k.FWMark != 0:
		return fmt.Sprintf("FWM %d", k.FWMark)
	}
	return EndpointName(k.Protocol, k.Addr)
}

// UniqueName is Name with the protocol of a group, "[NAME]:tcp:0": one group can
// have a virtual server of each.
func (s *ServerConfig) UniqueName() string {
	if s.Group != "" {
		return fmt.Sprintf("[%s]:%s:0", s.Group, protocolName(s.Service.Protocol))
	}
	return s.Name()
}

// EndpointName is how keepalived names the address of a server: "[10.0.0.1]:tcp:80".
func EndpointName(p ipvs.Protocol, a netip.AddrPort) string {
	name := append(make([]byte, 0, 64), '[') // fmt would be most of a start's log
	name = append(append(a.Addr().AppendTo(name), "]:"...), protocolName(p)...)
	return string(strconv.AppendUint(append(name, ':'), uint64(a.Port()), 10))
}

func protocolName(p ipvs.Protocol) string {
	switch p {
	case 0:
		return "none"
	case ipvs.TCP:
		return "tcp"
	case ipvs.UDP:
		return "udp"
	case ipvs.SCTP:
		return "sctp"
	}
	return strings.ToLower(fmt.Sprint(uint16(p)))
}
