package probe

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/sys/unix"

	"ipvsadm/check"
)

// FuzzHTTP reads an answer at once and byte by byte: the verdict is the same, and
// a good one has a head with a good status.
func FuzzHTTP(f *testing.F) {
	for _, s := range []string{
		"", "\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 99 x\r\n\r\n", "HTTP/1.1 600 x\r\n\r\n",
		"HTTP/1.1 200\r\n\r\n", "  200 \r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx",
		"HTTP/1.1 200 OK\r\n\r\n\r\n\r\n", "HTTP/1.1 200 OK\nX: y\n\n", "\x16\x03\x03", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nhello",
	} {
		f.Add([]byte(s))
	}
	pattern, err := newPattern(check.URLConfig{Pattern: "l+o"}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, u := range []check.URLConfig{url(), url(digest("hello")), url(regex("l+o"))} {
			p := &page{URLConfig: u}
			if u.Pattern != "" {
				p.pattern = pattern
			}
			read := func(r io.Reader) check.Result {
				a := newAnswer(context.Background(), p)
				if err := a.readFrom(r, nil); err != nil {
					return fail(err.Error())
				}
				if len(a.head) > 0 && a.ended || a.status < 0 || a.status > 999 {
					t.Errorf("head %q, status %d", a.head, a.status)
				}
				return a.verdict(p)
			}
			r := read(bytes.NewReader(text))
			want(t, r, r.Verdict, "")
			if again := read(iotest.OneByteReader(bytes.NewReader(text))); again != r {
				t.Errorf("%+v at once and %+v byte by byte", r, again)
			}
			if r.Verdict == check.Pass && !bytes.Contains(text, []byte("\r\n\r\n")) {
				t.Errorf("well without a head: %q", text)
			}
		}
	})
}

// FuzzSMTP reads a reply: a good one has a code, and was not longer than allowed.
func FuzzSMTP(f *testing.F) {
	for _, s := range []string{
		"220 hi\r\n", "220-a\r\n220 b\r\n", "220\n", "22", "", "220-a\r\n250 b\r\n", "2200\r\n", strings.Repeat("220-\r\n", 101), "220 " + strings.Repeat("a", 600) + "\r\n", "220-a\r\n221\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		code, last, err := readReply(bufio.NewReaderSize(bytes.NewReader(text), maxReplyLine))
		if err != nil {
			return
		}
		if code < 0 || code > 999 || len(last) > maxReplyLine || !strings.HasSuffix(last, "\n") {
			t.Errorf("%d %q", code, last)
		}
		end := bytes.Index(text, []byte(last)) + len(last)
		if lines := bytes.Count(text[:end], []byte("\n")); lines > maxReplyLines {
			t.Errorf("%d lines", lines)
		}
	})
}

// FuzzDNS reads messages as answers to one query. Only what repeats its id and its
// question is one, or says that it could not be read.
func FuzzDNS(f *testing.F) {
	c, err := newDNS(check.DNSConfig{Type: check.DNSA, Name: "a.b"}, Options{})
	if err != nil {
		f.Fatal(err)
	}
	query, err := c.query(0x1234)
	if err != nil {
		f.Fatal(err)
	}
	for _, flags := range []uint16{0x8180, 0x8182, 0x0100, 0x8380} {
		f.Add(reply(query, flags, true))
		f.Add(reply(query, flags, false))
	}
	f.Add(append(reply(query, 0x8180, true)[:12], 0xc0, 12, 0, 1, 0, 1))
	f.Add(append(reply(query, 0x8180, true)[:12], 63))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		rcode, ours := c.answers(b, 0x1234)
		if !ours {
			return
		}
		if len(b) < 12 || binary.BigEndian.Uint16(b) != 0x1234 || b[2]&0x80 == 0 {
			t.Fatalf("%x is taken for an answer", b)
		}
		if rcode == 0 && !bytes.EqualFold(b[12:min(len(b), len(query))], query[12:]) {
			t.Errorf("%x is taken for an answer to %x", b, query)
		}
	})
}

// FuzzUDP compares replies with a pattern bit by bit, the slow way.
func FuzzUDP(f *testing.F) {
	f.Add([]byte("hello"), []byte("hel"), []byte{255, 0xf0, 0}, 0, 255)
	f.Add([]byte(""), []byte("hel"), []byte{255, 255, 255}, 0, 255)
	f.Add([]byte("hello"), []byte(""), []byte{}, 9, 3)
	f.Fuzz(func(t *testing.T, reply, pattern, mask []byte, low, high int) {
		if len(mask) != len(pattern) {
			t.Skip()
		}
		c := &udpChecker{config: check.UDPConfig{Reply: true, Pattern: pattern, Mask: mask, MinReply: low, MaxReply: high}}
		good := len(pattern) == 0 || len(reply) >= low && len(reply) <= high
		for i := range 8 * min(len(reply), len(pattern)) {
			bit := byte(1) << (i % 8)
			if mask[i/8]&bit != 0 && reply[i/8]&bit != pattern[i/8]&bit && len(pattern) > 0 {
				good = false
			}
		}
		if got := c.matches(reply); got != good {
			t.Errorf("%v, want %v", got, good)
		}
	})
}

// FuzzPing reads packets as replies to one request.
func FuzzPing(f *testing.F) {
	v4 := newPing(check.PingConfig{Endpoint: endpoint(addrPort("127.0.0.1:0"), 0)}, Options{})
	v6 := newPing(check.PingConfig{Endpoint: endpoint(addrPort("[::1]:0"), 0)}, Options{})
	for _, c := range []*pingChecker{v4, v6} {
		m, err := c.message(7, 42)
		if err != nil {
			f.Fatal(err)
		}
		m[0] = map[int]byte{unix.IPPROTO_ICMP: 0, unix.IPPROTO_ICMPV6: 129}[c.ping.protocol]
		f.Add(m)
		f.Add(append(append([]byte{0x45}, make([]byte, 19)...), m...))
	}
	f.Add([]byte{0x4f})
	f.Fuzz(func(t *testing.T, b []byte) {
		cookie := binary.BigEndian.AppendUint64(nil, 42)
		for _, c := range []*pingChecker{v4, v6} {
			for _, raw := range []bool{false, true} {
				if c.answers(b, raw, 7, 42) && !bytes.Contains(b, cookie) {
					t.Errorf("%x is taken for a reply", b)
				}
			}
		}
	})
}

// TestSeedsAreNamed wants a name that says what it does for each file of the
// corpora.
func TestSeedsAreNamed(t *testing.T) {
	files, err := filepath.Glob("testdata/fuzz/*/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if len(name) == 16 && strings.Trim(name, "0123456789abcdef") == "" {
			t.Errorf("%s should say what it shows", file)
		}
		if info, err := os.Stat(file); err != nil || info.Size() > 64<<10 {
			t.Errorf("%s: %v", file, err)
		}
	}
}
