package schedule

import (
	"fmt"
	"math"
	"math/bits"
	"net/netip"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/rules"
	"ipvsadm/sched"
)

// isIPv6 reports whether the service is of IPv6.
func (s *source) isIPv6() bool { return s.key.Family == ipvs.IPv6 }

// options are those of a model of the service.
func (s *source) options() sched.Options {
	o := sched.Options{
		Flags:           sched.Flags(s.service.Flags & ipvs.SchedFlags),
		IPv6:            s.isIPv6(),
		Generation:      s.generation,
		ExpireQuiescent: s.quiescent,
	}
	if s.service.Flags&ipvs.Persistent != 0 {
		o.Persistent = max(s.service.Timeout, time.Second)
		o.Netmask = s.mask()
	}
	return o
}

// mask returns the netmask of persistence as an address.
func (s *source) mask() netip.Addr {
	if !s.isIPv6() {
		m := s.service.Netmask
		return netip.AddrFrom4([4]byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)})
	}
	var m [16]byte
	for i := range m {
		n := min(8, max(0, int(s.service.Netmask)-8*i))
		m[i] = bits.Reverse8(1<<n - 1)
	}
	return netip.AddrFrom16(m)
}

// model makes a model of the service under a scheduler, with the settings of its
// servers but without connections: for a saved table, what the kernel has after
// it was restored.
func (s *source) model(scheduler string, o sched.Options) (*sched.Service, error) {
	var list []sched.Server
	if s.live {
		for i := range s.servers {
			list = append(list, server(&s.servers[i].Destination))
		}
		return sched.New(scheduler, o, list...)
	}
	model, err := sched.New(scheduler, o)
	for _, op := range s.ops {
		if err != nil {
			return nil, err
		}
		switch op := op.(type) {
		case ipvs.AddDestination:
			if op.Service == s.key {
				err = model.Add(server(&op.Destination))
			}
		case ipvs.EditDestination:
			if op.Service == s.key {
				err = model.Update(server(&op.Destination))
			}
		case ipvs.DeleteDestination:
			if op.Service == s.key {
				err = model.Remove(op.Addr)
			}
		}
	}
	return model, err
}

// current makes a model of the service as it is now, connections included.
func (s *source) current(o sched.Options) (*sched.Service, error) {
	if !s.live {
		return s.model(s.service.Scheduler, o)
	}
	o.Used = true
	var list []sched.Server
	for i := range s.servers {
		one := server(&s.servers[i].Destination)
		one.Active, one.Inactive = int(s.servers[i].Active), int(s.servers[i].Inactive)
		list = append(list, one)
	}
	model, err := sched.New(s.service.Scheduler, o, list...)
	if err == nil && o.Persistent == 0 {
		model.Last(s.likelyLast())
	}
	return model, err
}

// likelyLast guesses from the counters of connections whose turn it was last
// under rr: whoever had a turn in this round has had one more than the others. It
// returns the zero AddrPort if the counters do not look like that, which they do
// not after a server has come, gone or been drained. The kernel adds them up every
// two seconds, so they may be late (estimation_timer in ip_vs_est.c).
func (s *source) likelyLast() (last netip.AddrPort) {
	var before *ipvs.DestinationState
	steps := 0
	for i := range s.servers {
		one := &s.servers[i]
		if one.Weight == 0 {
			continue
		}
		if before != nil && one.Stats.Conns != before.Stats.Conns {
			if steps++; before.Stats.Conns != one.Stats.Conns+1 || steps > 1 {
				return netip.AddrPort{}
			}
			last = before.Addr
		}
		before = one
	}
	if steps == 0 && before != nil && before.Stats.Conns > 0 {
		last = before.Addr
	}
	return last
}

// server is a real server as a model has it. Older kernels keep thresholds that
// no number of connections reaches.
func server(d *ipvs.Destination) sched.Server {
	return sched.Server{Addr: d.Addr, Weight: int(d.Weight), Upper: int(min(d.Upper, math.MaxInt32)), Lower: int(min(d.Lower, math.MaxInt32))}
}

// checkScheduler makes sure that the service has a scheduler that is known.
func (s *source) checkScheduler() error {
	if s.service.Scheduler == "" || s.service.Scheduler == "none" {
		return fmt.Errorf("%s has no scheduler: nobody gets its connections", rules.ServiceText(s.key))
	}
	_, err := findScheduler(s.service.Scheduler)
	return err
}

// stream reports whether the connections of the service are active while they
// last. What comes by firewall mark is taken for TCP.
func (s *source) stream() bool { return s.key.Protocol != ipvs.UDP }
