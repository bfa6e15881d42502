package rules

import (
	"strconv"

	"ipvsadm/ipvs"
	"ipvsadm/sched"
)

// layout is one form of a listing of the table: its two title lines, what
// follows the names of services and of real servers, and what it must ask of
// the kernel.
type layout struct {
	title   string
	service func(b []byte, s *ipvs.ServiceState, exact bool) []byte
	server  func(b []byte, d *ipvs.DestinationState, exact bool) []byte
	detail  ipvs.Detail
}

// layoutOf returns the layout of a format that shows the table.
func layoutOf(f Format) layout {
	switch f {
	case ListStats:
		return layout{"" +
			"Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n" +
			"  -> RemoteAddress:Port\n", serviceStats, serverStats, ipvs.Full}
	case ListRate:
		return layout{"" +
			"Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS\n" +
			"  -> RemoteAddress:Port\n", serviceRate, serverRate, ipvs.Full}
	case ListThresholds:
		return layout{"" +
			"Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn \n" +
			"  -> RemoteAddress:Port\n", serviceSettings, serverThresholds, ipvs.Full}
	case ListPersistentConns:
		return layout{"" +
			"Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn \n" +
			"  -> RemoteAddress:Port\n", serviceSettings, serverPersistent, ipvs.Full}
	case ListTunnels:
		return layout{"" +
			"Prot LocalAddress:Port Scheduler Flags\n" +
			"  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn\n",
			serviceSettings, serverTunnel, ipvs.WithTunnels}
	}
	return layout{"" +
		"Prot LocalAddress:Port Scheduler Flags\n" +
		"  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n",
		serviceSettings, serverSettings, ipvs.Basic}
}

// listTable prints services and their real servers.
func (s *session) listTable(l List) int {
	layout := layoutOf(l.Format)
	all := l.Service == ipvs.ServiceKey{}
	var info ipvs.Info
	if all {
		var err error
		if info, err = s.kernel.Info(); err != nil {
			return s.listFailed(err)
		}
	}
	table, err := s.kernel.Table(ipvs.Query{Service: l.Service, Detail: layout.detail})
	if err != nil {
		return s.listFailed(err)
	}
	if !l.NoSort {
		sortTable(table)
	}
	text := s.addressText(l.Numeric)
	text.prefetch(table)
	if all {
		s.out.Write(appendBanner(s.out.AvailableBuffer(), info))
	}
	s.out.WriteString(layout.title)
	for i := range table {
		e := &table[i]
		b := text.appendService(s.out.AvailableBuffer(), &e.ServiceKey)
		s.out.Write(append(layout.service(b, &e.ServiceState, l.Exact), '\n'))
		for j := range e.Destinations {
			d := &e.Destinations[j]
			b := text.appendServer(s.out.AvailableBuffer(), d, e.Protocol)
			s.out.Write(append(layout.server(b, d, l.Exact), '\n'))
		}
	}
	return exitOK
}

func appendBanner(b []byte, info ipvs.Info) []byte {
	b = append(b, "IP Virtual Server version "...)
	b = strconv.AppendUint(b, uint64(info.Version>>16&0xff), 10)
	b = strconv.AppendUint(append(b, '.'), uint64(info.Version>>8&0xff), 10)
	b = strconv.AppendUint(append(b, '.'), uint64(info.Version&0xff), 10)
	b = strconv.AppendUint(append(b, " (size="...), uint64(info.ConnTableSize), 10)
	return append(b, ")\n"...)
}

// appendService adds a service's name, cut where ipvsadm cuts it.
func (t addressText) appendService(b []byte, k *ipvs.ServiceKey) []byte {
	if k.FWMark != 0 {
		b = strconv.AppendUint(append(b, "FWM  "...), uint64(k.FWMark), 10)
		if k.Family == ipvs.IPv6 {
			b = append(b, " IPv6"...)
		}
		return b
	}
	from := len(b)
	b = t.append(appendWord(b, protocolWord(k.Protocol), 4), k.Addr, k.Protocol)
	if k.Family != ipvs.IPv6 {
		b = b[:min(len(b), from+serviceBytes)]
	}
	return b
}

func protocolWord(p ipvs.Protocol) string {
	switch p {
	case ipvs.TCP:
		return "TCP"
	case ipvs.UDP:
		return "UDP"
	case ipvs.SCTP:
		return "SCTP"
	}
	return "?"
}

// appendServer adds a real server's name in its column. Its own family says
// whether it is cut, not the service's.
func (t addressText) appendServer(b []byte, d *ipvs.DestinationState, p ipvs.Protocol) []byte {
	b = append(b, "  -> "...)
	from := len(b)
	b = t.append(b, d.Addr, p)
	if !d.Addr.Addr().Is6() {
		b = b[:min(len(b), from+serverBytes)]
	}
	return pad(b, from, serverBytes)
}

// serviceSettings is what follows a service's name when no counters do.
func serviceSettings(b []byte, s *ipvs.ServiceState, _ bool) []byte {
	b = append(append(b, ' '), s.Scheduler...)
	if s.Flags&ipvs.SchedFlags != 0 {
		b = append(b, " ("...)
		b = appendFlags(b, s.Scheduler, shownFlags(&s.Service))
		b = append(b, ')')
	}
	if s.Flags&ipvs.Persistent != 0 {
		b = strconv.AppendInt(append(b, " persistent "...), seconds(s.Timeout), 10)
		if s.Netmask != ipvs.HostMask(s.Family) {
			b = appendNetmask(append(b, " mask "...), &s.Service)
		}
		if s.PE != "" {
			b = append(append(b, " pe "...), s.PE...)
		}
	}
	if s.Flags&ipvs.OnePacket != 0 {
		b = append(b, " ops"...)
	}
	return b
}

// shownFlags are those ipvsadm shows: sh and mh have no word for the third.
func shownFlags(s *ipvs.Service) ipvs.ServiceFlags {
	if s.Scheduler == "sh" || s.Scheduler == "mh" {
		return s.Flags &^ ipvs.SchedFlag3
	}
	return s.Flags
}

func appendFlags(b []byte, scheduler string, flags ipvs.ServiceFlags) []byte {
	for i, word := range sched.FlagNames(scheduler, sched.Flags(flags)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, word...)
	}
	return b
}

func appendNetmask(b []byte, s *ipvs.Service) []byte {
	if s.Family == ipvs.IPv6 {
		return strconv.AppendUint(b, uint64(s.Netmask), 10)
	}
	return appendMask(b, s.Netmask)
}
