package linux

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// filter drops packets to the virtual addresses of routers that do not accept
// them (RFC 9568 §6.4.3, Accept_Mode false): an nftables table with a set of
// addresses for each family. Neighbour discovery goes on (RFC 9568 §6.1).
type filter struct {
	cmd *commands
	// refused are the addresses in the sets. The table is there while there are
	// some.
	refused map[netip.Addr]bool
}

const (
	filterTable = "ipvsadm_vrrp"
	filterChain = "input"
	// filterPriority comes before the rules of most others, as keepalived's.
	filterPriority = -1
)

// filterSets are the names, key types (nftables' own numbers) and key lengths of
// the sets.
var filterSets = [...]struct {
	name         string
	keyType, len uint32
}{{"ipv4", 7, 4}, {"ipv6", 8, 16}}

// apply adds or takes away one address.
func (f *filter) apply(addr netip.Addr, del bool) error {
	if f.refused[addr] != del {
		return nil
	}
	if f.cmd == nil {
		cmd, err := openCommands(unix.NETLINK_NETFILTER)
		if err != nil {
			return err
		}
		f.cmd = cmd
	}
	var requests []*nl.NetlinkRequest
	switch {
	case !del && len(f.refused) == 0:
		requests = append(filterSetup(), element(addr, false))
	case del && len(f.refused) == 1:
		requests = append(requests, nftRequest(unix.NFT_MSG_DELTABLE, 0, text(unix.NFTA_TABLE_NAME, filterTable)))
	default:
		requests = append(requests, element(addr, del))
	}
	if err := errors.Join(f.cmd.do(requests)...); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	if del {
		delete(f.refused, addr)
	} else {
		f.refused[addr] = true
	}
	return nil
}

func (f *filter) close() error {
	if f.cmd == nil {
		return nil
	}
	return f.cmd.close()
}

// filterSetup makes the table, in place of one that a crash left behind.
func filterSetup() []*nl.NetlinkRequest {
	table := text(unix.NFTA_TABLE_NAME, filterTable)
	hook := nested(unix.NFTA_CHAIN_HOOK,
		number(unix.NFTA_HOOK_HOOKNUM, unix.NF_INET_LOCAL_IN), number(unix.NFTA_HOOK_PRIORITY, uint32(filterPriority&0xffffffff)))
	all := []*nl.NetlinkRequest{
		nftRequest(unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE, table),
		nftRequest(unix.NFT_MSG_DELTABLE, 0, table),
		nftRequest(unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE, table),
		nftRequest(unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE,
			text(unix.NFTA_CHAIN_TABLE, filterTable), text(unix.NFTA_CHAIN_NAME, filterChain), hook, text(unix.NFTA_CHAIN_TYPE, "filter")),
	}
	for i, s := range filterSets {
		all = append(all, nftRequest(unix.NFT_MSG_NEWSET, unix.NLM_F_CREATE,
			text(unix.NFTA_SET_TABLE, filterTable), text(unix.NFTA_SET_NAME, s.name),
			number(unix.NFTA_SET_KEY_TYPE, s.keyType), number(unix.NFTA_SET_KEY_LEN, s.len), number(unix.NFTA_SET_ID, uint32(i+1))))
	}
	const neighbourSolicitation, neighbourAdvertisement = 135, 136
	return append(all,
		filterRule(meta(unix.NFT_META_NFPROTO), equal(unix.NFPROTO_IPV4),
			payload(unix.NFT_PAYLOAD_NETWORK_HEADER, 16, 4), lookup(filterSets[0].name), verdict(nfDrop)),
		filterRule(meta(unix.NFT_META_L4PROTO), equal(unix.IPPROTO_ICMPV6),
			payload(unix.NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1), equal(neighbourSolicitation), verdict(nfAccept)),
		filterRule(meta(unix.NFT_META_L4PROTO), equal(unix.IPPROTO_ICMPV6),
			payload(unix.NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1), equal(neighbourAdvertisement), verdict(nfAccept)),
		filterRule(meta(unix.NFT_META_NFPROTO), equal(unix.NFPROTO_IPV6),
			payload(unix.NFT_PAYLOAD_NETWORK_HEADER, 24, 16), lookup(filterSets[1].name), verdict(nfDrop)))
}

