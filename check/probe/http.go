package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"ipvsadm/check"
)

// httpChecker asks for one page in each check, in turn. With FastRecovery, from
// the start and after a failure, it asks for all in one check.
//
// A page that failed is asked for again until it is good. The server is well when
// as many pages in a row were good as there are.
type httpChecker struct {
	config check.HTTPConfig
	target *target
	pages  []page
	next   int // the page whose turn it is
	good   int // how many in a row were good, at most all
}

// page is one of the pages, and what it must be like.
type page struct {
	check.URLConfig
	request []byte
	pattern *pattern    // nil for none
	tls     *tls.Config // nil for HTTP_GET
}

func newHTTP(p check.HTTPConfig, o Options) (*httpChecker, error) {
	c := &httpChecker{config: p, target: newTarget(p.Endpoint, unix.SOCK_STREAM, unix.IPPROTO_TCP, o)}
	var secure *tls.Config
	var err error
	if p.TLS {
		if secure, err = newTLS(o.TLS); err != nil {
			return nil, err
		}
	}
	for _, u := range p.URLs {
		one := page{URLConfig: u, request: request(p, u), tls: secure}
		if p.TLS && p.SNI {
			one.tls = secure.Clone()
			if one.tls.ServerName = p.ServerName; p.ServerName == "" {
				one.tls.ServerName = u.VirtualHost
			}
		}
		if u.Pattern != "" {
			if one.pattern, err = newPattern(u, o.Turns); err != nil {
				return nil, err
			}
		}
		c.pages = append(c.pages, one)
	}
	return c, nil
}

// request is the request for a page, as keepalived writes it.
func request(p check.HTTPConfig, u check.URLConfig) []byte {
	host := u.VirtualHost
	if host == "" {
		host = p.Addr.String()
	}
	b := append([]byte("GET "), u.Path...)
	if p.Version == check.HTTP11 {
		b = append(b, " HTTP/1.1\r\n"...)
	} else {
		b = append(b, " HTTP/1.0\r\n"...)
	}
	b = append(b, "User-Agent: KeepAliveClient\r\n"...)
	if p.Version != check.HTTP10 {
		b = append(b, "Connection: close\r\n"...)
	}
	b = append(b, "Host: "...)
	b = append(b, host...)
	return append(b, "\r\n\r\n"...)
}

func (c *httpChecker) Check(ctx context.Context) check.Result {
	if len(c.pages) == 0 {
		return pass("") // as with keepalived: nothing can go wrong
	}
	all := c.config.FastRecovery && c.good < len(c.pages)
	for {
		r := c.ask(ctx, &c.pages[c.next])
		switch r.Verdict {
		case check.Fail:
			c.good = 0
			return r
		case check.Skip:
			return r
		}
		c.next = (c.next + 1) % len(c.pages)
		if c.good = min(c.good+1, len(c.pages)); c.good == len(c.pages) {
			return r
		}
		if !all {
			r.Verdict = check.Partial
			return r
		}
	}
}

// ask asks for a page and looks at the answer.
func (c *httpChecker) ask(ctx context.Context, p *page) check.Result {
	raw, err := c.target.dial(ctx)
	if err != nil {
		return failed(ctx, "Connection failed", "Timeout connecting", err)
	}
	defer raw.Close()
	var stream net.Conn = raw
	if p.tls != nil {
		secure := tls.Client(raw, p.tls)
		raw.phase()
		if err := secure.Handshake(); err != nil {
			return failed(ctx, "SSL handshake/communication error", "Timeout connecting", err)
		}
		stream = secure
	}
	raw.phase()
	if _, err := stream.Write(p.request); err != nil {
		return failed(ctx, "Cannot send get request", "Timeout WEB write", err)
	}
	limited, cancel := context.WithTimeout(ctx, c.target.Timeout)
	defer cancel()
	a := newAnswer(limited, p)
	err = a.readFrom(stream, c.target.turns)
	if err == nil && p.tls != nil && c.config.Compliant && raw.ended {
		// Package tls makes no difference between an end of the stream and a
		// close_notify, after which it reads no more.
		err = io.ErrUnexpectedEOF
	}
	r := c.judge(ctx, p, a, err)
	switch {
	case ctx.Err() != nil:
		return skip(stopped)
	case a.search != nil && a.search.err == errBusy:
		return skip(errBusy.Error())
	}
	return r
}

// judge says what an answer is worth, of which reading ended with err.
func (c *httpChecker) judge(ctx context.Context, p *page, a *answer, err error) check.Result {
	switch {
	case err == nil:
	case errors.Is(err, errHeadTooLong), errors.Is(err, errTooMuch):
		return fail(err.Error())
	case p.tls == nil:
		return failed(ctx, "Read error", "Timeout HTTP read", err)
	case c.config.Compliant || errors.Is(err, os.ErrDeadlineExceeded):
		return failed(ctx, "SSL read error", "Timeout SSL read", err)
	default:
		// keepalived takes any end of the connection for the end of the page.
	}
	return a.verdict(p)
}

// Limits of what a server may send. A page that is longer fails.
const (
	maxHead   = 16 << 10
	maxAnswer = 64 << 20
)

var errTooMuch = errors.New("the answer does not end")

// readFrom reads an answer to its end. The buffer is small until the answer
// proves to be long.
func (a *answer) readFrom(r io.Reader, turns *Turns) error {
	buf := make([]byte, 2<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if tooMuch := a.take(buf[:n]); tooMuch != nil {
				return tooMuch
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if n == len(buf) && n < len(buffer{}) {
			long := turns.buffer()
			defer turns.giveBack(long)
			buf = long[:]
		}
	}
}

// statusReason tells of a page and its status in keepalived's words.
func statusReason(p *page, what string, status int) string {
	return what + " url(" + excerpt(p.Path) + "), status_code [" + strconv.Itoa(status) + "]"
}
