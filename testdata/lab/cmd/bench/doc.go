// Command bench times this project's ipvsadm against Debian's ipvsadm 1.31, in
// turns and in the same User-Mode Linux kernel, and prints for each kind of work
// the ratio of their times and the peak memory of both.
//
//	bench [-rounds N] [-reference PROGRAM] [-only TEXT] OURS
//	bench vrrp [-rounds N] OURS
//	bench check [-rounds N] [-only TEXT] OURS
//	bench sched [-rounds N] OURS
//
// The second form measures failover beside Debian's keepalived; see package
// failover. The third measures checks of real servers beside keepalived; see
// package health. The fourth times simulations of a million connections.
//
// It sets no limits and fails only if a command does: shared machines are noisy,
// so read the median of the ratios of single rounds, beside their spread.
package main
