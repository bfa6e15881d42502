package failover

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"ipvsadm/testdata/lab/uml"
)

// watch records what the kernel tells of the addresses of a host.
type watch struct {
	host   *uml.NetNS
	socket *nl.NetlinkSocket
	done   chan struct{}

	mu   sync.Mutex
	told []time.Time // when an address came or went
}

func newWatch(host *uml.NetNS) (w *watch, err error) {
	w = &watch{host: host, done: make(chan struct{})}
	host.Do(func() { w.socket, err = nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_IPV4_IFADDR) })
	if err != nil {
		return nil, fmt.Errorf("subscribe to changes of addresses: %w", err)
	}
	go func() {
		defer close(w.done)
		for {
			messages, _, err := w.socket.Receive()
			if err != nil && err != unix.ENOBUFS {
				return
			}
			now := time.Now()
			w.mu.Lock()
			for range messages {
				w.told = append(w.told, now)
			}
			w.mu.Unlock()
		}
	}()
	return w, nil
}

func (w *watch) close() {
	w.socket.Close()
	<-w.done
}

// since tells how often an address came or went from that time on, and when that
// was last.
func (w *watch) since(at time.Time) (n int, last time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, _ := slices.BinarySearchFunc(w.told, at, func(t, at time.Time) int { return t.Compare(at) })
	if n = len(w.told) - i; n > 0 {
		last = w.told[len(w.told)-1]
	}
	return n, last
}

// virtual counts the virtual addresses of a host, and the interfaces made for
// them.
func virtual(host *uml.NetNS) (addrs, links int, err error) {
	host.Do(func() {
		var all []netlink.Addr
		if all, err = netlink.AddrList(nil, netlink.FAMILY_V4); err != nil {
			return
		}
		for _, a := range all {
			if ip := a.IP.To4(); ip[1] == 78 {
				addrs++
			}
		}
		var devices []netlink.Link
		if devices, err = netlink.LinkList(); err != nil {
			return
		}
		for _, l := range devices {
			if l.Type() == "macvlan" {
				links++
			}
		}
	})
	return addrs, links, err
}
