package sched

import "math/bits"

// The keys of mh's two hash functions (ip_vs_mh.c), both halves alike.
const (
	mhKey1 = 2654435761
	mhKey2 = 2654446892
)

// maglev is mh (ip_vs_mh.c): every server has its own order of the buckets and
// they take buckets in turn, as many at a time as their weights say, until all
// are taken. A server at weight 0 keeps the buckets of its last weight, so that
// its clients come back to it.
type maglev struct {
	buckets []*server
}

// tableSize is the number of buckets for CONFIG_IP_VS_MH_TAB_INDEX 8 to 17.
func tableSize(index int) int {
	return [...]int{251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071}[index-8]
}

// claim is a server's way through the buckets.
type claim struct{ at, skip, turns int }

func (m *maglev) start(s *Service) {
	m.buckets = make([]*server, tableSize(s.options.TableIndex))
	m.fill(s)
}

// changed fills the table anew; with more servers than buckets the kernel
// leaves it as it is.
func (m *maglev) changed(s *Service, _ change, _ int) {
	if len(s.servers) <= len(m.buckets) {
		m.fill(s)
	}
}

func (m *maglev) fill(s *Service) {
	clear(m.buckets)
	claims := m.claims(s)
	if claims == nil {
		return
	}
	for left, given := len(m.buckets), 0; left > 0; {
		for i := 0; i < len(claims) && left > 0; {
			c := &claims[i]
			if c.turns < 1 {
				i++
				continue
			}
			for m.buckets[c.at] != nil {
				c.at = (c.at + c.skip) % len(m.buckets)
			}
			m.buckets[c.at] = s.servers[i]
			left--
			if given++; given >= c.turns {
				i, given = i+1, 0
			}
		}
	}
}

// claims works out where each server begins, how it goes on and how many
// buckets it takes at a time; nil if no server ever had a weight.
func (m *maglev) claims(s *Service) []claim {
	common, most := 0, 0
	for _, one := range s.servers {
		common = gcd(one.lastWeight, common)
		most = max(most, one.lastWeight)
	}
	if common == 0 || len(s.servers) > len(m.buckets) {
		return nil
	}
	// Great weights are halved until they fit the table.
	shift := max(0, bits.Len(uint(most/common))-s.options.TableIndex/2)
	claims := make([]claim, len(s.servers))
	for i, one := range s.servers {
		word := fold(s.options.IPv6, one.Addr.Addr()) + uint32(one.Addr.Port())
		claims[i] = claim{
			at:    int(sipHash13(word, mhKey1) % uint32(len(m.buckets))),
			skip:  int(sipHash13(word, mhKey2)%uint32(len(m.buckets)-1)) + 1,
			turns: max(one.lastWeight/common>>shift, min(one.lastWeight, 1)),
		}
	}
	return claims
}

func (m *maglev) choose(s *Service, c Connection, why *reasons) *server {
	word := clientWord(s, c)
	return lookUp(m.buckets, s.options.Flags, why, func(offset int) int {
		return int(sipHash13(word+uint32(offset), mhKey1) % uint32(len(m.buckets)))
	})
}
