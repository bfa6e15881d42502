package linux_test

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
	"ipvsadm/vrrp"

	"golang.org/x/sys/unix"
)

// labVar names the variable that tells a test that it runs in a lab.
const labVar = "VRRP_LAB"

// inLab calls body as root in new network and mount namespaces. VRRP needs no
// kernel module that is not everywhere, so they are those of the machine's own
// kernel, in a user namespace unless we are root; where that is not allowed, the
// guest kernel serves.
func inLab(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	if os.Getenv(labVar) == t.Name() {
		if err := enterLab(); err != nil {
			t.Fatal(err)
		}
		body(t)
		return
	}
	if inGuest() || exec.Command("unshare", unshareArgs("true")...).Run() != nil {
		uml.Run(t, body)
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", unshareArgs(exe, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=5m")...)
	cmd.Env = append(os.Environ(), labVar+"="+t.Name())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// inGuest tells whether this is the guest kernel, which has one slow CPU.
func inGuest() bool { return os.Getenv("UML_BODY") != "" }

func unshareArgs(argv ...string) []string {
	args := []string{"--net", "--mount", "--kill-child"}
	if os.Getuid() != 0 {
		args = append(args, "--user", "--map-root-user")
	}
	return append(append(args, "--fork", "--"), argv...)
}

// enterLab gives the lab a /run of its own.
func enterLab() error {
	if err := unix.Mount("run", "/run", "tmpfs", 0, ""); err != nil {
		return err
	}
	return os.Mkdir("/run/netns", 0o755)
}

// lab is two hosts on a switch, each with an interface eth0 with 10.77.0.N/24
// and fd77::N/64.
type lab struct {
	t      *testing.T
	sw     *uml.Bridge
	hosts  [2]*uml.NetNS
	dir    string
	heard  *tap
	prefix string
}

func newLab(t *testing.T) *lab {
	t.Helper()
	// Interface names hold 15 bytes.
	l := &lab{t: t, dir: t.TempDir(), prefix: fmt.Sprintf("v%x", time.Now().UnixNano()&0xffffff)}
	l.sw = uml.NewBridge(t, l.prefix+"s")
	for i := range l.hosts {
		l.hosts[i] = uml.NewNetNS(t, fmt.Sprintf("%s%d", l.prefix, i+1))
		// Nobody else has our addresses: they are ready for use at once.
		l.shell(i, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
		l.sw.Plug(t, l.hosts[i], "eth0", fmt.Sprintf("10.77.0.%d/24", i+1), fmt.Sprintf("fd77::%d/64", i+1))
	}
	l.heard = l.listen()
	return l
}

// shell runs a program on a host and returns what it printed.
func (l *lab) shell(host int, argv ...string) string {
	var out []byte
	l.hosts[host].Do(func() { out, _ = exec.Command(argv[0], argv[1:]...).CombinedOutput() })
	return string(out)
}

// has tells whether an interface of the host has the address.
func (l *lab) has(host int, addr string) (found bool) {
	want := netip.MustParseAddr(addr)
	l.hosts[host].Do(func() {
		addrs, _ := net.InterfaceAddrs()
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			found = found || err == nil && p.Addr() == want
		}
	})
	return found
}

// await waits until something holds.
func (l *lab) await(what string, holds func() bool) {
	l.t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatalf("never: %s", what)
		}
	}
}

// router is a process on a host: one of ours, or keepalived.
type router struct {
	lab   *lab
	host  int
	ours  bool
	conf  string
	cmd   *exec.Cmd
	log   logBuffer
	ended chan struct{}
	runs  int
}

// logBuffer holds what a process wrote.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// router writes the configuration to a file. It is not started.
func (l *lab) router(host int, ours bool, conf string) *router {
	l.t.Helper()
	r := &router{lab: l, host: host, ours: ours, conf: filepath.Join(l.dir, fmt.Sprintf("router%d.conf", host+1))}
	r.write(conf)
	l.t.Cleanup(func() {
		if r.cmd != nil {
			r.kill()
		}
		if l.t.Failed() {
			l.t.Logf("%v on host %d:\n%s\n%s", r, host+1, conf, r.log.String())
		}
	})
	return r
}

