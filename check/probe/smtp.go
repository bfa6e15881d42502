package probe

import (
	"bufio"
	"context"
	"errors"
	"io"

	"golang.org/x/sys/unix"

	"ipvsadm/check"
)

// smtpChecker greets a mail server: it wants 220, says HELO, wants 250, says QUIT
// and wants any answer.
type smtpChecker struct {
	target *target
	helo   string
}

func newSMTP(p check.SMTPConfig, o Options) *smtpChecker {
	return &smtpChecker{newTarget(p.Endpoint, unix.SOCK_STREAM, unix.IPPROTO_TCP, o), p.Helo}
}

func (c *smtpChecker) Check(ctx context.Context) check.Result {
	conn, err := c.target.dial(ctx)
	if err != nil {
		return failed(ctx, "Could not connect to server", "Connection timeout to server", err)
	}
	defer conn.Close()
	r := bufio.NewReaderSize(conn, maxReplyLine)
	for _, step := range []struct {
		say  string
		want int // 0 for anything
		bad  string
	}{
		{"", 220, "Bad greeting banner from server"},
		{"HELO " + c.helo + "\r\n", 250, "Bad HELO response from server"},
		{"QUIT\r\n", 0, "Bad QUIT response from server"},
	} {
		conn.phase()
		if step.say != "" {
			if _, err := conn.Write([]byte(step.say)); err != nil {
				return failed(ctx, "Write failure to server", "Write timeout to server", err)
			}
		}
		code, text, err := readReply(r)
		switch {
		case step.want == 0 && errors.Is(err, errNoReply):
			// keepalived does not look at what is said to QUIT.
		case errors.Is(err, errNoReply), errors.Is(err, errLongReply):
			return fail(step.bad + ": " + err.Error())
		case err != nil:
			return failed(ctx, "Read failure from server", "Read timeout from server", err)
		case step.want != 0 && code != step.want:
			return fail(step.bad + ": " + excerpt(text))
		}
	}
	return pass("")
}

// Limits of a reply: a line as in RFC 5321 §4.5.3.1.5, and many more lines than
// any server has.
const (
	maxReplyLine  = 512
	maxReplyLines = 100
)

var (
	errNoReply   = errors.New("it is no reply of SMTP")
	errLongReply = errors.New("the reply is too long")
)

// readReply reads a reply of one or more lines (RFC 5321 §4.2) and returns its
// code and its last line. Lines may end without CR.
func readReply(r *bufio.Reader) (code int, text string, err error) {
	for range maxReplyLines {
		line, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return 0, "", errLongReply
		case errors.Is(err, io.EOF):
			return 0, "", io.ErrUnexpectedEOF
		case err != nil:
			return 0, "", err
		}
		this, more, ok := parseReply(line)
		if !ok || code != 0 && this != code {
			return 0, "", errNoReply
		}
		if code = this; !more {
			return code, string(line), nil
		}
	}
	return 0, "", errLongReply
}

// parseReply reads a line of a reply: three digits, and a hyphen if more lines
// follow.
func parseReply(line []byte) (code int, more, ok bool) {
	if len(line) < 4 {
		return 0, false, false
	}
	for _, c := range line[:3] {
		if c < '0' || c > '9' {
			return 0, false, false
		}
		code = code*10 + int(c-'0')
	}
	switch line[3] {
	case '-':
		return code, true, true
	case ' ', '\r', '\n':
		return code, false, true
	}
	return 0, false, false
}
