package keepalived

import (
	"maps"
	"net/netip"
	"time"

	"ipvsadm/check"
)

// finishChecker turns a checker into what is run: several for the old way to
// name several servers.
func (l *loader) finishChecker(r *real, c *checker, written netip.AddrPort) {
	if c.kind == "FILE_CHECK" { // it waits for the file to change
		r.Checkers = append(r.Checkers, check.CheckerConfig{Probe: l.fileProbe(r, c)})
		return
	}
	l.checkerDefaults(c)
	out := check.CheckerConfig{
		Interval: c.interval, Warmup: c.warmup, Retries: c.retries, RetryDelay: c.retryDelay,
		Alpha: c.alpha.or(false), LogFailures: c.logFailures.or(l.global.checkerLogFailures),
	}
	if c.kind == "SMTP_CHECK" && len(c.smtp.hosts) > 0 {
		for _, h := range c.smtp.hosts {
			h.timing, h.kind, h.special = c.timing, c.kind, c.special
			h.target().orFrom(c.target())
			out.Probe = l.probe(r, h, written)
			r.Checkers = append(r.Checkers, out)
		}
		return
	}
	out.Probe = l.probe(r, c, written)
	r.Checkers = append(r.Checkers, out)
}

// orFrom fills in what a host block does not say.
func (t *target) orFrom(from *target) {
	if !t.ip.IsValid() {
		t.ip = from.ip
	}
	if t.port == 0 {
		t.port = from.port
	}
	if !t.bind.IsValid() {
		t.bind = from.bind
	}
	if t.source == 0 {
		t.source = from.source
	}
	if t.device == "" {
		t.device = from.device
	}
	if t.mark == 0 {
		t.mark = from.mark
	}
}

// checkerDefaults fills in the times that were given nowhere.
func (l *loader) checkerDefaults(c *checker) {
	fill := func(at *time.Duration, d time.Duration) {
		if *at < 0 {
			*at = d
		}
	}
	fill(&c.interval, check.DefaultInterval)
	fill(&c.warmup, c.interval)
	fill(&c.timeout, 5*time.Second)
	retries, delay := 1, time.Second
	switch c.kind {
	case "DNS_CHECK":
		retries, delay = 3, c.interval
	case "HTTP_GET", "SSL_GET":
		delay = 3 * time.Second
	case "MISC_CHECK":
		retries = 0
	}
	fill(&c.retryDelay, delay)
	if c.retries < 0 {
		c.retries = retries
	}
}

// endpoint is where a checker connects to and from.
func (l *loader) endpoint(c *checker, written netip.AddrPort) check.Endpoint {
	t := c.elsewhere
	if t == nil {
		t = &target{}
	}
	addr, port := written.Addr(), written.Port()
	if t.ip.IsValid() {
		addr = t.ip
	}
	if t.port != 0 {
		port = t.port
	}
	if port == 0 && c.kind != "PING_CHECK" {
		l.warn(KindIncomplete, c.pos, c.kind+" has no port to connect to and will fail", "write connect_port N")
	}
	e := check.Endpoint{Addr: netip.AddrPortFrom(addr, port), Port: t.source, Device: t.device, Mark: t.mark, Timeout: c.timeout}
	if t.bind.IsValid() {
		if t.bind.Is6() != addr.Is6() {
			l.warn(KindConflict, c.at("bindto"), "bindto is ignored: it is not of the family of "+addr.String(), "")
		} else {
			e.Bind = t.bind
		}
	}
	return e
}

// probe is what a checker does.
func (l *loader) probe(r *real, c *checker, written netip.AddrPort) check.ProbeConfig {
	if c.kind == "MISC_CHECK" {
		c.misc.Command = check.Command(*c.misc.command)
		if c.misc.Timeout == 0 {
			c.misc.Timeout = c.interval
		}
		return c.misc.MiscConfig
	}
	e := l.endpoint(c, written)
	switch c.kind {
	case "HTTP_GET", "SSL_GET":
		return l.httpProbe(r, c, e)
	case "SMTP_CHECK":
		c.smtp.Endpoint = e
		if c.smtp.Helo == "" {
			c.smtp.Helo = "smtpchecker.keepalived.org"
		}
		return c.smtp.SMTPConfig
	case "DNS_CHECK":
		c.dns.Endpoint = e
		return *c.dns
	case "UDP_CHECK":
		c.udp.Endpoint = e
		return *c.udp
	case "PING_CHECK":
		return check.PingConfig{Endpoint: e}
	}
	return check.TCPConfig{Endpoint: e}
}

func (l *loader) httpProbe(r *real, c *checker, e check.Endpoint) check.ProbeConfig {
	h := c.http.HTTPConfig
	h.Endpoint, h.TLS = e, c.kind == "SSL_GET"
	host := c.http.host
	if host == "" {
		host = r.virtualHost
	}
	for _, u := range c.http.urls {
		one := u.URLConfig
		if one.Status == nil {
			one.Status = []check.StatusRange{{First: 200, Last: 299}}
		}
		if one.VirtualHost == "" {
			one.VirtualHost = host
		}
		if one.MaxOffset != 0 && one.MinOffset > one.MaxOffset {
			l.warn(KindConflict, u.at("regex_min_offset"), "regex_max_offset is ignored: it is before regex_min_offset", "exchange them")
			one.MaxOffset = 0
		}
		h.Compliant = h.Compliant || u.compliant
		h.URLs = append(h.URLs, one)
	}
	return h
}

// fileProbe looks up the track_file of a FILE_CHECK.
func (l *loader) fileProbe(r *real, c *checker) check.ProbeConfig {
	f := l.fileByName[c.file.File]
	if f == nil {
		l.fail(KindReference, c.at("track_file"), "FILE_CHECK of "+r.title+" has no file: there is no track_file "+abridge(c.file.File),
			l.meantOr(c.file.File, maps.Keys(l.fileByName), "define track_file "+abridge(c.file.File)))
	} else if !c.has("weight") {
		c.file.Weight, c.file.Reverse = int64(f.Weight), f.Reverse
	}
	return *c.file
}
