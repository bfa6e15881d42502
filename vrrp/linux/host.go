package linux

import (
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"

	"ipvsadm/vrrp"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Host is the network configuration of this namespace. It implements vrrp.Host.
type Host struct {
	cmd     *commands
	handle  *netlink.Handle // for dumps by the monitor
	lookups *netlink.Handle // for Apply
	monitor *monitor
	packets *packetSocket

	applied atomic.Uint64 // calls of Apply that have ended
	// indexes are those of interfaces by name, looked up during one call.
	indexes  map[string]int
	settings settings
	vmacs    vmacs
	nft      nftables
	filter   filter
	reports  membership
	kept     kept
}

// NewHost subscribes to changes. Close ends it.
func NewHost() (*Host, error) {
	h := &Host{indexes: map[string]int{}, settings: settings{old: map[string]string{}}, vmacs: newVMACs()}
	h.filter = filter{nft: &h.nft, refused: map[netip.Addr]bool{}}
	h.reports = membership{nft: &h.nft, moved: map[string]uint32{}}
	h.kept.routes, h.kept.rules = map[routeID]*vrrp.RouteConfig{}, map[ruleID]*vrrp.RuleConfig{}
	steps := []func() error{
		func() (err error) { h.cmd, err = openCommands(unix.NETLINK_ROUTE); return err },
		func() (err error) { h.handle, err = netlink.NewHandle(unix.NETLINK_ROUTE); return err },
		func() (err error) { h.lookups, err = netlink.NewHandle(unix.NETLINK_ROUTE); return err },
		func() (err error) { h.packets, err = openPacketSocket(); return err },
		func() (err error) { h.monitor, err = startMonitor(h); return err },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, errors.Join(err, h.Close())
		}
	}
	return h, nil
}

// Close ends the subscription. It changes nothing on the machine.
func (h *Host) Close() error {
	var errs []error
	if h.monitor != nil {
		h.monitor.close()
	}
	h.kept.close()
	for _, handle := range []*netlink.Handle{h.handle, h.lookups} {
		if handle != nil {
			handle.Close()
		}
	}
	if h.cmd != nil {
		errs = append(errs, h.cmd.close())
	}
	errs = append(errs, h.nft.close())
	if h.packets != nil {
		errs = append(errs, h.packets.close())
	}
	return errors.Join(errs...)
}

// Views implements vrrp.Host.
func (h *Host) Views() <-chan *vrrp.View { return h.monitor.views }

// Apply implements vrrp.Host. Neighbouring changes that are netlink requests go
// to the kernel together.
func (h *Host) Apply(changes []vrrp.Change) []error {
	clear(h.indexes)
	errs := make([]error, len(changes))
	requests := make([]*nl.NetlinkRequest, len(changes))
	from := 0
	flush := func(to int) {
		for i, err := range h.cmd.do(requests[from:to]) {
			errs[from+i] = errors.Join(errs[from+i], err)
		}
		from = to
	}
	gone := h.vmacs.deleteAll(h, changes)
	for i := range changes {
		c := &changes[i]
		switch {
		case c.Setting != nil:
			flush(i)
			errs[i] = h.settings.apply(c)
			from = i + 1
		case c.Refuse != nil:
			flush(i)
			errs[i] = h.filter.apply(*c.Refuse, c.Delete)
			from = i + 1
		case c.VMAC != nil && c.Delete && gone:
		case c.VMAC != nil && c.Delete:
			requests[i], errs[i] = h.deleteVMAC(c.VMAC)
		case c.VMAC != nil:
			flush(i)
			errs[i] = h.makeVMAC(c.VMAC)
			from = i + 1
		default:
			requests[i], errs[i] = h.request(c)
		}
	}
	flush(len(changes))
	failed := false
	for i := range changes {
		c := &changes[i]
		if errs[i] = describe(c, errs[i]); errs[i] == nil && (c.Route != nil || c.Rule != nil) {
			errs[i] = h.monitor.watchRoutes()
			h.kept.note(c)
		}
		failed = failed || errs[i] != nil
	}
	h.applied.Add(1)
	h.monitor.poke()
	if !failed {
		return nil
	}
	return errs
}

// request is the netlink request for an address, a route or a rule.
func (h *Host) request(c *vrrp.Change) (*nl.NetlinkRequest, error) {
	switch {
	case c.Address != nil:
		return h.addressRequest(c.Address, c.Delete)
	case c.Route != nil:
		return h.routeRequest(c.Route, c.Delete)
	default:
		return h.ruleRequest(c.Rule, c.Delete), nil
	}
}

// describe says what could not be done. That it was done already is no error.
func describe(c *vrrp.Change, err error) error {
	if err == nil {
		return nil
	}
	absent := errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV)
	if c.Delete && absent || !c.Delete && errors.Is(err, unix.EEXIST) {
		return nil
	}
	verb := "add"
	if c.Delete {
		verb = "delete"
	}
	switch {
	case c.Address != nil:
		return fmt.Errorf("%s address %v on %s: %w", verb, c.Address.Prefix, c.Address.Device, err)
	case c.Route != nil:
		return fmt.Errorf("%s route to %v: %w", verb, c.Route.Dst, err)
	case c.Rule != nil:
		return fmt.Errorf("%s rule with priority %d: %w", verb, c.Rule.Priority, err)
	case c.Refuse != nil:
		return fmt.Errorf("%s a rule that drops packets to %v: %w", verb, *c.Refuse, err)
	case c.VMAC != nil:
		return fmt.Errorf("%s interface %s: %w", verb, c.VMAC.Name, err)
	}
	return fmt.Errorf("set %s: %w", c.Setting.Path, err)
}

// lookup asks the kernel for the index of an interface.
func (h *Host) lookup(name string) (int, error) {
	link, err := h.lookups.LinkByName(name)
	if err != nil {
		var missing netlink.LinkNotFoundError
		if errors.As(err, &missing) {
			return 0, unix.ENODEV
		}
		return 0, err
	}
	return link.Attrs().Index, nil
}
