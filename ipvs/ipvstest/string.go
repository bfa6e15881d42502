package ipvstest

import (
	"fmt"
	"strings"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/sched"
)

// String returns the table as "ipvsadm -S -n" writes it, but in the kernel's
// order, so that what a failing test prints can be typed. As there, thresholds
// and counters are not shown.
func (k *Kernel) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var b strings.Builder
	for _, s := range k.all() {
		name := serviceWords(s.ServiceKey)
		fmt.Fprintf(&b, "-A %s%s\n", name, serviceOptions(s.Service))
		for i := len(s.destinations) - 1; i >= 0; i-- {
			d := s.destinations[i]
			fmt.Fprintf(&b, "-a %s -r %s %s -w %d%s\n", name, d.Addr, forwardWord(d.Forward), d.Weight, tunnelWords(d.Destination))
		}
	}
	return b.String()
}

func serviceWords(key ipvs.ServiceKey) string {
	if key.FWMark != 0 {
		words := fmt.Sprintf("-f %d", key.FWMark)
		if key.Family == ipvs.IPv6 {
			words += " -6"
		}
		return words
	}
	option := "--xxx-service" // ipvsadm has no option for other protocols either
	switch key.Protocol {
	case ipvs.TCP:
		option = "-t"
	case ipvs.UDP:
		option = "-u"
	case ipvs.SCTP:
		option = "--sctp-service"
	}
	return option + " " + key.Addr.String()
}

func serviceOptions(s ipvs.Service) string {
	words := " -s " + s.Scheduler
	if s.Flags&ipvs.Persistent != 0 {
		words += fmt.Sprintf(" -p %d", s.Timeout/time.Second)
		if s.Netmask != ipvs.HostMask(s.Family) {
			words += " -M " + maskWord(s)
		}
	}
	if s.PE != "" {
		words += " --pe " + s.PE
	}
	if s.Flags&ipvs.OnePacket != 0 {
		words += " -o"
	}
	if names := sched.FlagNames(s.Scheduler, sched.Flags(s.Flags)); len(names) > 0 {
		words += " -b " + strings.Join(names, ",")
	}
	return words
}

func maskWord(s ipvs.Service) string {
	if s.Family == ipvs.IPv6 {
		return fmt.Sprint(s.Netmask)
	}
	return fmt.Sprintf("%d.%d.%d.%d", s.Netmask>>24, s.Netmask>>16&255, s.Netmask>>8&255, s.Netmask&255)
}

func forwardWord(f ipvs.Forward) string {
	switch f {
	case ipvs.Masq:
		return "-m"
	case ipvs.Tunnel:
		return "-i"
	case ipvs.Route, ipvs.LocalNode:
		return "-g"
	}
	return "(null)"
}

func tunnelWords(d ipvs.Destination) string {
	if d.Forward != ipvs.Tunnel {
		return ""
	}
	checksum := " --tun-nocsum"
	switch {
	case d.Tunnel.Flags&ipvs.TunnelRemCsum != 0 && d.Tunnel.Type == ipvs.GUE:
		checksum = " --tun-remcsum"
	case d.Tunnel.Flags&ipvs.TunnelCsum != 0:
		checksum = " --tun-csum"
	}
	switch d.Tunnel.Type {
	case ipvs.IPIP:
		return " --tun-type ipip"
	case ipvs.GUE:
		return fmt.Sprintf(" --tun-type gue --tun-port %d%s", d.Tunnel.Port, checksum)
	case ipvs.GRE:
		return " --tun-type gre" + checksum
	}
	return ""
}
