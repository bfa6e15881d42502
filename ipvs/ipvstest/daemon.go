package ipvstest

import (
	"net/netip"
	"slices"
	"syscall"

	"ipvsadm/ipvs"
)

// What the kernel fills in for zero fields (ip_vs_sync.c).
const (
	defaultPort = 8848
	defaultTTL  = 1
)

func defaultGroup() netip.Addr { return netip.AddrFrom4([4]byte{224, 0, 0, 81}) }

// startDaemon is ip_vs_genl_new_daemon and start_sync_thread, whose order of
// checks it keeps.
func (k *Kernel) startDaemon(d ipvs.Daemon) syscall.Errno {
	if len(d.Interface) > 15 {
		return syscall.EINVAL
	}
	if d.Group.IsValid() && (d.Group.Is4In6() || !d.Group.IsMulticast()) {
		return syscall.EINVAL
	}
	if k.hasMixedFamilies() {
		return syscall.EINVAL
	}
	i := slices.IndexFunc(k.opt.Interfaces, func(i Interface) bool { return i.Name == d.Interface })
	if i < 0 {
		return syscall.ENODEV
	}
	if k.daemonIndex(d.State) >= 0 {
		return syscall.EEXIST
	}
	if d.State != ipvs.Master && d.State != ipvs.Backup {
		return syscall.EINVAL
	}
	d = completed(d, k.opt.Interfaces[i].MTU)
	if d.State == ipvs.Master && d.Group.Is6() && k.opt.Interfaces[i].NoMulticast6 {
		return syscall.ENETUNREACH
	}
	k.daemons = append(k.daemons, d)
	slices.SortFunc(k.daemons, func(a, b ipvs.Daemon) int { return int(a.State) - int(b.State) })
	return 0
}

// completed fills in what was left to the kernel and brings MaxLen into the
// range it allows: a datagram of 65535 bytes, and for a backup, which must take
// what others send, at least 1024.
func completed(d ipvs.Daemon, mtu int) ipvs.Daemon {
	if !d.Group.IsValid() {
		d.Group = defaultGroup()
	}
	d.Group = d.Group.WithZone("")
	if d.Port == 0 {
		d.Port = defaultPort
	}
	if d.TTL == 0 {
		d.TTL = defaultTTL
	}
	header := 20 + 8 // IP and UDP
	if d.Group.Is6() {
		header = 40 + 8
	}
	least, usual := 1, 1500
	if d.State == ipvs.Backup {
		least, usual = 1024, min(max(mtu, 1500), 65535)
	}
	length := usual - header
	if d.MaxLen != 0 {
		length = min(max(int(d.MaxLen), least), 65535-header)
	}
	d.MaxLen = uint16(length)
	return d
}

func (k *Kernel) stopDaemon(state ipvs.DaemonState) syscall.Errno {
	if state != ipvs.Master && state != ipvs.Backup {
		return syscall.EINVAL
	}
	i := k.daemonIndex(state)
	if i < 0 {
		return syscall.ESRCH
	}
	k.daemons = slices.Delete(k.daemons, i, i+1)
	return 0
}

func (k *Kernel) daemonIndex(state ipvs.DaemonState) int {
	return slices.IndexFunc(k.daemons, func(d ipvs.Daemon) bool { return d.State == state })
}

// hasMixedFamilies says whether some real server is of another family than its
// service.
func (k *Kernel) hasMixedFamilies() bool {
	return slices.ContainsFunc(k.all(), func(s *service) bool {
		return slices.ContainsFunc(s.destinations, func(d *destination) bool {
			return ipvs.FamilyOf(d.Addr.Addr()) != s.Family
		})
	})
}