func (r *router) write(conf string) {
	r.lab.t.Helper()
	if err := os.WriteFile(r.conf, []byte(conf), 0o600); err != nil {
		r.lab.t.Fatal(err)
	}
}

func (r *router) String() string {
	if r.ours {
		return "our router"
	}
	return "keepalived"
}

func (r *router) start() {
	r.lab.t.Helper()
	fmt.Fprintf(&r.log, "--- started at %s\n", time.Now().Format("15:04:05.000000"))
	if r.ours {
		r.cmd = exec.Command("/proc/self/exe")
		r.cmd.Env = append(os.Environ(), nodeVar+"="+r.conf)
	} else {
		// Each run has its own files: it would not start beside the old one's.
		r.runs++
		pid := func(name string) string {
			return filepath.Join(r.lab.dir, fmt.Sprintf("%s%d-%d.pid", name, r.host, r.runs))
		}
		r.cmd = exec.Command("keepalived", "--vrrp", "--dont-fork", "--log-console", "--log-detail",
			"--use-file", r.conf, "--pid", pid("main"), "--vrrp_pid", pid("vrrp"))
	}
	r.cmd.Stdout, r.cmd.Stderr = &r.log, &r.log
	var err error
	r.lab.hosts[r.host].Do(func() { err = r.cmd.Start() })
	if err != nil {
		r.lab.t.Fatal(err)
	}
	r.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) { cmd.Wait(); close(ended) }(r.cmd, r.ended)
}

// signal sends a signal to the process that speaks VRRP.
func (r *router) signal(s unix.Signal) { unix.Kill(r.speaker(), s) }

// speaker is the process that speaks VRRP: keepalived's is a child.
func (r *router) speaker() int {
	pid := r.cmd.Process.Pid
	if !r.ours {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		fmt.Sscan(string(b), &pid)
	}
	return pid
}

// kill ends the router as a crash does.
func (r *router) kill() {
	// keepalived's parent would start another child, and its end makes a child
	// stop in good order.
	r.cmd.Process.Signal(unix.SIGSTOP)
	unix.Kill(r.speaker(), unix.SIGKILL)
	r.cmd.Process.Kill()
	<-r.ended
	r.cmd = nil
}

// stop ends it in good order, and returns how long that took.
func (r *router) stop() time.Duration {
	r.lab.t.Helper()
	start := time.Now()
	r.cmd.Process.Signal(unix.SIGTERM)
	select {
	case <-r.ended:
	case <-time.After(10 * time.Second):
		r.lab.t.Fatalf("%v does not end", r)
	}
	r.cmd = nil
	return time.Since(start)
}

// tap records the advertisements and the announcements that pass the switch.
type tap struct {
	mu        sync.Mutex
	seen      []heard
	announced []announced
}

// announced is a gratuitous ARP request or an unsolicited neighbour
// advertisement, with the kernel's time of it.
type announced struct {
	at   time.Time
	mac  net.HardwareAddr
	addr netip.Addr
}

// heard is an advertisement with the kernel's time of it.
type heard struct {
	at       time.Time
	source   netip.Addr
	mac      net.HardwareAddr
	vrid     uint8
	priority uint8
	ttl      int
}

// listen opens the tap. It ends with the test.
func (l *lab) listen() *tap {
	l.t.Helper()
	var fd, sw int
	var err error
	l.sw.Do(func() {
		all := uint16(unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8)
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(all))
		if err == nil {
			err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
		}
		if link, e := net.InterfaceByName(l.sw.Name); e == nil {
			sw = link.Index
		}
	})
	if err != nil {
		l.t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "tap")
	conn, err := file.SyscallConn()
	if err != nil {
		l.t.Fatal(err)
	}
	tp := &tap{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		frame, control := make([]byte, 9000), make([]byte, 256)
		for {
			var n, m int
			var from unix.Sockaddr
			err := conn.Read(func(fd uintptr) bool {
				var e error
				n, m, _, from, e = unix.Recvmsg(int(fd), frame, control, 0)
				return e != unix.EAGAIN
			})
			if err != nil {
				return
			}
			// What comes in by a port is not counted again on its way out.
			if ll, ok := from.(*unix.SockaddrLinklayer); ok && ll.Ifindex != sw && ll.Pkttype != unix.PACKET_OUTGOING {
				tp.record(frame[:n], control[:m])
			}
		}
	}()
	l.t.Cleanup(func() {
		file.Close()
		<-done
	})
	return tp
}

