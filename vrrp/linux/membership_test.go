package linux_test

import (
	"bytes"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"ipvsadm/vrrp"

	"golang.org/x/sys/unix"
)

// TestBackupHidesVirtualMAC starts two routers with virtual MAC addresses and
// looks at every frame: none comes from the virtual MAC address of a Backup
// Router, the kernel's own reports about multicast groups included, for a switch
// would believe them. The reports are there, from the interface below.
func TestBackupHidesVirtualMAC(t *testing.T) {
	inLab(t, func(t *testing.T) {
		if inGuest() {
			return // its kernel has nftables for bridges only
		}
		for _, ipv6 := range []bool{false, true} {
			l := newLab(t)
			v := variant{version: vrrp.V3, interval: 100 * time.Millisecond, ipv6: ipv6, instance: "use_vmac"}
			first := l.router(0, true, v.conf(0))
			first.start()
			p := &pair{lab: l, variant: v, routers: [2]*router{first}}
			p.settle("alone", 0)
			time.Sleep(time.Second)
			stop := l.frames(vrrp.VirtualMAC(firstVRID, ipv6))
			p.routers[1] = l.router(1, true, v.conf(1))
			p.routers[1].start()
			p.settle("together", 0)
			time.Sleep(3 * time.Second) // reports are repeated
			for _, f := range stop() {
				if f.port == 1 && f.virtual {
					t.Errorf("IPv6 %v: the Backup Router sends from the virtual MAC address: %x", ipv6, f.start)
				}
			}
			reported := false
			for _, f := range stop() {
				reported = reported || f.port == 1 && !f.virtual && f.report
			}
			if !reported {
				t.Errorf("IPv6 %v: the Backup Router's groups are not reported", ipv6)
			}
		}
	})
}

// frame is a frame that came in at the switch.
type frame struct {
	port    int // the host that sent it
	virtual bool
	report  bool // IGMP or MLD
	start   []byte
}

// frames records all frames until the function that it returns is called.
func (l *lab) frames(virtual net.HardwareAddr) func() []frame {
	l.t.Helper()
	var fd int
	var err error
	ports := map[int]int{}
	l.sw.Do(func() {
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(uint16(unix.ETH_P_ALL<<8|unix.ETH_P_ALL>>8)))
		links, _ := net.Interfaces()
		for _, link := range links {
			for host, ns := range l.hosts {
				if link.Name != l.sw.Name && strings.Contains(link.Name, ns.Name) {
					ports[link.Index] = host
				}
			}
		}
	})
	if err != nil || len(ports) != 2 {
		l.t.Fatalf("%v, ports of the switch %v", err, ports)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
	var all []frame
	done := false
	return func() []frame {
		buf := make([]byte, 2048)
		for !done {
			n, from, err := unix.Recvfrom(fd, buf, 0)
			if err != nil {
				done = true
				os.NewFile(uintptr(fd), "frames").Close()
				break
			}
			ll := from.(*unix.SockaddrLinklayer)
			host, ours := ports[ll.Ifindex]
			if !ours || ll.Pkttype == unix.PACKET_OUTGOING || n < 60-6 {
				continue
			}
			b := buf[:n]
			all = append(all, frame{
				port: host, virtual: bytes.Equal(b[6:12], virtual), start: bytes.Clone(b[:min(n, 80)]),
				report: b[12] == 8 && b[23] == unix.IPPROTO_IGMP || b[12] == 0x86 && b[20] == 0 && n > 62 && b[62] == 143,
			})
		}
		return all
	}
}
