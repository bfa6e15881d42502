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
// what arrives at the servers, by a capture of advertisements. Two things ours tells
// itself: its log when a reload has ended, which with keepalived is when its processes
// have stopped using the processor; and its status how long a verdict took to the
// kernel, which keepalived does not tell.
//
// While advertisements are captured, a real-time thread that only sleeps tells when the
// machine itself stands still, under the guest or for others. Nobody can be in time then.
//
// It sets no limits and fails only if something does not work: shared machines
// are noisy, and the guest has one slow CPU for everything, the servers included.
package health
