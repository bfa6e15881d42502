package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/check"
)

// target is a server made ready for system calls. Its sockets are made with these
// and not by package net, which takes several times as long for a connection that
// is only to be made and closed.
type target struct {
	check.Endpoint
	family, kind, protocol int
	to                     name
	from                   unix.Sockaddr // nil for any source
	// icmp makes errors that routers report come back as errors of the socket.
	icmp  bool
	turns *Turns
}

func newTarget(e check.Endpoint, kind, protocol int, o Options) *target {
	e.Addr = netip.AddrPortFrom(e.Addr.Addr().Unmap(), e.Addr.Port())
	t := &target{Endpoint: e, family: unix.AF_INET, kind: kind, protocol: protocol, turns: o.Turns}
	if e.Addr.Addr().Is6() {
		t.family = unix.AF_INET6
	}
	t.to = nameOf(e.Addr)
	if e.Bind.IsValid() || e.Port != 0 {
		from := e.Bind.Unmap()
		if !from.IsValid() {
			from = netip.IPv4Unspecified()
			if t.family == unix.AF_INET6 {
				from = netip.IPv6Unspecified()
			}
		}
		t.from = sockaddr(netip.AddrPortFrom(from, e.Port))
	}
	return t
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16(), ZoneId: zone(a.Addr().Zone())}
}

// zone is the number of an IPv6 zone, 0 if there is no such interface: the kernel
// then says so.
func zone(name string) uint32 {
	if name == "" {
		return 0
	}
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(n)
	}
	if i, err := net.InterfaceByName(name); err == nil {
		return uint32(i.Index)
	}
	return 0
}

// start makes a socket and begins to connect it. What this host refuses is a
// localError.
func (t *target) start() (fd int, connected bool, err error) {
	fd, err = unix.Socket(t.family, t.kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, t.protocol)
	if err != nil {
		return -1, false, &localError{"socket", err}
	}
	if err = t.prepare(fd); err == nil {
		connected, err = t.connect(fd)
	}
	if err != nil {
		closeSocket(fd)
		return -1, false, err
	}
	return fd, connected, nil
}

// prepare sets what the configuration says of a socket.
func (t *target) prepare(fd int) error {
	if t.Mark != 0 {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, int(t.Mark)); err != nil {
			return &localError{"fwmark " + strconv.FormatUint(uint64(t.Mark), 10), err}
		}
	}
	if t.Device != "" {
		if err := unix.BindToDevice(fd, t.Device); err != nil {
			return &localError{"bind_if " + t.Device, err}
		}
	}
	if t.icmp {
		level, option := unix.SOL_IP, unix.IP_RECVERR
		if t.family == unix.AF_INET6 {
			level, option = unix.SOL_IPV6, unix.IPV6_RECVERR
		}
		if err := unix.SetsockoptInt(fd, level, option, 1); err != nil {
			return &localError{"socket", err}
		}
	}
	if t.from != nil {
		// bind_port comes back to the same port while the last connection from it
		// is still in TIME_WAIT.
		if t.Port != 0 {
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		}
		if err := unix.Bind(fd, t.from); err != nil {
			return &localError{"bindto", err}
		}
	}
	return nil
}

// connect begins, or goes on, to connect. A second connect(2) tells what became
// of the first: 0 when it is connected, EALREADY while it is not, or the error.
func (t *target) connect(fd int) (connected bool, err error) {
	for range 2 { // a server on this host has answered by the second
		switch err = connect(fd, &t.to); err {
		case nil, unix.EISCONN:
			return true, nil
		case unix.EINPROGRESS, unix.EALREADY, unix.EINTR:
		case unix.ECONNREFUSED, unix.ECONNRESET, unix.ECONNABORTED, unix.ETIMEDOUT,
			unix.ENETUNREACH, unix.EHOSTUNREACH, unix.ENETDOWN, unix.EHOSTDOWN, unix.EPROTO, unix.ENOPROTOOPT:
			return false, err
		default:
			return false, &localError{"connect", err}
		}
	}
	return false, nil
}

