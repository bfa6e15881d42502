package probe

import (
	"context"
	"crypto/md5"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"ipvsadm/check"
)

// url is a page as most configurations have it.
func url(change ...func(*check.URLConfig)) check.URLConfig {
	u := check.URLConfig{Path: "/x", Status: []check.StatusRange{{First: 200, Last: 299}}}
	for _, f := range change {
		f(&u)
	}
	return u
}

func digest(body string) func(*check.URLConfig) {
	return func(u *check.URLConfig) { u.HasDigest, u.Digest = true, md5.Sum([]byte(body)) }
}
func regex(pattern string, options ...string) func(*check.URLConfig) {
	return func(u *check.URLConfig) { u.Pattern, u.Options = pattern, options }
}
func noMatch(u *check.URLConfig) { u.NoMatch = true }
func offsets(low, high uint64) func(*check.URLConfig) {
	return func(u *check.URLConfig) { u.MinOffset, u.MaxOffset = low, high }
}
func statuses(first, last uint16) func(*check.URLConfig) {
	return func(u *check.URLConfig) { u.Status = []check.StatusRange{{First: first, Last: last}} }
}

const ok = "HTTP/1.1 200 OK\r\n"

// TestHTTP compares verdicts with those of keepalived 2.2.7 for the same bytes,
// which was asked. Where ours is another, differs says why.
func TestHTTP(t *testing.T) {
	long := strings.Repeat("a", 100_000)
	for _, c := range []struct {
		name    string
		answer  string
		page    check.URLConfig
		verdict check.Verdict
		reason  string
		differs string
	}{
		{"a page", ok + "\r\nhello", url(), check.Pass, "HTTP status code success url(/x), status_code [200]", ""},
		{"a page without a body", "HTTP/1.0 204 none\r\n\r\n", url(), check.Pass, "", ""},
		{"a status that is not wanted", "HTTP/1.1 404 no\r\n\r\n", url(), check.Fail, "HTTP status code error url(/x), status_code [404]", ""},
		{"a redirect is not followed", "HTTP/1.1 301 x\r\nLocation: /\r\n\r\n", url(), check.Fail, "status_code [301]", ""},
		{"a redirect that is wanted", "HTTP/1.1 301 x\r\nLocation: /\r\n\r\n", url(statuses(300, 302)), check.Pass, "", ""},
		{"100 Continue is a status like any other", "HTTP/1.1 100 Continue\r\n\r\n" + ok + "\r\n", url(), check.Fail, "status_code [100]", ""},
		{"a status and no space after it", "HTTP/1.1 200\r\nServer: x\r\n\r\n", url(), check.Fail, "status_code [0]", ""},
		{"a status of two digits", "HTTP/1.1 99 x\r\n\r\n", url(), check.Fail, "status_code [0]", ""},
		{"a status of four digits", "HTTP/1.1 2000 x\r\n\r\n", url(), check.Fail, "status_code [0]", ""},
		{"a status with a zero before it", "HTTP/1.1 0200 x\r\n\r\n", url(), check.Fail, "status_code [0]", ""},
		{"a status with a sign", "HTTP/1.1 +200 x\r\n\r\n", url(), check.Fail, "status_code [0]", ""},
		{"a negative status", "HTTP/1.1 -1 x\r\n\r\n", url(), check.Fail, "status_code [0]", ""},
		{"a status with letters after it", "HTTP/1.1 200abc x\r\n\r\n", url(), check.Fail, "status_code [0]", ""},
		{"a status after two spaces", "HTTP/1.1  200 x\r\n\r\n", url(), check.Fail, "status_code [0]", ""},
		{"a status beyond all", "HTTP/1.1 600 x\r\n\r\n", url(statuses(100, 599)), check.Fail, "status_code [600]", ""},
		{"a status in the next line", "HTTP/1.1\r\nX: 200 x\r\n\r\n", url(), check.Fail, "status_code [0]", "not asked"},
		{"a word other than HTTP", "ICY 200 OK\r\n\r\nhello", url(), check.Pass, "", ""},
		{"lines without CR", "HTTP/1.1 200 OK\nServer: x\n\nhello", url(), check.Fail, "Read, no data received", ""},
		{"no head", "hello 200 world\n", url(), check.Fail, "Read, no data received", ""},
		{"nothing", "", url(), check.Fail, "Read, no data received", ""},
		{"a head that does not end", ok + "Server: x\r\n", url(), check.Fail, "Read, no data received", ""},
		{"a head of 3 900 bytes", ok + "X: " + long[:3900] + "\r\n\r\n", url(), check.Pass, "", ""},
		{"a head of 5 000 bytes", ok + "X: " + long[:5000] + "\r\n\r\n", url(), check.Pass, "", "keepalived has room for 4 KiB, and takes a longer head for none"},
		{"NUL in the head", ok + "X: a\x00b\r\n\r\nhello", url(), check.Pass, "", ""},
		{"less than Content-Length", ok + "Content-Length: 50\r\n\r\nhello", url(), check.Pass, "", ""},

		{"the digest", ok + "\r\nhello", url(digest("hello")), check.Pass, "", ""},
		{"another digest", ok + "\r\nhello", url(digest("hallo")), check.Fail, "MD5 digest error url(/x)", ""},
		{"the digest of a long page", ok + "\r\n" + long, url(digest(long)), check.Pass, "", ""},
		{"the digest takes Content-Length bytes", ok + "Content-Length: 5\r\n\r\nhelloEXTRA", url(digest("hello")), check.Pass, "", ""},
		{"the digest of no bytes", ok + "Content-Length: 0\r\n\r\nhello", url(digest("")), check.Pass, "", ""},
		{"a negative Content-Length is none", ok + "Content-Length: -5\r\n\r\nhello", url(digest("hello")), check.Pass, "", ""},
		{"a Content-Length beyond all", ok + "Content-Length: 99999999999999999999999\r\n\r\nhello", url(digest("hello")), check.Pass, "", "not asked"},
		{"an empty Content-Length", ok + "Content-Length:\r\n\r\nhello", url(digest("hello")), check.Pass, "", "not asked"},
		{"content-length in small letters", ok + "content-length: 5\r\n\r\nhelloEXTRA", url(digest("hello")), check.Pass, "", "keepalived does not see it, against RFC 9110 §5.1"},
		{"chunks are not put together", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", url(digest("5\r\nhello\r\n0\r\n\r\n")), check.Pass, "", ""},
		{"what is compressed stays so", ok + "Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08", url(digest("\x1f\x8b\x08")), check.Pass, "", ""},

		{"a pattern in the page", ok + "\r\nhello world", url(regex("hello")), check.Pass, "", ""},
		{"a pattern in the head", ok + "X-Foo: findme\r\n\r\nhello", url(regex("findme")), check.Pass, "", ""},
		{"the beginning is that of the head", ok + "\r\nhello", url(regex("^hello")), check.Fail, "Regex match failed url(/x)", ""},
		{"and so matches", ok + "\r\nhello", url(regex("^HTTP")), check.Pass, "", ""},
		{"a pattern that is nowhere", ok + "\r\nhello", url(regex("hallo")), check.Fail, "Regex match failed", ""},
		{"a pattern that may not be there", ok + "\r\nhello", url(regex("hallo"), noMatch), check.Pass, "", ""},
		{"a pattern that is there and may not be", ok + "\r\nhello x", url(regex("hello"), noMatch), check.Fail, "Regex match failed", ""},
		{"a pattern far down the page", ok + "\r\n" + long + "hello x", url(regex("hello")), check.Pass, "", ""},
		{"a match that begins before the least offset", ok + "\r\nhello x", url(regex("hello"), offsets(20, 0)), check.Fail, "Regex match failed", ""},
		{"a match that begins at the least offset", ok + "\r\nhello x", url(regex("hello"), offsets(19, 0)), check.Pass, "", ""},
		{"a match that begins at the greatest offset", ok + "\r\nhello x", url(regex("hello"), offsets(0, 19)), check.Pass, "", ""},
		{"a match that begins after the greatest offset", ok + "\r\nhello x", url(regex("hello"), offsets(0, 18)), check.Fail, "Regex match failed", ""},
		{"a match that ends with the page", ok + "\r\nhello", url(regex("hello$")), check.Pass, "",
			"keepalived goes on waiting for more of the page when there is none, and so finds nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := check.HTTPConfig{Endpoint: endpoint(listen(t, script(c.answer)), patient), URLs: []check.URLConfig{c.page}}
			want(t, run(t, p, Options{}), c.verdict, c.reason)
		})
	}
}

