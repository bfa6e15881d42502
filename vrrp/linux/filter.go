package linux

import (
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// filter drops packets to the virtual addresses of routers that do not accept
// them (RFC 9568 §6.4.3, Accept_Mode false): an nftables table with a set of
// addresses for each family. Neighbour discovery goes on (RFC 9568 §6.1).
type filter struct {
	nft   *nftables
	table nftTable
	// refused are the addresses in the sets. The table is there while there are
	// some.
	refused map[netip.Addr]bool
}

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
	var err error
	switch {
	case !del && len(f.refused) == 0:
		f.table, err = f.nft.make(unix.NFPROTO_INET, func(t nftTable) []*nl.NetlinkRequest { return append(filterSetup(t), element(t, addr, false)) })
	case del && len(f.refused) == 1:
		err = f.nft.do(f.table.remove())
	default:
		err = f.nft.do(element(f.table, addr, del))
	}
	if err != nil {
		return err
	}
	if del {
		delete(f.refused, addr)
	} else {
		f.refused[addr] = true
	}
	return nil
}

// filterSetup makes what is in the table.
func filterSetup(t nftTable) []*nl.NetlinkRequest {
	all := []*nl.NetlinkRequest{t.chain(unix.NF_INET_LOCAL_IN)}
	for i, s := range filterSets {
		all = append(all, t.request(unix.NFT_MSG_NEWSET, unix.NLM_F_CREATE,
			text(unix.NFTA_SET_TABLE, t.name), text(unix.NFTA_SET_NAME, s.name),
			number(unix.NFTA_SET_KEY_TYPE, s.keyType), number(unix.NFTA_SET_KEY_LEN, s.len), number(unix.NFTA_SET_ID, uint32(i+1))))
	}
	const neighbourSolicitation, neighbourAdvertisement = 135, 136
	return append(all,
		t.rule(meta(unix.NFT_META_NFPROTO), equal(unix.NFPROTO_IPV4),
			payload(unix.NFT_PAYLOAD_NETWORK_HEADER, 16, 4), lookup(filterSets[0].name), verdict(nfDrop)),
		t.rule(meta(unix.NFT_META_L4PROTO), equal(unix.IPPROTO_ICMPV6),
			payload(unix.NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1), equal(neighbourSolicitation), verdict(nfAccept)),
		t.rule(meta(unix.NFT_META_L4PROTO), equal(unix.IPPROTO_ICMPV6),
			payload(unix.NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1), equal(neighbourAdvertisement), verdict(nfAccept)),
		t.rule(meta(unix.NFT_META_NFPROTO), equal(unix.NFPROTO_IPV6),
			payload(unix.NFT_PAYLOAD_NETWORK_HEADER, 24, 16), lookup(filterSets[1].name), verdict(nfDrop)))
}

// element adds an address to its set or takes it out.
func element(t nftTable, addr netip.Addr, del bool) *nl.NetlinkRequest {
	set := filterSets[0].name
	if addr.Is6() {
		set = filterSets[1].name
	}
	kind, flags := unix.NFT_MSG_NEWSETELEM, unix.NLM_F_CREATE
	if del {
		kind, flags = unix.NFT_MSG_DELSETELEM, 0
	}
	key := nested(unix.NFTA_SET_ELEM_KEY, nl.NewRtAttr(unix.NFTA_DATA_VALUE, addr.AsSlice()))
	return t.request(kind, flags, text(unix.NFTA_SET_ELEM_LIST_TABLE, t.name), text(unix.NFTA_SET_ELEM_LIST_SET, set),
		nested(unix.NFTA_SET_ELEM_LIST_ELEMENTS, nested(unix.NFTA_LIST_ELEM, key)))
}
