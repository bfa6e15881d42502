package ipvs

import moby "github.com/moby/ipvs"

// The generic netlink interface of IPVS, version 1, as include/uapi/linux/ip_vs.h
// defines it. The commands are the values of Request.
const (
	genlName    = "IPVS"
	genlVersion = 1
)

// Attributes of the top level (IPVS_CMD_ATTR_*).
const (
	attrService = iota + 1
	attrDest
	attrDaemon
	attrTimeoutTCP
	attrTimeoutTCPFin
	attrTimeoutUDP
)

// Attributes inside attrService (IPVS_SVC_ATTR_*).
const (
	svcFamily   = iota + 1 // u16
	svcProtocol            // u16
	svcAddr                // 16 bytes, IPv4 in the first four
	svcPort                // u16, network order
	svcFWMark              // u32
	svcSched               // string
	svcFlags               // u32 flags, u32 mask
	svcTimeout             // u32, seconds
	svcNetmask             // u32: network order mask for IPv4, prefix length for IPv6
	svcStats               // nested, 32-bit
	svcPE                  // string
	svcStats64             // nested
)

// Attributes inside attrDest (IPVS_DEST_ATTR_*).
const (
	destAddr       = iota + 1 // 16 bytes, IPv4 in the first four
	destPort                  // u16, network order
	destForward               // u32
	destWeight                // u32
	destUpper                 // u32
	destLower                 // u32
	destActive                // u32
	destInactive              // u32
	destPersistent            // u32
	destStats                 // nested, 32-bit
	destFamily                // u16, since Linux 3.18
	destStats64               // nested, since Linux 4.1
	destTunType               // u8, since Linux 5.2
	destTunPort               // u16, network order
	destTunFlags              // u16, since Linux 5.3
)

// forwardMask keeps the forwarding method apart from the flags with which the
// kernel stores it (IP_VS_CONN_F_FWD_MASK).
const forwardMask = moby.ConnFwdMask

// Attributes inside attrDaemon (IPVS_DAEMON_ATTR_*).
const (
	daemonState     = iota + 1 // u32
	daemonInterface            // string
	daemonSyncID               // u32
	daemonMaxLen               // u16, since Linux 4.3 as all that follow
	daemonGroup                // 4 bytes
	daemonGroup6               // 16 bytes
	daemonPort                 // u16, host order
	daemonTTL                  // u8
)

// Attributes of the answer to ReqGetInfo (IPVS_INFO_ATTR_*).
const (
	infoVersion   = iota + 1 // u32
	infoTableSize            // u32
)

// Attributes inside svcStats, svcStats64, destStats and destStats64
// (IPVS_STATS_ATTR_*). Bytes are 64 bits wide in all four, the rest only in the
// 64s.
const (
	statsConns = iota + 1
	statsInPkts
	statsOutPkts
	statsInBytes
	statsOutBytes
	statsCPS
	statsInPPS
	statsOutPPS
	statsInBPS
	statsOutBPS
)
