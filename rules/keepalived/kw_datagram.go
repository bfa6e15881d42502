package keepalived

import (
	"encoding/hex"
	"strings"

	"ipvsadm/check"
)

func dnsWords() []word[checker] {
	return []word[checker]{
		{
			wordInfo: wordInfo{name: "type", args: "TYPE", doc: "Records to ask for: A, NS, CNAME, SOA, MX, TXT or AAAA; default SOA."},
			set: func(s *statement, c *checker) {
				for _, t := range []check.DNSType{check.DNSA, check.DNSNS, check.DNSCNAME, check.DNSSOA, check.DNSMX, check.DNSTXT, check.DNSAAAA} {
					if strings.EqualFold(t.String(), s.args[0]) {
						c.dns.Type = t
						return
					}
				}
				s.badValue(s.args[0], "A, NS, CNAME, SOA, MX, TXT or AAAA")
			},
		},
		text("name", "NAME", "Name to ask for; default the root.", func(c *checker) *string { return &c.dns.Name }).hidden(),
	}
}

func udpWords() []word[checker] {
	length := func(name, doc string, at func(*checker) *int) word[checker] {
		return number(name, doc, 0, 65535, at).hidden()
	}
	return []word[checker]{
		{
			wordInfo: wordInfo{name: "payload", args: "HEX…", doc: "Bytes to send, in hexadecimal; default random ones."},
			set: func(s *statement, c *checker) {
				if b, _, ok := parseHex(s.args, false); ok {
					c.udp.Payload = b
				} else {
					s.badValue(strings.Join(s.args, " "), "hexadecimal")
				}
			},
		},
		{
			wordInfo: wordInfo{name: "require_reply", args: "[HEX…]", doc: "Want an answer, that begins with those bytes; x stands for any digit."},
			set: func(s *statement, c *checker) {
				b, mask, ok := parseHex(s.args, true)
				if !ok {
					s.badValue(strings.Join(s.args, " "), "hexadecimal")
					return
				}
				c.udp.Reply, c.udp.Pattern, c.udp.Mask = true, b, mask
			},
		},
		length("min_reply_length", "Least length of the answer; default 0.", func(c *checker) *int { return &c.udp.MinReply }),
		length("max_reply_length", "Greatest length of the answer; default 255.", func(c *checker) *int { return &c.udp.MaxReply }),
	}
}

// parseHex reads bytes in hexadecimal. In each word two digits are a byte, and a
// digit left over is one alone. With wild, x stands for a digit that does not
// matter.
func parseHex(words []string, wild bool) (bytes, mask []byte, ok bool) {
	for _, w := range words {
		for len(w) > 0 {
			n := min(2, len(w))
			b, m := byte(0), byte(0)
			for i := range n {
				b, m = b<<4, m<<4
				switch c := w[i]; {
				case wild && (c == 'x' || c == 'X'):
				case strings.IndexByte("0123456789abcdefABCDEF", c) >= 0:
					b, m = b|hexValue(c), m|0xf
				default:
					return nil, nil, false
				}
			}
			if n == 1 {
				m |= 0xf0
			}
			bytes, mask = append(bytes, b), append(mask, m)
			w = w[n:]
		}
	}
	return bytes, mask, true
}

// formatHex writes bytes as parseHex reads them.
func formatHex(bytes, mask []byte) string {
	s := []byte(hex.EncodeToString(bytes))
	for i := range s {
		if m := mask[i/2] >> (4 * (1 - i%2)) & 0xf; m == 0 {
			s[i] = 'x'
		}
	}
	return string(s)
}
