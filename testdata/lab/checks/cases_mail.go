package checks

import (
	"net"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

func mailCases() []Case {
	const (
		check = "SMTP_CHECK {\n}\n"
		hi    = "220 mx ESMTP\r\n"
		fine  = "250 mx\r\n"
		bye   = "221 bye\r\n"
	)
	good := tcp(mail(hi, fine, bye))
	return []Case{
		one("smtp good, then 421", check, up, down, good, tcp(mail("421 busy\r\n"))),
		one("smtp 554, then good", check, down, up, tcp(mail("554 no\r\n", bye)), good),
		one("smtp greeting of several lines", check, down, "", tcp(mail("220-mx\r\n220-still mx\r\n220 mx\r\n", fine, bye))).differently("smtp-lines", up, ""),
		one("smtp HELO answered in several lines", check, down, "", tcp(mail(hi, "250-mx\r\n250-SIZE 1\r\n250 HELP\r\n", bye))).differently("smtp-lines", up, ""),
		one("smtp replies without text", check, down, "", tcp(mail("220\r\n", "250\r\n", "221\r\n"))).differently("smtp-lines", up, ""),
		one("smtp HELO refused", check, down, "", tcp(mail(hi, "550 no\r\n", bye))),
		one("smtp HELO 251", check, down, "", tcp(mail(hi, "251 well\r\n", bye))),
		one("smtp QUIT refused", check, up, "", tcp(mail(hi, fine, "500 what?\r\n"))),
		one("smtp hangs up for QUIT", check, down, "", tcp(mail(hi, fine))),
		one("smtp hangs up after the greeting", check, down, "", tcp(func(c net.Conn) { c.Write([]byte(hi)) })),
		one("smtp greeting is silent", check, down, up, tcp(accepts), good).hasty(),
		one("smtp silent after HELO", check, down, "", tcp(mail(hi))).hasty(),
		one("smtp garbage", check, down, "", tcp(mail("hello\r\n", fine, bye))),
		one("smtp 22 only", check, down, "", tcp(mail("22\r\n", fine, bye))),
		one("smtp line feeds only", check, up, "", tcp(mail("220 mx\n", "250 mx\n", "221 bye\n"))),
		one("smtp endless greeting", check, down, "", tcp(mail(strings.Repeat("220-mx\r\n", 2000), fine, bye))).hasty(),
		one("smtp refuses, then good", check, down, up, refuses, good),
		one("smtp helo_name", block("SMTP_CHECK", "helo_name lb.test"), up, "", tcp(heard("HELO lb.test"))),
		elsewhere("smtp of another host", "SMTP_CHECK {\nhost {\nconnect_ip RS2\nconnect_port 80\n}\n}\n", good),
		one("smtp helo_name by itself", check, up, "", tcp(heard("HELO smtpchecker.keepalived.org"))),
	}
}

// elsewhere is a case of a real server that refuses, with a checker that asks a
// second one, which nobody checks.
func elsewhere(name, checker string, there Behaviour) Case {
	c := one(name, checker, "1:1 2:1", "2:1", refuses)
	c.Reals = append(c.Reals, Real{Block: "weight 1\n", Does: [2]Behaviour{there, refuses}})
	return c
}

func dnsCases() []Case {
	const check = "DNS_CHECK {\nretry 1\ndelay_before_retry 1\n}\n"
	dns := func(code dnsmessage.RCode, change func([]byte) []byte) Behaviour { return udp(named(code, change)) }
	good := dns(dnsmessage.RCodeSuccess, nil)
	var cases []Case
	for _, c := range []Case{
		one("dns NOERROR, then SERVFAIL", check, up, down, good, dns(dnsmessage.RCodeServerFailure, nil)),
		one("dns SERVFAIL, then NOERROR", check, down, up, dns(dnsmessage.RCodeServerFailure, nil), good),
		one("dns NXDOMAIN", check, down, "", dns(dnsmessage.RCodeNameError, nil)),
		one("dns REFUSED", check, down, "", dns(dnsmessage.RCodeRefused, nil)),
		one("dns FORMERR", check, down, "", dns(dnsmessage.RCodeFormatError, nil)),
		one("dns NOERROR without answers", check, up, "", dns(dnsmessage.RCodeSuccess, noAnswers)),
		one("dns another id", check, anything, "", dns(dnsmessage.RCodeSuccess, otherID)).hasty().differently("dns-strays", down, ""),
		one("dns truncated, with the question", check, up, "", dns(dnsmessage.RCodeSuccess, truncatedBit)),
		one("dns truncated, header only", check, up, "", dns(dnsmessage.RCodeSuccess, func(m []byte) []byte { return headerOnly(truncatedBit(m)) })).hasty().differently("dns-question", down, ""),
		one("dns header only", check, up, "", dns(dnsmessage.RCodeSuccess, headerOnly)).hasty().differently("dns-question", down, ""),
		one("dns cut in the header", check, anything, "", dns(dnsmessage.RCodeSuccess, cutInHeader)).hasty().differently("dns-strays", down, ""),
		one("dns a question for an answer", check, anything, "", dns(dnsmessage.RCodeSuccess, notAnAnswer)).hasty().differently("dns-strays", down, ""),
		one("dns another question", check, up, "", dns(dnsmessage.RCodeSuccess, otherQuestion)).hasty().differently("dns-question", down, ""),
		one("dns silent, then NOERROR", check, down, up, udp(silent), good).hasty(),
		one("dns refuses, then NOERROR", check, down, up, refuses, good),
		one("dns no route", check, down, "", route("blackhole")).hasty(),
		one("dns asks for SOA of the root", check, up, "", udp(wanted(".", dnsmessage.TypeSOA))),
		one("dns type and name", block("DNS_CHECK", "type A;name www.test;retry 1;delay_before_retry 1"), up, "", udp(wanted("www.test.", dnsmessage.TypeA))),
		one("dns type AAAA", block("DNS_CHECK", "type AAAA;name www.test;retry 1;delay_before_retry 1"), up, down,
			udp(wanted("www.test.", dnsmessage.TypeAAAA)), udp(wanted("www.test.", dnsmessage.TypeA))),
	} {
		cases = append(cases, c.with("protocol UDP"))
	}
	return cases
}
