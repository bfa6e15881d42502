package checks

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Stream is what a server does with a connection. It is closed afterwards.
type Stream func(net.Conn)

// accepts says nothing and waits for the other side to go.
func accepts(c net.Conn) { read(c) }

// closes hangs up at once.
func closes(net.Conn) {}

// resets hangs up with RST.
func resets(c net.Conn) { reset(c) }

func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		t.SetLinger(0)
		t.Close()
	}
}

// read reads until the other side goes.
func read(c net.Conn) {
	for buf := make([]byte, 4096); ; {
		if _, err := c.Read(buf); err != nil {
			return
		}
	}
}

// head reads the head of a request.
func head(c net.Conn) string {
	var b strings.Builder
	for r := bufio.NewReader(c); ; {
		line, err := r.ReadString('\n')
		b.WriteString(line)
		if err != nil || strings.TrimSpace(line) == "" {
			return b.String()
		}
	}
}

// says answers any HTTP request with these bytes, and closes.
func says(answer string) Stream {
	return func(c net.Conn) {
		head(c)
		c.Write([]byte(answer))
	}
}

// blurts answers as soon as anything comes, whatever it is, and closes.
func blurts(answer string) Stream {
	return func(c net.Conn) {
		c.Read(make([]byte, 1))
		c.Write([]byte(answer))
	}
}

// stays answers, and leaves the connection open.
func stays(answer string) Stream {
	return func(c net.Conn) {
		says(answer)(c)
		read(c)
	}
}

// page is an answer with a status and a body.
func page(status int, body string) string {
	return fmt.Sprintf("HTTP/1.0 %d Whatever\r\nContent-Type: text/plain\r\n\r\n%s", status, body)
}

// status answers with a status.
func status(n int) Stream { return says(page(n, "hello\n")) }

// body answers 200 with a body.
func body(text string) Stream { return says(page(200, text)) }

// in answers in pieces, with a pause before each but the first.
func in(pause time.Duration, pieces ...string) Stream {
	return func(c net.Conn) {
		head(c)
		for i, p := range pieces {
			if i > 0 {
				time.Sleep(pause)
			}
			if _, err := c.Write([]byte(p)); err != nil {
				return
			}
		}
	}
}

// dribble answers byte by byte.
func dribble(pause time.Duration, answer string) Stream {
	return in(pause, strings.Split(answer, "")...)
}

// late answers after a while.
func late(wait time.Duration, then Stream) Stream {
	return func(c net.Conn) {
		time.Sleep(wait)
		then(c)
	}
}

// cutShort answers, and then resets the connection.
func cutShort(answer string) Stream {
	return func(c net.Conn) {
		head(c)
		c.Write([]byte(answer))
		time.Sleep(50 * time.Millisecond) // or the bytes are lost too
		reset(c)
	}
}

// from answers 200 if the client has a port, else 403.
func from(port uint16) Stream {
	return func(c net.Conn) {
		answer := 403
		if at, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil && at.Port() == port {
			answer = 200
		}
		status(answer)(c)
	}
}

// asked answers 200 if the request has a line, else 404.
func asked(line string) Stream {
	return func(c net.Conn) {
		answer := page(404, "no\n")
		if bytes.Contains([]byte(head(c)), []byte("\r\n"+line+"\r\n")) {
			answer = page(200, "yes\n")
		}
		c.Write([]byte(answer))
	}
}

// begun answers 200 if the request begins with a text, else 400.
func begun(text string) Stream {
	return func(c net.Conn) {
		answer := page(400, "no\n")
		if strings.HasPrefix(head(c), text) {
			answer = page(200, "yes\n")
		}
		c.Write([]byte(answer))
	}
}

// over serves a stream inside TLS. It ends as TLS wants it, with close_notify.
func over(config *tls.Config, inner Stream) Stream {
	return func(c net.Conn) {
		t := tls.Server(c, config)
		if t.Handshake() != nil {
			return
		}
		inner(t)
		t.Close()
	}
}

// rudely is over without close_notify.
func rudely(config *tls.Config, inner Stream) Stream {
	return func(c net.Conn) {
		t := tls.Server(c, config)
		if t.Handshake() == nil {
			inner(t)
		}
	}
}

// mail speaks SMTP: its greeting, then an answer to each line. An answer "" is
// none at all, and the last answer ends the connection.
func mail(greeting string, answers ...string) Stream {
	return func(c net.Conn) {
		c.Write([]byte(greeting))
		lines := bufio.NewReader(c)
		for _, a := range answers {
			if _, err := lines.ReadString('\n'); err != nil {
				return
			}
			c.Write([]byte(a))
		}
		if len(answers) == 0 {
			read(c)
		}
	}
}

// heard is mail that takes HELO only by a name.
func heard(helo string) Stream {
	return func(c net.Conn) {
		c.Write([]byte("220 mx\r\n"))
		lines := bufio.NewReader(c)
		line, _ := lines.ReadString('\n')
		if strings.TrimSpace(line) != helo {
			c.Write([]byte("501 who?\r\n"))
			return
		}
		c.Write([]byte("250 mx\r\n"))
		lines.ReadString('\n')
		c.Write([]byte("221 bye\r\n"))
	}
}

// askedItself answers 200 if Host is the address and port that were connected to.
func askedItself(c net.Conn) { asked("Host: " + c.LocalAddr().String())(c) }
