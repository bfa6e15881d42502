// Package vrrp is failover of virtual addresses by VRRP, version 2 (RFC 3768) and
// 3 (RFC 9568, RFC 5798), as keepalived does it. It imports nothing of ours:
// failover works on a host without IPVS.
//
// The code uses RFC 9568's words: Active and Backup Router, Advertisement,
// Skew_Time. What is printed says MASTER and BACKUP, as keepalived does and as
// people grep for.
//
// # The pure core
//
// A Machine is one virtual router. It is told what happened and when, and answers
// with what to do; it knows no clock, socket or goroutine:
//
//	m := vrrp.New(params)
//	do(m.Handle(now, vrrp.Startup{}))
//	for {
//		// Everything received is handed over before a deadline is believed:
//		// a process that was stopped finds the Active Router's advertisements
//		// in its queue and the end of its own timer on its clock.
//		for d := range received() {
//			do(m.Handle(now, vrrp.Packet{Datagram: d}))
//		}
//		do(m.Handle(now, vrrp.Tick{}))
//		sleepUntil(m.Deadline())
//	}
//
// Events and actions are closed sets. Actions are carried out in their order, and
// their order is part of the protocol: the advertisement leaves before the
// addresses go up, the addresses are up before they are announced.
//
// Check verifies a received Datagram, and every refusal has a Reason with its own
// counter. Group makes machines move together (sync groups), Tracking adds up
// what an instance tracks, Pacer spaces announcements. All of it is pure too, and
// package sim runs it in a world with every fault it could meet.
//
// Where the RFCs and keepalived differ, keepalived's behaviour is followed if
// users depend on it; each such place says so. The one rule that is stricter than
// both: silence counts only while we were awake to hear it (see Machine, overslept).
//
// # The driver
//
// A Manager runs the virtual routers of a Config. It hands their machines what a
// Wire receives and a Host shows, carries out their actions, and tells a Notifier:
//
//	manager := vrrp.NewManager(vrrp.Options{Wire: wire, Host: host, Notifier: n})
//	go track(manager.Set)        // scripts, files, processes
//	err := manager.Run(ctx, config)
//
// All machines live in its one goroutine. Wire and Host are interfaces; package
// linux has those of the machine.
//
// # Privileges
//
// The core and the driver need none; see package linux for the rest.
package vrrp
