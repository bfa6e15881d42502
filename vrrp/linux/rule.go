package linux

import (
	"encoding/binary"
	"net/netip"

	"ipvsadm/vrrp"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// fibRuleInvert is FIB_RULE_INVERT: the rule is for what does not match.
const fibRuleInvert = 2

// ruleRequest is RTM_NEWRULE or RTM_DELRULE.
func (h *Host) ruleRequest(c *vrrp.RuleConfig, del bool) *nl.NetlinkRequest {
	r := nl.NewNetlinkRequest(unix.RTM_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	if del {
		r = nl.NewNetlinkRequest(unix.RTM_DELRULE, 0)
	}
	// struct fib_rule_hdr has the layout of struct rtmsg.
	msg := &nl.RtMsg{RtMsg: unix.RtMsg{Family: unix.AF_INET, Tos: c.TOS, Type: uint8(c.Action)}}
	if c.IPv6 {
		msg.Family = unix.AF_INET6
	}
	if c.Not {
		msg.Flags |= fibRuleInvert
	}
	r.AddData(msg)
	a := attributes{r}
	a.number(nl.FRA_PRIORITY, c.Priority, true)
	prefix := func(kind int, length *uint8, p netip.Prefix) {
		if p.IsValid() {
			*length = uint8(p.Bits())
			a.bytes(kind, p.Addr().AsSlice())
		}
	}
	prefix(nl.FRA_SRC, &msg.Src_len, c.From)
	prefix(nl.FRA_DST, &msg.Dst_len, c.To)
	if c.HasMark {
		a.number(nl.FRA_FWMARK, c.Mark, true)
		a.number(nl.FRA_FWMASK, c.Mask, c.Mask != 0)
	}
	if c.In != "" {
		a.bytes(nl.FRA_IIFNAME, nl.ZeroTerminated(c.In))
	}
	if c.Out != "" {
		a.bytes(nl.FRA_OIFNAME, nl.ZeroTerminated(c.Out))
	}
	selectMore(a, c)
	ruleTarget(a, msg, c)
	a.bytes(nl.FRA_PROTOCOL, []byte{protocol(c.Protocol)})
	return r
}

// selectMore adds the selectors that came to the kernel later.
func selectMore(a attributes, c *vrrp.RuleConfig) {
	if c.UIDs.Set {
		a.bytes(nl.FRA_UID_RANGE, append(nl.Uint32Attr(c.UIDs.From), nl.Uint32Attr(c.UIDs.To)...))
	}
	if c.IPProtocol != 0 {
		a.bytes(nl.FRA_IP_PROTO, []byte{c.IPProtocol})
	}
	ports := func(kind int, r vrrp.Range) {
		if r.Set {
			b := binary.NativeEndian.AppendUint16(nil, uint16(r.From))
			a.bytes(kind, binary.NativeEndian.AppendUint16(b, uint16(r.To)))
		}
	}
	ports(nl.FRA_SPORT_RANGE, c.SourcePorts)
	ports(nl.FRA_DPORT_RANGE, c.DestinationPorts)
	if c.TunnelID != 0 {
		a.bytes(nl.FRA_TUN_ID, binary.BigEndian.AppendUint64(nil, c.TunnelID))
	}
}

// ruleTarget says what becomes of a packet that matches.
func ruleTarget(a attributes, msg *nl.RtMsg, c *vrrp.RuleConfig) {
	switch {
	case c.L3MDev:
		a.bytes(nl.FRA_L3MDEV, []byte{1})
	case c.Action == vrrp.RuleLookup:
		msg.Table = uint8(min(table(c.Table), unix.RT_TABLE_COMPAT))
		a.number(nl.FRA_TABLE, table(c.Table), true)
	case c.Action == vrrp.RuleGoto:
		a.number(nl.FRA_GOTO, c.Goto, true)
	}
	a.number(nl.FRA_SUPPRESS_PREFIXLEN, uint32(c.SuppressPrefix), c.SuppressPrefix >= 0)
	a.number(nl.FRA_SUPPRESS_IFGROUP, uint32(c.SuppressGroup), c.SuppressGroup >= 0)
	a.number(nl.FRA_FLOW, c.Realms, c.Realms != 0)
}
