package ipvstest

import (
	"net/netip"

	"ipvsadm/ipvs"
	"ipvsadm/sched"
)

// Options say what kernel to imitate. The zero value is Linux 6.1 in a fresh
// network namespace whose lo is up.
type Options struct {
	// Schedulers are the schedulers the kernel has or can load; nil for all.
	Schedulers []string
	// Engines are its persistence engines; nil for the only one there is, sip.
	Engines []string
	// Addresses are those of the interfaces that are up, written as for "ip addr
	// add"; nil for those of lo, 127.0.0.1/8 and ::1/128. They decide which real
	// servers are refused, see unicast.
	Addresses []netip.Prefix
	// Interfaces are those a synchronisation daemon may be started on; nil for
	// lo alone.
	Interfaces []Interface
	// HZ is the kernel's number of jiffies in a second, 0 for 100, that of
	// User-Mode Linux. A persistence timeout wraps at 2^32 jiffies and a
	// connection timeout must stay below 2^31.
	HZ uint32
	// HashSalt stands for the address of the namespace's structure in memory,
	// eight bits of which go into every hash: it permutes the order of services.
	HashSalt uint8
	// WideThresholds lets an upper threshold exceed 2147483647, as older kernels
	// do (6.1.176 among them; 6.1.192 refuses it).
	WideThresholds bool
	// NoIPv6 is a kernel booted with ipv6.disable=1.
	NoIPv6 bool
	// Before is called with every request before the kernel sees it, and not
	// under the kernel's lock: it may change the kernel, which calls it again. An
	// error it returns is the answer to the request; the kernel stays as it was.
	// See FailNth.
	Before func(ipvs.Request) error
}

// Interface is a network interface that is up and has an IPv4 address.
type Interface struct {
	Name string
	MTU  int // bytes
	// NoMulticast6 is an interface without a route for IPv6 multicast, as lo is:
	// a master cannot send to an IPv6 group there.
	NoMulticast6 bool
}

// withDefaults fills in what the zero value of Options stands for.
func (o Options) withDefaults() Options {
	if o.Schedulers == nil {
		for _, s := range sched.All() {
			o.Schedulers = append(o.Schedulers, s.Name)
		}
	}
	if o.Engines == nil {
		o.Engines = []string{"sip"}
	}
	if o.Addresses == nil {
		o.Addresses = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")}
	}
	if o.Interfaces == nil {
		o.Interfaces = []Interface{{Name: "lo", MTU: 65536, NoMulticast6: true}}
	}
	if o.HZ == 0 {
		o.HZ = 100
	}
	return o
}
