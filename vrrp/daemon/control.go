package daemon

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// controlTime is what one question and its answer may take.
	controlTime = 5 * time.Second
	// maxClients is how many are served at a time; others wait, and those who have
	// asked nothing yet give way to them.
	maxClients = 8
	// maxQuestion is the longest question, its line feed included.
	maxQuestion = 64
)

// control is the socket by which a running daemon is asked. A question is a line,
// the answer is all that follows; then the daemon hangs up. Questions change
// nothing.
type control struct {
	listener *net.UnixListener
	answer   func(ctx context.Context, question string, w io.Writer) error
	clients  chan struct{}
	working  sync.WaitGroup

	mu     sync.Mutex
	silent []*net.UnixConn // who has asked nothing yet, the longest first
	ended  bool
}

// listen opens the socket. Only our user may connect: it is made with mode 0600,
// and who connects is looked at as well.
func listen(path string, answer func(ctx context.Context, question string, w io.Writer) error) (*control, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	// The mode must be right when it appears, and Go's only way is the umask.
	old := unix.Umask(0o177)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	unix.Umask(old)
	if err != nil {
		return nil, err
	}
	c := &control{listener: l, answer: answer, clients: make(chan struct{}, maxClients)}
	c.working.Add(1)
	go c.accept()
	return c, nil
}

// removeStale removes a socket that nobody listens on, as a crash leaves behind.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("%s is there and is no socket", path)
	}
	conn, err := net.DialTimeout("unix", path, controlTime)
	if err == nil {
		conn.Close()
		return fmt.Errorf("%s: %w", path, errRunning)
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

func (c *control) accept() {
	defer c.working.Done()
	for {
		conn, err := c.listener.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // too many files, most likely
			time.Sleep(100 * time.Millisecond)
			continue
		}
		select {
		case c.clients <- struct{}{}:
		default:
			c.giveWay(1)
			c.clients <- struct{}{}
		}
		c.expect(conn)
		c.working.Add(1)
		go func() {
			defer c.working.Done()
			defer func() { <-c.clients }()
			defer conn.Close()
			c.serve(conn)
		}()
	}
}

// expect notes that a client is to ask something, until asked.
func (c *control) expect(conn *net.UnixConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent = append(c.silent, conn)
	if c.ended {
		conn.Close()
	}
}

func (c *control) asked(conn *net.UnixConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent = slices.DeleteFunc(c.silent, func(s *net.UnixConn) bool { return s == conn })
}

// giveWay hangs up on so many who have asked nothing yet.
func (c *control) giveWay(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.silent[:min(n, len(c.silent))] {
		conn.Close()
	}
}

func (c *control) serve(conn *net.UnixConn) {
	defer c.asked(conn)
	conn.SetDeadline(time.Now().Add(controlTime))
	if !allowed(conn) {
		return
	}
	line, err := bufio.NewReader(io.LimitReader(conn, maxQuestion)).ReadString('\n')
	if err != nil {
		return
	}
	c.asked(conn)
	ctx, cancel := context.WithTimeout(context.Background(), controlTime)
	defer cancel()
	w := bufio.NewWriter(conn)
	if err := c.answer(ctx, strings.TrimSpace(line), w); err != nil {
		fmt.Fprintf(w, "error: %v\n", err)
	}
	w.Flush()
}

// allowed tells whether the one who connected is root or who we are.
func allowed(conn *net.UnixConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	var who *unix.Ucred
	raw.Control(func(fd uintptr) { who, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	return err == nil && who != nil && mayAsk(who.Uid, uint32(os.Geteuid()))
}

// mayAsk tells whether a user may ask a daemon of user us.
func mayAsk(uid, us uint32) bool { return uid == 0 || uid == us }

// close ends it, and removes the socket. Who has asked something is still answered.
func (c *control) close() {
	c.listener.Close()
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.giveWay(maxClients)
	c.working.Wait()
}

// errNobody says that there is no daemon at a socket.
var errNobody = errors.New("nobody answers")

// ask puts a question to the daemon behind a socket.
func ask(path, question string, w io.Writer) error {
	conn, err := net.DialTimeout("unix", path, controlTime)
	if err != nil {
		return fmt.Errorf("%w at %s: %w", errNobody, path, err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(controlTime))
	if _, err := io.WriteString(conn, question+"\n"); err != nil {
		return err
	}
	r := bufio.NewReader(conn)
	if start, _ := r.Peek(len("error: ")); string(start) == "error: " {
		text, _ := io.ReadAll(io.LimitReader(r, 4096))
		return errors.New(strings.TrimSpace(strings.TrimPrefix(string(text), "error: ")))
	}
	n, err := io.Copy(w, r)
	if err == nil && n == 0 {
		return fmt.Errorf("%s gave no answer", path)
	}
	return err
}
