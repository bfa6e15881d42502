package vrrp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// processEvents is the kernel's connector for the life of processes
// (linux/cn_proc.h): it tells of each one that begins, changes its program or
// ends. It speaks only to CAP_NET_ADMIN in the first network, process and user
// namespaces.
type processEvents struct {
	file *os.File
	buf  []byte
}

// processEvent is something that happened to a process.
type processEvent struct {
	what processChange
	pid  int
	from int // whose child it is, after a fork
}

type processChange uint8

const (
	processForked processChange = iota
	// processChanged has another program, or another name.
	processChanged
	processExited
)

// Numbers of linux/connector.h and linux/cn_proc.h.
const (
	connectorProc   = 1 // CN_IDX_PROC and CN_VAL_PROC
	procListen      = 1 // PROC_CN_MCAST_LISTEN
	connectorHeader = 20
	procHeader      = 16

	procEventNone = 0
	procEventFork = 0x00000001
	procEventExec = 0x00000002
	procEventComm = 0x00000200
	procEventExit = 0x80000000
)

// connectorPatience is how long the kernel has to say that it will tell. From
// another process namespace it hears and does not answer.
const connectorPatience = time.Second

// openProcessEvents subscribes.
func openProcessEvents() (*processEvents, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_CONNECTOR)
	if err != nil {
		return nil, err
	}
	e := &processEvents{file: os.NewFile(uintptr(fd), "process events"), buf: make([]byte, 64<<10)}
	// A burst of processes must not be lost at once.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 1<<20)
	if err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: connectorProc}); err == nil {
		if err = unix.Sendto(fd, listenRequest(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err == nil {
			err = e.acknowledged()
		}
	}
	if err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

// listenRequest is struct nlmsghdr, struct cn_msg and enum proc_cn_mcast_op.
func listenRequest() []byte {
	put := binary.NativeEndian.AppendUint32
	b := put(nil, unix.SizeofNlMsghdr+connectorHeader+4)
	b = binary.NativeEndian.AppendUint16(b, unix.NLMSG_DONE)
	b = binary.NativeEndian.AppendUint16(b, 0)
	b = put(put(b, 0), 0)
	b = put(put(b, connectorProc), connectorProc)
	b = put(put(b, 0), 0)
	b = binary.NativeEndian.AppendUint16(b, 4)
	b = binary.NativeEndian.AppendUint16(b, 0)
	return put(b, procListen)
}

// acknowledged waits for the kernel's word that it will tell.
func (e *processEvents) acknowledged() error {
	e.file.SetReadDeadline(time.Now().Add(connectorPatience))
	for {
		m, err := e.receive()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return errors.New("the kernel does not answer in this process namespace")
		}
		if err != nil && !errors.Is(err, unix.ENOBUFS) {
			return err
		}
		if len(m) >= procHeader+4 && binary.NativeEndian.Uint32(m) == procEventNone {
			if code := binary.NativeEndian.Uint32(m[procHeader:]); code != 0 {
				return unix.Errno(code)
			}
			return nil
		}
	}
}

// receive waits for a message of the kernel and returns its struct proc_event,
// nil for something else.
func (e *processEvents) receive() (event []byte, err error) {
	raw, err := e.file.SyscallConn()
	if err != nil {
		return nil, err
	}
	var n int
	var from unix.Sockaddr
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		n, from, failed = unix.Recvfrom(int(fd), e.buf, 0)
		return failed != unix.EAGAIN && failed != unix.EINTR
	})
	if err = errors.Join(err, failed); err != nil {
		return nil, err
	}
	sa, ok := from.(*unix.SockaddrNetlink)
	const head = unix.SizeofNlMsghdr + connectorHeader
	if !ok || sa.Pid != 0 || n < head || binary.NativeEndian.Uint32(e.buf[unix.SizeofNlMsghdr:]) != connectorProc {
		return nil, nil
	}
	return e.buf[head:n], nil
}

// next waits for an event until the deadline, the zero time for ever. What is no
// news to us is ok false.
func (e *processEvents) next(deadline time.Time) (ev processEvent, ok bool, err error) {
	e.file.SetReadDeadline(deadline)
	m, err := e.receive()
	if err != nil {
		return ev, false, err
	}
	ev, ok = parseProcessEvent(m)
	return ev, ok, nil
}

// parseProcessEvent reads struct proc_event. Threads are not processes.
func parseProcessEvent(m []byte) (ev processEvent, ok bool) {
	if len(m) < procHeader+8 {
		return ev, false
	}
	id := func(i int) int { return int(int32(binary.NativeEndian.Uint32(m[procHeader+4*i:]))) }
	switch binary.NativeEndian.Uint32(m) {
	case procEventFork:
		if len(m) < procHeader+16 {
			return ev, false
		}
		return processEvent{processForked, id(2), id(1)}, id(2) == id(3)
	case procEventExec, procEventComm:
		return processEvent{what: processChanged, pid: id(0)}, id(0) == id(1)
	case procEventExit:
		return processEvent{what: processExited, pid: id(0)}, id(0) == id(1)
	}
	return ev, false
}

func (e *processEvents) close() { e.file.Close() }

// follow keeps the counts by events until the context ends. It returns an error if
// there is no more news to be had.
func (w *processWatch) follow(ctx context.Context, e *processEvents) error {
	stop := context.AfterFunc(ctx, e.close)
	defer stop()
	w.count(time.Now()) // from here on events say what changes
	for {
		ev, ok, err := e.next(w.due())
		now := time.Now()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			w.judge(now)
		case errors.Is(err, unix.ENOBUFS): // some were lost
			w.count(now)
		case err != nil:
			return fmt.Errorf("process events: %w", err)
		case ok && w.learn(ev):
			w.judge(now)
		}
	}
}

// learn takes in an event, and tells whether a count changed.
func (w *processWatch) learn(ev processEvent) (changed bool) {
	before := w.running[ev.pid]
	var after []int
	switch ev.what {
	case processForked:
		after = w.running[ev.from]
	case processChanged:
		if name, argv, ok := w.look(ev.pid); ok {
			after = w.matching(name, argv)
		}
	}
	if len(before) == 0 && len(after) == 0 {
		return false
	}
	for _, i := range before {
		w.counts[i]--
	}
	for _, i := range after {
		w.counts[i]++
	}
	if len(after) == 0 {
		delete(w.running, ev.pid)
	} else {
		w.running[ev.pid] = after
	}
	return true
}

// due is when a delay of a verdict is over, the zero time for never.
func (w *processWatch) due() (t time.Time) {
	for i := range w.verdicts {
		t = earliest(t, w.verdicts[i].due())
	}
	return t
}
