// Package sched knows the kernel's IPVS schedulers: their names, modules and
// flags. It asks no kernel and imports only the standard library.
//
// All and Find give the schedulers, FlagNames and ParseFlag the words for the
// three flag bits a service keeps for its scheduler:
//
//	flags, err := sched.ParseFlag("sh", "sh-port") // sched.Flag2
//	words := sched.FlagNames("sh", flags)          // sh-port
package sched
