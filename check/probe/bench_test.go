package probe

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/check"
)

// benchServer accepts connections and closes them, without package net.
func benchServer(b *testing.B) netip.AddrPort {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { unix.Shutdown(fd, unix.SHUT_RD) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		b.Fatal(err)
	}
	if err := unix.Listen(fd, 1000); err != nil {
		b.Fatal(err)
	}
	go func() {
		defer unix.Close(fd)
		for {
			c, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
			switch err {
			case nil:
				unix.Close(c)
			case unix.ECONNABORTED, unix.EINTR:
			default:
				return
			}
		}
	}()
	name, err := unix.Getsockname(fd)
	if err != nil {
		b.Fatal(err)
	}
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(name.(*unix.SockaddrInet4).Port))
}

// BenchmarkTCP is what a TCP_CHECK costs, beside what any program has to ask of
// the kernel for it, and what package net makes of it. The server's part is in
// all of them.
func BenchmarkTCP(b *testing.B) {
	addr := benchServer(b)
	e := check.Endpoint{Addr: addr, Timeout: 5 * time.Second}
	b.Run("check", func(b *testing.B) {
		c, err := New(check.TCPConfig{Endpoint: e}, Options{})
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		b.ReportAllocs()
		for b.Loop() {
			if r := c.Check(ctx); r.Verdict != check.Pass {
				b.Fatal(r)
			}
		}
	})
	// As to a server that takes a moment to answer.
	b.Run("waiting", func(b *testing.B) {
		t := newTarget(e, unix.SOCK_STREAM, unix.IPPROTO_TCP)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		b.ReportAllocs()
		for b.Loop() {
			fd, _, err := t.start()
			if err != nil {
				b.Fatal(err)
			}
			c := newConn(ctx, fd, t)
			if err := c.await(); err != nil {
				b.Fatal(err)
			}
			c.Close()
		}
	})
	b.Run("epoll", func(b *testing.B) { benchEpoll(b, addr) })
	b.Run("dialer", func(b *testing.B) {
		d := net.Dialer{Timeout: e.Timeout, KeepAlive: -1}
		b.ReportAllocs()
		for b.Loop() {
			c, err := d.Dial("tcp4", addr.String())
			if err != nil {
				b.Fatal(err)
			}
			c.Close()
		}
	})
}

// benchEpoll makes the system calls of a program in C that waits with epoll and a
// timerfd, as keepalived does.
func benchEpoll(b *testing.B, addr netip.AddrPort) {
	ep, err := unix.EpollCreate1(0)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(ep)
	timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(timer)
	to := sockaddr(addr)
	events := make([]unix.EpollEvent, 8)
	b.ReportAllocs()
	for b.Loop() {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_TCP)
		if err != nil {
			b.Fatal(err)
		}
		unix.Connect(fd, to)
		unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLOUT, Fd: int32(fd)})
		unix.TimerfdSettime(timer, 0, &unix.ItimerSpec{Value: unix.Timespec{Sec: 5}}, nil)
		unix.EpollWait(ep, events, -1)
		if n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); err != nil || n != 0 {
			b.Fatal(n, err)
		}
		unix.EpollCtl(ep, unix.EPOLL_CTL_DEL, fd, nil)
		unix.Close(fd)
	}
}
