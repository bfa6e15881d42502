package linux

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// atOnce is how many requests go into one send. The kernel's answers to them
// must fit into the receive buffer, of which an answer takes 768 bytes.
const atOnce = 100

// commands is a netlink socket that sends many requests at once.
type commands struct {
	mu  sync.Mutex
	fd  int
	seq uint32
	buf []byte
	// begin and end go around the requests. They get no answer, but a refusal
	// with the sequence number 0.
	begin, end []byte
}

func openCommands(protocol int) (*commands, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, fmt.Errorf("open netlink socket: %w", err)
	}
	// An answer need not carry the request back.
	err = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	}
	if err == nil {
		err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5})
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("set up netlink socket: %w", err)
	}
	c := &commands{fd: fd, buf: make([]byte, 64<<10)}
	if protocol == unix.NETLINK_NETFILTER {
		c.begin, c.end = batchMark(unix.NFNL_MSG_BATCH_BEGIN), batchMark(unix.NFNL_MSG_BATCH_END)
	}
	return c, nil
}

// do sends the requests and returns the error of each, nil if all succeeded.
// nil requests are passed over.
func (c *commands) do(requests []*nl.NetlinkRequest) []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	errs := make([]error, len(requests))
	failed := false
	for from := 0; from < len(requests); from += atOnce {
		to := min(from+atOnce, len(requests))
		c.exchange(requests[from:to], errs[from:to])
	}
	for _, err := range errs {
		failed = failed || err != nil
	}
	if !failed {
		return nil
	}
	return errs
}

// exchange sends requests in one message and waits for all answers.
func (c *commands) exchange(requests []*nl.NetlinkRequest, errs []error) {
	out := bytes.Clone(c.begin)
	first, waiting := c.seq+1, 0
	index := make([]int, 0, len(requests))
	for i, r := range requests {
		if r == nil {
			continue
		}
		c.seq++
		waiting++
		index = append(index, i)
		r.Seq = c.seq
		r.Flags |= unix.NLM_F_REQUEST | unix.NLM_F_ACK
		out = append(out, r.Serialize()...)
		for len(out)%unix.NLMSG_ALIGNTO != 0 {
			out = append(out, 0)
		}
	}
	if waiting == 0 {
		return
	}
	fail := func(err error) {
		for _, i := range index {
			errs[i] = err
		}
	}
	out = append(out, c.end...)
	if err := unix.Sendto(c.fd, out, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		fail(fmt.Errorf("send to the kernel: %w", err))
		return
	}
	for waiting > 0 {
		n, from, err := unix.Recvfrom(c.fd, c.buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			// What was carried out is not known; the next View will tell.
			fail(fmt.Errorf("receive from the kernel: %w", err))
			return
		}
		if sa, ok := from.(*unix.SockaddrNetlink); !ok || sa.Pid != 0 {
			continue // not the kernel
		}
		for b := c.buf[:n]; len(b) >= unix.SizeofNlMsghdr; {
			length := int(binary.NativeEndian.Uint32(b))
			if length < unix.SizeofNlMsghdr+4 || length > len(b) {
				break
			}
			seq := binary.NativeEndian.Uint32(b[8:])
			if code := int32(binary.NativeEndian.Uint32(b[unix.SizeofNlMsghdr:])); seq == 0 && code != 0 {
				fail(unix.Errno(-code))
				return
			}
			if k := seq - first; binary.NativeEndian.Uint16(b[4:]) == unix.NLMSG_ERROR && k < uint32(len(index)) {
				waiting--
				if code := int32(binary.NativeEndian.Uint32(b[unix.SizeofNlMsghdr:])); code != 0 {
					errs[index[k]] = unix.Errno(-code)
				}
			}
			b = b[min((length+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1), len(b)):]
		}
	}
}

func (c *commands) close() error { return unix.Close(c.fd) }
