package vrrp

import (
	"net/netip"
	"slices"
)

// AddressVMAC is an interface with the virtual MAC address for virtual addresses
// that are not on the one that sends advertisements (use_vmac of an address,
// use_vmac_addr).
type AddressVMAC struct{ Name, Base string }

// vmacBase is the interface above which an address has a virtual MAC interface,
// "" if it is put on an interface as it is.
func (c *InstanceConfig) vmacBase(a *AddressConfig) string {
	device := a.Device
	if device == "" {
		device = c.Device
	}
	if a.VMAC || c.VMACAddresses && device != c.Device {
		return device
	}
	return ""
}

// VMACBases are the interfaces that need an AddressVMAC above them.
func (c *InstanceConfig) VMACBases() (all []string) {
	for _, list := range [][]AddressConfig{c.Virtual, c.Excluded} {
		for i := range list {
			base := c.vmacBase(&list[i])
			if base != "" && (c.VMAC == nil || base != c.Device) && !slices.Contains(all, base) {
				all = append(all, base)
			}
		}
	}
	return all
}

// placed says on which interfaces the addresses are put.
func (c *InstanceConfig) placed(addrs []AddressConfig) []AddressConfig {
	all := slices.Clone(addrs)
	for i := range all {
		a := &all[i]
		base := c.vmacBase(a)
		switch at := slices.IndexFunc(c.AddressVMACs, func(x AddressVMAC) bool { return x.Base == base }); {
		case base == "":
		case c.VMAC != nil && base == c.Device:
			a.Device = c.VMAC.Name
		case at >= 0:
			a.Device = c.AddressVMACs[at].Name
		}
	}
	return all
}

// wantedVMAC is an interface with a virtual MAC address that an instance needs.
type wantedVMAC struct {
	VMACLink
	// sends says that advertisements leave by it.
	sends bool
}

// vmacs are the interfaces that the instance needs.
func (c *InstanceConfig) vmacs() (all []wantedVMAC) {
	addr := VirtualMAC(c.VRID, c.IPv6)
	for _, x := range c.AddressVMACs {
		all = append(all, wantedVMAC{VMACLink: VMACLink{Name: x.Name, Base: x.Base, Addr: addr, IPv6: c.IPv6}})
	}
	if c.VMAC == nil {
		return all
	}
	if len(c.VMAC.Addr) != 0 {
		addr = c.VMAC.Addr
	}
	return append(all, wantedVMAC{VMACLink{Name: c.VMAC.Name, Base: c.Device, Addr: addr, IPv6: c.IPv6}, !c.VMAC.TransmitBase})
}

// ForeignVMACs are addresses that a virtual MAC interface of the instance cannot
// hold: it is for one family.
func (c *InstanceConfig) ForeignVMACs() (all []netip.Prefix) {
	for _, list := range [][]AddressConfig{c.Virtual, c.Excluded} {
		for i := range list {
			if a := &list[i]; c.vmacBase(a) != "" && a.Prefix.Addr().Is6() != c.IPv6 {
				all = append(all, a.Prefix)
			}
		}
	}
	return all
}
