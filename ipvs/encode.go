package ipvs

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// appendOp appends the body of an operation's request: the attributes, in the
// order in which ipvsadm sends them. The error is a syscall.Errno, the one with
// which the kernel refuses such values when they get that far.
func appendOp(b []byte, op Op) ([]byte, error) {
	switch op := op.(type) {
	case AddService:
		return appendService(b, &op.Service)
	case *AddService:
		return appendService(b, &op.Service)
	case EditService:
		return appendService(b, &op.Service)
	case DeleteService:
		return appendServiceKey(b, &op.Service)
	case AddDestination:
		return appendServiceAndDest(b, &op.Service, &op.Destination)
	case *AddDestination:
		return appendServiceAndDest(b, &op.Service, &op.Destination)
	case EditDestination:
		return appendServiceAndDest(b, &op.Service, &op.Destination)
	case DeleteDestination:
		b, err := appendServiceKey(b, &op.Service)
		if err != nil {
			return b, err
		}
		return appendDestKey(b, op.Addr)
	case Flush:
		return b, nil
	case Zero:
		if op.Service == (ServiceKey{}) {
			return b, nil
		}
		return appendServiceKey(b, &op.Service)
	case SetTimeouts:
		return appendTimeouts(b, op.Timeouts)
	case StartDaemon:
		return appendDaemon(b, &op.Daemon)
	case StopDaemon:
		return appendDaemon(b, &Daemon{State: op.State})
	case nil:
		return b, syscall.EOPNOTSUPP
	default: // a pointer: the set is closed
		return appendOp(b, op.value())
	}
}

// RequestOf returns the request that carries an operation.
func RequestOf(op Op) Request {
	switch op.(type) {
	case AddService, *AddService:
		return ReqNewService
	case EditService:
		return ReqSetService
	case DeleteService:
		return ReqDelService
	case AddDestination, *AddDestination:
		return ReqNewDest
	case EditDestination:
		return ReqSetDest
	case DeleteDestination:
		return ReqDelDest
	case Flush:
		return ReqFlush
	case Zero:
		return ReqZero
	case SetTimeouts:
		return ReqSetConfig
	case StartDaemon:
		return ReqNewDaemon
	case StopDaemon:
		return ReqDelDaemon
	case nil:
		return 0
	default: // a pointer
		return RequestOf(op.value())
	}
}

func appendServiceKey(b []byte, k *ServiceKey) ([]byte, error) {
	b, nest := beginNest(b, attrService)
	b, err := appendServiceKeyAttrs(b, k)
	endNest(b, nest)
	return b, err
}

func appendServiceKeyAttrs(b []byte, k *ServiceKey) ([]byte, error) {
	b = appendU16(b, svcFamily, uint16(k.Family))
	if k.FWMark != 0 {
		return appendU32(b, svcFWMark, k.FWMark), nil
	}
	if FamilyOf(k.Addr.Addr()) != k.Family {
		return b, syscall.EAFNOSUPPORT
	}
	b = appendU16(b, svcProtocol, uint16(k.Protocol))
	b = appendAddr(b, svcAddr, k.Addr.Addr())
	return appendBE16(b, svcPort, k.Addr.Port()), nil
}

func appendService(b []byte, s *Service) ([]byte, error) {
	timeout, err := seconds(s.Timeout)
	if err != nil || !isName(s.Scheduler) || !isName(s.PE) {
		return b, syscall.EINVAL
	}
	b, nest := beginNest(b, attrService)
	b, err = appendServiceKeyAttrs(b, &s.ServiceKey)
	if err != nil {
		return b, err
	}
	scheduler := s.Scheduler
	if scheduler == "" {
		scheduler = "none"
	}
	b = appendString(b, svcSched, scheduler)
	if s.PE != "" { // without it an edit takes the engine away
		b = appendString(b, svcPE, s.PE)
	}
	// The mask says that all flags are meant. A service added with Hashed set
	// would never be found (ip_vs_svc_hash).
	b = appendAttrHeader(b, svcFlags, 8)
	b = binary.NativeEndian.AppendUint32(b, uint32(s.Flags&^Hashed))
	b = binary.NativeEndian.AppendUint32(b, math.MaxUint32)
	b = appendU32(b, svcTimeout, timeout)
	if s.Family == IPv6 {
		b = appendU32(b, svcNetmask, s.Netmask)
	} else {
		b = appendBE32(b, svcNetmask, s.Netmask)
	}
	endNest(b, nest)
	return b, nil
}

