// Package linux is the effect side of package vrrp: Wire is its sockets and Host
// the network configuration of the namespace that the process is in.
//
//	wire, err := linux.NewWire()
//	host, err := linux.NewHost()
//	manager := vrrp.NewManager(vrrp.Options{Wire: wire, Host: host, Notifier: n})
//	err = manager.Run(ctx, config)
//
// It decides nothing: what to send, when, and which addresses belong where is
// the Manager's business.
//
// # Few system calls
//
// A router with 255 instances that advertise every 10 ms sends 25500 packets a
// second. So packets are sent and received many at a time (sendmmsg, recvmmsg),
// and so are announcements; addresses, routes and rules go to the kernel as many
// netlink messages in one send, each with an answer of its own.
//
// # Privileges
//
// CAP_NET_RAW for the sockets and CAP_NET_ADMIN for the rest. Virtual MAC
// addresses and promoted secondaries need a writable /proc/sys.
package linux
