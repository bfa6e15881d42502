package vrrp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// MailConfig is whom to send mails to, and how.
type MailConfig struct {
	To     []string // none: no mail is sent
	From   string   // "" is keepalived@ the machine's name
	Server string   // name or address, "" for no mail
	Port   uint16
	Helo   string // "" is the machine's name
	// Timeout is for connecting.
	Timeout time.Duration
	// NoFaults sends no mail for FAULT (no_email_faults).
	NoFaults bool
}

const (
	// mailTime is what one mail may take once the server is connected.
	mailTime = 30 * time.Second
	// maxReply is how many bytes a server may say during one mail.
	maxReply = 64 << 10
)

// mail is one message.
type mail struct{ subject, body string }

// mailFor is the mail about a change, with keepalived's words. ok is false if
// there is none: keepalived writes of no end of its own either.
func (r *Report) mailFor(n Notify, routerID string, noFaults bool) (m mail, ok bool) {
	if !r.Config.Mail || n.Kind == NotifyPriority || n.Kind == NotifyLowerPriority {
		return mail{}, false
	}
	what, body := "VRRP Instance "+r.Instance, ""
	if r.Group != "" {
		what = "VRRP Group " + r.Group
	}
	event := "Entering " + r.word(n) + " state"
	switch word := r.word(n); {
	case word == "FAULT" && noFaults, word == "STOP":
		return mail{}, false
	case word == "DELETED":
		event = "Deleted"
		body = "=> VRRP Deleted at reload <="
	case r.Group != "":
		body = "=> All VRRP group instances are now in " + word + " state <="
	case word == "MASTER":
		body = "=> VRRP Instance is now owning VRRP VIPs <="
	default:
		body = "=> VRRP Instance is no longer owning VRRP VIPs <="
	}
	return mail{"[" + routerID + "] " + what + " - " + event, body}, true
}

// errHeader is for a header that would be more than one line.
var errHeader = errors.New("a line feed or another control character in an address or a subject")

// message is the mail as it is sent, with lines that end in "\n".
func (c *MailConfig) message(m mail, now time.Time) (string, error) {
	var b strings.Builder
	for _, h := range [][2]string{
		{"Date", now.Format(time.RFC1123Z)},
		{"From", c.From},
		{"Subject", m.subject},
		{"X-Mailer", "Keepalived"},
		{"To", strings.Join(c.To, ", ")},
	} {
		if !printable(h[1]) {
			return "", errHeader
		}
		b.WriteString(h[0] + ": " + h[1] + "\n")
	}
	b.WriteString("\n" + m.body + "\n\n")
	return b.String(), nil
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// envelope is an address without what may be around it: "Name <a@b>" is a@b.
func envelope(address string) (string, error) {
	if i := strings.LastIndexByte(address, '<'); i >= 0 {
		address, _, _ = strings.Cut(address[i+1:], ">")
	}
	address = strings.TrimSpace(address)
	if address == "" || !printable(address) || strings.ContainsAny(address, " <>") {
		return "", fmt.Errorf("%q is not an address: %w", address, errHeader)
	}
	return address, nil
}

// send delivers a mail to the server, in plain SMTP (RFC 5321) as keepalived does.
func (c *MailConfig) send(ctx context.Context, m mail) error {
	text, err := c.message(m, time.Now())
	if err != nil {
		return err
	}
	dialer := net.Dialer{Timeout: c.Timeout}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(c.Server, strconv.Itoa(int(c.Port))))
	if err != nil {
		return err
	}
	defer conn.Close()
	// One limit for everything: a server that says a byte now and then, or does
	// not end, gets no more of us than this.
	conn.SetDeadline(time.Now().Add(mailTime))
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	return c.talk(textproto.NewConn(limited{io.LimitReader(conn, maxReply), conn}), text)
}

// limited reads from one thing and does the rest with another.
type limited struct {
	io.Reader
	net.Conn
}

func (l limited) Read(b []byte) (int, error) { return l.Reader.Read(b) }

func (c *MailConfig) talk(t *textproto.Conn, text string) error {
	if _, _, err := t.ReadResponse(220); err != nil {
		return err
	}
	say := func(code int, format string, args ...any) error {
		if err := t.PrintfLine(format, args...); err != nil {
			return err
		}
		_, _, err := t.ReadResponse(code)
		return err
	}
	if !printable(c.Helo) {
		return errHeader
	}
	if err := say(250, "HELO %s", c.Helo); err != nil {
		return err
	}
	from, err := envelope(c.From)
	if err != nil {
		return err
	}
	if err := say(250, "MAIL FROM:<%s>", from); err != nil {
		return err
	}
	for _, to := range c.To {
		address, err := envelope(to)
		if err != nil {
			return err
		}
		// 251: the server forwards it.
		if err := say(25, "RCPT TO:<%s>", address); err != nil {
			return err
		}
	}
	if err := say(354, "DATA"); err != nil {
		return err
	}
	w := t.DotWriter()
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if _, _, err := t.ReadResponse(250); err != nil {
		return err
	}
	return say(221, "QUIT")
}
