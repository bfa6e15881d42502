package linux

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
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

	// epoll holds all sockets, so that one goroutine can wait for all of them
	// and one call tells which have something.
	epoll *os.File
	epfd  int
	timer int // timerfd
	ready chan struct{}
	// received wakes the goroutine that waits, after it told of something.
	received chan struct{}
	closed   chan struct{}
}

// NewWire starts without any socket. Close ends it.
func NewWire() (*Wire, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err == nil {
		err = unix.SetNonblock(epfd, true)
	}
	if err != nil {
		return nil, fmt.Errorf("create epoll instance: %w", err)
	}
	timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		unix.Close(epfd)
		return nil, fmt.Errorf("create timer: %w", err)
	}
	w := &Wire{
		sockets:  map[vrrp.Port]*socket{},
		byFD:     map[int32]*socket{},
		epfd:     epfd,
		timer:    timer,
		epoll:    os.NewFile(uintptr(epfd), "epoll"),
		ready:    make(chan struct{}, 1),
		received: make(chan struct{}, 1),
		closed:   make(chan struct{}),
	}
	if err := w.wait(timer); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	go w.watch()
	return w, nil
}

// Close closes all sockets.
func (w *Wire) Close() error {
	for _, s := range w.sockets {
		unix.Close(s.fd)
	}
	clear(w.sockets)
	clear(w.byFD)
	unix.Close(w.timer)
	close(w.closed)
	return w.epoll.Close()
}

// Join implements vrrp.Wire.
func (w *Wire) Join(port vrrp.Port, group netip.Addr) (leave func(), err error) {
	s := w.sockets[port]
	if s == nil {
		if s, err = openSocket(port); err != nil {
			return nil, err
		}
		if err := w.wait(s.fd); err != nil {
			unix.Close(s.fd)
			return nil, err
		}
		w.sockets[port], w.byFD[int32(s.fd)] = s, s
	}
	if err := s.join(group); err != nil {
		w.leave(s, group)
		return nil, err
	}
	return func() { w.leave(s, group) }, nil
}

// wait makes Ready tell of the file.
func (w *Wire) wait(fd int) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	if err := unix.EpollCtl(w.epfd, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return fmt.Errorf("wait for packets: %w", err)
	}
	return nil
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

// Ready implements vrrp.Wire.
func (w *Wire) Ready() <-chan struct{} { return w.ready }

// Receive implements vrrp.Wire.
func (w *Wire) Receive(deliver func(vrrp.Port, vrrp.Datagram, vrrp.Reason)) {
	var events [batch]unix.EpollEvent
	// Sockets that still have something come last, so all of them get a turn.
	for range len(w.sockets)/batch + 1 {
		n, err := unix.EpollWait(w.epfd, events[:], 0)
		if n <= 0 && err != unix.EINTR {
			break
		}
		for _, e := range events[:max(n, 0)] {
			if s := w.byFD[e.Fd]; s != nil {
				w.receive(s, deliver)
			} else if int(e.Fd) == w.timer {
				var expirations [8]byte
				_, _ = unix.Read(w.timer, expirations[:])
			}
		}
	}
	select {
	case w.received <- struct{}{}:
	default:
	}
}

// Wake implements vrrp.Wire.
func (w *Wire) Wake(after time.Duration) {
	// A time of 0 would stop the timer.
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(after, 1).Nanoseconds())}
	// It fails for times out of range only.
	_ = unix.TimerfdSettime(w.timer, 0, &spec, nil)
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

// watch waits for packets until the Wire is closed.
func (w *Wire) watch() {
	conn, err := w.epoll.SyscallConn()
	if err != nil {
		return
	}
	for {
		err := conn.Read(func(fd uintptr) bool {
			var one [1]unix.EpollEvent
			n, err := unix.EpollWait(int(fd), one[:], 0)
			return n > 0 || err != nil && err != unix.EINTR
		})
		if err != nil {
			return
		}
		select {
		case <-w.received: // an old one
		default:
		}
		select {
		case w.ready <- struct{}{}:
		default:
		}
		select {
		case <-w.received:
		case <-w.closed:
			return
		}
	}
}