func appendServiceAndDest(b []byte, k *ServiceKey, d *Destination) ([]byte, error) {
	b, err := appendServiceKey(b, k)
	if err != nil {
		return b, err
	}
	b, nest := beginNest(b, attrDest)
	b, err = appendDestKeyAttrs(b, d.Addr)
	b = appendU32(b, destForward, uint32(d.Forward))
	b = appendU32(b, destWeight, d.Weight)
	b = appendU8(b, destTunType, uint8(d.Tunnel.Type))
	b = appendBE16(b, destTunPort, d.Tunnel.Port)
	b = appendU16(b, destTunFlags, uint16(d.Tunnel.Flags))
	b = appendU32(b, destUpper, d.Upper)
	b = appendU32(b, destLower, d.Lower)
	endNest(b, nest)
	return b, err
}

func appendDestKey(b []byte, a netip.AddrPort) ([]byte, error) {
	b, nest := beginNest(b, attrDest)
	b, err := appendDestKeyAttrs(b, a)
	endNest(b, nest)
	return b, err
}

func appendDestKeyAttrs(b []byte, a netip.AddrPort) ([]byte, error) {
	family := FamilyOf(a.Addr())
	if family == 0 {
		return b, syscall.EAFNOSUPPORT
	}
	b = appendU16(b, destFamily, uint16(family))
	b = appendAddr(b, destAddr, a.Addr())
	return appendBE16(b, destPort, a.Port()), nil
}

func appendTimeouts(b []byte, t Timeouts) ([]byte, error) {
	for i, d := range [...]time.Duration{t.TCP, t.TCPFin, t.UDP} {
		v, err := seconds(d)
		if err != nil {
			return b, err
		}
		b = appendU32(b, uint16(attrTimeoutTCP+i), v)
	}
	return b, nil
}

// appendDaemon leaves out what is zero, which leaves it to the kernel.
func appendDaemon(b []byte, d *Daemon) ([]byte, error) {
	if !isName(d.Interface) {
		return b, syscall.EINVAL
	}
	b, nest := beginNest(b, attrDaemon)
	b = appendU32(b, daemonState, uint32(d.State))
	b = appendString(b, daemonInterface, d.Interface)
	b = appendU32(b, daemonSyncID, d.SyncID)
	if d.MaxLen != 0 {
		b = appendU16(b, daemonMaxLen, d.MaxLen)
	}
	if d.Port != 0 {
		b = appendU16(b, daemonPort, d.Port)
	}
	if d.TTL != 0 {
		b = appendU8(b, daemonTTL, d.TTL)
	}
	switch {
	case d.Group.Is4():
		v4 := d.Group.As4()
		b = appendAttr(b, daemonGroup, v4[:])
	case d.Group.Is6():
		v6 := d.Group.As16()
		b = appendAttr(b, daemonGroup6, v6[:])
	}
	endNest(b, nest)
	return b, nil
}

// seconds returns d in whole seconds, EINVAL if it is negative or too long for
// the 32 bits the kernel has for it.
func seconds(d time.Duration) (uint32, error) {
	s := d / time.Second
	if d < 0 || s > math.MaxUint32 {
		return 0, syscall.EINVAL
	}
	return uint32(s), nil
}

// isName says whether the kernel can be asked what it thinks of a name: one
// with a NUL inside it would take for another.
func isName(s string) bool {
	return len(s) < 256 && strings.IndexByte(s, 0) < 0
}
