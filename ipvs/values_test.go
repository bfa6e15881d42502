package ipvs

import (
	"net/netip"
	"time"

	"pgregory.net/rapid"
)

// Short ways to write values in tests, and generators of random ones.

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func tcp(addr string) ServiceKey  { return key(TCP, addr) }
func udp(addr string) ServiceKey  { return key(UDP, addr) }
func sctp(addr string) ServiceKey { return key(SCTP, addr) }

func key(p Protocol, addr string) ServiceKey {
	a := addrPort(addr)
	return ServiceKey{Family: FamilyOf(a.Addr()), Protocol: p, Addr: a}
}

func fwmark(f Family, mark uint32) ServiceKey { return ServiceKey{Family: f, FWMark: mark} }

// service is a plain one with a scheduler.
func service(k ServiceKey, scheduler string) Service {
	return Service{ServiceKey: k, Scheduler: scheduler, Netmask: HostMask(k.Family)}
}

// dest is a plain real server.
func dest(addr string, f Forward, weight uint32) Destination {
	return Destination{Addr: addrPort(addr), Forward: f, Weight: weight}
}

func tunnel(addr string, e Encapsulation) Destination {
	d := dest(addr, Tunnel, 1)
	d.Tunnel = e
	return d
}

func genAddr(f Family) *rapid.Generator[netip.Addr] {
	return rapid.Custom(func(t *rapid.T) netip.Addr {
		raw := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address")
		if f == IPv6 {
			return netip.AddrFrom16([16]byte(raw))
		}
		return netip.AddrFrom4([4]byte(raw))
	})
}

func genFamily() *rapid.Generator[Family] { return rapid.SampledFrom([]Family{IPv4, IPv6}) }

func genAddrPort(f Family) *rapid.Generator[netip.AddrPort] {
	return rapid.Custom(func(t *rapid.T) netip.AddrPort {
		return netip.AddrPortFrom(genAddr(f).Draw(t, "host"), rapid.Uint16().Draw(t, "port"))
	})
}

func genKey() *rapid.Generator[ServiceKey] {
	return rapid.Custom(func(t *rapid.T) ServiceKey {
		f := genFamily().Draw(t, "family")
		if rapid.Bool().Draw(t, "by mark") {
			return fwmark(f, rapid.Uint32Min(1).Draw(t, "mark"))
		}
		return ServiceKey{Family: f, Protocol: Protocol(rapid.Uint16().Draw(t, "protocol")), Addr: genAddrPort(f).Draw(t, "address")}
	})
}

func genSeconds() *rapid.Generator[time.Duration] {
	return rapid.Map(rapid.Uint32(), func(s uint32) time.Duration { return time.Duration(s) * time.Second })
}

// genService makes any service that can be written and read back as it is:
// with a scheduler, without Hashed.
func genService() *rapid.Generator[Service] {
	return rapid.Custom(func(t *rapid.T) Service {
		return Service{
			ServiceKey: genKey().Draw(t, "key"),
			Scheduler:  rapid.StringMatching(`[a-z]{1,15}`).Draw(t, "scheduler"),
			Flags:      ServiceFlags(rapid.Uint32().Draw(t, "flags")) &^ Hashed,
			Timeout:    genSeconds().Draw(t, "timeout"),
			Netmask:    rapid.Uint32().Draw(t, "netmask"),
			PE:         rapid.StringMatching(`[a-z]{0,16}`).Draw(t, "pe"),
		}
	})
}

func genDestination() *rapid.Generator[Destination] {
	return rapid.Custom(func(t *rapid.T) Destination {
		return Destination{
			Addr:    genAddrPort(genFamily().Draw(t, "family")).Draw(t, "address"),
			Forward: Forward(rapid.Uint32Max(7).Draw(t, "forward")),
			Weight:  rapid.Uint32().Draw(t, "weight"),
			Upper:   rapid.Uint32().Draw(t, "upper"),
			Lower:   rapid.Uint32().Draw(t, "lower"),
			Tunnel: Encapsulation{
				Type:  TunnelType(rapid.Byte().Draw(t, "tunnel")),
				Port:  rapid.Uint16().Draw(t, "tunnel port"),
				Flags: TunnelFlags(rapid.Uint16().Draw(t, "tunnel flags")),
			},
		}
	})
}

func genDaemon() *rapid.Generator[Daemon] {
	return rapid.Custom(func(t *rapid.T) Daemon {
		d := Daemon{
			State:     rapid.SampledFrom([]DaemonState{Master, Backup}).Draw(t, "state"),
			Interface: rapid.StringMatching(`[a-z0-9.]{1,15}`).Draw(t, "interface"),
			SyncID:    rapid.Uint32().Draw(t, "syncid"),
			MaxLen:    rapid.Uint16().Draw(t, "maxlen"),
			Port:      rapid.Uint16().Draw(t, "port"),
			TTL:       rapid.Byte().Draw(t, "ttl"),
		}
		if rapid.Bool().Draw(t, "with group") {
			d.Group = genAddr(genFamily().Draw(t, "family")).Draw(t, "group")
		}
		return d
	})
}

// genOp makes any operation.
func genOp() *rapid.Generator[Op] {
	return rapid.Custom(func(t *rapid.T) Op {
		switch rapid.IntRange(0, 10).Draw(t, "op") {
		case 0:
			return AddService{genService().Draw(t, "service")}
		case 1:
			return EditService{genService().Draw(t, "service")}
		case 2:
			return DeleteService{genKey().Draw(t, "service")}
		case 3:
			return AddDestination{genKey().Draw(t, "service"), genDestination().Draw(t, "destination")}
		case 4:
			return EditDestination{genKey().Draw(t, "service"), genDestination().Draw(t, "destination")}
		case 5:
			return DeleteDestination{genKey().Draw(t, "service"), genAddrPort(genFamily().Draw(t, "family")).Draw(t, "address")}
		case 6:
			return Flush{}
		case 7:
			return Zero{genKey().Draw(t, "service")}
		case 8:
			return SetTimeouts{Timeouts{genSeconds().Draw(t, "tcp"), genSeconds().Draw(t, "fin"), genSeconds().Draw(t, "udp")}}
		case 9:
			return StartDaemon{genDaemon().Draw(t, "daemon")}
		default:
			return StopDaemon{rapid.SampledFrom([]DaemonState{Master, Backup}).Draw(t, "state")}
		}
	})
}
