package uml

import (
	"io"
	"math/rand/v2"
	"net"
	"strconv"

	"golang.org/x/sys/unix"
)

// stay keeps a guest's kernel, and so all that runs in it, on one CPU of the
// machine, if possible one that no other guest is on. The guest has but one CPU
// itself, and is several processes of the machine that hand over to each other at
// every system call and page fault: between two CPUs that takes two to four times
// as long. The CPU counts as taken until the result is closed.
func stay(kernel int) io.Closer {
	var allowed unix.CPUSet
	if unix.SchedGetaffinity(0, &allowed) != nil || allowed.Count() < 2 {
		return noCPU{}
	}
	var cpus []int
	for cpu := range 64 * len(allowed) {
		if allowed.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	rand.Shuffle(len(cpus), func(i, j int) { cpus[i], cpus[j] = cpus[j], cpus[i] })
	cpu, taken := cpus[0], io.Closer(noCPU{})
	for _, c := range cpus {
		// An abstract name: it is gone with the process that has it.
		if l, err := net.Listen("unix", "@uml-guest-on-cpu-"+strconv.Itoa(c)); err == nil {
			cpu, taken = c, l
			break
		}
	}
	var one unix.CPUSet
	one.Set(cpu)
	_ = unix.SchedSetaffinity(kernel, &one) // if not, it is only slower
	return taken
}

// noCPU is what a guest holds that shares its CPU with others.
type noCPU struct{}

func (noCPU) Close() error { return nil }
