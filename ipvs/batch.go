package ipvs

import (
	"errors"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// maxBatch and maxBatchBytes bound one send: the kernel carries out all of
	// it, and has to keep all of its refusals, before the first can be read.
	maxBatch      = 128
	maxBatchBytes = 60 << 10
	// refusalSpace is more than a refusal takes of the receive buffer; it
	// repeats the request (netlink_ack), whose size maxMessage bounds.
	refusalSpace = 1536
	maxMessage   = 1024
	// usualMessage is more than most changes take.
	usualMessage = 192
)

// errLost is the cause when the kernel had no room to keep an answer.
var errLost = errors.New("answer lost")

// Do carries out ops in order, each whether or not those before it failed. It
// returns nil if all succeeded, else an error or nil for each.
//
// Many go in one send, of which the kernel answers only failures and the last,
// by number: errors are exact, and a request costs a fraction of one by one.
func (c *Client) Do(ops ...Op) []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for start := 0; start < len(ops); {
		results := c.do(ops[start:])
		for i, err := range results {
			if err == nil {
				continue
			}
			if errs == nil {
				errs = make([]error, len(ops))
			}
			errs[start+i] = opError(RequestOf(ops[start+i]), err)
		}
		start += len(results)
	}
	return errs
}

// do carries out as many of ops as may go together, at least one, and returns
// the kernel's answers, which are valid until the next call.
func (c *Client) do(ops []Op) []error {
	if c.results == nil {
		c.results = make([]error, maxBatch)
	}
	results := c.results[:c.doOnce(ops, c.results)]
	moved := false
	for i, err := range results {
		if err != syscall.ENOENT {
			continue
		}
		if !moved && !c.familyMoved() {
			break
		}
		moved = true
		c.doOnce(ops[i:i+1], results[i:i+1])
	}
	return results
}

// doOnce carries out as many of ops as may go together, says how many those were,
// and sets the result of each.
func (c *Client) doOnce(ops []Op, results []error) (n int) {
	limit := min(len(ops), c.batchLimit(len(ops)))
	clear(results[:limit])
	first, end := c.seq+1, uint32(0) // end is the number of the last answer
	b, last := slices.Grow(c.out[:0], limit*usualMessage), -1
	for ; n < limit && len(b)+maxMessage <= maxBatchBytes; n++ {
		op, start := ops[n], len(b)
		c.seq++
		b, _ = beginMessage(b, c.family, 0, c.seq, uint8(RequestOf(op)), genlVersion)
		if b, results[n] = appendOp(b, op); results[n] != nil {
			b = b[:start]
			continue
		}
		endMessage(b, start)
		last, end = start, c.seq
	}
	if last < 0 {
		return n
	}
	if RequestOf(ops[end-first]) == ReqDelDaemon {
		// A daemon that never got to run is stopped without an answer: kthread_stop
		// returns EINTR, and netlink_rcv_skb keeps that to itself. So the answer to
		// wait for is that to one request more.
		c.seq++
		end = c.seq
		b, last = beginMessage(b, c.family, 0, end, uint8(ReqGetInfo), genlVersion)
		endMessage(b, last)
	}
	c.out = b
	addFlags(b, last, unix.NLM_F_ACK)
	c.trace("send", b)
	switch err := c.sock.send(b); {
	case err == syscall.EMSGSIZE && n > 1: // the send buffer is smaller than usual
		c.limit = n / 2
		return c.doOnce(ops, results)
	case err != nil:
		fail(results[:n], c.broken(c.sock, err))
		return n
	}
	c.collect(first, end, results[:n])
	return n
}

// collect reads the answers to a batch whose messages are numbered from first
// to end.
func (c *Client) collect(first, end uint32, results []error) {
	in := inbox{s: c.sock, wait: c.options.Timeout, trace: c.trace}
	lost := false
	for {
		m, err := in.next()
		switch {
		case err == syscall.ENOBUFS: // go on with what did find room
			lost, in.wait = true, 0
			continue
		case lost && err == os.ErrDeadlineExceeded:
			fail(results, transport(errLost))
			return
		case err != nil:
			fail(results, c.broken(c.sock, err))
			return
		}
		i := m.seq - first
		if m.typ != unix.NLMSG_ERROR || i > end-first {
			continue
		}
		if int(i) < len(results) {
			results[i] = m.status()
		}
		if m.seq == end {
			if lost { // and with it perhaps a refusal of those before
				fail(results[:min(int(i), len(results))], transport(errLost))
			}
			return
		}
	}
}

// fail sets the error of all that have none.
func fail(results []error, err error) {
	for i := range results {
		if results[i] == nil {
			results[i] = err
		}
	}
}

// batchLimit returns how many of n requests may go in one send: so many that
// the kernel has room for an answer to each.
func (c *Client) batchLimit(n int) int {
	if n == 1 {
		return 1
	}
	if c.limit == 0 {
		space := c.sock.receiveSpace(maxBatch * refusalSpace)
		c.limit = max(1, min(maxBatch, space/refusalSpace))
	}
	return c.limit
}
