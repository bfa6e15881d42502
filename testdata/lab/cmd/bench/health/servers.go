package health

import (
	"bufio"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// servers answers for all real servers: on port 80 it hangs up at once, on port
// 81 it is a web server, whose answers are as a test wants them, on port 82 one
// with a body of 10 MB.
type servers struct {
	connections atomic.Int64

	mu  sync.Mutex
	web web
}

// web says what the web server of a real server is to answer: 200, or else 500.
// If there is a channel, it is told when the answer is out.
type web func(netip.Addr) (good bool, out chan<- verdict)

func newServers() (*servers, error) {
	s := &servers{}
	for port, serve := range map[string]func(net.Conn){":80": func(net.Conn) {}, ":81": s.page, ":82": large} {
		l, err := net.Listen("tcp4", port)
		if err != nil {
			return nil, err
		}
		go s.accept(l, serve)
	}
	return s, nil
}

func (s *servers) accept(l net.Listener, serve func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s.connections.Add(1)
		go func() {
			serve(c)
			c.Close()
		}()
	}
}

// accepted is how many connections there were.
func (s *servers) accepted() int { return int(s.connections.Load()) }

// skipRequest reads the head of a request.
func skipRequest(c net.Conn) {
	for lines := bufio.NewReader(c); ; {
		if line, err := lines.ReadString('\n'); err != nil || strings.TrimSpace(line) == "" {
			return
		}
	}
}

// page answers as web says.
func (s *servers) page(c net.Conn) {
	skipRequest(c)
	real := c.LocalAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
	s.mu.Lock()
	good, out := true, chan<- verdict(nil)
	if s.web != nil {
		good, out = s.web(real)
	}
	s.mu.Unlock()
	status := "200 OK"
	if !good {
		status = "500 No"
	}
	c.Write([]byte("HTTP/1.0 " + status + "\r\n\r\n"))
	c.Close() // keepalived reads to the end
	if out != nil {
		out <- verdict{real, time.Now()}
	}
}

// set says how to answer from now on, nil for always 200.
func (s *servers) set(w web) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.web = w
}

var chunk = make([]byte, 64<<10)

// large answers with 10 MB.
func large(c net.Conn) {
	skipRequest(c)
	c.Write([]byte("HTTP/1.0 200 OK\r\n\r\n"))
	for range 10 << 20 / len(chunk) {
		if _, err := c.Write(chunk); err != nil {
			return
		}
	}
}