// TestHTTPConnections is how the connection ends, or does not.
func TestHTTPConnections(t *testing.T) {
	for _, c := range []struct {
		name    string
		timeout time.Duration
		serve   func(net.Conn)
		verdict check.Verdict
		reason  string
	}{
		{"a server that does not end the connection", hasty, script(ok+"Content-Length: 5\r\n\r\nhello", hang), check.Fail, "Timeout HTTP read"},
		{"a server that says nothing", hasty, hang, check.Fail, "Timeout HTTP read"},
		{"a server that resets in the middle", patient, script(ok+"Content-Length: 50\r\n\r\nhello", reset), check.Fail, "Read error: connection reset by peer"},
		{"an answer in pieces", patient, script("HTTP/1.1 20", func(c net.Conn) {
			for _, piece := range []string{"0 OK\r", "\n\r", "\nhel", "lo"} {
				time.Sleep(10 * time.Millisecond)
				io.WriteString(c, piece)
			}
		}), check.Pass, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := check.HTTPConfig{Endpoint: endpoint(listen(t, c.serve), c.timeout), URLs: []check.URLConfig{url()}}
			want(t, run(t, p, Options{}), c.verdict, c.reason)
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		p := check.HTTPConfig{Endpoint: endpoint(closedPort(t), patient), URLs: []check.URLConfig{url()}}
		want(t, run(t, p, Options{}), check.Fail, "Connection failed: connection refused")
	})
}

