package probe

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"

	"golang.org/x/sys/unix"

	"ipvsadm/check"
)

// udpChecker sends a datagram. Without Reply no answer within the Timeout is as
// well as any: only an ICMP error is a failure.
type udpChecker struct {
	config check.UDPConfig
	target *target
}

func newUDP(p check.UDPConfig, o Options) *udpChecker {
	t := newTarget(p.Endpoint, unix.SOCK_DGRAM, unix.IPPROTO_UDP, o)
	t.icmp = true
	return &udpChecker{p, t}
}

// randomPayload is how many bytes are sent when none are configured.
const randomPayload = 32

func (c *udpChecker) Check(ctx context.Context) check.Result {
	conn, err := c.target.dial(ctx)
	if err != nil {
		return failed(ctx, "UDP connection failed", "", err)
	}
	defer conn.Close()
	payload := c.config.Payload
	if payload == nil {
		for range randomPayload {
			payload = append(payload, byte(rand.Uint32()))
		}
	}
	if _, err := conn.Write(payload); err != nil {
		return failed(ctx, "UDP connection failed", "", err)
	}
	size := 1
	if c.config.Reply {
		size = max(c.config.MaxReply, len(c.config.Pattern)) + 1
	}
	reply := make([]byte, size)
	n, err := conn.Read(reply)
	switch {
	case err == nil, err == io.EOF: // which is a datagram without bytes
	case !c.config.Reply && errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil:
		return pass("")
	default:
		return failed(ctx, "UDP connection failed", "UDP connection failed: no reply", err)
	}
	if c.config.Reply && !c.matches(reply[:n]) {
		return fail("UDP check reply data mismatch: " + excerpt(string(reply[:n])))
	}
	return pass("")
}

// matches says whether a reply is as wanted. As with keepalived neither length nor
// content matter without a pattern, and a reply that is shorter than the pattern
// has to agree as far as it goes.
func (c *udpChecker) matches(reply []byte) bool {
	p := &c.config
	if len(p.Pattern) == 0 {
		return true
	}
	if len(reply) < p.MinReply || len(reply) > p.MaxReply {
		return false
	}
	for i := range min(len(reply), len(p.Pattern)) {
		if (reply[i]^p.Pattern[i])&p.Mask[i] != 0 {
			return false
		}
	}
	return true
}
