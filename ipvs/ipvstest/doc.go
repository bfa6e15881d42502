// Package ipvstest is an IPVS kernel in memory, for tests of everything that
// works on the real one through package ipvs.
//
// A Kernel does what net/netfilter/ipvs of Linux 6.1 does: it refuses the same
// operations with the same errno, keeps the same table and lists it in the same
// order. That is proven, not hoped for: one table of operations and random
// sequences of them run against this kernel and a real one (see the conformance
// tests), and every errno and every listing must agree.
//
// What it does not have is traffic: counters and numbers of connections are set
// by the test.
//
//	k := ipvstest.New(ipvstest.Options{})
//	errs := k.Do(ipvs.AddService{Service: web})
//	k.SetStats(web.ServiceKey, ipvs.Stats{Conns: 1000})
//	t.Log(k) // -A -t 192.168.40.17:80 -s rr
//
// Options change the kernel (its schedulers, the addresses of its host, its
// clock rate) and, with Before, make requests fail.
package ipvstest
