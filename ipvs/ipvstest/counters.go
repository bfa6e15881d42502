package ipvstest

import (
	"fmt"
	"net/netip"

	"ipvsadm/ipvs"
)

// SetStats sets the counters of a service, which only traffic changes in a real
// kernel. It panics if there is no such service, as do the other setters.
func (k *Kernel) SetStats(key ipvs.ServiceKey, stats ipvs.Stats) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mustFind(key).Stats = stats
}

// SetDestinationStats sets the counters of a real server.
func (k *Kernel) SetDestinationStats(key ipvs.ServiceKey, addr netip.AddrPort, stats ipvs.Stats) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mustFind(key).mustFind(addr).Stats = stats
}

// SetConnections sets the numbers of a real server's established and other
// connections and of its persistence templates.
func (k *Kernel) SetConnections(key ipvs.ServiceKey, addr netip.AddrPort, active, inactive, persistent uint32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	d := k.mustFind(key).mustFind(addr)
	d.Active, d.Inactive, d.Persistent = active, inactive, persistent
}

func (k *Kernel) mustFind(key ipvs.ServiceKey) *service {
	s, errno := k.lookup(key)
	if errno != 0 {
		panic(fmt.Sprintf("ipvstest: service %v: %v", key, errno))
	}
	return s
}

func (s *service) mustFind(addr netip.AddrPort) *destination {
	i := s.index(withoutZone(addr))
	if i < 0 {
		panic(fmt.Sprintf("ipvstest: no real server %v in the service", addr))
	}
	return s.destinations[i]
}
