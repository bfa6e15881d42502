package checks

import (
	"crypto/md5"
	"fmt"
	"strings"
	"time"
)

func tcpCases() []Case {
	const check = "TCP_CHECK {\n}\n"
	return []Case{
		one("tcp accepts, then refuses", check, up, down, tcp(accepts), refuses),
		one("tcp refuses, then accepts", check, down, up, refuses, tcp(accepts)),
		one("tcp closes at once", check, up, "", tcp(closes)),
		one("tcp speaks first", check, up, "", tcp(mail("220 hello\r\n"))),
		one("tcp no answer, then there", check, down, up, route("blackhole"), tcp(accepts)).hasty(),
		one("tcp unreachable, then there", check, down, up, route("unreachable"), tcp(accepts)).hasty(),
		one("tcp there, then no answer", check, up, down, tcp(accepts), route("blackhole")).hasty(),
		one("tcp without retry", block("TCP_CHECK", "retry 0"), down, up, refuses, tcp(accepts)),
		one("tcp connect_port", block("TCP_CHECK", "connect_port 80"), up, down, tcp(accepts), refuses).at(8080),
		one("tcp connect_ip", block("TCP_CHECK", "connect_ip SORRY"), down, "", tcp(accepts)),
	}
}

// at gives the real servers another port in the table; the servers stay at 80.
func (c Case) at(port uint16) Case {
	c.Reals[0].Port = port
	return c
}

// http is an HTTP_GET of one url.
func http(url string) string { return get("HTTP_GET", "path /;"+url, "") }

func get(kind, url, more string) string { return block(kind, block("url", url)+more) }

const ok = "status_code 200"

func httpCases() []Case {
	return []Case{
		one("http 200, then 500", http(ok), up, down, tcp(status(200)), tcp(status(500))),
		one("http 500, then 200", http(ok), down, up, tcp(status(500)), tcp(status(200))),
		one("http 404, then refuses", http(ok), down, "", tcp(status(404)), refuses),
		one("http 302 is not followed", http(ok), down, "", tcp(says("HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n"))),
		one("http 302 is wanted", http("status_code 302"), up, "", tcp(says("HTTP/1.0 302 Found\r\nLocation: http://10.0.0.1/\r\n\r\n"))),
		one("http 204 without a status configured", http(""), up, down, tcp(status(204)), tcp(status(300))),
		one("http 401 without a status configured", http(""), down, up, tcp(status(401)), tcp(status(299))),
		one("http statuses in ranges", http("status_code 200-204 500-599"), up, down, tcp(status(503)), tcp(status(205))),
		one("http ends of a range", http("status_code 301-303"), up, down, tcp(status(303)), tcp(status(304))),
		one("http several statuses", http("status_code 200 404"), up, down, tcp(status(404)), tcp(status(403))),
		one("http 199", http("status_code 199"), up, "", tcp(status(199))),
		one("http 100 continue, then nothing", http(ok), down, "", tcp(says("HTTP/1.1 100 Continue\r\n\r\n"))),
		one("http 100 continue, then 200", http(ok), down, up, tcp(says("HTTP/1.1 100 Continue\r\n\r\n"+page(200, "x"))), tcp(status(200))),
		one("http status 99", http(ok), down, "", tcp(says("HTTP/1.0 99 Low\r\n\r\n"))),
		one("http status 600", http(ok), down, "", tcp(says("HTTP/1.0 600 High\r\n\r\n"))),
		one("http status of four digits", http(ok), down, "", tcp(says("HTTP/1.0 2000 Long\r\n\r\n"))),
		one("http status -200", http(ok), down, "", tcp(says("HTTP/1.0 -200 Minus\r\n\r\n"))),
		one("http content-length in small letters", http(md5sum(hello[:5])), down, "", tcp(says("HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\n"+hello))).differently("small-letters", up, ""),
		one("http head of 5 000 bytes", http(ok), down, "", tcp(says("HTTP/1.0 200 OK\r\n"+strings.Repeat("A: "+strings.Repeat("b", 45)+"\r\n", 100)+"\r\nhello"))).differently("large-head", up, ""),
		one("http no reason", http(ok), down, "", tcp(says("HTTP/1.0 200\r\n\r\nx"))),
		one("http status line of 1.1", http(ok), up, "", tcp(says("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nx"))),
		one("http no status line", http(ok), down, "", tcp(says("hello\r\n\r\nworld\r\n"))),
		one("http only a body", http(ok), down, "", tcp(says("<html></html>"))),
		one("http empty answer", http(ok), down, "", tcp(says(""))),
		one("http closes at once", http(ok), down, "", tcp(closes)),
		one("http resets at once", http(ok), down, "", tcp(resets)),
		one("http resets for an answer", http(ok), down, up, tcp(cutShort("")), tcp(status(200))),
		one("http head that does not end", http(ok), down, "", tcp(says("HTTP/1.0 200 OK\r\nA: b\r\n"))),
		one("http line feeds only", http(ok), down, "", tcp(says("HTTP/1.0 200 OK\nA: b\n\nhello"))),
		one("http large head", http(ok), up, "", tcp(says("HTTP/1.0 200 OK\r\n"+strings.Repeat("A: "+strings.Repeat("b", 60)+"\r\n", 50)+"\r\nhello"))),
		one("http Host is the address", http(ok), up, "", tcp(askedItself)),
		one("http virtualhost", http(ok+";virtualhost www.test"), up, down, tcp(asked("Host: www.test")), tcp(asked("Host: other.test"))),
		one("http virtualhost of the checker", get("HTTP_GET", "path /;"+ok, "virtualhost www.test\n"), up, "", tcp(asked("Host: www.test"))),
		one("http virtualhost of the virtual server", http(ok), up, "", tcp(asked("Host: www.test"))).with("virtualhost www.test"),
		one("http path", get("HTTP_GET", "path /a/b?c=d;"+ok, ""), up, down, tcp(begun("GET /a/b?c=d HTTP/1.0\r\n")), tcp(begun("GET / HTTP"))),
		one("http 1.0 by itself", http(ok), up, "", tcp(begun("GET / HTTP/1.0\r\n"))),
		one("http 1.1", get("HTTP_GET", "path /;"+ok, "http_protocol 1.1\n"), up, "", tcp(begun("GET / HTTP/1.1\r\n"))),
		one("http 1.1 says close", get("HTTP_GET", "path /;"+ok, "http_protocol 1.1\n"), up, "", tcp(asked("Connection: close"))),
		one("http 1.0 with close", get("HTTP_GET", "path /;"+ok, "http_protocol 1.0C\n"), up, "", tcp(asked("Connection: close"))),
		one("http bind_port", get("HTTP_GET", "path /;"+ok, "bindto 0.0.0.0\nbind_port 7777\n"), up, "", tcp(from(7777))),
		one("http alpha, two urls", block("HTTP_GET", "alpha;"+block("url", "path /a;status_code 200")+block("url", "path /b;status_code 200")), up, down, tcp(status(200)), tcp(status(500))),
		one("http fast_recovery", block("HTTP_GET", "fast_recovery;"+block("url", "path /a;status_code 200")+block("url", "path /b;status_code 200")), down, up,
			tcp(begun("GET /a ")), tcp(status(200))),
		one("http two urls, one bad", block("HTTP_GET", block("url", "path /a;status_code 200")+block("url", "path /b;status_code 200")), down, up,
			tcp(begun("GET /a ")), tcp(status(200))),
	}
}

