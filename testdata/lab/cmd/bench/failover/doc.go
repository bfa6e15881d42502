// Package failover measures failover of virtual addresses: our daemon beside
// Debian's keepalived, in turns and in the same run.
//
//	err := failover.Run("/path/to/ipvsadm", 20, os.Stdout)
//
// Two routers, both ours or both keepalived, are on a switch: network namespaces
// with virtual cables. Everything is observed from outside: packets by a capture
// on the switch, with the kernel's times of them; addresses and interfaces by the
// kernel's own notices; processor time and memory by /proc. No log is read.
//
// It sets no limits and fails only if something does not work: shared machines
// are noisy. The table says which figure was to be reached and whether it was.
//
// # Privileges
//
// Run starts the program again in namespaces of its own, with unshare(1): as
// root, or as any user where user namespaces are allowed.
package failover
