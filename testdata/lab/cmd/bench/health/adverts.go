package health

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ipvsadm/testdata/lab/uml"
)

const (
	advertInterval = 100 * time.Millisecond
	// warmUp is how long the checks run before it counts, and watched how long it
	// counts.
	warmUp  = 10 * time.Second
	watched = 30 * time.Second
)

// busy is a configuration with a virtual router and, with load, 1000 checks that
// hang and 100 whose answer is 10 MB.
func busy(load bool) string {
	var b strings.Builder
	b.WriteString("global_defs {\n\tscript_user root\n\tmax_auto_priority -1\n\tvrrp_version 3\n}\n" +
		"vrrp_instance V {\n\tstate MASTER\n\tinterface eth0\n\tvirtual_router_id 9\n\tpriority 200\n\tadvert_int 0.1\n" +
		"\tvirtual_ipaddress {\n\t\t10.5.0.100\n\t}\n}\n")
	if !load {
		return b.String()
	}
	service := func(n int, reals int, real func(int) string) {
		fmt.Fprintf(&b, "virtual_server %v 80 {\n\tdelay_loop 3\n\tlvs_sched rr\n\tlvs_method NAT\n\tprotocol TCP\n", manyKey(n).Addr.Addr())
		for i := range reals {
			b.WriteString(real(i))
		}
		b.WriteString("}\n")
	}
	for n := range 10 {
		service(n, 100, func(i int) string {
			return fmt.Sprintf("\treal_server 10.3.%d.%d 80 {\n\t\tTCP_CHECK {\n\t\t\tconnect_timeout 30\n\t\t}\n\t}\n", n, i+1)
		})
	}
	service(10, 100, func(i int) string {
		return fmt.Sprintf("\treal_server 10.2.0.%d 82 {\n\t\tHTTP_GET {\n\t\t\tconnect_timeout 30\n\t\t\turl {\n\t\t\t\tpath /\n\t\t\t\tstatus_code 200\n\t\t\t}\n\t\t}\n\t}\n", i+1)
	})
	return b.String()
}

// directorBuild makes a director, from which packets to 10.3.0.0/16 go nowhere.
const directorBuild = `set -e
ip netns add director
ip link add cable type veth peer name eth0 netns director
ip link set cable up
ip address add 10.5.0.1/24 dev cable
ip -n director link set lo up
ip -n director link set eth0 up
ip -n director address add 10.5.0.2/24 dev eth0
ip -n director route add 10.2.0.0/16 via 10.5.0.1
ip -n director route add 10.3.0.0/16 via 10.5.0.1
ip route replace blackhole 10.3.0.0/16 table local
`

// adverts measures how much later than they are due advertisements are sent. It keeps
// how much of that is more than the machine itself stood still.
func (b *bench) adverts(tool int, load bool) ([]float64, error) {
	if err := command("sh", "-c", directorBuild); err != nil {
		return nil, err
	}
	defer command("sh", "-c", "ip link delete cable; ip netns delete director")
	director, err := uml.OpenNetNS("director")
	if err != nil {
		return nil, err
	}
	defer director.Close()
	tap, err := listen("cable")
	if err != nil {
		return nil, err
	}
	defer unix.Close(tap)
	machine, err := watchStalls()
	if err != nil {
		return nil, err
	}
	d, err := b.run(tool, busy(load), director, true)
	if err != nil {
		machine.stop()
		return nil, err
	}
	sent, err := departures(tap)
	err = errors.Join(err, b.stop(d))
	machine.stop()
	var late []float64
	for i, at := range sent[min(1, len(sent)):] {
		due := sent[i].Add(advertInterval)
		late = append(late, milliseconds(at.Sub(due)))
		b.beyond[tool] = append(b.beyond[tool], milliseconds(at.Sub(due)-machine.Between(due, at)))
	}
	return late, err
}

// milliseconds are those of a time, 0 if it is negative.
func milliseconds(d time.Duration) float64 { return max(0, d).Seconds() * 1000 }

// beyondStalls returns what was kept of the measurements of adverts.
func (b *bench) beyondStalls(tool int) ([]float64, error) {
	kept := b.beyond[tool]
	b.beyond[tool] = nil
	return kept, nil
}

// onlyVRRP lets IPv4 packets of protocol 112 through. Without it the bodies' packets
// would fill the socket, and advertisements be lost that were sent.
var onlyVRRP = [...]unix.SockFilter{
	{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 9},
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: 112},
	{Code: unix.BPF_RET | unix.BPF_K, K: 2048},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0},
}

// listen opens a socket that gets the VRRP packets of an interface, with the
// kernel's times of them.
func listen(device string) (int, error) {
	const ip = unix.ETH_P_IP<<8&0xff00 | unix.ETH_P_IP>>8 // in network byte order
	s, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, ip)
	if err != nil {
		return 0, err
	}
	i, err := net.InterfaceByName(device)
	if err == nil {
		filter := onlyVRRP
		err = errors.Join(unix.SetsockoptSockFprog(s, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}),
			unix.Bind(s, &unix.SockaddrLinklayer{Protocol: ip, Ifindex: i.Index}),
			unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
			unix.SetsockoptTimeval(s, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1}))
	}
	if err != nil {
		unix.Close(s)
	}
	return s, err
}

// departures returns when each advertisement was sent, from the end of the warming up.
func departures(tap int) (sent []time.Time, err error) {
	var first time.Time
	buf, control := make([]byte, 2048), make([]byte, 128)
	for begin := time.Now(); time.Since(begin) < patience; {
		n, cn, _, _, err := unix.Recvmsg(tap, buf, control, 0)
		if err == unix.EAGAIN || err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n == 0 {
			continue
		}
		at, err := timestamp(control[:cn])
		if err != nil {
			return nil, err
		}
		if first.IsZero() {
			first = at
		}
		switch {
		case at.Sub(first) > warmUp+watched:
			return sent, nil
		case at.Sub(first) > warmUp:
			sent = append(sent, at)
		}
	}
	return nil, errors.New("no advertisements")
}

// timestamp reads the kernel's time of a packet.
func timestamp(control []byte) (time.Time, error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return time.Time{}, err
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(unix.Timespec{})) {
			return time.Unix((*unix.Timespec)(unsafe.Pointer(&m.Data[0])).Unix()), nil
		}
	}
	return time.Time{}, errors.New("a packet without a time")
}