// md5sum is the digest of a body.
func md5sum(body string) string { return fmt.Sprintf("digest %x", md5.Sum([]byte(body))) }

const hello = "hello, world\n"

func bodyCases() []Case {
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n" + hello + "\r\n0\r\n\r\n"
	short := "HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\n" + hello
	long := "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n" + hello
	length := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(hello), hello)
	big := strings.Repeat("0123456789abcdef", 512)
	return []Case{
		one("digest right, then wrong", http(md5sum(hello)), up, down, tcp(body(hello)), tcp(body("hello, moon\n"))),
		one("digest wrong, then right", http(md5sum(hello)), down, up, tcp(body("")), tcp(body(hello))),
		one("digest right, status 500", http(md5sum(hello)+";"+ok), down, "", tcp(says(page(500, hello)))),
		one("digest right, status 500, none configured", http(md5sum(hello)), down, "", tcp(says(page(500, hello)))),
		one("digest of nothing", http(md5sum("")), up, "", tcp(body(""))),
		one("digest of 8 KB", http(md5sum(big)), up, "", tcp(body(big))),
		one("digest of a body in pieces", http(md5sum(hello)), up, "", tcp(in(200*time.Millisecond, page(200, "hello"), ", ", "world\n"))),
		one("digest of a chunked body, as sent", http(md5sum("d\r\n"+hello+"\r\n0\r\n\r\n")), up, "", tcp(says(chunked))),
		one("digest of a chunked body, as meant", http(md5sum(hello)), down, "", tcp(says(chunked))),
		one("body shorter than its length", http(ok), up, "", tcp(says(short))),
		one("digest of a body shorter than its length", http(md5sum(hello)), up, "", tcp(says(short))),
		one("digest of a body longer than its length, all", http(md5sum(hello)), down, "", tcp(says(long))),
		one("digest of a body longer than its length, cut", http(md5sum(hello[:5])), up, "", tcp(says(long))),
		one("body of a length, connection open", http(md5sum(hello)), down, "", tcp(stays(length))).hasty(),
		one("body of no length, connection open", http(md5sum(hello)), down, "", tcp(stays(page(200, hello)))).hasty(),
		one("status good, connection open", http(ok), down, "", tcp(stays(page(200, hello)))).hasty(),
		one("status good, body cut by a reset", http(ok), down, "", tcp(cutShort(page(200, hello)))),
		one("regex found, then not", http("regex wor+ld"), up, down, tcp(body(hello)), tcp(body("hello\n"))),
		one("regex not found, then found", http("regex o.*d"), down, up, tcp(body("hell, werld\n")), tcp(body(hello))),
		one("regex to the end of the page", http("regex world$"), down, "", tcp(body(hello)), tcp(body("hello, world"))).differently("pattern-at-the-end", up, ""),
		one("regex found, status 500", http("regex wor+ld;"+ok), down, "", tcp(says(page(500, hello)))),
		one("regex found, status 500, none configured", http("regex wor+ld"), down, "", tcp(says(page(500, hello)))),
		one("regex_no_match not found, then found", http("regex error;regex_no_match"), up, down, tcp(body(hello)), tcp(body("error\n"))),
		one("regex caseless", http("regex WORLD;regex_options caseless"), up, "", tcp(body(hello))),
		one("regex is case sensitive", http("regex WORLD"), down, "", tcp(body(hello))),
		one("regex multiline", http("regex ^world;regex_options multiline"), up, down, tcp(body("hello\nworld\n")), tcp(body(hello))),
		one("regex with a look behind", http(`regex "(?<=, )world"`), up, down, tcp(body(hello)), tcp(body("hello world"))),
		one("regex with a back reference", http(`regex "(l+)o.*\\1d"`), down, up, tcp(body("hello, word\n")), tcp(body("hello, wolld\n"))),
		one("regex in two pieces", http("regex hello.*world"), up, "", tcp(in(200*time.Millisecond, page(200, "xx hel"), "lo, wor", "ld\n"))),
		one("regex_min_offset counts from the head", http("regex world;regex_min_offset 58"), up, down, tcp(body(hello)), tcp(body("hello world\n"))),
		one("regex_max_offset counts from the head", http("regex world;regex_max_offset 59"), up, down, tcp(body(hello)), tcp(body("hello,   world\n"))),
		one("regex_max_offset at the place itself", http("regex world;regex_max_offset 58"), up, "", tcp(body(hello))),
		one("regex_max_offset at the beginning of the body", http("regex hello;regex_max_offset 51"), up, "", tcp(body(hello))),
		one("regex_max_offset at the beginning of a short answer", http("regex hello;regex_max_offset 19"), up, "", tcp(says("HTTP/1.0 200 OK\r\n\r\nhello x"))),
		one("regex_max_offset in a short answer", http("regex world;regex_max_offset 26"), up, "", tcp(says("HTTP/1.0 200 OK\r\n\r\nhello, world\n"))),
		one("regex_max_offset before the place", http("regex world;regex_max_offset 57"), down, "", tcp(body(hello))),
		one("regex in the head", http("regex Whatever"), up, "", tcp(body(hello))),
		one("regex in 8 KB", http("regex needle"), up, down, tcp(body(big+"needle"+big)), tcp(body(big))),
	}
}

func slowCases() []Case {
	const tick = 300 * time.Millisecond
	return []Case{
		one("slow head, within the time", http(ok), up, "", tcp(late(time.Second, status(200)))),
		one("slow head, too late", http(ok), down, up, tcp(late(25*time.Second, status(200))), tcp(status(200))).hasty(),
		one("silent after the request", http(ok), down, up, tcp(accepts), tcp(status(200))).hasty(),
		one("slow body, within the time", http(ok), up, "", tcp(in(tick, page(200, "a"), "b", "c"))),
		one("body that stops", http(ok), down, "", tcp(in(25*time.Second, page(200, "a"), "b"))).hasty(),
		one("drips a head for longer than the time", http(ok), up, "", tcp(dribble(80*time.Millisecond, "HTTP/1.0 200 OK\r\n\r\nx"))).hasty().differently("one-deadline", down, ""),
		one("http no answer, then there", http(ok), down, up, route("blackhole"), tcp(status(200))).hasty(),
	}
}
