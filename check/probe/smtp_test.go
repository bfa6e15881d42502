package probe

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"ipvsadm/check"
)

// mail answers with one string at first and after each line it gets. Parts of a
// string between bars are sent one after the other. After the last it ends the
// connection.
func mail(answers ...string) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		for i, a := range answers {
			if i > 0 {
				if _, err := r.ReadString('\n'); err != nil {
					return
				}
			}
			for j, part := range strings.Split(a, "|") {
				if j > 0 {
					time.Sleep(20 * time.Millisecond)
				}
				io.WriteString(c, part)
			}
		}
	}
}

// TestSMTP says where keepalived 2.2.7, which was asked, has another verdict.
func TestSMTP(t *testing.T) {
	for _, c := range []struct {
		name    string
		serve   func(net.Conn)
		verdict check.Verdict
		reason  string
		differs string
	}{
		{"a good server", mail("220 hi\r\n", "250 ok\r\n", "221 bye\r\n"), check.Pass, "", ""},
		{"lines without CR", mail("220 hi\n", "250 ok\n", "221 bye\n"), check.Pass, "", ""},
		{"a reply in pieces", mail("22|0 hi\r|\n", "250 ok\r\n", "221 bye\r\n"), check.Pass, "", ""},
		{"replies of several lines", mail("220-hi\r\n220 there\r\n", "250-ok\r\n250-more\r\n250 ok\r\n", "221-bye\r\n221 bye\r\n"), check.Pass, "",
			"keepalived reads one line, against RFC 5321 §4.2.1"},
		{"a second line that comes later", mail("220-hi\r\n|220 there\r\n", "250 ok\r\n", "221 bye\r\n"), check.Pass, "", "the same"},
		{"replies without text", mail("220\r\n", "250\r\n", "221\r\n"), check.Pass, "", "keepalived wants a space, against RFC 5321 §4.2"},
		{"no service", mail("554 no\r\n"), check.Fail, "Bad greeting banner from server: 554 no", ""},
		{"HELO refused", mail("220 hi\r\n", "502 no\r\n"), check.Fail, "Bad HELO response from server: 502 no", ""},
		{"another code in the second line", mail("220-hi\r\n250 x\r\n"), check.Fail, "Bad greeting banner from server: it is no reply of SMTP", ""},
		{"four digits", mail("2200 hi\r\n"), check.Fail, "it is no reply of SMTP", ""},
		{"two digits", mail("22\r\n"), check.Fail, "it is no reply of SMTP", ""},
		{"another protocol", mail("SSH-2.0-OpenSSH_9.2\r\n"), check.Fail, "it is no reply of SMTP", ""},
		{"any answer to QUIT will do", mail("220 hi\r\n", "250 ok\r\n", "what?\r\n"), check.Pass, "", ""},
		{"none does not", mail("220 hi\r\n", "250 ok\r\n", ""), check.Fail, "Read failure from server", ""},
		{"the end instead of a greeting", mail(""), check.Fail, "Read failure from server: unexpected EOF", ""},
		{"text that could end a line of a log", mail("554 \x1b[2J\a\rno\r\n"), check.Fail, `554 \x1b[2J\a\rno`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := run(t, check.SMTPConfig{Endpoint: endpoint(listen(t, c.serve), patient), Helo: "me"}, Options{})
			want(t, r, c.verdict, c.reason)
		})
	}
	t.Run("a server that says nothing", func(t *testing.T) {
		t.Parallel()
		want(t, run(t, check.SMTPConfig{Endpoint: endpoint(listen(t, hang), hasty)}, Options{}), check.Fail, "Read timeout from server")
	})
	t.Run("nobody listens", func(t *testing.T) {
		want(t, run(t, check.SMTPConfig{Endpoint: endpoint(closedPort(t), patient)}, Options{}), check.Fail, "Could not connect to server: connection refused")
	})
}

func TestSMTPSaysHelo(t *testing.T) {
	said := make(chan string, 2)
	addr := listen(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		for _, answer := range []string{"220 hi\r\n", "250 ok\r\n", "221 bye\r\n"} {
			io.WriteString(c, answer)
			if answer[1] == '2' && answer[2] == '1' {
				return
			}
			line, _ := r.ReadString('\n')
			said <- line
		}
	})
	want(t, run(t, check.SMTPConfig{Endpoint: endpoint(addr, patient), Helo: "a.b"}, Options{}), check.Pass, "")
	if got := <-said + <-said; got != "HELO a.b\r\nQUIT\r\n" {
		t.Errorf("%q", got)
	}
}
