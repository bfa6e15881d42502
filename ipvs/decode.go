package ipvs

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// find returns the last attribute of a type, nil if there is none.
func find(b []byte, typ uint16) ([]byte, error) {
	var found []byte
	a := attrs{rest: b}
	for a.next() {
		if a.typ == typ {
			found = a.value
		}
	}
	return found, a.err
}

// decodeService reads an answer that carries a service. last is the service
// read before it, whose strings are used again where they are the same.
func decodeService(b []byte, last *Service) (ServiceState, error) {
	var (
		s              ServiceState
		port           uint16
		addr, netmask  []byte
		stats, stats64 []byte
	)
	nest, err := find(b, attrService)
	if err != nil {
		return s, err
	}
	a := attrs{rest: nest}
	for a.next() {
		switch a.typ {
		case svcFamily:
			s.Family = Family(a.u16())
		case svcProtocol:
			s.Protocol = Protocol(a.u16())
		case svcAddr:
			addr = a.value
		case svcPort:
			port = a.be16()
		case svcFWMark:
			s.FWMark = a.u32()
		case svcSched:
			s.Scheduler = a.text(last.Scheduler)
		case svcFlags:
			s.Flags = ServiceFlags(a.u32())
		case svcTimeout:
			s.Timeout = time.Duration(a.u32()) * time.Second
		case svcNetmask:
			netmask = a.bytes(4)
		case svcStats:
			stats = a.value
		case svcPE:
			s.PE = a.text(last.PE)
		case svcStats64:
			stats64 = a.value
		}
	}
	if a.err != nil {
		return s, a.err
	}
	if s.FWMark != 0 {
		s.Protocol = 0
	} else {
		ip, err := address(s.Family, addr)
		if err != nil {
			return s, err
		}
		s.Addr = netip.AddrPortFrom(ip, port)
	}
	switch {
	case netmask == nil:
	case s.Family == IPv6:
		s.Netmask = binary.NativeEndian.Uint32(netmask)
	default:
		s.Netmask = binary.BigEndian.Uint32(netmask)
	}
	s.Stats, err = decodeStats(stats, stats64)
	return s, err
}

// decodeDestination reads an answer that carries a real server of a service of
// the given family: kernels before 3.18 do not tell a real server's own.
func decodeDestination(b []byte, service Family) (DestinationState, error) {
	var (
		d              DestinationState
		family         Family
		port           uint16
		addr           []byte
		stats, stats64 []byte
	)
	nest, err := find(b, attrDest)
	if err != nil {
		return d, err
	}
	a := attrs{rest: nest}
	for a.next() {
		switch a.typ {
		case destAddr:
			addr = a.value
		case destPort:
			port = a.be16()
		case destForward:
			d.Forward = Forward(a.u32()) & forwardMask
		case destWeight:
			d.Weight = a.u32()
		case destUpper:
			d.Upper = a.u32()
		case destLower:
			d.Lower = a.u32()
		case destActive:
			d.Active = a.u32()
		case destInactive:
			d.Inactive = a.u32()
		case destPersistent:
			d.Persistent = a.u32()
		case destStats:
			stats = a.value
		case destFamily:
			family = Family(a.u16())
		case destStats64:
			stats64 = a.value
		case destTunType:
			d.Tunnel.Type = TunnelType(a.u8())
		case destTunPort:
			d.Tunnel.Port = a.be16()
		case destTunFlags:
			d.Tunnel.Flags = TunnelFlags(a.u16())
		}
	}
	if a.err != nil {
		return d, a.err
	}
	if family == 0 {
		family = service
	}
	ip, err := address(family, addr)
	if err != nil {
		return d, err
	}
	d.Addr = netip.AddrPortFrom(ip, port)
	d.Stats, err = decodeStats(stats, stats64)
	return d, err
}

// decodeStats reads the 64-bit counters, or the 32-bit ones of a kernel that
// has no others.
func decodeStats(narrow, wide []byte) (Stats, error) {
	var s Stats
	if wide == nil {
		wide = narrow
	}
	a := attrs{rest: wide}
	for a.next() {
		switch a.typ {
		case statsConns:
			s.Conns = a.count()
		case statsInPkts:
			s.InPkts = a.count()
		case statsOutPkts:
			s.OutPkts = a.count()
		case statsInBytes:
			s.InBytes = a.count()
		case statsOutBytes:
			s.OutBytes = a.count()
		case statsCPS:
			s.CPS = a.count()
		case statsInPPS:
			s.InPPS = a.count()
		case statsOutPPS:
			s.OutPPS = a.count()
		case statsInBPS:
			s.InBPS = a.count()
		case statsOutBPS:
			s.OutBPS = a.count()
		}
	}
	return s, a.err
}

// decodeDaemon reads an answer that carries a synchronisation daemon.
func decodeDaemon(b []byte) (Daemon, error) {
	var d Daemon
	nest, err := find(b, attrDaemon)
	if err != nil {
		return d, err
	}
	a := attrs{rest: nest}
	for a.next() {
		switch a.typ {
		case daemonState:
			d.State = DaemonState(a.u32())
		case daemonInterface:
			d.Interface = a.text("")
		case daemonSyncID:
			d.SyncID = a.u32()
		case daemonMaxLen:
			d.MaxLen = a.u16()
		case daemonGroup:
			d.Group = netip.AddrFrom4([4]byte(a.bytes(4)))
		case daemonGroup6:
			d.Group = netip.AddrFrom16([16]byte(a.bytes(16)))
		case daemonPort:
			d.Port = a.u16()
		case daemonTTL:
			d.TTL = a.u8()
		}
	}
	if a.err == nil && d.State == 0 {
		return d, errMalformed
	}
	return d, a.err
}

// decodeTimeouts reads the answer to ReqGetConfig.
func decodeTimeouts(b []byte) (Timeouts, error) {
	var t Timeouts
	a := attrs{rest: b}
	for a.next() {
		switch a.typ {
		case attrTimeoutTCP:
			t.TCP = time.Duration(a.u32()) * time.Second
		case attrTimeoutTCPFin:
			t.TCPFin = time.Duration(a.u32()) * time.Second
		case attrTimeoutUDP:
			t.UDP = time.Duration(a.u32()) * time.Second
		}
	}
	return t, a.err
}

// decodeInfo reads the answer to ReqGetInfo.
func decodeInfo(b []byte) (Info, error) {
	var i Info
	a := attrs{rest: b}
	for a.next() {
		switch a.typ {
		case infoVersion:
			i.Version = a.u32()
		case infoTableSize:
			i.ConnTableSize = a.u32()
		}
	}
	return i, a.err
}