func (tp *tap) record(frame, control []byte) {
	if len(frame) < 14 {
		return
	}
	h := heard{at: time.Now(), mac: bytes.Clone(frame[6:12])}
	if messages, err := unix.ParseSocketControlMessage(control); err == nil {
		for _, m := range messages {
			if m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= 16 {
				h.at = time.Unix(int64(le64(m.Data)), int64(le64(m.Data[8:])))
			}
		}
	}
	if addr, ok := announcedBy(frame); ok {
		tp.mu.Lock()
		defer tp.mu.Unlock()
		tp.announced = append(tp.announced, announced{h.at, h.mac, addr})
		return
	}
	var d vrrp.Datagram
	switch packet := frame[14:]; {
	case frame[12] == 0x08 && frame[13] == 0x00:
		var reason vrrp.Reason
		if d, reason = vrrp.ParseIPv4(packet, 0); reason != vrrp.Accepted {
			return
		}
	case frame[12] == 0x86 && frame[13] == 0xdd && len(packet) > 40 && packet[6] == 112:
		d = vrrp.NewIPv6(packet[40:], netip.AddrFrom16([16]byte(packet[8:24])), netip.AddrFrom16([16]byte(packet[24:40])), int(packet[7]), 0)
	}
	vrid, ok := d.VRID()
	if !ok {
		return
	}
	message := d.Payload
	if d.Protocol == 51 {
		message = message[24:]
	}
	h.source, h.vrid, h.priority, h.ttl = d.Source, vrid, message[2], d.TTL
	tp.mu.Lock()
	defer tp.mu.Unlock()
	tp.seen = append(tp.seen, h)
}

// announcedBy is the address that a frame announces, if it does.
func announcedBy(frame []byte) (addr netip.Addr, ok bool) {
	switch packet := frame[14:]; {
	case frame[12] == 0x08 && frame[13] == 0x06 && len(packet) >= 28:
		return netip.AddrFrom4([4]byte(packet[14:18])), bytes.Equal(packet[14:18], packet[24:28])
	case frame[12] == 0x86 && frame[13] == 0xdd && len(packet) >= 64 && packet[6] == 58 && packet[40] == 136:
		target := netip.AddrFrom16([16]byte(packet[48:64]))
		return target, frame[0] == 0x33 && !target.IsMulticast()
	}
	return addr, false
}

func le64(b []byte) (v uint64) {
	for i := range 8 {
		v |= uint64(b[i]) << (8 * i)
	}
	return v
}

// since returns what was heard from that time on.
func (tp *tap) since(t time.Time) (all []heard) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	for _, h := range tp.seen {
		if !h.at.Before(t) {
			all = append(all, h)
		}
	}
	return all
}

// announcements returns how an address was announced from that time on.
func (tp *tap) announcements(addr netip.Addr, since time.Time) (all []announced) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	for _, a := range tp.announced {
		if a.addr == addr && !a.at.Before(since) {
			all = append(all, a)
		}
	}
	return all
}

// change finds the first advertisement of another sender with that VRID after
// the time, and the last one of the sender before.
func (tp *tap) change(since time.Time, vrid uint8) (last, first heard, ok bool) {
	for _, h := range tp.since(since.Add(-5 * time.Second)) {
		switch {
		case h.vrid != vrid:
		case h.at.Before(since) || h.source == last.source || !last.source.IsValid():
			last = h
		default:
			return last, h, true
		}
	}
	return last, first, false
}
