package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"ipvsadm/check"
)

// pingChecker sends an ICMP echo request and waits for the reply.
//
// It has a ping socket where ping_group_range allows it and else a raw one, for
// which it takes CAP_NET_RAW. keepalived changes ping_group_range for the whole
// machine; we leave it alone.
type pingChecker struct {
	ping, raw *target
	request   icmp.Type
	reply     icmp.Type
	sequence  uint16
}

func newPing(p check.PingConfig, o Options) *pingChecker {
	// The port of a ping socket is the id, which the kernel chooses.
	p.Port = 0
	protocol := unix.IPPROTO_ICMP
	c := &pingChecker{request: ipv4.ICMPTypeEcho, reply: ipv4.ICMPTypeEchoReply, sequence: uint16(rand.Uint32())}
	if p.Addr.Addr().Unmap().Is6() {
		protocol = unix.IPPROTO_ICMPV6
		c.request, c.reply = ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply
	}
	c.ping = newTarget(p.Endpoint, unix.SOCK_DGRAM, protocol, o)
	c.raw = newTarget(p.Endpoint, unix.SOCK_RAW, protocol, o)
	c.ping.icmp, c.raw.icmp = true, true
	return c
}

func (c *pingChecker) Check(ctx context.Context) check.Result {
	conn, err := c.ping.dial(ctx)
	raw := errors.Is(err, unix.EACCES) // by net.ipv4.ping_group_range, as a rule
	if raw {
		conn, err = c.raw.dial(ctx)
	}
	if err != nil {
		return failed(ctx, "ICMP connection failed", "", err)
	}
	defer conn.Close()
	c.sequence++
	id := uint16(rand.Uint32())
	cookie := rand.Uint64()
	request, err := c.message(id, cookie)
	if err == nil {
		_, err = conn.Write(request)
	}
	if err != nil {
		return failed(ctx, "send ICMP packet fail", "", err)
	}
	buf := make([]byte, 256)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return failed(ctx, "recv ICMP packet error", "ICMP connection timeout", err)
		}
		if c.answers(buf[:n], raw, id, cookie) {
			return pass("")
		}
	}
}

// message is the echo request. Its data is random, so that nobody can answer
// without having seen it.
func (c *pingChecker) message(id uint16, cookie uint64) ([]byte, error) {
	m := icmp.Message{Type: c.request, Body: &icmp.Echo{
		ID: int(id), Seq: int(c.sequence), Data: append(binary.BigEndian.AppendUint64(nil, cookie), make([]byte, 48)...),
	}}
	// Without the addresses the checksum of ICMPv6 is left to the kernel.
	return m.Marshal(nil)
}

// answers says whether a packet is the reply to our request. The kernel takes only
// what comes from the server; a ping socket has an id of its own, and the kernel
// looks at it. Raw sockets get the packets of all others, and for IPv4 with the IP
// header.
func (c *pingChecker) answers(b []byte, raw bool, id uint16, cookie uint64) bool {
	protocol := c.ping.protocol
	if raw && protocol == unix.IPPROTO_ICMP {
		if len(b) < 20 || len(b) < int(b[0]&15)*4 {
			return false
		}
		b = b[int(b[0]&15)*4:]
	}
	m, err := icmp.ParseMessage(protocol, b)
	if err != nil || m.Type != c.reply {
		return false
	}
	echo, ok := m.Body.(*icmp.Echo)
	return ok && (!raw || echo.ID == int(id)) && echo.Seq == int(c.sequence) &&
		len(echo.Data) >= 8 && binary.BigEndian.Uint64(echo.Data) == cookie
}
