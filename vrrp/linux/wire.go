package linux

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"ipvsadm/vrrp"

	"golang.org/x/sys/unix"
)

// Wire sends and receives advertisements by raw sockets: one for each interface,
// family and protocol, however many instances there are on it. It implements
// vrrp.Wire.
type Wire struct {
	sockets map[vrrp.Port]*socket
	byFD    map[int32]*socket
	in      messages
	buffers [batch][maxPacket]byte

	// epoll holds all sockets, the timer and the interrupt, so that one call waits
	// for all of them and tells which have something.
	epoll     int
	timer     int // timerfd
	interrupt int // eventfd

	mu     sync.Mutex
	closed bool
}

// NewWire starts without any socket. Close ends it.
func NewWire() (*Wire, error) {
	w := &Wire{sockets: map[vrrp.Port]*socket{}, byFD: map[int32]*socket{}, epoll: -1, timer: -1, interrupt: -1}
	steps := []func() error{
		func() (err error) { w.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); return err },
		func() (err error) {
			w.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
			return err
		},
		func() (err error) { w.interrupt, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); return err },
		func() error { return w.watch(w.timer) },
		func() error { return w.watch(w.interrupt) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, errors.Join(fmt.Errorf("prepare to wait for packets: %w", err), w.Close())
		}
	}
	return w, nil
}

// Close closes all sockets.
func (w *Wire) Close() (err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, s := range w.sockets {
		unix.Close(s.fd)
	}
	clear(w.sockets)
	clear(w.byFD)
	for _, fd := range []int{w.interrupt, w.timer, w.epoll} {
		if fd >= 0 {
			err = errors.Join(err, unix.Close(fd))
		}
	}
	return err
}

// Join implements vrrp.Wire.
func (w *Wire) Join(port vrrp.Port, group netip.Addr) (leave func(), err error) {
	s := w.sockets[port]
	if s == nil {
		if s, err = openSocket(port); err != nil {
			return nil, err
		}
		if err := w.watch(s.fd); err != nil {
			unix.Close(s.fd)
			return nil, fmt.Errorf("wait for packets: %w", err)
		}
		w.sockets[port], w.byFD[int32(s.fd)] = s, s
	}
	if err := s.join(group); err != nil {
		w.leave(s, group)
		return nil, err
	}
	return func() { w.leave(s, group) }, nil
}

// watch makes Wait end when the file has something.
func (w *Wire) watch(fd int) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	return unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, fd, &event)
}

func (w *Wire) leave(s *socket, group netip.Addr) {
	s.leave(group)
	if len(s.joined) == 0 {
		delete(w.sockets, s.port)
		delete(w.byFD, int32(s.fd))
		unix.Close(s.fd)
	}
}

// Send implements vrrp.Wire.
func (w *Wire) Send(packets []vrrp.Outgoing) (failed error) {
	keep := func(err error) {
		if failed == nil {
			failed = err
		}
	}
	var used []*socket
	for i := range packets {
		s := w.sockets[packets[i].Port]
		if s == nil {
			keep(errors.New("send: the port is not open"))
			continue
		}
		if s.queued == 0 {
			used = append(used, s)
		}
		keep(s.queue(&packets[i]))
	}
	for _, s := range used {
		keep(s.flush())
	}
	return failed
}

// Wait implements vrrp.Wire. The kernel wakes this thread and no other: Go's timers
// and its poller would first wake one that may just have checked many servers, which
// gets the processor later, and can be a millisecond late by themselves.
func (w *Wire) Wait(atMost time.Duration) {
	// A time of 0 would stop the timer. It fails for times out of range only.
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(atMost, 1).Nanoseconds())}
	_ = unix.TimerfdSettime(w.timer, 0, &spec, nil)
	var one [1]unix.EpollEvent
	for err := error(unix.EINTR); err == unix.EINTR; {
		_, err = unix.EpollWait(w.epoll, one[:], -1)
	}
	if int(one[0].Fd) == w.interrupt {
		var interrupts [8]byte
		_, _ = unix.Read(w.interrupt, interrupts[:])
	}
}

// Interrupt implements vrrp.Wire.
func (w *Wire) Interrupt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed { // or it could be somebody else's file
		_, _ = unix.Write(w.interrupt, binary.NativeEndian.AppendUint64(nil, 1))
	}
}

// Receive implements vrrp.Wire.
func (w *Wire) Receive(deliver func(vrrp.Port, vrrp.Datagram, vrrp.Reason)) {
	var events [batch]unix.EpollEvent
	// Sockets that still have something come last, so all of them get a turn.
	for range len(w.sockets)/batch + 1 {
		n, err := unix.EpollWait(w.epoll, events[:], 0)
		if n <= 0 && err != unix.EINTR {
			break
		}
		for _, e := range events[:max(n, 0)] {
			if s := w.byFD[e.Fd]; s != nil {
				w.receive(s, deliver)
			}
		}
	}
}

// mostAtOnce bounds how many packets of one socket are received in a row, so
// that a flood of them does not keep timers waiting. It is far more than honest
// routers send between two calls.
const mostAtOnce = 64 * batch

// receive empties one socket.
func (w *Wire) receive(s *socket, deliver func(vrrp.Port, vrrp.Datagram, vrrp.Reason)) {
	for range mostAtOnce / batch {
		for i := range w.buffers {
			w.in.set(i, w.buffers[i][:], len(w.in.names[i]), controlLen)
		}
		n := w.in.receive(s.fd)
		for i := range n {
			h := &w.in.hdrs[i]
			d, reason := s.datagram(w.buffers[i][:h.len], w.in.control[i][:h.hdr.Controllen], &w.in.names[i], h.hdr.Flags)
			deliver(s.port, d, reason)
		}
		if n < batch {
			return
		}
	}
}
