package probe

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ipvsadm/check"
)

// nameServer answers queries with the messages that answer makes of them.
func nameServer(answer func(query []byte) [][]byte) func(*net.UDPConn, *net.UDPAddr, []byte) {
	return func(c *net.UDPConn, from *net.UDPAddr, b []byte) {
		for _, m := range answer(b) {
			c.WriteToUDP(m, from)
		}
	}
}

// reply makes of a query an answer with these flags, with its question or without.
func reply(query []byte, flags uint16, question bool) []byte {
	m := bytes.Clone(query)
	binary.BigEndian.PutUint16(m[2:], flags)
	if !question {
		m = m[:12]
		m[5] = 0
	}
	return m
}

func one(f func(query []byte) []byte) func([]byte) [][]byte {
	return func(q []byte) [][]byte { return [][]byte{f(q)} }
}

// TestDNS says where keepalived 2.2.7, which was asked, has another verdict.
func TestDNS(t *testing.T) {
	for _, c := range []struct {
		name    string
		answer  func([]byte) [][]byte
		verdict check.Verdict
		reason  string
		differs string
	}{
		{"an answer", one(func(q []byte) []byte { return reply(q, 0x8180, true) }), check.Pass, "", ""},
		{"an answer that was cut", one(func(q []byte) []byte { return reply(q, 0x8380, true) }), check.Pass, "", ""},
		{"SERVFAIL", one(func(q []byte) []byte { return reply(q, 0x8182, true) }), check.Fail, "read error occurred. (rcode = 2)", ""},
		{"NXDOMAIN", one(func(q []byte) []byte { return reply(q, 0x8183, true) }), check.Fail, "(rcode = 3)", ""},
		{"FORMERR without the question", one(func(q []byte) []byte { return reply(q, 0x8181, false) }), check.Fail, "(rcode = 1)", ""},
		{"letters of the name in another case", one(func(q []byte) []byte { return append(reply(q, 0x8180, true)[:12], bytes.ToUpper(q[12:])...) }), check.Pass, "", ""},
		{"what is wrong comes before the answer", func(q []byte) [][]byte {
			other := reply(q, 0x8183, true)
			other[0] ^= 1
			return [][]byte{other, nil, []byte("x"), q, reply(q, 0x8180, true)}
		}, check.Pass, "", ""},
		{"another id", one(func(q []byte) []byte {
			m := reply(q, 0x8180, true)
			m[1] ^= 1
			return m
		}), check.Fail, "read timeout from socket", ""},
		{"the query itself", one(bytes.Clone), check.Fail, "read timeout from socket", ""},
		{"four bytes", one(func(q []byte) []byte { return reply(q, 0x8180, true)[:4] }), check.Fail, "read timeout from socket", ""},
		{"nine bytes", one(func(q []byte) []byte { return reply(q, 0x8180, true)[:9] }), check.Fail, "read timeout from socket", "keepalived takes 8 bytes for a whole header"},
		{"no question", one(func(q []byte) []byte { return reply(q, 0x8180, false) }), check.Fail, "read timeout from socket", "keepalived looks at the id only; RFC 5452 §4.2 wants the question"},
		{"another question", one(func(q []byte) []byte {
			return append(reply(q, 0x8180, true)[:12], 3, 'f', 'o', 'o', 0, 0, 1, 0, 1)
		}), check.Fail, "read timeout from socket", "the same"},
		{"another type", one(func(q []byte) []byte {
			m := reply(q, 0x8180, true)
			m[len(m)-3]++
			return m
		}), check.Fail, "read timeout from socket", "the same"},
		{"a name that points to itself", one(func(q []byte) []byte {
			return append(reply(q, 0x8180, true)[:12], 0xc0, 12, 0, 1, 0, 1)
		}), check.Fail, "read timeout from socket", "the same"},
		{"65 000 bytes", one(func(q []byte) []byte { return append(reply(q, 0x8180, true), make([]byte, 65000)...) }), check.Pass, "", ""},
		{"65 535 records", one(func(q []byte) []byte {
			m := reply(q, 0x8180, true)
			copy(m[6:], "\xff\xff\xff\xff\xff\xff")
			return m
		}), check.Pass, "", ""},
		{"nothing", func([]byte) [][]byte { return nil }, check.Fail, "read timeout from socket", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			timeout := patient
			if strings.Contains(c.reason, "timeout") {
				timeout = hasty
			}
			addr := packets(t, nameServer(c.answer))
			p := check.DNSConfig{Endpoint: endpoint(addr, timeout), Type: check.DNSA, Name: "www.example.com"}
			want(t, run(t, p, Options{}), c.verdict, c.reason)
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		p := check.DNSConfig{Endpoint: endpoint(closedPort(t), patient), Type: check.DNSSOA, Name: "."}
		want(t, run(t, p, Options{}), check.Fail, "failed to read socket: connection refused")
	})
	t.Run("somebody else answers", func(t *testing.T) {
		addr := packets(t, func(_ *net.UDPConn, from *net.UDPAddr, q []byte) {
			stranger, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err == nil {
				stranger.WriteToUDP(reply(q, 0x8180, true), from)
				stranger.Close()
			}
		})
		p := check.DNSConfig{Endpoint: endpoint(addr, hasty), Type: check.DNSA, Name: "a"}
		want(t, run(t, p, Options{}), check.Fail, "read timeout from socket")
	})
}

