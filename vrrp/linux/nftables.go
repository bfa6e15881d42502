package linux

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// nftables speaks to the kernel's packet filter.
//
// Each table is owned by our socket: nobody else changes it, and it goes when we
// go, however that comes about. A second daemon in the namespace finds the name
// taken and has a table of another name.
type nftables struct{ cmd *commands }

// nftTable is a table with one chain.
type nftTable struct {
	family uint8 // NFPROTO_*
	name   string
}

const (
	tableName = "ipvsadm_vrrp"
	chainName = "vrrp"
	// chainPriority comes before the rules of most others, as keepalived's.
	chainPriority = -1
	// tableOwner is NFT_TABLE_F_OWNER, of Linux 5.12.
	tableOwner = 2
	// maxTables is how many daemons can have tables.
	maxTables = 64
)

func (n *nftables) close() error {
	if n.cmd == nil {
		return nil
	}
	return n.cmd.close()
}

// do carries out all requests or none.
func (n *nftables) do(requests ...*nl.NetlinkRequest) error {
	if n.cmd == nil {
		cmd, err := openCommands(unix.NETLINK_NETFILTER)
		if err != nil {
			return err
		}
		n.cmd = cmd
	}
	if err := errors.Join(n.cmd.do(requests)...); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	return nil
}

// make makes a table with what is to be in it, under the first name that is free.
func (n *nftables) make(family uint8, inside func(nftTable) []*nl.NetlinkRequest) (t nftTable, err error) {
	for i := range maxTables {
		t = nftTable{family, tableName}
		if i > 0 {
			t.name = fmt.Sprintf("%s_%d", tableName, i+1)
		}
		owned := t.request(unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE|unix.NLM_F_EXCL,
			text(unix.NFTA_TABLE_NAME, t.name), number(unix.NFTA_TABLE_FLAGS, tableOwner))
		err = n.do(append([]*nl.NetlinkRequest{owned}, inside(t)...)...)
		if !errors.Is(err, unix.EEXIST) && !errors.Is(err, unix.EPERM) {
			break
		}
	}
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EINVAL) {
		return t, err
	}
	// An old kernel, where a crash leaves the table behind: it is taken over.
	t.name = tableName
	create := func() *nl.NetlinkRequest {
		return t.request(unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE, text(unix.NFTA_TABLE_NAME, t.name))
	}
	return t, n.do(append([]*nl.NetlinkRequest{create(), t.remove(), create()}, inside(t)...)...)
}

// remove deletes the table.
func (t nftTable) remove() *nl.NetlinkRequest {
	return t.request(unix.NFT_MSG_DELTABLE, 0, text(unix.NFTA_TABLE_NAME, t.name))
}

// chain makes the chain, for packets at a hook (NF_INET_*).
func (t nftTable) chain(hook uint32) *nl.NetlinkRequest {
	const priority = chainPriority & 0xffffffff
	return t.request(unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE,
		text(unix.NFTA_CHAIN_TABLE, t.name), text(unix.NFTA_CHAIN_NAME, chainName), text(unix.NFTA_CHAIN_TYPE, "filter"),
		nested(unix.NFTA_CHAIN_HOOK, number(unix.NFTA_HOOK_HOOKNUM, hook), number(unix.NFTA_HOOK_PRIORITY, uint32(priority))))
}

// rule appends a rule to the chain.
func (t nftTable) rule(expressions ...*nl.RtAttr) *nl.NetlinkRequest {
	return t.request(unix.NFT_MSG_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_APPEND,
		text(unix.NFTA_RULE_TABLE, t.name), text(unix.NFTA_RULE_CHAIN, chainName),
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

// request is a request about the family of the table.
func (t nftTable) request(kind, flags int, attrs ...*nl.RtAttr) *nl.NetlinkRequest {
	r := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|kind, flags)
	r.AddData(&nl.Nfgenmsg{NfgenFamily: t.family, Version: nl.NFNETLINK_V0})
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
