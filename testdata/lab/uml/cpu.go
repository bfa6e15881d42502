package uml

import (
	"math/rand/v2"
	"net"
	"strconv"

	"golang.org/x/sys/unix"
)

// stay keeps a guest's kernel, and so all that runs in it, on one CPU of the
// machine, if possible one that no other guest is on. The guest has but one CPU
// itself, and is several processes of the machine that hand over to each other at
// every system call and page fault: between two CPUs that takes two to four times
// as long. The CPU counts as taken until release is called.
func stay(kernel int) (release func()) {
	release = func() {}
	var allowed unix.CPUSet
	if unix.SchedGetaffinity(0, &allowed) != nil || allowed.Count() < 2 {
		return release
	}
	var cpus []int
	for cpu := range 64 * len(allowed) {
		if allowed.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	rand.Shuffle(len(cpus), func(i, j int) { cpus[i], cpus[j] = cpus[j], cpus[i] })
	cpu := cpus[0]
	for _, c := range cpus {
		// An abstract name: it is gone with the process that has it.
		if l, err := net.Listen("unix", "@uml-guest-on-cpu-"+strconv.Itoa(c)); err == nil {
			cpu, release = c, func() { l.Close() }
			break
		}
	}
	var one unix.CPUSet
	one.Set(cpu)
	_ = unix.SchedSetaffinity(kernel, &one) // if not, it is only slower
	return release
}
