package sched

import (
	"fmt"
	"net/netip"
)

// Hidden is a thing that decides and that the kernel does not show.
type Hidden uint8

const (
	// Turn of rr: which server was the last one.
	HiddenTurn Hidden = iota + 1
	// Round of wrr: which server was the last one, and what weight is asked for.
	HiddenRound
	// Cache of lblc and lblcr: what the destination is cached for.
	HiddenCache
	// Templates of persistence that nobody has told the model of.
	HiddenTemplates
	// Overload: whether Server, which is between its thresholds, is overloaded.
	HiddenOverload
	// Weight that Server had before 0, which mh goes by.
	HiddenWeight
	// Chance of twos.
	Chance
)

// Doubt is why a choice is not certain.
type Doubt struct {
	Hidden Hidden
	// Server is whom HiddenOverload and HiddenWeight are about.
	Server netip.AddrPort
}

// String says what is not known, and what would make the choice certain.
func (d Doubt) String() string {
	const anew = "known only when the service has just got its scheduler"
	switch d.Hidden {
	case HiddenTurn:
		return "the kernel does not show whose turn it is, only late counters that suggest it; " + anew + ": then it is that of the first server of the list"
	case HiddenRound:
		return "the kernel does not show how far the round is; " + anew + ": then a cycle begins"
	case HiddenCache:
		return "the kernel does not show which server is cached for the destination; " + anew + ": then none is"
	case HiddenTemplates:
		return "the client may be bound to a server by persistence; known where the connection table can be read"
	case HiddenOverload:
		return fmt.Sprintf("the kernel does not show whether %s is overloaded; known when it has fewer connections than its lower threshold", d.Server)
	case HiddenWeight:
		return fmt.Sprintf("the kernel does not show which weight %s had before 0, which shapes the table; known for a server that never had another", d.Server)
	case Chance:
		return "two servers are drawn at random; this is the likeliest to come out"
	}
	return fmt.Sprintf("doubt %d", d.Hidden)
}

// doubts returns what is not known and could change the choice for a connection
// that comes next.
func (s *Service) doubts(c Connection) []Doubt {
	if s.options.Persistent > 0 && s.options.Used && !s.options.Told && len(s.servers) > 1 {
		return []Doubt{{Hidden: HiddenTemplates}}
	}
	if s.options.Persistent > 0 && s.binding(c) != nil {
		return nil
	}
	var open, usable int
	for _, one := range s.servers {
		if one.Weight > 0 {
			open++
		}
		if one.usable() {
			usable++
		}
	}
	if s.name == "twos" && usable > 1 && s.options.Random == nil {
		return []Doubt{{Hidden: Chance}}
	}
	if !s.options.Used {
		return nil
	}
	if h := hiddenState(s.name); h != 0 && open > 1 {
		return []Doubt{{Hidden: h}}
	}
	if s.name == "mh" {
		for _, one := range s.servers {
			if one.Weight == 0 {
				return []Doubt{{HiddenWeight, one.Addr}}
			}
		}
	}
	return s.overloadDoubts(c)
}

// hiddenState is what a scheduler remembers of connections and does not show, 0
// if it remembers nothing.
func hiddenState(scheduler string) Hidden {
	switch scheduler {
	case "rr":
		return HiddenTurn
	case "wrr":
		return HiddenRound
	case "lblc", "lblcr":
		return HiddenCache
	}
	return 0
}

// overloadDoubts asks whom the scheduler would take if no server that may be
// overloaded were so. If that is not one of them, it does not matter whether
// they are: all schedulers that remember nothing go by an order of the servers,
// and who comes first does so whoever else drops out.
func (s *Service) overloadDoubts(c Connection) []Doubt {
	var unsure []*server
	for _, one := range s.servers {
		if one.Weight > 0 && one.unsure() {
			unsure = append(unsure, one)
		}
	}
	if len(unsure) == 0 {
		return nil
	}
	if hiddenState(s.name) != 0 { // with one server; its own memory must stay as it is
		return []Doubt{{HiddenOverload, unsure[0].Addr}}
	}
	were := make([]bool, len(unsure))
	for i, one := range unsure {
		were[i], one.Overloaded = one.Overloaded, false
	}
	chosen := s.algorithm.choose(s, c, &reasons{})
	for i, one := range unsure {
		one.Overloaded = were[i]
	}
	if chosen == nil || !chosen.unsure() {
		return nil
	}
	return []Doubt{{HiddenOverload, chosen.Addr}}
}