// element adds an address to its set or takes it out.
func element(addr netip.Addr, del bool) *nl.NetlinkRequest {
	set := filterSets[0].name
	if addr.Is6() {
		set = filterSets[1].name
	}
	kind, flags := unix.NFT_MSG_NEWSETELEM, unix.NLM_F_CREATE
	if del {
		kind, flags = unix.NFT_MSG_DELSETELEM, 0
	}
	key := nested(unix.NFTA_SET_ELEM_KEY, nl.NewRtAttr(unix.NFTA_DATA_VALUE, addr.AsSlice()))
	return nftRequest(kind, flags, text(unix.NFTA_SET_ELEM_LIST_TABLE, filterTable), text(unix.NFTA_SET_ELEM_LIST_SET, set),
		nested(unix.NFTA_SET_ELEM_LIST_ELEMENTS, nested(unix.NFTA_LIST_ELEM, key)))
}

func filterRule(expressions ...*nl.RtAttr) *nl.NetlinkRequest {
	return nftRequest(unix.NFT_MSG_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_APPEND,
		text(unix.NFTA_RULE_TABLE, filterTable), text(unix.NFTA_RULE_CHAIN, filterChain),
		nested(unix.NFTA_RULE_EXPRESSIONS, expressions...))
}

const (
	nfDrop, nfAccept = 0, 1
	// register is the one that expressions load into and compare.
	register = unix.NFT_REG_1
)

func expression(name string, attrs ...*nl.RtAttr) *nl.RtAttr {
	return nested(unix.NFTA_LIST_ELEM, text(unix.NFTA_EXPR_NAME, name), nested(unix.NFTA_EXPR_DATA, attrs...))
}

func meta(key uint32) *nl.RtAttr {
	return expression("meta", number(unix.NFTA_META_KEY, key), number(unix.NFTA_META_DREG, register))
}

func equal(value byte) *nl.RtAttr {
	return expression("cmp", number(unix.NFTA_CMP_SREG, register), number(unix.NFTA_CMP_OP, unix.NFT_CMP_EQ),
		nested(unix.NFTA_CMP_DATA, nl.NewRtAttr(unix.NFTA_DATA_VALUE, []byte{value})))
}

func payload(base, offset, length uint32) *nl.RtAttr {
	return expression("payload", number(unix.NFTA_PAYLOAD_DREG, register), number(unix.NFTA_PAYLOAD_BASE, base),
		number(unix.NFTA_PAYLOAD_OFFSET, offset), number(unix.NFTA_PAYLOAD_LEN, length))
}

func lookup(set string) *nl.RtAttr {
	return expression("lookup", text(unix.NFTA_LOOKUP_SET, set), number(unix.NFTA_LOOKUP_SREG, register))
}

func verdict(code uint32) *nl.RtAttr {
	return expression("immediate", number(unix.NFTA_IMMEDIATE_DREG, unix.NFT_REG_VERDICT),
		nested(unix.NFTA_IMMEDIATE_DATA, nested(unix.NFTA_DATA_VERDICT, number(unix.NFTA_VERDICT_CODE, code))))
}

// nftRequest is a request to nftables, about the family inet: both of IPv4 and
// IPv6.
func nftRequest(kind, flags int, attrs ...*nl.RtAttr) *nl.NetlinkRequest {
	r := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|kind, flags)
	r.AddData(&nl.Nfgenmsg{NfgenFamily: unix.NFPROTO_INET, Version: nl.NFNETLINK_V0})
	for _, a := range attrs {
		r.AddData(a)
	}
	return r
}

// batchMark begins or ends a batch of nftables: all of it is carried out, or
// nothing.
func batchMark(kind int) []byte {
	r := nl.NewNetlinkRequest(kind, 0)
	r.Seq = 0
	r.AddRawData([]byte{unix.AF_UNSPEC, nl.NFNETLINK_V0, 0, unix.NFNL_SUBSYS_NFTABLES})
	return r.Serialize()
}

func text(kind int, value string) *nl.RtAttr { return nl.NewRtAttr(kind, nl.ZeroTerminated(value)) }

func number(kind int, value uint32) *nl.RtAttr {
	return nl.NewRtAttr(kind, binary.BigEndian.AppendUint32(nil, value))
}

func nested(kind int, attrs ...*nl.RtAttr) *nl.RtAttr {
	a := nl.NewRtAttr(kind|unix.NLA_F_NESTED, nil)
	for _, child := range attrs {
		a.AddChild(child)
	}
	return a
}
