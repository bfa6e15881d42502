package probe

import (
	"context"

	"golang.org/x/sys/unix"

	"ipvsadm/check"
)

// tcpChecker makes a connection and closes it.
type tcpChecker struct{ target *target }

func newTCP(p check.TCPConfig, o Options) *tcpChecker {
	return &tcpChecker{newTarget(p.Endpoint, unix.SOCK_STREAM, unix.IPPROTO_TCP, o)}
}

func (c *tcpChecker) Check(ctx context.Context) check.Result {
	fd, connected, err := c.target.start()
	if connected {
		closeSocket(fd)
		return pass("")
	}
	if err == nil {
		conn := newConn(ctx, fd, c.target)
		err = conn.await()
		conn.Close()
	}
	if err != nil {
		return failed(ctx, "TCP connection failed", "TCP connection timeout", err)
	}
	return pass("")
}
