package daemon

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
)

// addressWatch tells which addresses the machine has, whenever that changes.
type addressWatch struct {
	stop  chan struct{}
	ended chan struct{}
}

// addressPause is how long changes are gathered: a router that becomes master
// puts up many at a time.
const addressPause = 20 * time.Millisecond

// addressRetry is how long until the kernel is asked again to tell of changes.
const addressRetry = 5 * time.Second

// watchAddresses tells of the addresses of this machine: as they are now before
// it returns, and after every change in a goroutine of its own.
func watchAddresses(log *slog.Logger, tell func(map[netip.Addr]bool)) *addressWatch {
	w := &addressWatch{stop: make(chan struct{}), ended: make(chan struct{})}
	report := func() {
		present, err := listAddresses()
		if err != nil {
			log.Warn(fmt.Sprintf("The addresses of this machine cannot be read: %v", err))
			return
		}
		tell(present)
	}
	updates, done := subscribe(log)
	report()
	go func() {
		defer close(w.ended)
		defer func() { close(done) }()
		for {
			select {
			case <-w.stop:
				return
			case _, ok := <-updates:
				pause := addressPause
				if !ok {
					pause = addressRetry // the kernel had more to tell than there was room for
				}
				select {
				case <-w.stop:
					return
				case <-time.After(pause):
				}
				for ok && len(updates) > 0 {
					_, ok = <-updates
				}
				if !ok {
					close(done)
					updates, done = subscribe(log)
				}
				report()
			}
		}
	}()
	return w
}

// subscribe asks the kernel to tell of changes. The channel is closed when it does
// so no more.
func subscribe(log *slog.Logger) (chan netlink.AddrUpdate, chan struct{}) {
	updates, done := make(chan netlink.AddrUpdate, 1024), make(chan struct{})
	if err := netlink.AddrSubscribe(updates, done); err != nil {
		log.Warn(fmt.Sprintf("Changes of addresses are only looked for every %v: %v", addressRetry, err))
		close(updates)
	}
	return updates, done
}

func listAddresses() (map[netip.Addr]bool, error) {
	list, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return nil, err
	}
	present := make(map[netip.Addr]bool, len(list))
	for _, a := range list {
		if addr, ok := netip.AddrFromSlice(a.IP); ok {
			present[addr.Unmap()] = true
		}
	}
	return present, nil
}

// close ends it; nil is fine.
func (w *addressWatch) close() {
	if w == nil {
		return
	}
	close(w.stop)
	<-w.ended
}
