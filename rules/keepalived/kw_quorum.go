package keepalived

import (
	"strconv"

	"ipvsadm/vrrp"
)

// serverQuorum are the words of quorum, mail and what real servers inherit.
func (l *loader) serverQuorum() []word[server] {
	return []word[server]{
		{
			wordInfo: wordInfo{name: "quorum", args: "N", doc: "Total weight of living servers that is enough, from 1; default 1."},
			set: func(s *statement, v *server) {
				n, ok := inRange[uint32](s, 0, 1, 1<<32-1)
				if v.Quorum = n; !ok {
					v.Quorum = 1
				}
			},
			show: func(p *printer, v *server) {
				if v.Quorum > 0 {
					p.line(strconv.FormatUint(uint64(v.Quorum), 10))
				}
			},
		},
		number("hysteresis", "Weight more to gain the quorum, and less to lose it; less than quorum, default 0.", 0, 1<<32-1, func(v *server) *uint32 { return &v.Hysteresis }),
		commandWord(l, "quorum_up", "Program to run when the quorum is gained.", func(v *server) **vrrp.Command { return &v.quorumUp }),
		commandWord(l, "quorum_down", "Program to run when the quorum is lost.", func(v *server) **vrrp.Command { return &v.quorumDown }),
		boolean("omega", "At the end run quorum_down and notify_down as well; default off.", func(v *server) *bool { return &v.Omega }),
		choiceWord("smtp_alert", "Send mail when the quorum is gained or lost; default smtp_alert_checker, smtp_alert, off.", func(v *server) *choice { return &v.alert }).showing(func(p *printer, v *server) { p.line(formatBool(v.Mail)) }),
		flag("ha_suspend", "Do not check while the address is not on this machine.", func(v *server) *bool { return &v.Suspend }),
		number("weight", "Weight of real servers without their own, from 1; default 1.", 1, maxCount, func(v *server) *uint32 { return &v.weight }).hidden(),
		boolean("inhibit_on_failure", "Default of inhibit_on_failure of real servers; default off.", func(v *server) *bool { return &v.inhibit }).hidden(),
		text("virtualhost", "NAME", "Default of virtualhost of HTTP_GET and SSL_GET.", func(v *server) *string { return &v.virtualHost }).hidden(),
		unused[server]("snmp_name", "NAME", noSNMP),
		{wordInfo: wordInfo{name: "nat_mask", args: "[MASK]", doc: "A word of keepalived 1.2 without effect.", gone: "it never had an effect on how servers were balanced"}},
	}
}

func (s *statement) sorryGiven(v *server) bool {
	if !v.sorry.addr.IsValid() {
		s.warn(KindConflict, s.name+" is ignored: there is no sorry_server before it", "write sorry_server ADDR first")
		return false
	}
	return true
}

// sorryWords are those of the sorry server.
func sorryWords() []word[server] {
	return []word[server]{
		{
			wordInfo: wordInfo{name: "sorry_server", args: "ADDR [PORT]", doc: "Server that takes over when there is no quorum."},
			set: func(s *statement, v *server) {
				a, ok := parseAddr(s.args[0])
				if !ok {
					s.badValue(s.args[0], "an IP address")
					return
				}
				var port uint16
				if len(s.args) > 1 {
					if port, ok = inRange[uint16](s, 1, 0, 65535); !ok {
						return
					}
				}
				v.sorry = sorry{addr: a, port: port}
			},
			show: func(p *printer, v *server) {
				if v.Sorry != nil {
					p.line(formatEndpoint(v.Sorry.Addr)...)
				}
			},
		},
		{
			wordInfo: wordInfo{name: "sorry_server_inhibit", doc: "Keep the sorry server in the table with weight 0 while it is not needed."},
			set: func(s *statement, v *server) {
				if s.sorryGiven(v) {
					v.sorry.inhibit = true
				}
			},
			show: func(p *printer, v *server) {
				if v.Sorry != nil && v.Sorry.Inhibit {
					p.line()
				}
			},
		},
		sorryMethod(),
	}
}

func sorryMethod() word[server] {
	w := methodWord("sorry_server_lvs_method", "lvs_method of the sorry server; default that of the virtual server.", func(v *server) *method { return &v.sorry.method })
	inner := w.set
	w.set = func(s *statement, v *server) {
		if s.sorryGiven(v) {
			inner(s, v)
		}
	}
	w.show = func(p *printer, v *server) {
		if v.Sorry != nil {
			p.line(formatMethod(v.Sorry.Destination)...)
		}
	}
	return w
}
