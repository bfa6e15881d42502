package rules

import (
	"errors"
	"net/netip"
	"strings"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/sched"
)

// draft is a Command in the making: what the options so far have said. The
// meaning of an option may depend on those before it, as -r takes its port from
// a -t that went before.
type draft struct {
	names Names

	verb  verb
	given optionSet

	service         ipvs.Service
	schedFlagsWords string

	server   ipvs.Destination
	timeouts ipvs.Timeouts
	daemon   ipvs.Daemon

	replace   Replace
	drainTime time.Duration
	interval  time.Duration // of --watch
	count     uint32

	// The changes that come in great numbers, in memory for every line.
	newService ipvs.AddService
	newServer  ipvs.AddDestination
}

func newDraft(names Names) draft {
	return draft{
		names:   names,
		service: ipvs.Service{Netmask: ipvs.HostMask(ipvs.IPv4)},
		server:  ipvs.Destination{Forward: ipvs.Route, Weight: 1},
	}
}

func (d *draft) tcpService(value string) error  { return d.serviceAddress(value, ipvs.TCP) }
func (d *draft) udpService(value string) error  { return d.serviceAddress(value, ipvs.UDP) }
func (d *draft) sctpService(value string) error { return d.serviceAddress(value, ipvs.SCTP) }

func (d *draft) serviceAddress(value string, p ipvs.Protocol) error {
	e, ok := parseEndpoint(value, p, d.names)
	if !ok {
		return invalid("illegal virtual server address[:port] specified")
	}
	d.service.ServiceKey = ipvs.ServiceKey{
		Family:   ipvs.FamilyOf(e.addr),
		Protocol: p,
		Addr:     netip.AddrPortFrom(e.addr, e.port),
	}
	if d.service.Family == ipvs.IPv6 {
		d.service.Netmask = ipvs.HostMask(ipvs.IPv6) // an earlier -M is lost
	}
	return nil
}

func (d *draft) fwmarkService(value string) error {
	mark, ok := parseMark(value)
	if !ok {
		return invalid("invalid fwmark value `" + value + "' specified")
	}
	d.service.ServiceKey = ipvs.ServiceKey{Family: ipvs.IPv4, FWMark: mark}
	return nil
}

func (d *draft) ipv6(string) error {
	if d.service.FWMark == 0 {
		return invalid("-6 used before -f\n")
	}
	d.service.Family = ipvs.IPv6
	d.service.Netmask = ipvs.HostMask(ipvs.IPv6)
	return nil
}

func (d *draft) scheduler(value string) error {
	d.service.Scheduler = truncate(value, 15)
	return nil
}

// schedulerFlags keeps the words until the scheduler is known.
func (d *draft) schedulerFlags(value string) error {
	d.schedFlagsWords = truncate(value, 127)
	return nil
}

func (d *draft) interpretSchedulerFlags() error {
	scheduler := d.service.Scheduler
	if scheduler == "" {
		scheduler = defaultScheduler
	}
	for word := range strings.SplitSeq(d.schedFlagsWords, ",") {
		if word == "" {
			continue
		}
		flag, err := sched.ParseFlag(scheduler, word)
		switch {
		case errors.Is(err, sched.ErrOtherScheduler):
			return invalid("incompatible scheduler flag `" + word + "'")
		case err != nil:
			return invalid("invalid scheduler flag `" + word + "'")
		}
		d.service.Flags |= ipvs.ServiceFlags(flag)
	}
	return nil
}

func (d *draft) persistent(value string) error {
	seconds, ok := parseNumber(value, 1, maxTimeout)
	if !ok {
		return invalidTimeout(value)
	}
	d.service.Flags |= ipvs.Persistent
	d.service.Timeout = time.Duration(seconds) * time.Second
	return nil
}

func (d *draft) persistenceMask(value string) error {
	var ok bool
	if d.service.Family == ipvs.IPv6 {
		if d.service.Netmask, ok = parsePrefixLen(value); !ok {
			return invalid("illegal ipv6 netmask specified")
		}
		return nil
	}
	if d.service.Netmask, ok = parseMask(value, d.names); !ok {
		return invalid("illegal virtual server persistent mask specified")
	}
	return nil
}

func (d *draft) engine(value string) error {
	d.service.PE = truncate(value, 16)
	return nil
}

func (d *draft) onePacket(string) error {
	d.service.Flags |= ipvs.OnePacket
	return nil
}

