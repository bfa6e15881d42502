package rules

import (
	"net/netip"
	"strconv"

	"ipvsadm/ipvs"
)

// save prints the table as the commands that make it. Unlike 1.31 it writes no
// name that restore would not read back as the same address or port.
func (s *session) save(numeric bool) int {
	table, err := s.kernel.Table(ipvs.Query{Detail: ipvs.WithTunnels})
	if err != nil {
		return s.listFailed(err)
	}
	sortTable(table)
	text := s.addressText(numeric)
	text.readBack = map[netip.Addr]string{}
	text.prefetch(table)
	var name []byte
	for i := range table {
		e := &table[i]
		name = text.appendServiceOption(name[:0], &e.ServiceKey)
		s.out.Write(appendAddService(s.out.AvailableBuffer(), name, &e.Service))
		for j := range e.Destinations {
			d := &e.Destinations[j].Destination
			b := append(append(s.out.AvailableBuffer(), "-a "...), name...)
			b = text.append(append(b, " -r "...), d.Addr, e.Protocol)
			s.out.Write(appendServerOptions(b, d))
		}
	}
	return exitOK
}

// appendServiceOption adds the option that names a service.
func (t addressText) appendServiceOption(b []byte, k *ipvs.ServiceKey) []byte {
	if k.FWMark != 0 {
		b = strconv.AppendUint(append(b, "-f "...), uint64(k.FWMark), 10)
		if k.Family == ipvs.IPv6 {
			b = append(b, " -6"...)
		}
		return b
	}
	switch k.Protocol {
	case ipvs.TCP:
		b = append(b, "-t "...)
	case ipvs.UDP:
		b = append(b, "-u "...)
	case ipvs.SCTP:
		b = append(b, "--sctp-service "...)
	default: // balanced by no kernel, restorable by no ipvsadm
		b = append(b, "--xxx-service "...)
	}
	return t.append(b, k.Addr, k.Protocol)
}

// appendAddService adds the line that adds a service with the given name.
func appendAddService(b, name []byte, s *ipvs.Service) []byte {
	b = append(append(b, "-A "...), name...)
	b = append(append(b, " -s "...), s.Scheduler...)
	if s.Flags&ipvs.Persistent != 0 {
		b = strconv.AppendInt(append(b, " -p "...), seconds(s.Timeout), 10)
		if s.Netmask != ipvs.HostMask(s.Family) {
			b = appendNetmask(append(b, " -M "...), s)
		}
	}
	if s.PE != "" {
		b = append(append(b, " --pe "...), s.PE...)
	}
	if s.Flags&ipvs.OnePacket != 0 {
		b = append(b, " -o"...)
	}
	if s.Flags&ipvs.SchedFlags != 0 {
		b = appendFlags(append(b, " -b "...), s.Scheduler, s.Flags)
	}
	return append(b, '\n')
}

// appendServerOptions adds what follows a real server's address.
func appendServerOptions(b []byte, d *ipvs.Destination) []byte {
	b = append(append(b, ' '), methodOption(d.Forward)...)
	b = strconv.AppendUint(append(b, " -w "...), uint64(d.Weight), 10)
	if d.Forward == ipvs.Tunnel {
		b = appendTunnelOptions(b, d.Tunnel)
	}
	return append(b, '\n')
}

func methodOption(f ipvs.Forward) string {
	switch f {
	case ipvs.Masq:
		return "-m"
	case ipvs.Tunnel:
		return "-i"
	case ipvs.Route, ipvs.LocalNode:
		return "-g"
	}
	return noWord
}

// appendTunnelOptions adds the options of a tunnel that can be given on the
// command line; the kernel stores others too.
func appendTunnelOptions(b []byte, t ipvs.Encapsulation) []byte {
	switch t.Type {
	case ipvs.IPIP:
		return append(b, " --tun-type ipip"...)
	case ipvs.GUE:
		b = strconv.AppendUint(append(b, " --tun-type gue --tun-port "...), uint64(t.Port), 10)
		if t.Flags&ipvs.TunnelRemCsum != 0 {
			return append(b, " --tun-remcsum"...)
		}
	case ipvs.GRE:
		b = append(b, " --tun-type gre"...)
	default:
		return b
	}
	if t.Flags&ipvs.TunnelCsum != 0 {
		return append(b, " --tun-csum"...)
	}
	return append(b, " --tun-nocsum"...)
}
