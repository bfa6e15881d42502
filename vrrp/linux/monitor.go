package linux

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"ipvsadm/vrrp"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// monitor makes a View of the namespace whenever something changed. What the
// kernel tells of changes is only a reason to look: the View is a dump. So it
// does not matter if some of that is lost (ENOBUFS) when much changes at once.
type monitor struct {
	host    *Host
	changes *nl.NetlinkSocket
	views   chan *vrrp.View
	look    chan struct{}
	stop    chan struct{}
	done    sync.WaitGroup
	routes  bool // changes tells of routes and rules too
}

// between is the least time between two dumps, so that a machine on which
// interfaces come and go all the time is not busy with it. The first look is
// immediate.
const between = 20 * time.Millisecond

func startMonitor(h *Host) (*monitor, error) {
	s, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR)
	if err != nil {
		return nil, fmt.Errorf("subscribe to rtnetlink: %w", err)
	}
	m := &monitor{
		host:    h,
		changes: s,
		views:   make(chan *vrrp.View, 1),
		look:    make(chan struct{}, 1),
		stop:    make(chan struct{}),
	}
	m.poke()
	m.done.Add(2)
	go m.listen()
	go m.run()
	return m, nil
}

// poke asks for a new View.
func (m *monitor) poke() {
	select {
	case m.look <- struct{}{}:
	default:
	}
}

func (m *monitor) close() {
	close(m.stop)
	m.changes.Close()
	m.done.Wait()
}

// listen waits for changes.
func (m *monitor) listen() {
	defer m.done.Done()
	for {
		messages, _, err := m.changes.Receive()
		select {
		case <-m.stop:
			return
		default:
		}
		if err != nil && !errors.Is(err, unix.ENOBUFS) {
			// It must not spin on an error that stays.
			time.Sleep(between)
		}
		concerns := func(x syscall.NetlinkMessage) bool { return m.host.kept.concerns(x.Header.Type, x.Data) }
		if err != nil || slices.ContainsFunc(messages, concerns) {
			m.poke()
		}
	}
}

// watchRoutes subscribes to routes and rules too, once there are some of ours.
func (m *monitor) watchRoutes() error {
	if m.routes {
		return nil
	}
	for _, group := range []int{unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE, unix.RTNLGRP_IPV4_RULE, unix.RTNLGRP_IPV6_RULE} {
		if err := unix.SetsockoptInt(m.changes.GetFd(), unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, group); err != nil {
			return fmt.Errorf("subscribe to routes: %w", err)
		}
	}
	m.routes = true
	return nil
}

// run looks when there is a reason to.
func (m *monitor) run() {
	defer m.done.Done()
	for {
		select {
		case <-m.look:
		case <-m.stop:
			return
		}
		v, err := m.host.view()
		if err != nil {
			m.poke()
		}
		if v != nil {
			m.deliver(v)
		}
		select {
		case <-time.After(between):
		case <-m.stop:
			return
		}
	}
}

// deliver replaces the View that nobody has read yet.
func (m *monitor) deliver(v *vrrp.View) {
	select {
	case <-m.views:
	default:
	}
	m.views <- v
}

// view dumps interfaces and addresses, and looks for routes and rules of ours. On
// a busy router the dump of routes may be interrupted, and interrupted again: then
// there is a View that shows none as lost, and an error, to look once more.
func (h *Host) view() (*vrrp.View, error) {
	v := &vrrp.View{Applied: h.applied.Load()}
	links, err := h.handle.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	addrs, err := h.handle.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	byIndex := map[int][]vrrp.LinkAddress{}
	for i := range addrs {
		a := &addrs[i]
		addr, ok := netip.AddrFromSlice(a.IP)
		if !ok {
			continue
		}
		ones, _ := a.Mask.Size()
		byIndex[a.LinkIndex] = append(byIndex[a.LinkIndex], vrrp.LinkAddress{
			Prefix:    netip.PrefixFrom(addr.Unmap(), ones),
			Secondary: a.Flags&unix.IFA_F_SECONDARY != 0,
			Tentative: a.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) != 0 && a.Flags&unix.IFA_F_OPTIMISTIC == 0,
		})
	}
	for _, l := range links {
		a := l.Attrs()
		v.Links = append(v.Links, vrrp.Link{
			Index:     a.Index,
			Name:      a.Name,
			Up:        a.RawFlags&unix.IFF_UP != 0 && a.RawFlags&unix.IFF_RUNNING != 0,
			Addr:      a.HardwareAddr,
			Base:      a.ParentIndex,
			Addresses: byIndex[a.Index],
		})
	}
	slices.SortFunc(v.Links, func(a, b vrrp.Link) int { return cmp.Compare(a.Index, b.Index) })
	if v.Lost, err = h.kept.lost(); err != nil {
		err = fmt.Errorf("list routes: %w", err)
	}
	return v, err
}
