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
