package ipvstest

import (
	"bytes"
	"math"
	"net/netip"
	"slices"
	"syscall"

	"ipvsadm/ipvs"
)

// destination is a real server, in a service or in the trash.
type destination struct {
	ipvs.DestinationState
	// owner is the service that has, or last had, it.
	owner *service
	// virtual is the key of the service it was made for.
	virtual ipvs.ServiceKey
}

// parseDestination finds the service and checks what ip_vs_genl_set_cmd checks
// before it adds or edits a real server.
func (k *Kernel) parseDestination(key ipvs.ServiceKey, d *ipvs.Destination) (*service, syscall.Errno) {
	s, errno := k.lookupFor(key, d.Addr)
	if errno != 0 {
		return nil, errno
	}
	d.Addr = withoutZone(d.Addr)
	d.Forward &= 7
	family := ipvs.FamilyOf(d.Addr.Addr())
	// Synchronisation messages cannot carry two families; only a tunnel can
	// cross from one to the other.
	if family != s.Family && (len(k.daemons) > 0 || d.Forward != ipvs.Tunnel) {
		return nil, syscall.EINVAL
	}
	switch {
	case d.Weight > math.MaxInt32: // negative to the kernel
		return nil, syscall.ERANGE
	case d.Lower > d.Upper:
		return nil, syscall.ERANGE
	case d.Upper > math.MaxInt32 && !k.opt.WideThresholds:
		return nil, syscall.EINVAL
	case d.Tunnel.Type == ipvs.GUE && d.Tunnel.Port == 0:
		return nil, syscall.EINVAL
	}
	return s, 0
}

// lookupFor returns the service of a request about the real server at addr. An
// invalid address is never sent; a family the kernel lacks is found out after
// the service.
func (k *Kernel) lookupFor(key ipvs.ServiceKey, addr netip.AddrPort) (*service, syscall.Errno) {
	if !addr.IsValid() {
		return nil, syscall.EAFNOSUPPORT
	}
	s, errno := k.lookup(key)
	if errno == 0 && !k.validFamily(ipvs.FamilyOf(addr.Addr())) {
		errno = syscall.EAFNOSUPPORT
	}
	return s, errno
}

func (s *service) index(addr netip.AddrPort) int {
	return slices.IndexFunc(s.destinations, func(d *destination) bool { return d.Addr == addr })
}

func (k *Kernel) addDestination(key ipvs.ServiceKey, set ipvs.Destination) syscall.Errno {
	s, errno := k.parseDestination(key, &set)
	if errno != 0 {
		return errno
	}
	if s.index(set.Addr) >= 0 {
		return syscall.EEXIST
	}
	d := k.fromTrash(s, set.Addr)
	if d == nil {
		if !k.unicast(set.Addr.Addr()) {
			return syscall.EINVAL
		}
		d = &destination{virtual: s.ServiceKey, owner: s}
	}
	if d.owner != s {
		d.owner = s
		d.Stats = ipvs.Stats{}
	}
	d.Destination = set
	s.destinations = append(s.destinations, d)
	return 0
}

func (k *Kernel) editDestination(key ipvs.ServiceKey, set ipvs.Destination) syscall.Errno {
	s, errno := k.parseDestination(key, &set)
	if errno != 0 {
		return errno
	}
	i := s.index(set.Addr)
	if i < 0 {
		return syscall.ENOENT
	}
	s.destinations[i].Destination = set
	return 0
}

func (k *Kernel) deleteDestination(key ipvs.ServiceKey, addr netip.AddrPort) syscall.Errno {
	s, errno := k.lookupFor(key, addr)
	if errno != 0 {
		return errno
	}
	i := s.index(withoutZone(addr))
	if i < 0 {
		return syscall.ENOENT
	}
	k.discard(s.destinations[i])
	s.destinations = slices.Delete(s.destinations, i, i+1)
	return 0
}

// discard puts a removed real server into the trash. One that never counted
// anything is forgotten at once: nobody could tell it from a new one.
func (k *Kernel) discard(d *destination) {
	if !d.idle() || d.Stats != (ipvs.Stats{}) {
		k.trash = append(k.trash, d)
	}
}

// idle says that no connection refers to the real server.
func (d *destination) idle() bool {
	return d.Active == 0 && d.Inactive == 0 && d.Persistent == 0
}

// ExpireTrash forgets removed real servers that have no connections, as the
// kernel does two to three minutes after their removal. Until then a real
// server that is added again to the same service keeps its counters; one with
// connections is kept for as long as they last.
func (k *Kernel) ExpireTrash() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.trash = slices.DeleteFunc(k.trash, (*destination).idle)
}

// fromTrash takes a removed real server out of the trash again when it is added
// to the service it came from, or to one that looks the same. It still has its
// connections; and its counters, unless the service is a new one
// (ip_vs_trash_get_dest, __ip_vs_update_dest).
func (k *Kernel) fromTrash(s *service, addr netip.AddrPort) *destination {
	for i, d := range slices.Backward(k.trash) {
		if d.Addr == addr && sameVirtual(s.ServiceKey, d.virtual) {
			k.trash = slices.Delete(k.trash, i, i+1)
			return d
		}
	}
	return nil
}

// sameVirtual says whether a real server made for one service passes as one of
// another. The kernel does not compare the family of services: one mark is
// enough, and of the address as many bytes as the new service's has.
func sameVirtual(s, made ipvs.ServiceKey) bool {
	if s.FWMark != 0 || made.FWMark != 0 {
		return s.FWMark == made.FWMark
	}
	n := 16
	if s.Family == ipvs.IPv4 {
		n = 4
	}
	have, was := addressBytes(s), addressBytes(made)
	return s.Protocol == made.Protocol && s.Addr.Port() == made.Addr.Port() && bytes.Equal(have[:n], was[:n])
}
