package ipvstest

import (
	"math"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"ipvsadm/ipvs"
)

// noScheduler is the name of a service's scheduler when it has none.
const noScheduler = "none"

type service struct {
	ipvs.ServiceState
	destinations []*destination // the oldest first
}

// encodable says whether package ipvs sends a key at all: its family must be
// that of its address.
func encodable(key ipvs.ServiceKey) bool {
	return key.FWMark != 0 || ipvs.FamilyOf(key.Addr.Addr()) == key.Family
}

// parseKey checks a key and reduces it to what names a service in the kernel:
// a mark hides protocol and address. The identifying half of
// ip_vs_genl_parse_service.
func (k *Kernel) parseKey(key ipvs.ServiceKey) (ipvs.ServiceKey, syscall.Errno) {
	if !encodable(key) || !k.validFamily(key.Family) {
		return key, syscall.EAFNOSUPPORT
	}
	if key.FWMark != 0 {
		return ipvs.ServiceKey{Family: key.Family, FWMark: key.FWMark}, 0
	}
	key.Addr = withoutZone(key.Addr)
	return key, 0
}

// validFamily is ip_vs_is_af_valid.
func (k *Kernel) validFamily(f ipvs.Family) bool {
	return f == ipvs.IPv4 || f == ipvs.IPv6 && !k.opt.NoIPv6
}

// lookup returns the service a request names.
func (k *Kernel) lookup(key ipvs.ServiceKey) (*service, syscall.Errno) {
	key, errno := k.parseKey(key)
	if errno != 0 {
		return nil, errno
	}
	s := k.find(key)
	if s == nil {
		return nil, syscall.ESRCH
	}
	return s, 0
}

// parseService checks what is checked before the kernel looks for the service:
// whether it can be sent, the length of names (ip_vs_svc_policy) and the family.
func (k *Kernel) parseService(s ipvs.Service) (ipvs.Service, syscall.Errno) {
	timeout, ok := seconds(s.Timeout)
	switch {
	case !ok:
		return s, syscall.EINVAL
	case !encodable(s.ServiceKey):
		return s, syscall.EAFNOSUPPORT
	case len(s.Scheduler) > 15 || len(s.PE) > 16:
		return s, syscall.EINVAL
	}
	key, errno := k.parseKey(s.ServiceKey)
	if errno != 0 {
		return s, errno
	}
	s.ServiceKey = key
	if s.Scheduler == "" {
		s.Scheduler = noScheduler
	}
	s.Flags |= ipvs.Hashed
	// The kernel keeps jiffies, 32 bits of them.
	s.Timeout = time.Duration(timeout*k.opt.HZ/k.opt.HZ) * time.Second
	return s, 0
}

// seconds returns a duration as it is sent, in whole seconds, false if 32 bits
// cannot hold it.
func seconds(d time.Duration) (uint32, bool) {
	s := d / time.Second
	return uint32(s), d >= 0 && s <= math.MaxUint32
}

// checkService is what adding and editing a service have in common, in the
// order of ip_vs_add_service and ip_vs_edit_service.
func (k *Kernel) checkService(s ipvs.Service) syscall.Errno {
	if s.Scheduler != noScheduler && !slices.Contains(k.opt.Schedulers, s.Scheduler) {
		return syscall.ENOENT
	}
	if s.PE != "" && !slices.Contains(k.opt.Engines, s.PE) {
		return syscall.ENOENT
	}
	if s.Family == ipvs.IPv6 && (s.Netmask < 1 || s.Netmask > 128) {
		return syscall.EINVAL
	}
	return 0
}

func (k *Kernel) addService(s ipvs.Service) syscall.Errno {
	s, errno := k.parseService(s)
	if errno != 0 {
		return errno
	}
	if k.find(s.ServiceKey) != nil {
		return syscall.EEXIST
	}
	if errno := k.checkService(s); errno != 0 {
		return errno
	}
	k.insert(&service{ServiceState: ipvs.ServiceState{Service: s}})
	return 0
}

func (k *Kernel) editService(s ipvs.Service) syscall.Errno {
	s, errno := k.parseService(s)
	if errno != 0 {
		return errno
	}
	old := k.find(s.ServiceKey)
	if old == nil {
		return syscall.ESRCH
	}
	if errno := k.checkService(s); errno != 0 {
		return errno
	}
	old.Service = s
	return 0
}

func (k *Kernel) deleteService(key ipvs.ServiceKey) syscall.Errno {
	s, errno := k.lookup(key)
	if errno != 0 {
		return errno
	}
	k.unlink(s)
	return 0
}

// unlink takes a service out of the table and its real servers to the trash.
func (k *Kernel) unlink(s *service) {
	k.remove(s)
	for _, d := range s.destinations {
		k.discard(d)
	}
	s.destinations = nil
}

func (k *Kernel) flush() syscall.Errno {
	for _, s := range k.all() {
		k.unlink(s)
	}
	return 0
}

// zero clears the counters of one service and its real servers, or of all for
// the zero key.
func (k *Kernel) zero(key ipvs.ServiceKey) syscall.Errno {
	list := k.all()
	if key != (ipvs.ServiceKey{}) {
		s, errno := k.lookup(key)
		if errno != 0 {
			return errno
		}
		list = []*service{s}
	}
	for _, s := range list {
		s.Stats = ipvs.Stats{}
		for _, d := range s.destinations {
			d.Stats = ipvs.Stats{}
		}
	}
	return 0
}

// withoutZone drops the zone, which the kernel never sees.
func withoutZone(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().WithZone(""), a.Port())
}
