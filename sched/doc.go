// Package sched knows the kernel's IPVS schedulers: their names, modules and
// flags. It asks no kernel and imports only the standard library.
package sched
