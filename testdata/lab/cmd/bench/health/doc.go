// Package health measures the checks of real servers: ipvsadm check beside
// keepalived's checker, in one User-Mode Linux kernel, since both need IPVS.
//
//	err := health.Run("/path/to/ipvsadm", health.Options{Rounds: 3}, os.Stdout)
//
// The program that calls it must begin with uml.Init, and hand over to Inside
// when it finds InsideVar in its environment.
//
// The real servers are addresses of the guest itself, served by this program.
// What a daemon does is seen from outside: by the kernel's table, by /proc, by
// what arrives at the servers, by a capture of advertisements. Only the end of
// our own reload is read from the log. keepalived does not log it: it is when its
// processes have stopped using the processor.
//
// It sets no limits and fails only if something does not work: shared machines
// are noisy, and the guest has one slow CPU for everything, the servers included.
package health
