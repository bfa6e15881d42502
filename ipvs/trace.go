package ipvs

import (
	"fmt"
	"io"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// trace writes a line for every message in b to Options.Trace: which way it
// went, its number, its meaning and, after the headers, its bytes.
func (c *Client) trace(way string, b []byte) {
	for c.options.Trace != nil && len(b) > 0 {
		m, rest, err := nextMessage(b)
		if err != nil {
			return
		}
		line := fmt.Sprintf("ipvs: %s %d %s %x\n", way, m.seq, c.meaning(&m), m.body[min(genlHeaderSize, len(m.body)):])
		io.WriteString(c.options.Trace, line)
		b = rest
	}
}

func (c *Client) meaning(m *message) string {
	switch {
	case m.typ == unix.NLMSG_DONE || m.typ == unix.NLMSG_ERROR:
		if err := m.status(); err != nil {
			return err.Error()
		}
		return "done"
	case m.typ == nl.GENL_ID_CTRL:
		return "family"
	case m.typ == c.family && len(m.body) > 0:
		return Request(m.body[0]).String()
	}
	return fmt.Sprintf("message of type %d", m.typ)
}
