// Package ipvs talks to the Linux kernel's IP virtual server.
//
// It holds the values (Service, Destination, Daemon, Stats …), the operations
// on them (Op) and a Client that carries operations to the kernel and reads the
// kernel's table back. It knows no text: turning words into operations and
// tables into listings is the work of package rules.
//
// # Values
//
// A virtual service is named by its ServiceKey, a real server by its address
// and port; both are comparable and serve as map keys. Service and Destination
// hold only what can be set, so that == says whether an edit is needed; what
// the kernel counts lives beside them in ServiceState and DestinationState.
//
// The vocabulary is that of the kernel (include/uapi/linux/ip_vs.h) and of
// github.com/moby/ipvs.
//
// # Requests
//
// A Client has one netlink socket in one network namespace. Do packs many
// operations into a send and still returns an exact error for each; Table reads
// services and real servers in the fewest requests that its Query allows, and
// is true also while others write. NewConnScanner reads the connection table.
//
// Plan says which operations make a table of another without losing a rule on
// the way; it is a function of the two and asks nobody.
//
// An error is an *OpError: what was asked, and the kernel's syscall.Errno or
// ErrTransport, when it is not known what became of the request. A request that
// the kernel keeps silent about fails after Options.Timeout.
//
// Kernels ignore what they are too old to know: the family of real servers
// before Linux 3.18, all of Daemon beyond State, Interface and SyncID before
// 4.3, GUE tunnels before 5.2 and GRE tunnels before 5.3.
//
// # Privileges
//
// Every request, reads included, needs CAP_NET_ADMIN in the initial user
// namespace (net/netfilter/ipvs/ip_vs_ctl.c marks them GENL_ADMIN_PERM). The
// files /proc/net/ip_vs and /proc/net/ip_vs_conn are readable by anybody.
//
// # Example
//
//	c, err := ipvs.Open(ipvs.Options{})
//	if err != nil { … }
//	defer c.Close()
//	web := ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.TCP, Addr: netip.MustParseAddrPort("192.168.40.17:80")}
//	errs := c.Do(
//		ipvs.AddService{Service: ipvs.Service{ServiceKey: web, Scheduler: "rr", Netmask: ipvs.HostMask(ipvs.IPv4)}},
//		ipvs.AddDestination{Service: web, Destination: ipvs.Destination{
//			Addr: netip.MustParseAddrPort("192.168.40.18:80"), Forward: ipvs.Route, Weight: 10}},
//	)
package ipvs
