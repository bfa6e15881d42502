package sim

import (
	"net/netip"
	"time"

	"ipvsadm/vrrp"
)

// password is what all routers with authentication share.
const password = "secret12"

// params are those of one router on one node, as configured at first.
func (sc *Scenario) params(node, router int) vrrp.Params {
	n, r := &sc.Nodes[node], &sc.Routers[router]
	p := vrrp.Params{
		Version:                  r.Version,
		IPv6:                     r.IPv6,
		VRID:                     r.VRID,
		Interface:                router + 1,
		Priority:                 n.Priority,
		AdvertisementInterval:    r.Interval,
		DownAdverts:              r.Adverts,
		Addresses:                virtualAddresses(r, router, r.Addresses),
		Source:                   hostAddress(r.IPv6, router, n.Host),
		NoPreempt:                n.NoPreempt,
		PreemptDelay:             n.PreemptDelay,
		StartBackup:              n.StartBackup,
		Accept:                   true,
		LowerPriorityNoAdvert:    n.NoAnswer,
		HigherPrioritySendAdvert: n.LastWord,
		Auth:                     r.Auth,
		Announce:                 vrrp.DefaultAnnounce(),
	}
	p.Announce.MasterRefresh = 17 * r.Interval
	if n.MessageOnly {
		p.Checksum = vrrp.MessageOnly
	}
	if r.Auth != vrrp.AuthNone {
		copy(p.Password[:], password)
	}
	if n.Password != "" && r.Auth != vrrp.AuthNone {
		p.Password = vrrp.Password{}
		copy(p.Password[:], n.Password)
	}
	if n.Version != 0 && n.Version != p.Version {
		p.Version, p.Auth = n.Version, vrrp.AuthNone
		p.AdvertisementInterval = max(p.AdvertisementInterval.Round(time.Second), time.Second)
	}
	if r.Unicast {
		for i := range sc.Nodes {
			if i != node {
				p.Peers = append(p.Peers, vrrp.Peer{Addr: hostAddress(r.IPv6, router, sc.Nodes[i].Host)})
			}
		}
	}
	return p
}

// hostAddress is the address of a host on a router's link.
func hostAddress(ipv6 bool, router, host int) netip.Addr {
	if ipv6 {
		return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 13: byte(router), 15: byte(host)})
	}
	return netip.AddrFrom4([4]byte{10, 0, byte(router), byte(host)})
}

func virtualAddresses(r *Router, router, n int) (all []netip.Addr) {
	for i := range n {
		if r.IPv6 {
			all = append(all, netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 13: byte(router), 14: 1, 15: byte(i)}))
		} else {
			all = append(all, netip.AddrFrom4([4]byte{10, 1, byte(router), byte(i)}))
		}
	}
	return all
}
