// Package schedule is the command `ipvsadm sched`: it explains the schedulers,
// predicts which real server a client's next connection gets, and simulates what
// becomes of many clients. The rules are those of package sched; this package
// reads the words and the table, and prints.
//
//	os.Exit(schedule.Main(env, os.Args[2:]))
//
// It changes nothing and loads no module. To read the kernel's table takes
// CAP_NET_ADMIN, as with any ipvsadm; a saved table (--rules) and the
// explanations take no privileges at all.
//
// Exit codes: 0 done, 1 the table could not be read or the answer not written, 2
// a mistake on the command line, or no IPVS.
package schedule
