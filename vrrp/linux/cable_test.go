package linux_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// cable joins the two hosts in place of the switch, and mistreats what passes it.
// tc netem would do the same, but not every kernel has it; and of what the cable
// delivers it knows the time.
type cable struct {
	ends [2]int // packet sockets on the hosts' ports
	done sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	random    *rand.Rand
	ways      [2]way // from each host to the other
	delivered tap    // advertisements, with the time they were delivered
}

// way is how one direction of the cable treats frames.
type way struct {
	cut   bool
	lost  float64       // of all
	twice float64       // of all
	late  time.Duration // at most; later ones may overtake earlier ones
}

// cable unplugs the hosts from the switch and joins them by a cable.
func (l *lab) cable(seed uint64) *cable {
	l.t.Helper()
	c := &cable{random: rand.New(rand.NewPCG(seed, seed))}
	stop, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	l.sw.Do(func() {
		for i := range l.hosts {
			if err == nil {
				c.ends[i], err = openEnd(l.hosts[i].Name)
			}
		}
	})
	if err != nil {
		l.t.Fatal(err)
	}
	for i := range c.ends {
		c.done.Go(func() { c.carry(i, stop) })
	}
	l.t.Cleanup(func() {
		c.mu.Lock()
		c.closed = true
		c.mu.Unlock()
		unix.Write(stop, binary.NativeEndian.AppendUint64(nil, 1))
		c.done.Wait()
		for _, fd := range []int{c.ends[0], c.ends[1], stop} {
			unix.Close(fd)
		}
	})
	return c
}

// openEnd takes a port off its switch and opens a packet socket on it.
func openEnd(port string) (fd int, err error) {
	link, err := netlink.LinkByName(port)
	if err != nil {
		return -1, err
	}
	if err := netlink.LinkSetNoMaster(link); err != nil {
		return -1, err
	}
	all := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
		return -1, err
	}
	return fd, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: link.Attrs().Index})
}

// carry takes what comes from one host to the other, until stop can be read.
func (c *cable) carry(from, stop int) {
	files := []unix.PollFd{{Fd: int32(c.ends[from]), Events: unix.POLLIN}, {Fd: int32(stop), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(files, -1); err != nil && err != unix.EINTR || files[1].Revents != 0 {
			return
		}
		frame := make([]byte, 2048)
		n, sender, err := unix.Recvfrom(c.ends[from], frame, 0)
		if ll, ok := sender.(*unix.SockaddrLinklayer); err == nil && ok && ll.Pkttype != unix.PACKET_OUTGOING {
			c.treat(from, frame[:n])
		}
	}
}

// treat decides what becomes of a frame.
func (c *cable) treat(from int, frame []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.ways[from]
	if w.cut || c.random.Float64() < w.lost {
		return
	}
	copies := 1
	if c.random.Float64() < w.twice {
		copies = 2
	}
	for range copies {
		if w.late == 0 {
			c.deliver(1-from, frame)
			continue
		}
		time.AfterFunc(time.Duration(c.random.Int64N(int64(w.late))), func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.deliver(1-from, frame)
		})
	}
}

// deliver hands a frame to a host. The caller holds mu.
func (c *cable) deliver(to int, frame []byte) {
	if c.closed {
		return
	}
	c.delivered.record(frame, nil) // with the time before it is there
	_, _ = unix.Write(c.ends[to], frame)
}

// set makes the ways those given: from the first host, and from the second.
func (c *cable) set(first, second way) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ways = [2]way{first, second}
}

// inject delivers a packet of IPv4 that nobody sent to a host.
func (c *cable) inject(to int, packet []byte) {
	frame := slices.Concat(net.HardwareAddr{1, 0, 0x5e, 0, 0, 18}, net.HardwareAddr{2, 0, 0, 0, 0, 9}, []byte{8, 0}, packet)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		_, _ = unix.Write(c.ends[to], frame)
	}
}
