package checks

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipvsadm/testdata/lab/uml"
)

// servePort is where servers are, whatever port their real server has in the table.
const servePort = "80"

// patience is the longest a server has to do with one connection.
const patience = 40 * time.Second

// server does what one real server of a case does, in the network namespace of
// the servers.
type server struct {
	ns      *uml.NetNS
	address string // without a port
	file    string

	mu     sync.Mutex
	does   Behaviour
	stream net.Listener
	packet net.PacketConn
	visits map[netip.Addr]int // by client, since the last change of any server
}

// become makes the server do something else from now on.
func (s *server) become(b Behaviour) error {
	s.mu.Lock()
	was := s.does
	s.does, s.visits = b, map[netip.Addr]int{}
	s.mu.Unlock()
	if b.File != "" {
		// Whole at once, for whoever reads it just now.
		for _, count := range s.counts() {
			os.Remove(count)
		}
		if err := os.WriteFile(s.file+".new", []byte(b.File), 0o644); err != nil {
			return err
		}
		if err := os.Rename(s.file+".new", s.file); err != nil {
			return err
		}
	}
	if unreachable(was.Route) && was.Route != b.Route {
		if err := s.route(was.Route, netlink.RouteDel); err != nil {
			return err
		}
	}
	if unreachable(b.Route) && was.Route != b.Route {
		if err := s.route(b.Route, netlink.RouteAdd); err != nil {
			return err
		}
	}
	return s.listen(b)
}

func unreachable(route string) bool { return route != "" && route != refusing }

// route does something with the route on which no packet reaches the server.
func (s *server) route(kind string, do func(*netlink.Route) error) (err error) {
	r := &netlink.Route{Dst: netlink.NewIPNet(net.ParseIP(s.address)), Table: unix.RT_TABLE_LOCAL, Type: unix.RTN_BLACKHOLE}
	if kind == "unreachable" {
		r.Type = unix.RTN_UNREACHABLE
	}
	s.ns.Do(func() { err = do(r) })
	if err != nil {
		return fmt.Errorf("route %s of %s: %w", kind, s.address, err)
	}
	return nil
}

// listen opens and closes the server's sockets, as a behaviour needs them.
func (s *server) listen(b Behaviour) (err error) {
	at := net.JoinHostPort(s.address, servePort)
	switch {
	case b.TCP != nil && s.stream == nil:
		if s.stream, err = s.ns.Listen("tcp", at); err != nil {
			return err
		}
		go s.accept(s.stream)
	case b.TCP == nil && s.stream != nil:
		s.stream.Close()
		s.stream = nil
	}
	switch {
	case b.UDP != nil && s.packet == nil:
		s.ns.Do(func() { s.packet, err = net.ListenPacket("udp", at) })
		if err != nil {
			return err
		}
		go s.receive(s.packet)
	case b.UDP == nil && s.packet != nil:
		s.packet.Close()
		s.packet = nil
	}
	return nil
}

func (s *server) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			c.SetDeadline(time.Now().Add(patience))
			if does := s.visit(c.RemoteAddr()); does.TCP != nil {
				does.TCP(c)
			}
		}()
	}
}

func (s *server) receive(c net.PacketConn) {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		if does := s.visit(from); does.UDP != nil {
			if answer := does.UDP(append([]byte(nil), buf[:n]...)); answer != nil {
				c.WriteTo(answer, from)
			}
		}
	}
}

// visit counts a client, and tells what to do with it.
func (s *server) visit(from net.Addr) Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, err := netip.ParseAddrPort(from.String()); err == nil {
		s.visits[at.Addr().Unmap()]++
	}
	return s.does
}

// visited is how often a client was here since the last change, by the checker of
// a real_server block; false if that cannot be told.
func (s *server) visited(block string, by *Director) (times int, told bool) {
	s.mu.Lock()
	does := s.does
	for _, c := range by.address {
		times += s.visits[c]
	}
	s.mu.Unlock()
	has := func(kinds ...string) bool {
		return slices.ContainsFunc(kinds, func(k string) bool { return strings.Contains(block, k) })
	}
	if has("TCP_CHECK", "_GET", "SMTP_CHECK") && does.TCP != nil || has("UDP_CHECK", "DNS_CHECK") && does.UDP != nil {
		return times, does.Route == "" && !has("connect_ip")
	}
	if !has("MISC_CHECK") {
		return 0, false
	}
	for _, pid := range by.processes() {
		if info, err := os.Stat(s.file + "." + pid); err == nil {
			times += int(info.Size())
		}
	}
	return times, true
}

// counts are the files in which programs count who ran them.
func (s *server) counts() []string {
	files, _ := filepath.Glob(s.file + ".*")
	return files
}
