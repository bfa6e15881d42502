package sched

import "net/netip"

// twoChoices is twos (ip_vs_twos.c): two servers drawn at random by weight, of
// which the second is taken if it is the less loaded.
type twoChoices struct{ stateless }

// Share is a server's probability to get the next connection, 0 to 1.
type Share struct {
	Server      netip.AddrPort
	Probability float64
}

// Shares returns, for twos, each server's probability to get the next
// connection, in the order of the list; for other schedulers nil.
func (s *Service) Shares() []Share {
	if s.name != "twos" {
		return nil
	}
	list := make([]Share, len(s.servers))
	chances := drawChances(s.servers)
	for i, one := range s.servers {
		list[i].Server = one.Addr
		for j, other := range s.servers {
			p := chances[i] * chances[j]
			if one.usable() && other.usable() && heavier(one, other, (*server).overhead) {
				list[j].Probability += p
			} else {
				list[i].Probability += p
			}
		}
	}
	return list
}

// drawChances returns each server's probability to be drawn. The kernel draws
// a number from 0 to the sum of weights, both included, and takes the first
// server where the weights so far reach it: the first usable one in the list
// has one chance more than its weight.
func drawChances(servers []*server) []float64 {
	chances := make([]float64, len(servers))
	sum := totalWeight(servers)
	first := 1
	for i, one := range servers {
		if one.usable() {
			chances[i] = float64(one.Weight+first) / float64(sum+1)
			first = 0
		}
	}
	return chances
}

func totalWeight(servers []*server) int {
	sum := 0
	for _, one := range servers {
		if one.usable() {
			sum += one.Weight
		}
	}
	return sum
}

func (twoChoices) choose(s *Service, _ Connection, why *reasons) *server {
	sum := totalWeight(s.servers)
	if sum == 0 {
		for _, one := range s.servers {
			why.unusable(one)
		}
		return nil
	}
	if s.options.Random == nil {
		return likeliest(s, why)
	}
	first := draw(s.servers, s.options.Random.IntN(sum+1))
	second := draw(s.servers, s.options.Random.IntN(sum+1))
	why.add(Load, first, first.overhead(), int64(first.Weight))
	why.add(Load, second, second.overhead(), int64(second.Weight))
	if heavier(first, second, (*server).overhead) {
		return second
	}
	return first
}

// draw returns the server where the weights so far reach a number, which is at
// most their sum.
func draw(servers []*server, number int) *server {
	var last *server
	for _, one := range servers {
		if one.usable() {
			last = one
			if number -= one.Weight; number <= 0 {
				break
			}
		}
	}
	return last
}

// likeliest returns the server with the greatest probability.
func likeliest(s *Service, why *reasons) *server {
	best := 0
	shares := s.Shares()
	for i, share := range shares {
		if !s.servers[i].usable() {
			why.unusable(s.servers[i])
			continue
		}
		why.add(Drawn, s.servers[i], int64(share.Probability*1e6+0.5), 0)
		if share.Probability > shares[best].Probability {
			best = i
		}
	}
	return s.servers[best]
}
