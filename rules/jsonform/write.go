package jsonform

import (
	"bufio"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"ipvsadm/ipvs"
)

// WriteTable writes services and real servers, with the kernel's counters if
// stats.
func WriteTable(w *bufio.Writer, info ipvs.Info, table []ipvs.Entry, stats bool) {
	b := appendText(append(w.AvailableBuffer(), '{'), "version", version(info.Version))
	b = appendNumber(b, "conn_tab_size", info.ConnTableSize)
	w.Write(append(member(b, "services"), '['))
	for i := range table {
		writeService(w, &table[i], i == 0, stats)
	}
	if len(table) > 0 {
		w.WriteByte('\n')
	}
	w.WriteString("]}\n")
}

// version returns the kernel's number as people write it: 0x010201 is 1.2.1.
func version(v uint32) string {
	b := strconv.AppendUint(nil, uint64(v>>16&0xff), 10)
	b = strconv.AppendUint(append(b, '.'), uint64(v>>8&0xff), 10)
	return string(strconv.AppendUint(append(b, '.'), uint64(v&0xff), 10))
}

func writeService(w *bufio.Writer, e *ipvs.Entry, first, stats bool) {
	b := appendService(append(separate(w.AvailableBuffer(), first), '{'), &e.Service)
	if stats {
		b = appendStats(b, &e.Stats)
	}
	w.Write(append(member(b, "destinations"), '['))
	for i := range e.Destinations {
		d := &e.Destinations[i]
		b := appendDestination(append(separate(w.AvailableBuffer(), i == 0), '{'), &d.Destination)
		b = appendConns(b, d)
		if stats {
			b = appendStats(b, &d.Stats)
		}
		w.Write(append(b, '}'))
	}
	if len(e.Destinations) > 0 {
		w.WriteByte('\n')
	}
	w.WriteString("]}")
}

// separate begins the line of an element of an array.
func separate(b []byte, first bool) []byte {
	if !first {
		b = append(b, ',')
	}
	return append(b, '\n')
}

// appendService adds everything that can be set on a service.
func appendService(b []byte, s *ipvs.Service) []byte {
	b = appendText(b, "af", familyWord(s.Family))
	if s.FWMark != 0 {
		b = appendNumber(b, "fwmark", s.FWMark)
	} else {
		b = appendText(b, "protocol", wordOf(protocolWords[:], uint32(s.Protocol)))
		b = appendAddr(b, "addr", "port", s.Addr)
	}
	b = appendText(b, "sched_name", s.Scheduler)
	b = appendWords(b, "flags", flagWords(s))
	b = appendNumber(b, "timeout", seconds(s.Timeout))
	b = appendNetmask(b, s)
	return appendText(b, "pe_name", s.PE)
}

// appendDestination adds everything that can be set on a real server.
func appendDestination(b []byte, d *ipvs.Destination) []byte {
	b = appendAddr(b, "addr", "port", d.Addr)
	b = appendText(b, "fwd_method", wordOf(methodWords[:], uint32(d.Forward)))
	b = appendNumber(b, "weight", d.Weight)
	b = appendNumber(b, "u_thresh", d.Upper)
	b = appendNumber(b, "l_thresh", d.Lower)
	if d.Forward == ipvs.Tunnel || d.Tunnel != (ipvs.Encapsulation{}) {
		b = appendText(b, "tun_type", wordOf(tunnelWords[:], uint32(d.Tunnel.Type)))
		b = appendNumber(b, "tun_port", d.Tunnel.Port)
		b = appendWords(b, "tun_flags", tunnelFlagWords(d.Tunnel.Flags))
	}
	return b
}

func appendConns(b []byte, d *ipvs.DestinationState) []byte {
	b = appendNumber(b, "active_conns", d.Active)
	b = appendNumber(b, "inact_conns", d.Inactive)
	return appendNumber(b, "persist_conns", d.Persistent)
}

func appendStats(b []byte, s *ipvs.Stats) []byte {
	b = append(member(b, "stats"), '{')
	b = appendNumber(b, "conns", s.Conns)
	b = appendNumber(b, "inpkts", s.InPkts)
	b = appendNumber(b, "outpkts", s.OutPkts)
	b = appendNumber(b, "inbytes", s.InBytes)
	b = appendNumber(b, "outbytes", s.OutBytes)
	b = appendNumber(b, "cps", s.CPS)
	b = appendNumber(b, "inpps", s.InPPS)
	b = appendNumber(b, "outpps", s.OutPPS)
	b = appendNumber(b, "inbps", s.InBPS)
	return append(appendNumber(b, "outbps", s.OutBPS), '}')
}

// AppendConnection adds the line of a connection.
func AppendConnection(b []byte, c *ipvs.Connection) []byte {
	b = appendText(append(b, '{'), "protocol", strings.ToLower(c.Protocol))
	b = appendAddr(b, "caddr", "cport", c.Client)
	b = appendAddr(b, "vaddr", "vport", c.Virtual)
	b = appendAddr(b, "daddr", "dport", c.Destination)
	b = appendText(b, "state", c.State)
	b = appendNumber(b, "timeout", seconds(c.Expires))
	if c.PEName != "" {
		b = appendText(appendText(b, "pe_name", c.PEName), "pe_data", c.PEData)
	}
	return append(b, "}\n"...)
}

// AppendTimeouts adds the document of -L --timeout.
func AppendTimeouts(b []byte, t ipvs.Timeouts) []byte {
	b = append(member(append(b, '{'), "timeouts"), '{')
	b = appendNumber(b, "tcp", seconds(t.TCP))
	b = appendNumber(b, "tcp_fin", seconds(t.TCPFin))
	b = appendNumber(b, "udp", seconds(t.UDP))
	return append(b, "}}\n"...)
}

// AppendDaemons adds the document of -L --daemon. What a kernel before 4.3 does
// not tell is left out.
func AppendDaemons(b []byte, daemons []ipvs.Daemon) []byte {
	b = append(member(append(b, '{'), "daemons"), '[')
	for i, d := range daemons {
		role := "master"
		if d.State == ipvs.Backup {
			role = "backup"
		}
		b = appendText(append(separate(b, i == 0), '{'), "state", role)
		b = appendText(b, "mcast_ifn", d.Interface)
		b = appendNumber(b, "sync_id", d.SyncID)
		if d.MaxLen != 0 {
			b = appendNumber(b, "sync_maxlen", d.MaxLen)
		}
		if d.Group.IsValid() {
			b = appendText(b, "mcast_group", d.Group.String())
		}
		if d.Port != 0 {
			b = appendNumber(b, "mcast_port", d.Port)
		}
		if d.TTL != 0 {
			b = appendNumber(b, "mcast_ttl", d.TTL)
		}
		b = append(b, '}')
	}
	if len(daemons) > 0 {
		b = append(b, '\n')
	}
	return append(b, "]}\n"...)
}

// appendAddr adds an address and its port. Addresses need no escapes; an
// invalid one, which no kernel shows, is "".
func appendAddr(b []byte, addr, port string, a netip.AddrPort) []byte {
	b = append(member(b, addr), '"')
	if a.IsValid() {
		b = a.Addr().AppendTo(b)
	}
	return appendNumber(append(b, '"'), port, a.Port())
}

func dotted(mask uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(mask >> 24), byte(mask >> 16), byte(mask >> 8), byte(mask)})
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }
