package check

import (
	"testing"

	"ipvsadm/ipvs"
)

// benchConfig is 200 virtual servers with 100 real servers each.
func benchConfig() (*Config, []*Pool) {
	c, pools := new(Config), []*Pool(nil)
	for i := range 200 {
		s := serverOf(make([]uint32, 100)...)
		s.Service.Addr = addrOf(i)
		for j := range s.Reals {
			s.Reals[j].Weight = 1
		}
		c.Servers = append(c.Servers, *s)
	}
	for i := range c.Servers {
		p, _ := NewPool(&c.Servers[i], nil)
		pools = append(pools, p)
	}
	return c, pools
}

// BenchmarkReload is what a reload of an unchanged file decides for 20 000 real
// servers: states, table, owner and plan.
func BenchmarkReload(b *testing.B) {
	c, pools := benchConfig()
	have := kernelOf(c.Wanted(pools))
	for b.Loop() {
		for i := range c.Servers {
			pools[i].Reload(&c.Servers[i])
		}
		if plan := ipvs.Plan(have, c.Wanted(pools), c.Owner(c)); len(plan) > 0 {
			b.Fatal(len(plan))
		}
	}
}

// BenchmarkReport is a result that changes nothing.
func BenchmarkReport(b *testing.B) {
	_, pools := benchConfig()
	for b.Loop() {
		pools[7].Report(7, 0, Result{Verdict: Pass})
	}
}

// kernelOf is the table as the kernel shows it.
func kernelOf(want []ipvs.Wanted) []ipvs.Entry {
	var have []ipvs.Entry
	for _, w := range want {
		e := ipvs.Entry{ServiceState: ipvs.ServiceState{Service: w.Service}}
		e.Flags |= ipvs.Hashed
		for _, d := range w.Destinations {
			e.Destinations = append(e.Destinations, ipvs.DestinationState{Destination: d})
		}
		have = append(have, e)
	}
	return have
}
