package check

import (
	"fmt"
	"net/netip"

	"ipvsadm/ipvs"
)

// opLine is the ipvsadm command that does the same as an operation, for the log.
func opLine(op ipvs.Op) string {
	switch op := op.(type) {
	case ipvs.AddService:
		return "-A " + serviceWords(op.Service)
	case ipvs.EditService:
		return "-E " + serviceWords(op.Service)
	case ipvs.DeleteService:
		return "-D " + keyWords(op.Service)
	case ipvs.AddDestination:
		return "-a " + keyWords(op.Service) + " " + destinationWords(op.Destination)
	case ipvs.EditDestination:
		return "-e " + keyWords(op.Service) + " " + destinationWords(op.Destination)
	case ipvs.DeleteDestination:
		return "-d " + keyWords(op.Service) + " -r " + addrWords(op.Addr)
	case ipvs.Flush:
		return "-C"
	case ipvs.SetTimeouts:
		t := op.Timeouts
		return fmt.Sprintf("--set %g %g %g", t.TCP.Seconds(), t.TCPFin.Seconds(), t.UDP.Seconds())
	}
	return fmt.Sprintf("%+v", op)
}

func keyWords(k ipvs.ServiceKey) string {
	if k.FWMark != 0 {
		if k.Family == ipvs.IPv6 {
			return fmt.Sprintf("-f %d -6", k.FWMark)
		}
		return fmt.Sprintf("-f %d", k.FWMark)
	}
	option := map[ipvs.Protocol]string{ipvs.TCP: "-t", ipvs.UDP: "-u", ipvs.SCTP: "--sctp-service"}[k.Protocol]
	return option + " " + addrWords(k.Addr)
}

// addrWords writes port 0 too: it is the service for all ports.
func addrWords(a netip.AddrPort) string { return a.String() }

func serviceWords(s ipvs.Service) string {
	words := keyWords(s.ServiceKey) + " -s " + s.Scheduler
	if s.Flags&ipvs.Persistent != 0 {
		words += fmt.Sprintf(" -p %g", s.Timeout.Seconds())
		switch full := ipvs.HostMask(s.Family); {
		case s.Netmask == full:
		case s.Family == ipvs.IPv6:
			words += fmt.Sprintf(" -M %d", s.Netmask)
		default:
			n := s.Netmask
			words += " -M " + netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String()
		}
	}
	if s.PE != "" {
		words += " --pe " + s.PE
	}
	if s.Flags&ipvs.OnePacket != 0 {
		words += " -o"
	}
	if flags := s.Flags & ipvs.SchedFlags; flags != 0 {
		option := " -b "
		for i, f := range []ipvs.ServiceFlags{ipvs.SchedFlag1, ipvs.SchedFlag2, ipvs.SchedFlag3} {
			if flags&f != 0 {
				words += fmt.Sprintf("%sflag-%d", option, i+1)
				option = ","
			}
		}
	}
	return words
}

func destinationWords(d ipvs.Destination) string {
	words := "-r " + addrWords(d.Addr)
	switch d.Forward {
	case ipvs.Masq:
		words += " -m"
	case ipvs.Tunnel:
		words += " -i"
		switch d.Tunnel.Type {
		case ipvs.GUE:
			words += fmt.Sprintf(" --tun-type gue --tun-port %d", d.Tunnel.Port)
		case ipvs.GRE:
			words += " --tun-type gre"
		}
		switch {
		case d.Tunnel.Type == ipvs.IPIP:
		case d.Tunnel.Flags&ipvs.TunnelCsum != 0:
			words += " --tun-csum"
		case d.Tunnel.Flags&ipvs.TunnelRemCsum != 0:
			words += " --tun-remcsum"
		}
	default:
		words += " -g"
	}
	words += fmt.Sprintf(" -w %d", d.Weight)
	if d.Upper != 0 || d.Lower != 0 {
		words += fmt.Sprintf(" -x %d -y %d", d.Upper, d.Lower)
	}
	return words
}
