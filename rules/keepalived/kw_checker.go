package keepalived

import (
	"net/netip"
	"time"

	"ipvsadm/check"
	"ipvsadm/vrrp"
)

// checker is any of the …_CHECK and …_GET blocks while it is read.
type checker struct {
	base
	timing
	kind        string
	logFailures choice
	// What few checkers have is elsewhere, and nil for the others: there can be
	// very many.
	elsewhere *target
	*special
}

// special is what a kind of checker has of its own.
type special struct {
	http *httpCheck
	smtp *smtpCheck
	dns  *check.DNSConfig
	udp  *check.UDPConfig
	misc *miscCheck
	file *check.FileCheckConfig
}

// target is where the checker connects to and from, to be set.
func (c *checker) target() *target {
	if c.elsewhere == nil {
		c.elsewhere = &target{}
	}
	return c.elsewhere
}

type httpCheck struct {
	check.HTTPConfig
	urls []*url
	host string // virtualhost
}

type smtpCheck struct {
	check.SMTPConfig
	hosts []*checker // host blocks
}

type miscCheck struct {
	check.MiscConfig
	command *vrrp.Command
	user    vrrp.Command
}

// target is where a checker connects to and from; what was not given is zero.
type target struct {
	ip     netip.Addr
	port   uint16
	bind   netip.Addr
	source uint16
	device string
	mark   uint32
}

// checkerKinds returns the words for checkers in the order of the manual, and
// what each does.
func checkerKinds() func(func(string, string) bool) {
	kinds := [][2]string{
		{"TCP_CHECK", "Succeeds when a connection can be made."},
		{"HTTP_GET", "Succeeds when pages are as they should be."},
		{"SSL_GET", "The same over TLS, without a look at the certificate."},
		{"SMTP_CHECK", "Succeeds when a mail server greets."},
		{"DNS_CHECK", "Succeeds when a name server answers."},
		{"UDP_CHECK", "Succeeds unless an ICMP error comes back, or when an answer does."},
		{"PING_CHECK", "Succeeds when an echo request is answered."},
		{"MISC_CHECK", "Succeeds when a program does."},
		{"FILE_CHECK", "Takes a number in a file for the weight."},
	}
	return func(yield func(string, string) bool) {
		for _, k := range kinds {
			if !yield(k[0], k[1]) {
				return
			}
		}
	}
}

// checkerTables returns a table for each of checkerKinds, in that order.
func (l *loader) checkerTables() []*table[checker] {
	own := map[string][]word[checker]{
		"HTTP_GET":   l.httpWords(),
		"SSL_GET":    l.httpWords(),
		"SMTP_CHECK": l.smtpWords(),
		"DNS_CHECK":  dnsWords(),
		"UDP_CHECK":  udpWords(),
		"MISC_CHECK": l.miscWords(),
	}
	var tables []*table[checker]
	for kind, doc := range checkerKinds() {
		words := [][]word[checker]{own[kind]}
		switch kind {
		case "FILE_CHECK":
			words = append(words, fileWords())
		case "MISC_CHECK":
			words = append(words, commonWords())
		default:
			words = append(words, targetWords(), commonWords(), []word[checker]{timeoutOf(func(c *checker) *timing { return &c.timing })})
		}
		tables = append(tables, newTable(kind, doc, words...))
	}
	return tables
}

// commonWords are those of every checker but FILE_CHECK.
func commonWords() []word[checker] {
	words := timingWords(0, func(c *checker) *timing { return &c.timing })
	for i := range words {
		if words[i].name == "retry" {
			words[i] = words[i].replacing("nb_get_retry")
		}
	}
	return append(words, choiceWord("log_all_failures", "Log every failed check; default checker_log_all_failures.", func(c *checker) *choice { return &c.logFailures }))
}

// targetWords are those of checkers that use the network.
func targetWords() []word[checker] {
	port := func(name, doc string, at func(*checker) *uint16) word[checker] {
		return number(name, doc, 1, 65535, at).hidden()
	}
	return []word[checker]{
		address("connect_ip", "Address to connect to; default the real server's.", func(c *checker) *netip.Addr { return &c.target().ip }).hidden(),
		port("connect_port", "Port to connect to; default the real server's.", func(c *checker) *uint16 { return &c.target().port }),
		address("bindto", "Address to connect from; default any.", func(c *checker) *netip.Addr { return &c.target().bind }).hidden(),
		port("bind_port", "Port to connect from; default any.", func(c *checker) *uint16 { return &c.target().source }),
		device("bind_if", "Interface to use; default any.", func(c *checker) *string { return &c.target().device }).hidden(),
		number("fwmark", "Mark of the packets; default none.", 0, 1<<32-1, func(c *checker) *uint32 { return &c.target().mark }).hidden(),
	}
}

