package rules

import (
	"strconv"

	"ipvsadm/ipvs"
)

// What follows the name of a real server in each layout.

func serverSettings(b []byte, d *ipvs.DestinationState, _ bool) []byte {
	b = appendWord(append(b, ' '), methodWord(d.Forward), 7)
	b = appendLeft(b, uint64(d.Weight), 6)
	return appendConns(b, d)
}

func serverTunnel(b []byte, d *ipvs.DestinationState, _ bool) []byte {
	b = appendWord(append(b, ' '), methodWord(d.Forward), 7)
	from := len(b)
	b = append(pad(appendTunnel(b, &d.Destination), from, 13), ' ')
	b = appendLeft(b, uint64(d.Weight), 6)
	return appendConns(b, d)
}

func serverThresholds(b []byte, d *ipvs.DestinationState, _ bool) []byte {
	b = appendLeft(append(b, ' '), uint64(d.Upper), 10)
	b = appendLeft(b, uint64(d.Lower), 10)
	return appendConns(b, d)
}

func serverPersistent(b []byte, d *ipvs.DestinationState, _ bool) []byte {
	b = appendLeft(append(b, ' '), uint64(d.Weight), 9)
	b = appendLeft(b, uint64(d.Persistent), 11)
	return appendConns(b, d)
}

func serverStats(b []byte, d *ipvs.DestinationState, exact bool) []byte {
	return appendTotals(b, &d.Stats, exact)
}

// serverRate differs from serviceRate: its first three numbers are never cut.
func serverRate(b []byte, d *ipvs.DestinationState, exact bool) []byte {
	for _, n := range [...]uint64{d.Stats.CPS, d.Stats.InPPS, d.Stats.OutPPS} {
		b = appendRight(append(b, ' '), n, 8)
	}
	b = appendCounter(b, d.Stats.InBPS, exact)
	return appendCounter(b, d.Stats.OutBPS, exact)
}

func serviceStats(b []byte, s *ipvs.ServiceState, exact bool) []byte {
	return appendTotals(padName(b), &s.Stats, exact)
}

func serviceRate(b []byte, s *ipvs.ServiceState, exact bool) []byte {
	b = padName(b)
	for _, n := range [...]uint64{s.Stats.CPS, s.Stats.InPPS, s.Stats.OutPPS, s.Stats.InBPS, s.Stats.OutBPS} {
		b = appendCounter(b, n, exact)
	}
	return b
}

// padName fills the column of a service's name, which stands at the start of b.
func padName(b []byte) []byte { return pad(b, 0, serviceBytes) }

func appendTotals(b []byte, s *ipvs.Stats, exact bool) []byte {
	for _, n := range [...]uint64{s.Conns, s.InPkts, s.OutPkts, s.InBytes, s.OutBytes} {
		b = appendCounter(b, n, exact)
	}
	return b
}

// appendConns adds the last two columns; the blanks after them are ipvsadm's.
func appendConns(b []byte, d *ipvs.DestinationState) []byte {
	b = appendLeft(b, uint64(d.Active), 10)
	from := len(b)
	return pad(strconv.AppendUint(b, uint64(d.Inactive), 10), from, 10)
}

// methodWord names a forwarding method. For those without a name ipvsadm prints
// what its C library makes of no string at all.
func methodWord(f ipvs.Forward) string {
	switch f {
	case ipvs.Masq:
		return "Masq"
	case ipvs.LocalNode:
		return "Local"
	case ipvs.Tunnel:
		return "Tunnel"
	case ipvs.Route:
		return "Route"
	}
	return noWord
}

const noWord = "(null)"

// appendTunnel adds type, port and checksum of a tunnel: gue:6080:+c.
func appendTunnel(b []byte, d *ipvs.Destination) []byte {
	if d.Forward == ipvs.Tunnel {
		switch d.Tunnel.Type {
		case ipvs.IPIP:
			return append(b, "ipip"...)
		case ipvs.GUE:
			b = strconv.AppendUint(append(b, "gue:"...), uint64(d.Tunnel.Port), 10)
			return append(append(b, ':'), checksumSign(d.Tunnel.Flags)...)
		case ipvs.GRE:
			return append(append(b, "gre:"...), checksumSign(d.Tunnel.Flags)...)
		}
	}
	return append(b, "n/a"...)
}

func checksumSign(f ipvs.TunnelFlags) string {
	switch {
	case f&ipvs.TunnelRemCsum != 0:
		return "r+c"
	case f&ipvs.TunnelCsum != 0:
		return "+c"
	}
	return "-c"
}