// TestDNSQueries looks at the queries themselves.
func TestDNSQueries(t *testing.T) {
	for _, c := range []struct {
		name string
		kind check.DNSType
		want string // after the id
	}{
		{".", check.DNSSOA, "\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + "\x00\x00\x06\x00\x01"},
		{"example.com", check.DNSAAAA, "\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + "\x07example\x03com\x00\x00\x1c\x00\x01"},
		{"example.com.", check.DNSMX, "\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + "\x07example\x03com\x00\x00\x0f\x00\x01"},
	} {
		got := make(chan string, 1)
		addr := packets(t, nameServer(one(func(q []byte) []byte {
			got <- string(q[2:])
			return reply(q, 0x8180, true)
		})))
		want(t, run(t, check.DNSConfig{Endpoint: endpoint(addr, patient), Type: c.kind, Name: c.name}, Options{}), check.Pass, "")
		if s := <-got; s != c.want {
			t.Errorf("%s %v: %q, want %q", c.name, c.kind, s, c.want)
		}
	}
	for _, name := range []string{strings.Repeat("a", 64) + ".com", strings.Repeat("a.", 130), "a..b"} {
		if _, err := New(check.DNSConfig{Name: name, Type: check.DNSA}, Options{}); err == nil {
			t.Errorf("%q is taken for a name", name)
		}
	}
}

// TestUDP has keepalived's verdict in every row.
func TestUDP(t *testing.T) {
	says := func(s string) func(*net.UDPConn, *net.UDPAddr, []byte) {
		return func(c *net.UDPConn, from *net.UDPAddr, _ []byte) { c.WriteToUDP([]byte(s), from) }
	}
	silent := func(*net.UDPConn, *net.UDPAddr, []byte) {}
	pattern := func(c *check.UDPConfig) {
		c.Reply, c.Pattern, c.Mask, c.MaxReply = true, []byte("hel"), []byte{255, 255, 255}, 255
	}
	for _, c := range []struct {
		name    string
		timeout time.Duration
		serve   func(*net.UDPConn, *net.UDPAddr, []byte)
		config  func(*check.UDPConfig)
		verdict check.Verdict
		reason  string
	}{
		{"silence is well", hasty, silent, func(*check.UDPConfig) {}, check.Pass, ""},
		{"any reply is well", patient, says("x"), func(*check.UDPConfig) {}, check.Pass, ""},
		{"a reply is wanted and none comes", hasty, silent, func(c *check.UDPConfig) { c.Reply = true }, check.Fail, "no reply"},
		{"any reply is wanted", patient, says("x"), func(c *check.UDPConfig) { c.Reply = true }, check.Pass, ""},
		{"without a pattern the length does not matter", patient, says(strings.Repeat("a", 300)), func(c *check.UDPConfig) { c.Reply, c.MinReply, c.MaxReply = true, 1000, 255 }, check.Pass, ""},
		{"the pattern", patient, says("hello"), pattern, check.Pass, ""},
		{"another", patient, says("hallo\x1b"), pattern, check.Fail, `UDP check reply data mismatch: hallo\x1b`},
		{"less than the pattern", patient, says("he"), pattern, check.Pass, ""},
		{"nothing of the pattern", patient, says(""), pattern, check.Pass, ""},
		{"a mask", patient, says("jello"), func(c *check.UDPConfig) { pattern(c); c.Mask[0] = 0xf0 }, check.Pass, ""},
		{"longer than wanted", patient, says(strings.Repeat("hello", 60)), pattern, check.Fail, "mismatch"},
		{"as long as wanted", patient, says("hel" + strings.Repeat("o", 252)), pattern, check.Pass, ""},
		{"shorter than wanted", patient, says("hello"), func(c *check.UDPConfig) { pattern(c); c.MinReply = 6 }, check.Fail, "mismatch"},
		{"the payload", patient, func(c *net.UDPConn, from *net.UDPAddr, b []byte) {
			if bytes.Equal(b, []byte{1, 2}) {
				c.WriteToUDP([]byte("hel"), from)
			}
		}, func(c *check.UDPConfig) { pattern(c); c.Payload = []byte{1, 2} }, check.Pass, ""},
		{"a payload that is nobody's", patient, func(c *net.UDPConn, from *net.UDPAddr, b []byte) {
			if len(b) == randomPayload {
				c.WriteToUDP([]byte("hel"), from)
			}
		}, pattern, check.Pass, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := check.UDPConfig{Endpoint: endpoint(packets(t, c.serve), c.timeout)}
			c.config(&p)
			want(t, run(t, p, Options{}), c.verdict, c.reason)
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		want(t, run(t, check.UDPConfig{Endpoint: endpoint(closedPort(t), patient)}, Options{}), check.Fail, "UDP connection failed: connection refused")
	})
	t.Run("IPv6, where nobody listens", func(t *testing.T) {
		addr := netip.AddrPortFrom(netip.IPv6Loopback(), closedPort(t).Port())
		want(t, run(t, check.UDPConfig{Endpoint: endpoint(addr, patient)}, Options{}), check.Fail, "UDP connection failed: connection refused")
	})
}
