package linux

import (
	"errors"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// membership keeps reports about multicast groups (IGMP, MLD) from leaving by
// interfaces with virtual MAC addresses: they leave by the interface below, with
// its own MAC address. Backup Routers are in the group too, and a switch that saw
// the virtual MAC address come from one of them would send its frames there
// (RFC 9568 §7.3 has the Active Router alone send from it).
type membership struct {
	nft    *nftables
	tables []nftTable // of IPv4 and IPv6, while there are such interfaces
	// moved are the interfaces by name.
	moved map[string]uint32
}

const reportMap = "vmacs"

// move has the reports of one interface leave by another. A kernel without
// nftables leaves them as they are.
func (m *membership) move(name string, index, base int) error {
	if old, done := m.moved[name]; done {
		if old == uint32(index) {
			return nil
		}
		m.forget(name) // somebody deleted the interface, and it was made anew
	}
	if len(m.tables) == 0 {
		for _, family := range []uint8{unix.NFPROTO_IPV4, unix.NFPROTO_IPV6} {
			t, err := m.nft.make(family, reportSetup)
			if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EPROTONOSUPPORT) {
				continue
			}
			if err != nil {
				return err
			}
			m.tables = append(m.tables, t)
		}
	}
	for _, t := range m.tables {
		if err := m.nft.do(t.reportElement(uint32(index), uint32(base))); err != nil {
			return err
		}
	}
	m.moved[name] = uint32(index)
	return nil
}

// forgetAll is for the end of all interfaces.
func (m *membership) forgetAll() {
	for _, t := range m.tables {
		_ = m.nft.do(t.remove())
	}
	m.tables, m.moved = nil, map[string]uint32{}
}

// forget is for an interface that is gone.
func (m *membership) forget(name string) {
	index, there := m.moved[name]
	if !there {
		return
	}
	delete(m.moved, name)
	for _, t := range m.tables {
		change := t.reportElementGone(index)
		if len(m.moved) == 0 {
			change = t.remove()
		}
		_ = m.nft.do(change) // it harms nobody, and goes when we go
	}
	if len(m.moved) == 0 {
		m.tables = nil
	}
}

// reportSetup makes what is in a table: for each kind of report a rule that sends
// a copy by the interface below, and drops the report.
func reportSetup(t nftTable) []*nl.NetlinkRequest {
	const ifindex = 40 // nftables' number of the type
	all := []*nl.NetlinkRequest{
		t.chain(unix.NF_INET_LOCAL_OUT),
		t.request(unix.NFT_MSG_NEWSET, unix.NLM_F_CREATE,
			text(unix.NFTA_SET_TABLE, t.name), text(unix.NFTA_SET_NAME, reportMap), number(unix.NFTA_SET_FLAGS, unix.NFT_SET_MAP),
			number(unix.NFTA_SET_KEY_TYPE, ifindex), number(unix.NFTA_SET_KEY_LEN, 4),
			number(unix.NFTA_SET_DATA_TYPE, ifindex), number(unix.NFTA_SET_DATA_LEN, 4), number(unix.NFTA_SET_ID, 1)),
	}
	move := func(offset, length uint32, match ...*nl.RtAttr) {
		all = append(all, t.rule(append(match,
			meta(unix.NFT_META_OIF),
			expression("lookup", text(unix.NFTA_LOOKUP_SET, reportMap), number(unix.NFTA_LOOKUP_SREG, register), number(unix.NFTA_LOOKUP_DREG, unix.NFT_REG_2)),
			payload(unix.NFT_PAYLOAD_NETWORK_HEADER, offset, length),
			expression("dup", number(nftaDupAddress, register), number(nftaDupDevice, unix.NFT_REG_2)),
			verdict(nfDrop))...))
	}
	if t.family == unix.NFPROTO_IPV4 {
		move(16, 4, meta(unix.NFT_META_L4PROTO), equal(unix.IPPROTO_IGMP))
		return all
	}
	// Query, report and end of version 1, and report of version 2.
	for _, kind := range []byte{130, 131, 132, 143} {
		move(24, 16, meta(unix.NFT_META_L4PROTO), equal(unix.IPPROTO_ICMPV6), payload(unix.NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1), equal(kind))
	}
	return all
}

// NFTA_DUP_SREG_ADDR and NFTA_DUP_SREG_DEV.
const nftaDupAddress, nftaDupDevice = 1, 2

func (t nftTable) reportElement(index, base uint32) *nl.NetlinkRequest {
	return t.reportChange(unix.NFT_MSG_NEWSETELEM, unix.NLM_F_CREATE, nested(unix.NFTA_LIST_ELEM,
		nested(unix.NFTA_SET_ELEM_KEY, nl.NewRtAttr(unix.NFTA_DATA_VALUE, nl.Uint32Attr(index))),
		nested(unix.NFTA_SET_ELEM_DATA, nl.NewRtAttr(unix.NFTA_DATA_VALUE, nl.Uint32Attr(base)))))
}

func (t nftTable) reportElementGone(index uint32) *nl.NetlinkRequest {
	return t.reportChange(unix.NFT_MSG_DELSETELEM, 0, nested(unix.NFTA_LIST_ELEM,
		nested(unix.NFTA_SET_ELEM_KEY, nl.NewRtAttr(unix.NFTA_DATA_VALUE, nl.Uint32Attr(index)))))
}

func (t nftTable) reportChange(kind, flags int, element *nl.RtAttr) *nl.NetlinkRequest {
	return t.request(kind, flags, text(unix.NFTA_SET_ELEM_LIST_TABLE, t.name), text(unix.NFTA_SET_ELEM_LIST_SET, reportMap),
		nested(unix.NFTA_SET_ELEM_LIST_ELEMENTS, element))
}
