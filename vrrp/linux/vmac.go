package linux

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"

	"ipvsadm/vrrp"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// vmacs are the interfaces with virtual MAC addresses that this Host made or
// took over.
type vmacs struct {
	names map[string]bool
	// group is the link group they are in. Interfaces of a group go away with
	// one request, and the kernel waits once for all of them instead of some
	// 20 ms for each.
	group uint32
}

// newVMACs chooses a group that nobody else uses, most likely.
func newVMACs() vmacs {
	return vmacs{names: map[string]bool{}, group: 1<<30 | rand.Uint32N(1<<30)}
}

// makeVMAC makes the interface and brings it up, with the settings that
// keepalived gives it and the interface below.
func (h *Host) makeVMAC(v *vrrp.VMACLink) error {
	base, err := h.index(v.Base)
	if err != nil {
		return err
	}
	if err := h.createMacvlan(v, base); err != nil {
		return err
	}
	h.vmacs.names[v.Name] = true
	h.vmacs.needReversePath(h)
	if err := vmacSettings(v); err != nil {
		return err
	}
	index, err := h.index(v.Name)
	if err != nil {
		return err
	}
	if err := h.reports.move(v.Name, index, base); err != nil {
		return fmt.Errorf("keep its reports about groups away: %w", err)
	}
	r := nl.NewNetlinkRequest(unix.RTM_NEWLINK, 0)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index, msg.Flags, msg.Change = int32(index), unix.IFF_UP, unix.IFF_UP
	r.AddData(msg)
	r.AddData(nl.NewRtAttr(unix.IFLA_GROUP, nl.Uint32Attr(h.vmacs.group)))
	if err := errors.Join(h.cmd.do([]*nl.NetlinkRequest{r})...); err != nil {
		return fmt.Errorf("bring it up: %w", err)
	}
	if !v.IPv6 || !v.Source.IsValid() {
		return nil
	}
	source := &vrrp.AddressConfig{Prefix: netip.PrefixFrom(v.Source, 64), Device: v.Name, NoDAD: true, Scope: vrrp.ScopeLink}
	add, err := h.addressRequest(source, false)
	if err != nil {
		return err
	}
	return errors.Join(h.cmd.do([]*nl.NetlinkRequest{add})...)
}

// createMacvlan makes it, unless it is there from an earlier run. In private mode
// the interfaces above one another do not talk to each other.
func (h *Host) createMacvlan(v *vrrp.VMACLink, base int) error {
	delete(h.indexes, v.Name)
	old, err := h.lookups.LinkByName(v.Name)
	if err == nil {
		a := old.Attrs()
		if old.Type() == "macvlan" && a.ParentIndex == base && bytes.Equal(a.HardwareAddr, v.Addr) {
			return nil
		}
		if old.Type() != "macvlan" {
			return fmt.Errorf("there is another interface of that name")
		}
		if err := h.lookups.LinkDel(old); err != nil {
			return err
		}
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex, attrs.HardwareAddr = v.Name, base, v.Addr
	return h.lookups.LinkAdd(&netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_PRIVATE})
}

// vmacSettings are keepalived's: answer ARP for one's own addresses only, and
// take packets from the host's own address, which the peer on the interface
// below may have. An interface of one family has nothing to do with the other.
func vmacSettings(v *vrrp.VMACLink) error {
	v4, base := "net/ipv4/conf/"+v.Name+"/", "net/ipv4/conf/"+v.Base+"/"
	v6 := "net/ipv6/conf/" + v.Name + "/"
	settings := []vrrp.Setting{
		{Path: v4 + "accept_local", Value: "1"},
		{Path: v4 + "arp_ignore", Value: "1"},
		{Path: v4 + "promote_secondaries", Value: "1"},
		{Path: v4 + "rp_filter", Value: "0"},
		{Path: base + "arp_ignore", Value: "1"},
		{Path: base + "arp_filter", Value: "1"},
		{Path: v6 + "disable_ipv6", Value: "1"},
	}
	if v.IPv6 {
		// RFC 9568 §7.4: the virtual MAC address makes no interface identifier.
		settings = []vrrp.Setting{
			{Path: v6 + "addr_gen_mode", Value: "1"},
			{Path: v6 + "accept_ra", Value: "0"},
			{Path: v6 + "autoconf", Value: "0"},
		}
	}
	for _, s := range settings {
		if err := setSysctl(s.Path, s.Value); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("set %s: %w", s.Path, err)
		}
	}
	return nil
}

