package ipvs

import (
	"cmp"
	"syscall"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// answerTo returns the command in the answers to a request for data.
func answerTo(r Request) Request {
	switch r {
	case ReqGetService:
		return ReqNewService
	case ReqGetDest:
		return ReqNewDest
	case ReqGetDaemon:
		return ReqNewDaemon
	case ReqGetConfig:
		return ReqSetConfig
	case ReqGetInfo:
		return ReqSetInfo
	}
	return 0
}

// ask sends a request for data and gives the attributes of every answer to
// each. torn says that the kernel may have made the answers at more than one
// time, between which others could change the table.
func (c *Client) ask(s socket, r Request, key *ServiceKey, each func(attrs []byte) error) (torn bool, err error) {
	torn, err = c.askOnce(s, r, key, each)
	if err == syscall.ENOENT && c.familyMoved() {
		torn, err = c.askOnce(s, r, key, each)
	}
	return torn, err
}

func (c *Client) askOnce(s socket, r Request, key *ServiceKey, each func(attrs []byte) error) (torn bool, err error) {
	var flags uint16
	if r == ReqGetDest || r == ReqGetDaemon || r == ReqGetService && key == nil {
		flags = unix.NLM_F_DUMP
	}
	c.seq++
	b, at := beginMessage(c.out[:0], c.family, flags, c.seq, uint8(r), genlVersion)
	if key != nil {
		if b, err = appendServiceKey(b, key); err != nil {
			return false, err
		}
	}
	endMessage(b, at)
	c.out = b
	return c.roundTrip(s, c.family, uint8(answerTo(r)), each)
}

// roundTrip sends the message in c.out, whose number is c.seq, and reads the
// answers, which have the given type and command. An error of each does not end
// the reading: a dump has to be taken off the socket before the next request.
func (c *Client) roundTrip(s socket, typ uint16, cmd uint8, each func(attrs []byte) error) (torn bool, err error) {
	c.trace("send", c.out)
	if err := s.send(c.out); err != nil {
		return false, c.broken(s, err)
	}
	in := inbox{s: s, wait: c.options.Timeout, trace: c.trace}
	var bad error
	for piece := 0; ; {
		m, err := in.next()
		switch {
		case err != nil:
			return torn, c.broken(s, err)
		case m.seq != c.seq || m.typ == unix.NLMSG_NOOP:
			continue
		case m.typ == unix.NLMSG_DONE || m.typ == unix.NLMSG_ERROR:
			return torn, cmp.Or(m.status(), bad)
		}
		// The kernel fills a datagram at once. One that has no room for another
		// row is followed by a second look at the table.
		if piece == 0 {
			piece = in.datagrams
		}
		if piece != in.datagrams || in.size > receiveBuffer-maxMessage || m.flags&unix.NLM_F_DUMP_INTR != 0 {
			torn = true
		}
		attrs, err := m.answer(typ, cmd)
		if err == nil && bad == nil {
			err = each(attrs)
		}
		if err != nil && bad == nil {
			bad = transport(err)
		}
		if m.flags&unix.NLM_F_MULTI == 0 {
			return torn, bad
		}
	}
}

// broken makes the error of a request that got no valid answer. The socket is
// replaced, lest a late answer or half a dump get in the way of what follows.
func (c *Client) broken(s socket, err error) error {
	if s == c.sock {
		if fresh, err := s.again(); err == nil {
			c.sock, c.limit = fresh, 0
			s.close()
		}
	}
	return transport(err)
}

// inbox reads messages one by one. What does not come from the kernel is
// dropped: others may send to our port.
type inbox struct {
	s         socket
	wait      time.Duration // for the next datagram
	trace     func(way string, b []byte)
	datagrams int // from the kernel so far
	size      int // of the last one
	queue     []datagram
	rest      []byte // of the datagram at hand
}

func (in *inbox) next() (message, error) {
	for len(in.rest) == 0 {
		if len(in.queue) == 0 {
			var err error
			if in.queue, err = in.s.receive(in.wait); err != nil {
				return message{}, err
			}
		}
		d := in.queue[0]
		in.queue = in.queue[1:]
		if d.sender == nl.PidKernel {
			in.datagrams++
			in.size, in.rest = len(d.data), d.data
			in.trace("recv", d.data)
		}
	}
	m, rest, err := nextMessage(in.rest)
	in.rest = rest
	return m, err
}
