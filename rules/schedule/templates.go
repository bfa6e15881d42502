package schedule

import (
	"encoding/binary"
	"net/netip"
	"time"

	"ipvsadm/ipvs"
)

// ftpPort is the port whose templates are for all ports.
const ftpPort = 21

// templates are what the connection table has of a client.
type templates struct {
	server   netip.AddrPort // that the client is bound to; the zero AddrPort for none
	expires  time.Duration
	existing *ipvs.Connection
}

// templates looks a client up in the connection table: its persistence template
// (ip_vs_sched_persist in ip_vs_core.c says what these look like), and a
// connection from its port.
func (c *command) templates(p *prediction) (t templates, err error) {
	file, err := c.env.Connections()
	if err != nil {
		return t, failure{err}
	}
	defer file.Close()
	binds := p.src.service.Flags&ipvs.Persistent != 0
	protocol, virtual := templateKey(p.src.key)
	network := p.src.network(p.client.Addr())
	for rows := ipvs.NewConnScanner(file); ; {
		if !rows.Scan() {
			if rows.Err() == nil {
				return t, nil
			}
			return t, failure{rows.Err()}
		}
		row := rows.Conn()
		switch {
		case binds && row.Protocol == protocol && row.Client == netip.AddrPortFrom(network, 0) && row.Virtual == virtual && isTemplate(row.State):
			t.server, t.expires = p.src.boundServer(row.Destination), max(row.Expires, time.Second)
		case p.client.Port() != 0 && row.Client == p.client && row.Virtual == p.virtual && row.Protocol == protocolWord(p.src.key.Protocol) && !isOver(row.State):
			t.existing = &row
		}
	}
}

// templateKey returns what templates of a service have as protocol and as virtual
// address: the mark for one by firewall mark, and no port for one of all ports
// or of FTP.
func templateKey(k ipvs.ServiceKey) (protocol string, virtual netip.AddrPort) {
	switch {
	case k.FWMark != 0 && k.Family == ipvs.IPv6:
		var a [16]byte
		binary.BigEndian.PutUint32(a[:], k.FWMark)
		return "IP", netip.AddrPortFrom(netip.AddrFrom16(a), 0)
	case k.FWMark != 0:
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], k.FWMark)
		return "IP", netip.AddrPortFrom(netip.AddrFrom4(a), 0)
	case k.Addr.Port() == ftpPort:
		return protocolWord(k.Protocol), netip.AddrPortFrom(k.Addr.Addr(), 0)
	}
	return protocolWord(k.Protocol), k.Addr
}

// boundServer returns the real server of a template, which has no port if the
// template is for all ports.
func (s *source) boundServer(bound netip.AddrPort) netip.AddrPort {
	for i := range s.servers {
		addr := s.servers[i].Addr
		if addr == bound || bound.Port() == 0 && addr.Addr() == bound.Addr() {
			return addr
		}
	}
	return netip.AddrPort{}
}

// network returns the network that persistence takes for one client.
func (s *source) network(client netip.Addr) netip.Addr {
	a, m := client.As16(), s.mask().As16()
	for i := range a {
		a[i] &= m[i]
	}
	if client.Is4() {
		return netip.AddrFrom4([4]byte(a[12:]))
	}
	return netip.AddrFrom16(a)
}

// isTemplate reports whether a state is one of persistence templates.
func isTemplate(state string) bool { return state == "NONE" || state == "ASSURED" }

// isOver reports whether a connection in a state gives way to a new one from the
// same port.
func isOver(state string) bool {
	switch state {
	case "TIME_WAIT", "FIN_WAIT", "CLOSE", "CLOSED":
		return true
	}
	return false
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
	return ""
}