// openChecker begins a checker.
func (l *loader) openChecker(s *statement, r *real, kind string) *frame {
	c := &checker{timing: newTiming(), kind: kind}
	switch kind {
	case "HTTP_GET", "SSL_GET":
		c.special = &special{http: &httpCheck{}}
	case "SMTP_CHECK":
		c.special = &special{smtp: &smtpCheck{}}
	case "DNS_CHECK":
		c.special = &special{dns: &check.DNSConfig{Type: check.DNSSOA, Name: "."}}
	case "UDP_CHECK":
		c.special = &special{udp: &check.UDPConfig{MaxReply: 255}}
	case "MISC_CHECK":
		c.special = &special{misc: &miscCheck{}}
	case "FILE_CHECK":
		c.special = &special{file: &check.FileCheckConfig{Weight: 1}}
	}
	for _, t := range l.words.checkers {
		if t.block == kind {
			return enter(s, t, c, &c.base, func() { l.closeChecker(r, c) })
		}
	}
	return nil
}

// closeChecker keeps a checker that has all it needs.
func (l *loader) closeChecker(r *real, c *checker) {
	switch c.kind {
	case "HTTP_GET", "SSL_GET":
		if len(c.http.urls) == 0 {
			l.fail(KindIncomplete, c.pos, c.kind+" has no url with a path", "write url { path / } in it")
			return
		}
	case "MISC_CHECK":
		if c.misc.command == nil {
			l.fail(KindIncomplete, c.pos, "MISC_CHECK has no misc_path", "write misc_path CMD in it")
			return
		}
		if m := c.misc; m.user.User != "" {
			m.command.User, m.command.Group = m.user.User, m.user.Group
		}
	case "FILE_CHECK":
		if c.file.File == "" {
			l.fail(KindIncomplete, c.pos, "FILE_CHECK has no track_file", "write track_file NAME in it")
			return
		}
	case "UDP_CHECK":
		if c.udp.Reply && c.udp.MinReply > c.udp.MaxReply {
			l.warn(KindConflict, c.at("min_reply_length"), "no answer is long enough for min_reply_length and short enough for max_reply_length: the check always fails", "exchange them")
		}
	}
	r.checkers = append(r.checkers, c)
}

func (l *loader) smtpWords() []word[checker] {
	return []word[checker]{
		text("helo_name", "NAME", "Name in HELO; default smtpchecker.keepalived.org.", func(c *checker) *string { return &c.smtp.Helo }).hidden(),
		{
			wordInfo: wordInfo{name: "host", doc: "Old way to name several servers to check.", many: true},
			open: func(s *statement, c *checker) *frame {
				h := &checker{}
				if s.report.once("host") {
					s.note(KindDeprecated, "host in SMTP_CHECK is the old way to check several servers", "write an SMTP_CHECK for each")
				}
				return enter(s, l.words.smtpHost, h, &h.base, func() { c.smtp.hosts = append(c.smtp.hosts, h) })
			},
		},
	}
}

func smtpHostTable() *table[checker] {
	return newTable("host", "A server that SMTP_CHECK checks.", targetWords())
}

func (l *loader) miscWords() []word[checker] {
	return []word[checker]{
		commandWord(l, "misc_path", "Program that checks.", func(c *checker) **vrrp.Command { return &c.misc.command }),
		{
			wordInfo: wordInfo{name: "misc_timeout", args: "SECONDS", doc: "Time it may take; default delay_loop."},
			set: func(s *statement, c *checker) {
				if n, ok := inRange[int64](s, 0, 0, 4294); ok {
					c.misc.Timeout = time.Duration(n) * time.Second
				}
			},
		},
		flag("misc_dynamic", "Take exit statuses from 2 for a weight, two less.", func(c *checker) *bool { return &c.misc.Dynamic }).hidden(),
		{
			wordInfo: wordInfo{name: "user", args: "USER [GROUP]", doc: "User and group to run it as; default script_user."},
			set:      func(s *statement, c *checker) { s.user(&c.misc.user) },
		},
	}
}

func fileWords() []word[checker] {
	return []word[checker]{
		text("track_file", "NAME", "Name of the track_file.", func(c *checker) *string { return &c.file.File }).hidden(),
		flag("dynamic", "Let the number change the weight.", func(c *checker) *bool { return &c.file.Dynamic }).hidden(),
		{
			wordInfo: wordInfo{name: "weight", args: "N [reverse]", doc: "What the number is multiplied by; default 1."},
			set: func(s *statement, c *checker) {
				if n, ok := inRange[int64](s, 0, -maxCount, maxCount); ok {
					c.file.Weight = n
					c.file.Reverse, _ = s.reverse(s.args[1:])
				}
			},
		},
	}
}