// realServer reads -r by the rules of the service option before it, if there was
// one: its protocol's names of ports, and its port where none is given.
func (d *draft) realServer(value string) error {
	p := d.service.Protocol
	if d.service.FWMark != 0 {
		p = ipvs.TCP
	}
	e, ok := parseEndpoint(value, p, d.names)
	if !ok {
		return invalid("illegal real server address[:port] specified")
	}
	if !e.hasPort {
		e.port = d.service.Addr.Port()
	}
	d.server.Addr = netip.AddrPortFrom(e.addr, e.port)
	return nil
}

func (d *draft) route(string) error      { return d.forward(ipvs.Route) }
func (d *draft) tunnel(string) error     { return d.forward(ipvs.Tunnel) }
func (d *draft) masquerade(string) error { return d.forward(ipvs.Masq) }

func (d *draft) forward(f ipvs.Forward) error {
	d.server.Forward = f
	return nil
}

func (d *draft) serverWeight(value string) error {
	return number(value, 0, maxInt, &d.server.Weight, "illegal weight specified")
}

func (d *draft) upperThreshold(value string) error {
	return number(value, 0, maxInt, &d.server.Upper, "illegal u_threshold specified")
}

func (d *draft) lowerThreshold(value string) error {
	return number(value, 0, maxInt, &d.server.Lower, "illegal l_threshold specified")
}

func (d *draft) tunnelType(value string) error {
	switch value {
	case "ipip":
		d.server.Tunnel.Type = ipvs.IPIP
	case "gue":
		d.server.Tunnel.Type = ipvs.GUE
	case "gre":
		d.server.Tunnel.Type = ipvs.GRE
	default:
		return invalid("illegal tunnel type specified")
	}
	return nil
}

func (d *draft) tunnelPort(value string) error {
	return number(value, 1, maxPort, &d.server.Tunnel.Port, "illegal tunnel port specified")
}

// setTimeouts reads the three words after --set.
func (d *draft) setTimeouts(words []string) error {
	if len(words) < 3 {
		return invalid("--set option requires 3 timeout values")
	}
	for i, t := range []*time.Duration{&d.timeouts.TCP, &d.timeouts.TCPFin, &d.timeouts.UDP} {
		seconds, ok := parseNumber(words[i], 0, maxTimeout)
		if !ok {
			return invalidTimeout(words[i])
		}
		*t = time.Duration(seconds) * time.Second
	}
	return nil
}

func invalidTimeout(value string) error {
	return invalid("invalid timeout value `" + value + "' specified")
}

func (d *draft) startDaemon(value string) error {
	return d.daemonState(value, "illegal start-daemon parameter specified")
}

func (d *draft) stopDaemon(value string) error {
	return d.daemonState(value, "illegal start_daemon specified")
}

func (d *draft) daemonState(value, complaint string) error {
	switch value {
	case "master":
		d.daemon.State = ipvs.Master
	case "backup":
		d.daemon.State = ipvs.Backup
	default:
		return invalid(complaint)
	}
	return nil
}

func (d *draft) mcastInterface(value string) error {
	d.daemon.Interface = truncate(value, 15)
	return nil
}

func (d *draft) syncID(value string) error {
	return number(value, 0, 255, &d.daemon.SyncID, "illegal syncid specified")
}

func (d *draft) syncMaxLen(value string) error {
	return number(value, 1, 65507, &d.daemon.MaxLen, "illegal sync-maxlen specified")
}

func (d *draft) mcastGroup(value string) error {
	family := "IPv4"
	if strings.Contains(value, ":") {
		family = "IPv6"
	}
	group, err := netip.ParseAddr(value)
	if err != nil || group.Zone() != "" || !group.IsMulticast() || group.Is4In6() {
		return invalid("invalid " + family + " mcast-group `" + value + "'")
	}
	d.daemon.Group = group
	return nil
}

func (d *draft) mcastPort(value string) error {
	return number(value, 1, maxPort, &d.daemon.Port, "illegal mcast-port specified")
}

func (d *draft) mcastTTL(value string) error {
	return number(value, 1, 255, &d.daemon.TTL, "illegal mcast-ttl specified")
}

// number reads a value between low and high into a field.
func number[T ~uint8 | ~uint16 | ~uint32](value string, low, high int64, field *T, complaint string) error {
	n, ok := parseNumber(value, low, high)
	if !ok {
		return invalid(complaint)
	}
	*field = T(n)
	return nil
}
