package ipvs

// Stats are the kernel's counters of a service or a destination since it was
// added or zeroed, and its estimates, per second, over the last seconds.
// Kernels before 4.1 count in 32 bits (bytes in 64).
type Stats struct {
	Conns, InPkts, OutPkts uint64
	InBytes, OutBytes      uint64
	CPS, InPPS, OutPPS     uint64 // connections, packets per second
	InBPS, OutBPS          uint64 // bytes per second
}
