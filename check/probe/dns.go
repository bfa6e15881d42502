package probe

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"ipvsadm/check"
)

// dnsChecker asks a name server a question. An answer is well if it has the rcode
// NOERROR, even if it knows nothing.
type dnsChecker struct {
	target   *target
	question dnsmessage.Question
}

func newDNS(p check.DNSConfig, o Options) (*dnsChecker, error) {
	name := p.Name
	if !strings.HasSuffix(name, ".") {
		name += "."
	}
	n, err := dnsmessage.NewName(name)
	c := &dnsChecker{
		target:   newTarget(p.Endpoint, unix.SOCK_DGRAM, unix.IPPROTO_UDP, o),
		question: dnsmessage.Question{Name: n, Type: dnsmessage.Type(p.Type), Class: dnsmessage.ClassINET},
	}
	if err == nil {
		_, err = c.query(0)
	}
	if err != nil {
		return nil, fmt.Errorf("name %q: %w", p.Name, err)
	}
	return c, nil
}

func (c *dnsChecker) query(id uint16) ([]byte, error) {
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{c.question},
	}
	return m.Pack()
}

func (c *dnsChecker) Check(ctx context.Context) check.Result {
	id := uint16(rand.Uint32())
	query, err := c.query(id)
	if err != nil {
		return fail(words(err))
	}
	conn, err := c.target.dial(ctx)
	if err != nil {
		return failed(ctx, "connection error", "", err)
	}
	defer conn.Close()
	if _, err := conn.Write(query); err != nil {
		return failed(ctx, "failed to write socket", "write timeout to socket", err)
	}
	// The kernel takes only what comes from the server. What answers another
	// question is not for us, and the true answer may follow.
	buf := make([]byte, 512)
	for {
		n, err := conn.Read(buf)
		if err != nil && err != io.EOF { // which is a datagram without bytes
			return failed(ctx, "failed to read socket", "read timeout from socket", err)
		}
		rcode, ours := c.answers(buf[:n], id)
		switch {
		case !ours:
		case rcode != dnsmessage.RCodeSuccess:
			return fail("read error occurred. (rcode = " + strconv.Itoa(int(rcode)) + ")")
		default:
			return pass("")
		}
	}
}

// answers says whether a message answers our question, and how. A server that
// could not read the question need not repeat it. Only the beginning is read: what
// the records are does not matter.
func (c *dnsChecker) answers(b []byte, id uint16) (rcode dnsmessage.RCode, ok bool) {
	var p dnsmessage.Parser
	h, err := p.Start(b)
	if err != nil || h.ID != id || !h.Response {
		return 0, false
	}
	q, err := p.Question()
	if err == dnsmessage.ErrSectionDone {
		return h.RCode, h.RCode != dnsmessage.RCodeSuccess
	}
	if err != nil || q.Type != c.question.Type || q.Class != c.question.Class ||
		!strings.EqualFold(q.Name.String(), c.question.Name.String()) {
		return 0, false
	}
	return h.RCode, true
}
