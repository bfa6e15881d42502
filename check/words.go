package check

import (
	"fmt"
	"net/netip"
	"strings"

	"ipvsadm/ipvs"
)

// phrases are keepalived's for a kind of check.
type phrases struct {
	// success and failure are of one check. %s is whom it asked.
	success, failure string
	// down is when it counts, before "on service".
	down string
	// up and gone are bodies of mails. In gone %s is what happened.
	up, gone string
}

func phrasesOf(p ProbeConfig) phrases {
	plain := func(name, kind string) phrases {
		return phrases{
			name + " connection to %s success.", name + " connection to %s failed.", kind,
			"=> " + name + " CHECK succeed on service <=", "=> " + name + " CHECK failed on service <=",
		}
	}
	switch p.(type) {
	case TCPConfig:
		return plain("TCP", "TCP_CHECK")
	case UDPConfig:
		return plain("UDP", "UDP_CHECK")
	case PingConfig:
		return plain("ICMP", "ICMP CHECK")
	case HTTPConfig:
		return phrases{
			"Remote Web server %s succeed on service.", "HTTP request to %s failed.", "HTTP_CHECK",
			"=> CHECK succeed on service <=", "=> CHECK failed on service : HTTP request failed <=",
		}
	case SMTPConfig:
		return phrases{
			"Remote SMTP server %s succeed on service.", "SMTP dialogue with %s failed.", "SMTP_CHECK",
			"=> CHECK succeed on service <=", "=> CHECK failed on service : %s <=",
		}
	case DNSConfig:
		return phrases{
			"DNS_CHECK (%s) success", "DNS_CHECK (%s) failed", "DNS_CHECK",
			"=> DNS_CHECK: succeed on service <=", "=> DNS_CHECK: failed on service <=",
		}
	case MiscConfig:
		return phrases{
			"Misc check for %s succeeded.", "Misc check for %s failed.", "MISC_CHECK",
			"=> MISC CHECK succeeded on service <=", "=> MISC CHECK %s on service <=",
		}
	}
	return phrases{
		"FILE_CHECK of %s succeeded.", "FILE_CHECK of %s failed.", p.Kind(),
		"=> " + p.Kind() + " succeeded on service <=", "=> " + p.Kind() + " failed on service <=",
	}
}

// goneBody is the body of the mail that says that a checker has given up a server.
// As with keepalived SMTP_CHECK tells why, and MISC_CHECK whether it took too long.
func goneBody(p ProbeConfig, reason string) string {
	body := phrasesOf(p).gone
	switch p := p.(type) {
	case SMTPConfig:
		what, _, _ := strings.Cut(reason, ": ") // not what the server said
		return fmt.Sprintf(body, fmt.Sprintf("%s [%s]:%d", what, p.Addr.Addr(), p.Addr.Port()))
	case MiscConfig:
		if reason != TimedOut {
			reason = "failed"
		}
		return fmt.Sprintf(body, reason)
	}
	return body
}

// target is whom a check asks, as the log names it.
func (s *server) target(real int, p ProbeConfig) string {
	protocol, addr := s.config.Service.Protocol, s.config.Reals[real].Addr
	switch p := p.(type) {
	case TCPConfig:
		addr = p.Addr
	case UDPConfig:
		addr = p.Addr
	case HTTPConfig:
		addr = p.Addr
	case SMTPConfig:
		addr = p.Addr
	case DNSConfig:
		addr = p.Addr
	case PingConfig:
		addr = netip.AddrPortFrom(p.Addr.Addr(), 0)
	case MiscConfig:
		return fmt.Sprintf("[%s VS %s] by [%s]", s.realName(real), s.name, strings.Join(p.Command.Argv, " "))
	case FileCheckConfig:
		return fmt.Sprintf("%s for %s VS %s", p.File, s.realName(real), s.name)
	}
	return EndpointName(protocol, addr)
}

// logResult logs what a result means: that a server is well again, that it is not
// any more, or never was, and with log_all_failures every failure. Mails are sent
// when the opinion of a checker changes; with no_checker_emails only if it decided,
// that is if the server went up or down.
func (m *Manager) logResult(r *runner, before, after Health, result Result, decided bool) {
	failed := result.Verdict == Fail
	same := before.Up == after.Up && !(failed && before.Fresh)
	if same && !(failed && r.config.LogFailures) {
		return
	}
	s, words := r.server, phrasesOf(r.config.Probe)
	because := ""
	if result.Reason != "" {
		because = fmt.Sprintf(" (%s)", result.Reason)
	}
	phrase := words.success
	if failed {
		phrase = words.failure
	}
	m.log.info(fmt.Sprintf(phrase, s.target(r.real, r.config.Probe)) + because)
	if same {
		return
	}
	body := words.up
	if !after.Up {
		body = goneBody(r.config.Probe, result.Reason)
		text := fmt.Sprintf("%s on service %s failed", words.down, s.realName(r.real))
		if n := r.config.Retries; n > 0 && !before.Fresh {
			text += fmt.Sprintf(" after %d retries", n)
		}
		m.log.info(text + ".")
	}
	if before.Up == after.Up || !s.config.Reals[r.real].Mail || m.config.QuietCheckers && !decided {
		return
	}
	state := "UP"
	if !s.pool.Real(r.real).Up { // whatever this checker thinks
		state = "DOWN"
	}
	m.news = append(m.news, news{server: s, notice: Notice{
		Subject: s.realSubject(r.real, state), Body: body,
	}})
}

// maxMended is how many changes of others are logged one by one.
const maxMended = 50

// logMended logs what others did to our services since they were last looked at.
func (m *Manager) logMended(have []ipvs.Entry) {
	if m.known == nil {
		return // this is the first look
	}
	known := make([]ipvs.Wanted, 0, len(m.known))
	for _, s := range m.servers {
		for _, k := range s.keys {
			if e := m.known[k]; e != nil {
				w := ipvs.Wanted{Service: e.Service, Destinations: make([]ipvs.Destination, 0, len(e.Destinations))}
				for i := range e.Destinations {
					w.Destinations = append(w.Destinations, e.Destinations[i].Destination)
				}
				known = append(known, w)
			}
		}
	}
	n := 0
	for _, c := range ipvs.Plan(have, known, m.owner) {
		text := m.mended(c)
		if text == "" {
			continue
		}
		m.counts.Mended++
		if n++; n <= maxMended {
			m.log.warn("Somebody else has changed the kernel's table: " + text)
		}
	}
	if n > maxMended {
		m.log.warn(fmt.Sprintf("Somebody else has changed the kernel's table: %d more differences", n-maxMended))
	}
}

// mended says what an operation takes back, "" if it is none of our business.
func (m *Manager) mended(c ipvs.Change) string {
	switch op := c.Op.(type) {
	case ipvs.AddService:
		return "it lacked " + opLine(op)
	case ipvs.EditService:
		return fmt.Sprintf("it had %s instead of %s", opLine(c.Old), opLine(ipvs.AddService(op)))
	case ipvs.AddDestination:
		if m.owner(op.Service, op.Destination.Addr) {
			return "it lacked " + opLine(op)
		}
	case ipvs.EditDestination:
		if m.owner(op.Service, op.Destination.Addr) {
			return fmt.Sprintf("it had %s instead of %s", opLine(c.Old), opLine(ipvs.AddDestination(op)))
		}
	case ipvs.DeleteDestination:
		return "it had " + opLine(c.Old)
	}
	return ""
}
