package failover

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/vrrp"
)

// heard is an advertisement, with the kernel's time of its arrival at the switch.
type heard struct {
	at       time.Time
	host     int // 0 or 1
	vrid     uint8
	priority uint8
}

// tap records the advertisements that come in at the switch.
type tap struct {
	file *os.File
	done chan struct{}

	mu   sync.Mutex
	seen []heard
}

// listen opens a tap. It must be closed before much more is sent than a test
// program can take.
func (n *network) listen() (*tap, error) {
	fd, err := -1, error(nil)
	ports := map[int]int{}
	n.sw.Do(func() {
		// What comes in by a port of a bridge is seen by those only who want
		// every protocol.
		all := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(all))
		if err != nil {
			return
		}
		if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
			return
		}
		for host := range n.hosts {
			link, e := net.InterfaceByName(fmt.Sprintf("p%d", host+1))
			if e != nil {
				err = e
				return
			}
			ports[link.Index] = host
		}
	})
	if err != nil {
		return nil, fmt.Errorf("listen on the switch: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20)
	t := &tap{file: os.NewFile(uintptr(fd), "tap"), done: make(chan struct{})}
	conn, err := t.file.SyscallConn()
	if err != nil {
		return nil, err
	}
	go func() {
		defer close(t.done)
		packet, control := make([]byte, 2048), make([]byte, 128)
		for {
			var n, m int
			var from unix.Sockaddr
			err := conn.Read(func(fd uintptr) bool {
				var e error
				n, m, _, from, e = unix.Recvmsg(int(fd), packet, control, 0)
				return e != unix.EAGAIN
			})
			if err != nil {
				return
			}
			ll, ok := from.(*unix.SockaddrLinklayer)
			if !ok || ll.Pkttype == unix.PACKET_OUTGOING {
				continue
			}
			if host, ok := ports[ll.Ifindex]; ok {
				t.record(host, packet[:max(n, 0)], control[:m])
			}
		}
	}()
	return t, nil
}

func (t *tap) close() {
	t.file.Close()
	<-t.done
}

func (t *tap) record(host int, packet, control []byte) {
	d, reason := vrrp.ParseIPv4(packet, 0)
	if reason != vrrp.Accepted || d.Destination != netip.AddrFrom4([4]byte{224, 0, 0, 18}) || len(d.Payload) < 8 {
		return
	}
	h := heard{at: time.Now(), host: host, vrid: d.Payload[1], priority: d.Payload[2]}
	if messages, err := unix.ParseSocketControlMessage(control); err == nil {
		for _, m := range messages {
			if m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= 16 {
				h.at = time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = append(t.seen, h)
}

// since returns what was heard from that time on.
func (t *tap) since(at time.Time) (all []heard) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := len(t.seen); i > 0 && !t.seen[i-1].at.Before(at); i-- {
		all = t.seen[i-1:]
	}
	return append([]heard(nil), all...)
}

// forget empties the record.
func (t *tap) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = nil
}