// TestHTTPRequest compares requests byte by byte: keepalived's, and nothing that a
// library adds.
func TestHTTPRequest(t *testing.T) {
	for _, name := range []string{"http_proxy", "HTTP_PROXY", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:1") // which nobody may ask
	}
	for _, c := range []struct {
		name    string
		address string
		version check.HTTPVersion
		host    string
		want    string // with %s for the address
	}{
		{"1.0", "127.0.0.1:0", check.HTTP10, "", "GET /x HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: %s\r\n\r\n"},
		{"1.0C", "127.0.0.1:0", check.HTTP10C, "www", "GET /x HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: www\r\n\r\n"},
		{"1.1", "127.0.0.1:0", check.HTTP11, "www:81", "GET /x HTTP/1.1\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: www:81\r\n\r\n"},
		{"IPv6", "[::1]:0", check.HTTP10, "", "GET /x HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: %s\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			requests := make(chan string, 1)
			addr := listenAt(t, c.address, func(conn net.Conn) {
				request, _ := readRequest(conn)
				requests <- request
				io.WriteString(conn, ok+"\r\n")
			})
			u := url()
			u.VirtualHost = c.host
			p := check.HTTPConfig{Endpoint: endpoint(addr, patient), Version: c.version, URLs: []check.URLConfig{u}}
			want(t, run(t, p, Options{}), check.Pass, "")
			if got, want := <-requests, strings.Replace(c.want, "%s", addr.String(), 1); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// TestHTTPPages is which page is asked for when, and when the server is well.
func TestHTTPPages(t *testing.T) {
	for _, c := range []struct {
		name  string
		fast  bool
		pages int
		// down are the pages that are bad, check by check.
		down []string
		want string // pages asked and verdict, check by check
	}{
		{"one page", false, 1, []string{"", ""}, "a=pass a=pass"},
		{"one page in each check", false, 3, []string{"", "", "", ""}, "a=partial b=partial c=pass a=pass"},
		{"the page that failed is asked for again", false, 2, []string{"", "b", "b", "", ""}, "a=partial b=fail b=fail b=partial a=pass"},
		{"all pages at once from the start", true, 3, []string{"", "", ""}, "abc=pass a=pass b=pass"},
		{"all pages at once after a failure", true, 2, []string{"", "a", "a", ""}, "ab=pass a=fail a=fail ab=pass"},
		{"no page at all", false, 0, []string{""}, "=pass"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var mu sync.Mutex
			asked, down := "", ""
			addr := listen(t, func(conn net.Conn) {
				request, _ := readRequest(conn)
				name := request[len("GET /"):][:1]
				mu.Lock()
				defer mu.Unlock()
				asked += name
				if strings.Contains(down, name) {
					io.WriteString(conn, "HTTP/1.1 500 x\r\n\r\n")
				} else {
					io.WriteString(conn, ok+"\r\n")
				}
			})
			p := check.HTTPConfig{Endpoint: endpoint(addr, patient), FastRecovery: c.fast}
			for i := range c.pages {
				u := url()
				u.Path = "/" + string(rune('a'+i))
				p.URLs = append(p.URLs, u)
			}
			checker, err := New(p, Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, bad := range c.down {
				mu.Lock()
				asked, down = "", bad
				mu.Unlock()
				r := checker.Check(context.Background())
				mu.Lock()
				got = append(got, asked+"="+r.Verdict.String())
				mu.Unlock()
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s, want %s", s, c.want)
			}
		})
	}
}

func TestHTTPFromAddressAndPort(t *testing.T) {
	from := make(chan netip.AddrPort, 1)
	addr := listen(t, func(c net.Conn) {
		from <- c.RemoteAddr().(*net.TCPAddr).AddrPort()
		script(ok + "\r\n")(c)
	})
	e := endpoint(addr, patient)
	e.Bind, e.Port, e.Device = netip.MustParseAddr("127.0.0.9"), closedPort(t).Port(), "lo"
	want(t, run(t, check.HTTPConfig{Endpoint: e, URLs: []check.URLConfig{url()}}, Options{}), check.Pass, "")
	if got, want := <-from, netip.AddrPortFrom(e.Bind, e.Port); got != want {
		t.Errorf("the connection came from %v, want %v", got, want)
	}
}
