package probe

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/check"
)

// TestLateIsNotTheServer has a check that finds no processor until its time is over:
// what the server said in time counts, and nothing more.
func TestLateIsNotTheServer(t *testing.T) {
	const brief = 20 * time.Millisecond
	served := make(chan struct{})
	open := func(ctx context.Context, serve func(net.Conn)) *conn {
		t.Helper()
		at := listen(t, func(c net.Conn) {
			serve(c)
			served <- struct{}{}
			c.Read(make([]byte, 1)) // until the other side goes
		})
		target := newTarget(check.Endpoint{Addr: at, Timeout: brief}, unix.SOCK_STREAM, unix.IPPROTO_TCP, Options{})
		c, err := target.dial(ctx)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		<-served
		time.Sleep(2 * brief)
		return c
	}
	buf := make([]byte, 16)
	ctx, cancel := context.WithCancel(t.Context())
	c := open(ctx, func(c net.Conn) { c.Write([]byte("in time")) })
	if err := c.await(); err != nil {
		t.Errorf("connected in time: %v", err)
	}
	if n, err := c.Read(buf); err != nil || string(buf[:n]) != "in time" {
		t.Errorf("said in time: %q, %v", buf[:n], err)
	}
	if n, err := c.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("there was no more: %q, %v", buf[:n], err)
	}
	c = open(ctx, func(c net.Conn) { c.Write([]byte("in time")) })
	cancel()
	if n, err := c.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the check was stopped: %q, %v", buf[:n], err)
	}
	// A server that sends for ever is not listened to for ever.
	c = open(t.Context(), func(c net.Conn) { c.Write(bytes.Repeat([]byte("x"), 100*len(buf))) })
	reads := 0
	for reads < 100 {
		if _, err := c.Read(buf); err != nil {
			break
		}
		reads++
	}
	if reads != maxLate {
		t.Errorf("%d pieces were taken after the time was over, want %d", reads, maxLate)
	}
	c.phase()
	if _, err := c.Read(buf); err != nil {
		t.Errorf("the next phase: %v", err)
	}
}

// TestOthersTurnsAreNotTheServers has a check wait for its turn until its time is over,
// between two reads or when the server has just answered. It still gets what the server
// said, which takes many turns, and the server still gets its time, but no more.
func TestOthersTurnsAreNotTheServers(t *testing.T) {
	for name, early := range map[string]bool{"between reads": true, "after an answer": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			othersTurns(t, early)
		})
	}
}

func othersTurns(t *testing.T, early bool) {
	const timeout, pieces = time.Second, 10 * maxLate
	turns := newTurns(1, 1)
	speak := make(chan struct{})
	at := listen(t, func(c net.Conn) {
		<-speak
		c.Write(make([]byte, pieces))
		c.Read(make([]byte, 1)) // until the other side goes
	})
	target := newTarget(check.Endpoint{Addr: at, Timeout: timeout}, unix.SOCK_STREAM, unix.IPPROTO_TCP, Options{Turns: turns})
	turns.take()
	c, err := target.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	other := func() {
		turns.take() // when this check gives up its own
		close(speak)
		time.Sleep(2 * timeout)
		turns.leave()
	}
	if early {
		go other()
		time.Sleep(timeout / 10) // so that it waits already
	} else {
		time.AfterFunc(timeout/10, other) // when this one waits for the server
	}
	one := make([]byte, 1)
	for n := range pieces {
		if _, err := c.Read(one); err != nil {
			t.Fatalf("piece %d: %v", n, err)
		}
	}
	if _, err := c.Read(one); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("there was no more: %v", err)
	}
	c.phase()
	for c.ours = time.Hour; c.lengthen(); c.ours = time.Hour {
	}
	if c.lent != maxLent*timeout {
		t.Errorf("lengthened by %v at most, want %v", c.lent, maxLent*timeout)
	}
	turns.leave()
}
