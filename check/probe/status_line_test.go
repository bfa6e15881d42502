package probe

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"

	"ipvsadm/check"
)

// TestStatusLineBomb has servers answer with a status line of any length, in clear and
// over TLS. keepalived copied the status to where there was no room for it
// (CVE-2018-19115). None is taken for a status, though every status is wanted.
func TestStatusLineBomb(t *testing.T) {
	config := &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}
	for _, line := range []struct{ name, before, repeated, after string }{
		{"digits", "HTTP/1.1 200", "0", " OK"},
		{"zeros before it", "HTTP/1.1 ", "0", "200 OK"},
		{"letters", "HTTP/1.1 200", "x", " OK"},
		{"digits and no reason", "HTTP/1.1 2", "1", ""},
		{"spaces", "HTTP/1.1  ", " ", "200 OK"},
		{"no version but digits", "HTTP/", "2", " OK"},
	} {
		for _, n := range []int{8, 80, 2_000, 4_000, 100_000} {
			answer := line.before + strings.Repeat(line.repeated, n) + line.after + "\r\n\r\nhello"
			for _, secret := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d %s, TLS %v", n, line.name, secret), func(t *testing.T) {
					serve := script(answer)
					if secret {
						serve = secure(config, answers(answer, politely))
					}
					page := url(statuses(100, 599))
					r := run(t, check.HTTPConfig{Endpoint: endpoint(listen(t, serve), patient), TLS: secret, URLs: []check.URLConfig{page}}, Options{})
					if r.Verdict != check.Fail || strings.Contains(r.Reason, "status_code [2") {
						t.Errorf("got %v, %s", r.Verdict, r.Reason)
					}
				})
			}
		}
	}
}
