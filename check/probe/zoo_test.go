package probe

import (
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"ipvsadm/check"
)

// endless writes a text again and again until nobody takes it.
func endless(text string) func(net.Conn) {
	block := strings.Repeat(text, 1+(64<<10)/len(text))
	return func(c net.Conn) {
		for {
			if _, err := io.WriteString(c, block); err != nil {
				return
			}
		}
	}
}

// slowly writes a text byte by byte.
func slowly(text string) func(net.Conn) {
	return func(c net.Conn) {
		for i := range text {
			if _, err := io.WriteString(c, text[i:i+1]); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// TestZoo checks servers that mean ill: the verdict is right, in bounded time and
// memory. What the servers themselves allocate is in the memory too.
func TestZoo(t *testing.T) {
	web := func(u check.URLConfig) func(check.Endpoint) check.ProbeConfig {
		return func(e check.Endpoint) check.ProbeConfig {
			return check.HTTPConfig{Endpoint: e, URLs: []check.URLConfig{u}}
		}
	}
	ssl := func(e check.Endpoint) check.ProbeConfig {
		return check.HTTPConfig{Endpoint: e, TLS: true, URLs: []check.URLConfig{url()}}
	}
	smtp := func(e check.Endpoint) check.ProbeConfig { return check.SMTPConfig{Endpoint: e, Helo: "me"} }
	config := &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}
	long := strings.Repeat("a", 200)
	for _, c := range []struct {
		name    string
		timeout time.Duration
		probe   func(check.Endpoint) check.ProbeConfig
		serve   func(net.Conn)
		verdict check.Verdict
		reason  string
	}{
		{"a head without end", patient, web(url()), script(ok, endless("X: y\r\n")), check.Fail, "the head of the answer does not end"},
		{"a line of the head without end", patient, web(url()), script(ok+"X: ", endless("y")), check.Fail, "the head of the answer does not end"},
		{"a status line without end", patient, web(url()), script("HTTP/1.1 200", endless("2")), check.Fail, "the head of the answer does not end"},
		{"a body without end", patient, web(url()), script(ok+"\r\n", endless("a")), check.Fail, "the answer does not end"},
		{"a body without end, for a digest", patient, web(url(digest("x"))), script(ok+"\r\n", endless("a")), check.Fail, "the answer does not end"},
		{"a body without end, of a Content-Length beyond all", patient, web(url()), script(ok+"Content-Length: 9223372036854775807\r\n\r\n", endless("a")), check.Fail, "the answer does not end"},
		{"a gzip bomb is not unpacked", patient, web(url(digest("\x1f\x8b\x08\x00"))), script(ok + "Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00"), check.Pass, ""},
		{"slowloris", hasty, web(url()), script(ok, slowly(strings.Repeat("X: y\r\n", 1000))), check.Fail, "Timeout HTTP read"},
		{"slowloris in the body", hasty, web(url()), script(ok+"\r\n", slowly(strings.Repeat("a", 1000))), check.Fail, "Timeout HTTP read"},
		{"silence", hasty, web(url()), hang, check.Fail, "Timeout HTTP read"},
		{"an answer before the request", patient, web(url()), func(c net.Conn) { io.WriteString(c, ok+"\r\n"); readRequest(c) }, check.Pass, ""},
		{"a redirect to itself", patient, web(url()), script("HTTP/1.1 302 x\r\nLocation: /x\r\n\r\n"), check.Fail, "status_code [302]"},
		{"a reason phrase with escapes", patient, web(url()), script("HTTP/1.1 500 \x1b]0;owned\a\x1b[2J\r\n\r\n"), check.Fail, "status_code [500]"},
		{"NUL bytes", patient, web(url()), script(strings.Repeat("\x00", 5000)), check.Fail, "Read, no data received"},
		{"HTTP/2", patient, web(url()), script("\x00\x00\x12\x04\x00\x00\x00\x00\x00"), check.Fail, "Read, no data received"},
		{"a pattern that goes back and forth for ever", hasty, web(url(regex(`(a+)+$`))), script(ok + "\r\n" + long + "!"), check.Fail, "the search takes too long"},
		{"such a pattern that may not be there", hasty, web(url(regex(`(a|aa)+$`), noMatch)), script(ok + "\r\n" + long + "!"), check.Fail, "the search takes too long"},
		{"a pattern and a body without end", patient, web(url(regex("nowhere"))), script(ok+"\r\n", endless("now")), check.Fail, ""},

		{"a handshake and then nothing", hasty, ssl, secure(config, func(_ *tls.Conn, c net.Conn) { hang(c) }), check.Fail, "Timeout SSL read"},
		{"a body over TLS without end", patient, ssl, secure(config, answers(ok+"\r\n", func(s *tls.Conn, _ net.Conn) { endless("a")(s) })), check.Fail, "the answer does not end"},
		{"rubbish after the handshake", patient, ssl, secure(config, func(s *tls.Conn, c net.Conn) { readRequest(s); endless("rubbish")(c) }), check.Fail, "Read, no data received"},
		{"empty records without end", patient, ssl, endless("\x17\x03\x03\x00\x00"), check.Fail, "SSL handshake/communication error"},

		{"a greeting without end", patient, smtp, endless("220"), check.Fail, "the reply is too long"},
		{"lines of a greeting without end", patient, smtp, endless("220-hello\r\n"), check.Fail, "the reply is too long"},
		{"a greeting byte by byte", hasty, smtp, slowly("220 " + strings.Repeat("x", 400)), check.Fail, "Read timeout from server"},
		{"a reply to QUIT without end", patient, smtp, mail("220 x\r\n", "250 x\r\n", strings.Repeat("221-x\r\n", 5000)), check.Fail, "the reply is too long"},
		{"empty lines without end", patient, smtp, endless("\r\n"), check.Fail, "it is no reply of SMTP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.probe(endpoint(listen(t, c.serve), c.timeout))
			checker, err := New(p, Options{Turns: newTurns(1, 1)})
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			var r check.Result
			held := mostHeld(func() { r = checker.Check(t.Context()) })
			took := time.Since(begin)
			want(t, r, c.verdict, c.reason)
			// Connecting, the handshake and the answer may take the timeout each.
			if limit := 3*c.timeout + 5*time.Second; took > limit {
				t.Errorf("it took %v, more than %v", took, limit)
			}
			if held > 16<<20 { // the server and garbage are in it; BenchmarkMany knows more
				t.Errorf("%d bytes are held", held)
			}
		})
	}
}

// mostHeld is how much more memory than before is in use while f runs, with what
// is garbage almost left out: it is collected at every few per cent of growth.
func mostHeld(f func()) int64 {
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, most := int64(m.HeapAlloc), int64(0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		select {
		case <-done:
			tick.Stop()
			return most
		case <-tick.C:
			runtime.ReadMemStats(&m)
			most = max(most, int64(m.HeapAlloc)-before)
		}
	}
}

// TestNothingIsLeft does many checks of servers that do not behave, and counts
// goroutines and file descriptors.
func TestNothingIsLeft(t *testing.T) {
	silent := listen(t, func(net.Conn) {})
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	for range 20 {
		for _, p := range []check.ProbeConfig{
			check.TCPConfig{Endpoint: endpoint(silent, patient)},
			check.TCPConfig{Endpoint: endpoint(closedPort(t), patient)},
			check.HTTPConfig{Endpoint: endpoint(silent, patient), URLs: []check.URLConfig{url()}},
			check.HTTPConfig{Endpoint: endpoint(silent, patient), TLS: true, URLs: []check.URLConfig{url()}},
			check.SMTPConfig{Endpoint: endpoint(silent, patient)},
			// Not patient: the kernel sends ICMP errors only so fast.
			check.DNSConfig{Endpoint: endpoint(closedPort(t), hasty), Type: check.DNSA},
			check.UDPConfig{Endpoint: endpoint(closedPort(t), hasty)},
		} {
			run(t, p, Options{})
		}
	}
	for end := time.Now().Add(patient); ; time.Sleep(10 * time.Millisecond) {
		g, f := runtime.NumGoroutine(), openFiles(t)
		if g <= goroutines && f <= files {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d goroutines and %d files, before %d and %d", g, f, goroutines, files)
		}
	}
}
