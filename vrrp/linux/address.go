package linux

import (
	"fmt"
	"net/netip"

	"ipvsadm/vrrp"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// addressRequest is RTM_NEWADDR or RTM_DELADDR. It fails if the interface is not
// there.
func (h *Host) addressRequest(a *vrrp.AddressConfig, del bool) (*nl.NetlinkRequest, error) {
	index, err := h.index(a.Device)
	if err != nil {
		return nil, err
	}
	r := nl.NewNetlinkRequest(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE)
	if del {
		r = nl.NewNetlinkRequest(unix.RTM_DELADDR, 0)
	}
	addr := a.Prefix.Addr()
	msg := nl.NewIfAddrmsg(family(addr))
	msg.Index = uint32(index)
	msg.Prefixlen = uint8(a.Prefix.Bits())
	msg.Scope = uint8(a.Scope)
	r.AddData(msg)
	if a.Peer.IsValid() {
		msg.Prefixlen = uint8(a.Peer.Bits())
		r.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, a.Peer.Addr().AsSlice()))
	} else {
		r.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, addr.AsSlice()))
	}
	r.AddData(nl.NewRtAttr(unix.IFA_LOCAL, addr.AsSlice()))
	if del {
		return r, nil
	}
	if a.Label != "" {
		r.AddData(nl.NewRtAttr(unix.IFA_LABEL, nl.ZeroTerminated(a.Label)))
	}
	if a.Broadcast.IsValid() {
		r.AddData(nl.NewRtAttr(unix.IFA_BROADCAST, a.Broadcast.AsSlice()))
	}
	if flags := addressFlags(a); flags != 0 {
		r.AddData(nl.NewRtAttr(unix.IFA_FLAGS, nl.Uint32Attr(flags)))
	}
	if a.Preferred != vrrp.Forever {
		r.AddData(nl.NewRtAttr(unix.IFA_CACHEINFO, lifetimes(a)))
	}
	return r, nil
}

// lifetimes is struct ifa_cacheinfo: valid for ever, and preferred for as long
// as configured.
func lifetimes(a *vrrp.AddressConfig) []byte {
	const infinity = 0xffffffff
	var b []byte
	for _, v := range []uint32{uint32(a.Preferred.Seconds()), infinity, 0, 0} {
		b = append(b, nl.Uint32Attr(v)...)
	}
	return b
}

func addressFlags(a *vrrp.AddressConfig) (flags uint32) {
	for _, f := range []struct {
		on  bool
		bit uint32
	}{
		{a.Home, unix.IFA_F_HOMEADDRESS},
		{a.NoDAD, unix.IFA_F_NODAD},
		{a.ManageTemp, unix.IFA_F_MANAGETEMPADDR},
		{a.NoPrefixRoute, unix.IFA_F_NOPREFIXROUTE},
		{a.AutoJoin, unix.IFA_F_MCAUTOJOIN},
	} {
		if f.on {
			flags |= f.bit
		}
	}
	return flags
}

func family(addr netip.Addr) int {
	if addr.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// index is that of an interface by its name, as the kernel has it now.
func (h *Host) index(name string) (int, error) {
	if i, ok := h.indexes[name]; ok {
		return i, nil
	}
	i, err := h.lookup(name)
	if err != nil {
		return 0, fmt.Errorf("interface %s: %w", name, err)
	}
	h.indexes[name] = i
	return i, nil
}