// dial connects, within the Timeout.
func (t *target) dial(ctx context.Context) (*conn, error) {
	fd, connected, err := t.start()
	if err != nil {
		return nil, err
	}
	c := newConn(ctx, fd, t)
	if connected {
		return c, nil
	}
	if err := c.await(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// conn is a socket. Each phase of a check (connecting, an answer) may take the
// Timeout; and none goes on when the context has ended.
type conn struct {
	file   *os.File
	target *target
	ctx    context.Context
	stop   func() bool
	// ended says that the other side has ended its stream.
	ended bool
	// late is how many system calls were made after the end of the phase.
	late int
	// end is when the phase ends, unless it is lengthened by ours: how long it was
	// waited for turns since then was set. lent is by how much it was lengthened so far.
	end        time.Time
	ours, lent time.Duration

	// The step that is being made. That there is nothing to be allocated for one
	// matters for answers of many megabytes.
	raw      syscall.RawConn
	try      func(fd uintptr) bool // attempt
	call     func(fd int) error
	result   error
	waits    bool
	readOnce func(fd int) error // reads got bytes into a buffer
	into     []byte
	got      int
}

func newConn(ctx context.Context, fd int, t *target) *conn {
	c := &conn{file: os.NewFile(uintptr(fd), "socket"), target: t, ctx: ctx}
	c.raw, _ = c.file.SyscallConn() // of an open file
	c.try = c.attempt
	c.readOnce = func(fd int) (err error) {
		c.got, err = read(fd, c.into)
		return err
	}
	c.phase()
	if ctx.Done() != nil {
		c.stop = context.AfterFunc(ctx, c.interrupt)
	}
	return c
}

// interrupt ends what is being waited for.
func (c *conn) interrupt() { c.file.SetDeadline(time.Unix(1, 0)) }

// phase begins a phase.
func (c *conn) phase() {
	c.late, c.ours, c.lent = 0, 0, 0
	c.until(time.Now().Add(c.target.Timeout))
}

// until sets when the phase ends.
func (c *conn) until(end time.Time) {
	c.end = end
	c.file.SetDeadline(end)
	if c.ctx.Err() != nil {
		c.interrupt()
	}
}

// maxLent is how many times its Timeout a phase is lengthened at most. A server that
// sends and sends has an end too.
const maxLent = 9

// lengthen gives a phase that is over the time that others had their turns meanwhile: a
// server is not slow because we are. It says whether there is any to give.
func (c *conn) lengthen() bool {
	more := min(c.ours, maxLent*c.target.Timeout-c.lent)
	if more <= 0 || c.ctx.Err() != nil {
		return false
	}
	c.ours, c.lent = 0, c.lent+more
	c.until(c.end.Add(more))
	return true
}

// await waits until the connection is made.
func (c *conn) await() error {
	connected := false
	return c.step(syscall.RawConn.Write, func(fd int) (err error) {
		connected, err = c.target.connect(fd)
		if !connected && err == nil {
			err = unix.EAGAIN
		}
		return err
	})
}

// maxLate is how many system calls of a phase are made after its end: enough to take
// what has come in time, and not enough for a server that sends and sends.
const maxLate = 4

// step makes a system call as soon as the other side lets it: after EAGAIN it is made
// again. The turn ends while it waits.
//
// When it is too late it is made once more. It may be us who are late and not the
// server, because there was much else to do.
func (c *conn) step(when func(syscall.RawConn, func(fd uintptr) bool) error, call func(fd int) error) error {
	c.call = call
	var err error
	for again := true; again; again = errors.Is(err, os.ErrDeadlineExceeded) && c.lengthen() {
		c.waits, c.result = false, nil
		err = when(c.raw, c.try)
		if c.waits {
			c.target.turns.take() // the phase is over, so it does not count
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && c.ctx.Err() == nil && c.late < maxLate {
		c.late++
		c.raw.Control(func(fd uintptr) { c.result = call(int(fd)) })
		if c.result != unix.EAGAIN {
			return c.result
		}
	}
	if err != nil {
		return err
	}
	return c.result
}

// attempt makes the call of a step in a turn, and tells whether that was all.
func (c *conn) attempt(fd uintptr) bool {
	if c.waits {
		c.ours += c.target.turns.take()
	}
	for c.result = unix.EINTR; c.result == unix.EINTR; {
		c.result = c.call(int(fd))
	}
	if c.waits = c.result == unix.EAGAIN; c.waits {
		c.target.turns.leave()
	}
	return !c.waits
}

// Read reads what is there in a turn of its own, so that of many long answers each
// gets on.
func (c *conn) Read(b []byte) (n int, err error) {
	c.ours += c.target.turns.next()
	c.into, c.got = b, 0
	err = c.step(syscall.RawConn.Read, c.readOnce)
	if err == nil && c.got == 0 && len(b) > 0 {
		c.ended, err = true, io.EOF
	}
	return c.got, err
}

func (c *conn) Write(b []byte) (written int, err error) {
	for written < len(b) && err == nil {
		err = c.step(syscall.RawConn.Write, func(fd int) error {
			n, err := write(fd, b[written:])
			written += n
			return err
		})
	}
	return written, err
}
func (c *conn) Close() error {
	if c.stop != nil {
		c.stop()
	}
	return c.file.Close()
}

// The rest is what crypto/tls wants of a net.Conn.

func (c *conn) LocalAddr() net.Addr                { return &net.TCPAddr{} }
func (c *conn) RemoteAddr() net.Addr               { return net.TCPAddrFromAddrPort(c.target.Addr) }
func (c *conn) SetDeadline(t time.Time) error      { return c.file.SetDeadline(t) }
func (c *conn) SetReadDeadline(t time.Time) error  { return c.file.SetReadDeadline(t) }
func (c *conn) SetWriteDeadline(t time.Time) error { return c.file.SetWriteDeadline(t) }