const allReversePath = "net/ipv4/conf/all/rp_filter"

// needReversePath moves net.ipv4.conf.all.rp_filter to the interfaces, as
// keepalived does. An interface with a virtual MAC address has no address of its
// network while it is Backup, so that the filter, which takes the higher of
// "all" and the interface's own, would drop every advertisement.
func (v *vmacs) needReversePath(h *Host) {
	all, err := readSysctl(allReversePath)
	level, _ := strconv.Atoi(all)
	if err != nil || level == 0 {
		return
	}
	links, err := h.lookups.LinkList()
	if err != nil {
		return
	}
	names := []string{"default"}
	for _, l := range links {
		if !v.names[l.Attrs().Name] {
			names = append(names, l.Attrs().Name)
		}
	}
	for _, name := range names {
		path := "net/ipv4/conf/" + name + "/rp_filter"
		own, err := readSysctl(path)
		if n, _ := strconv.Atoi(own); err == nil && n < level {
			_ = h.settings.apply(&vrrp.Change{Setting: &vrrp.Setting{Path: path, Value: all}})
		}
	}
	_ = h.settings.apply(&vrrp.Change{Setting: &vrrp.Setting{Path: allReversePath, Value: "0"}})
}

// deleteVMAC deletes one interface. After the last one the filter is put back.
func (h *Host) deleteVMAC(v *vrrp.VMACLink) (*nl.NetlinkRequest, error) {
	index, err := h.index(v.Name)
	if err != nil {
		h.vmacs.forget(h, v.Name)
		return nil, err
	}
	h.vmacs.forget(h, v.Name)
	return deleteLink(int32(index)), nil
}

func deleteLink(index int32) *nl.NetlinkRequest {
	r := nl.NewNetlinkRequest(unix.RTM_DELLINK, 0)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = index
	r.AddData(msg)
	return r
}

// deleteAll deletes the whole group at once if the changes delete every
// interface in it.
func (v *vmacs) deleteAll(h *Host, changes []vrrp.Change) bool {
	deleted := map[string]bool{}
	for i := range changes {
		if c := &changes[i]; c.VMAC != nil && c.Delete && v.names[c.VMAC.Name] {
			deleted[c.VMAC.Name] = true
		}
	}
	if len(deleted) < 2 || len(deleted) != len(v.names) {
		return false
	}
	r := deleteLink(0)
	r.AddData(nl.NewRtAttr(unix.IFLA_GROUP, nl.Uint32Attr(v.group)))
	if errors.Join(h.cmd.do([]*nl.NetlinkRequest{r})...) != nil {
		return false
	}
	h.reports.forgetAll()
	for name := range deleted {
		v.forget(h, name)
	}
	return true
}

// forget takes an interface off the list, and undoes what all of them needed
// after the last one.
func (v *vmacs) forget(h *Host, name string) {
	delete(v.names, name)
	h.reports.forget(name)
	if len(v.names) > 0 {
		return
	}
	for path := range h.settings.old {
		if isReversePath(path) {
			_ = h.settings.apply(&vrrp.Change{Delete: true, Setting: &vrrp.Setting{Path: path}})
		}
	}
}

func isReversePath(path string) bool {
	return strings.HasPrefix(path, "net/ipv4/conf/") && strings.HasSuffix(path, "/rp_filter")
}
