package keepalived

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"ipvsadm/check"
)

// httpWords are those of HTTP_GET and SSL_GET.
func (l *loader) httpWords() []word[checker] {
	return []word[checker]{
		{
			wordInfo: wordInfo{name: "url", doc: "A page to ask for.", many: true},
			open: func(s *statement, c *checker) *frame {
				u := &url{}
				return enter(s, l.words.url, u, &u.base, func() {
					if u.Path == "" {
						l.fail(KindIncomplete, u.pos, "url has no path", "write path / in it")
						return
					}
					c.http.urls = append(c.http.urls, u)
				})
			},
		},
		{
			wordInfo: wordInfo{name: "http_protocol", args: "1.0|1.0C|1.1", doc: "Version of requests; 1.0C is 1.0 with Connection: close. Default 1.0."},
			set: func(s *statement, c *checker) {
				for _, v := range []check.HTTPVersion{check.HTTP10, check.HTTP10C, check.HTTP11} {
					if strings.EqualFold(v.String(), s.args[0]) {
						c.http.Version = v
						return
					}
				}
				s.badValue(s.args[0], "1.0, 1.0C or 1.1")
			},
		},
		text("virtualhost", "NAME", "Host asked for; default that of the real or virtual server, or its address.", func(c *checker) *string { return &c.http.host }).hidden(),
		flag("enable_sni", "Name the host in the TLS handshake.", func(c *checker) *bool { return &c.http.SNI }).hidden(),
		text("sni_name", "NAME", "Name for that; default virtualhost.", func(c *checker) *string { return &c.http.ServerName }).hidden(),
		boolean("fast_recovery", "Check all pages at once when it comes up; default one in each delay_loop.", func(c *checker) *bool { return &c.http.FastRecovery }).hidden(),
		flag("tls_compliant", "Fail when TLS is not ended as it should be.", func(c *checker) *bool { return &c.http.Compliant }).hidden(),
	}
}

// url is a url block while it is read.
type url struct {
	base
	check.URLConfig
	compliant bool
}

func urlTable() *table[url] {
	return newTable("url", "A page to ask for, and what it must be like.", []word[url]{
		text("path", "PATH", "Path of the page.", func(u *url) *string { return &u.Path }),
		text("virtualhost", "NAME", "Host asked for; default that of the checker.", func(u *url) *string { return &u.VirtualHost }),
		{
			wordInfo: wordInfo{name: "digest", args: "MD5", doc: "MD5 sum of the page, 32 hexadecimal digits.", first: true},
			set: func(s *statement, u *url) {
				sum, err := hex.DecodeString(s.args[0])
				if err != nil || len(sum) != 16 {
					s.badValue(s.args[0], "an MD5 sum of 32 hexadecimal digits")
					return
				}
				u.Digest, u.HasDigest = [16]byte(sum), true
			},
			show: func(p *printer, u *url) {
				if u.HasDigest {
					p.line(hex.EncodeToString(u.Digest[:]))
				}
			},
		},
		{
			wordInfo: wordInfo{name: "status_code", args: "N[-N]…", doc: "Statuses that are good, 100 to 599; default 200-299.", many: true},
			set:      func(s *statement, u *url) { s.statuses(u) },
			show: func(p *printer, u *url) {
				var words []string
				for _, r := range u.Status {
					words = append(words, formatStatus(r))
				}
				if words != nil {
					p.line(words...)
				}
			},
		},
		{
			wordInfo: wordInfo{name: "regex", args: "PATTERN", quoted: true, doc: "Perl-compatible regular expression to be found in the page."},
			set: func(s *statement, u *url) {
				if u.Pattern = s.args[0]; u.Pattern == "" {
					s.badValue("", "a pattern")
				}
			},
			show: func(p *printer, u *url) {
				if u.Pattern != "" {
					p.line(quoteFor(u.Pattern))
				}
			},
		},
		flag("regex_no_match", "Fail when it is found.", func(u *url) *bool { return &u.NoMatch }),
		{
			wordInfo: wordInfo{name: "regex_options", args: "OPTION…", doc: "Options of PCRE2: " + strings.Join(regexOptions(), ", ") + "."},
			set: func(s *statement, u *url) {
				for i, o := range s.args {
					if slices.Contains(regexOptions(), o) {
						u.Options = append(u.Options, s.str(i))
					} else {
						s.badValue(o, "an option of regular expressions")
					}
				}
			},
			show: func(p *printer, u *url) {
				if u.Options != nil {
					p.line(u.Options...)
				}
			},
		},
		number("regex_min_offset", "Where the search begins; default 0.", 0, maxCount, func(u *url) *uint64 { return &u.MinOffset }),
		number("regex_max_offset", "Last byte at which a match may begin; default anywhere.", 0, maxCount, func(u *url) *uint64 { return &u.MaxOffset }),
		unused[url]("regex_stack", "START MAX", "patterns get the memory they need"),
		flag("tls_compliant", "Fail when TLS is not ended as it should be.", func(u *url) *bool { return &u.compliant }).hidden(),
	})
}

func regexOptions() []string {
	return []string{"allow_empty_class", "alt_bsux", "auto_callout", "caseless", "dollar_endonly", "dotall", "dupnames", "extended",
		"firstline", "match_unset_backref", "multiline", "never_ucp", "never_utf", "no_auto_capture", "no_auto_possess",
		"no_dotstar_anchor", "no_start_optimize", "ucp", "ungreedy", "utf", "never_backslash_c", "alt_circumflex",
		"alt_verbnames", "use_offset_limit"}
}

// statuses reads statuses and ranges of them.
func (s *statement) statuses(u *url) {
	for _, arg := range s.args {
		from, to, has := strings.Cut(arg, "-")
		if !has {
			to = from
		}
		a, ok1 := parseInt(from)
		b, ok2 := parseInt(to)
		if !ok1 || !ok2 || a < 100 || b > 599 || a > b {
			s.badValue(arg, "a status or a range of them from 100 to 599")
			continue
		}
		u.Status = append(u.Status, check.StatusRange{First: uint16(a), Last: uint16(b)})
	}
}

func formatStatus(r check.StatusRange) string {
	if r.First == r.Last {
		return strconv.Itoa(int(r.First))
	}
	return strconv.Itoa(int(r.First)) + "-" + strconv.Itoa(int(r.Last))
}
