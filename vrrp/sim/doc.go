// Package sim is a small deterministic world for the machines of package vrrp:
// nodes with clocks that drift, links that lose, delay, repeat, damage and cut,
// hosts that pause, crash and come back, administrators who reload and meddle.
// Machines, sync groups and codec are the real ones, and bytes cross the wire.
//
// A Scenario says what the world is like and what happens in it. It has a text
// form, so that a failing one can be read, made smaller and kept. Run runs it and
// checks the invariants after every step; the same scenario gives the same trace.
//
//	sc := sim.Generate(42)
//	if r := sim.Run(sc); r.Violation != nil {
//		fmt.Println(r.Violation, sim.Shrink(sc))
//	}
//
// Generate draws a scenario from a seed: a few faults of the menu each time, many
// left out ("swarm testing"), and at the end everything is healed, so that what
// must be true of a settled network can be asked for.
//
// # Invariants
//
//	I1   settled: exactly one Active Router where one is possible, and no more changes
//	I2   Active if and only if the addresses are held; only then are they announced
//	I3   advertisements come from Active Routers, priority 0 once, on leaving by
//	     shutdown or fault
//	I4   nobody becomes Active without the silence that the RFC asks for, measured
//	     by arithmetic of our own
//	I5   after a cut heals the best of the Active Routers remains, in time
//	I6   nobody yields without having heard a better one, or overslept
//	I7   nobody becomes Active with advertisements still unread
//	I8   deadlines lie ahead, and no instant lasts for ever
//	I9   an Active Router is not silent, and does not answer floods with floods
//	I10  members of a sync group agree
//	I11  a refused packet changes nothing, and damaged ones are refused
//	I12  a restarted node is clean before it speaks, and speaks with its priority
//	I15  counters equal what was seen
//	I16  one seed, one trace (a test runs seeds twice)
package sim
