package ipvs

import (
	"cmp"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// Options say how to reach the kernel. The zero value is right for most.
type Options struct {
	// Namespace is the path of a network namespace, such as /run/netns/blue or
	// /proc/self/fd/7; "" is that of the calling thread.
	Namespace string
	// Timeout is how long the kernel may keep silent over a request before the
	// request fails; 0 stands for 5 seconds.
	Timeout time.Duration
	// NoModprobe leaves it to others to load the module. Else Open runs
	// "/sbin/modprobe -- ip_vs" once if the kernel does not offer IPVS, with the
	// standard streams of this process, as ipvsadm does.
	NoModprobe bool
	// Trace gets a line for every message sent and received.
	Trace io.Writer
}

// Client carries operations to the IPVS of one network namespace and reads its
// table. It is safe for concurrent use.
type Client struct {
	options Options

	mu     sync.Mutex
	sock   socket
	family uint16 // the number generic netlink gave to IPVS
	seq    uint32
	out    []byte // messages to send
	limit  int    // requests that may go in one send; 0 when not known yet
	// results are those of the last send, nil before the first.
	results []error
}

// Open connects to the kernel and asks it for Info, which shows whether IPVS is
// there and may be used: the error's cause is ENOPROTOOPT if the kernel has no
// IPVS, EPERM without CAP_NET_ADMIN in the initial user namespace; for others
// see ErrTransport.
func Open(o Options) (*Client, error) {
	s, err := openNamespace(o.Namespace)
	if err != nil {
		return nil, &OpError{ReqGetInfo, transport(err)}
	}
	c := newClient(s, o)
	if err := c.probe(); err != nil {
		c.Close()
		return nil, &OpError{ReqGetInfo, err}
	}
	return c, nil
}

// newClient returns a Client that does not know the family yet.
func newClient(s socket, o Options) *Client {
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	return &Client{sock: s, options: o}
}

// Close gives the socket back. Requests after it fail with os.ErrClosed.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sock.close()
	c.sock = closedSocket{}
	return nil
}

// Info asks the kernel for its version and the size of its connection table.
func (c *Client) Info() (Info, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	info, err := c.info()
	return info, opError(ReqGetInfo, err)
}

func (c *Client) info() (info Info, err error) {
	_, err = c.ask(c.sock, ReqGetInfo, nil, func(b []byte) (err error) {
		info, err = decodeInfo(b)
		return err
	})
	return info, err
}

// Timeouts reads the connection timeouts.
func (c *Client) Timeouts() (t Timeouts, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err = c.ask(c.sock, ReqGetConfig, nil, func(b []byte) (err error) {
		t, err = decodeTimeouts(b)
		return err
	})
	return t, opError(ReqGetConfig, err)
}

// Daemons reads the running synchronisation daemons, master before backup.
func (c *Client) Daemons() ([]Daemon, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Daemon
	_, err := c.ask(c.sock, ReqGetDaemon, nil, func(b []byte) error {
		d, err := decodeDaemon(b)
		list = append(list, d)
		return err
	})
	if err != nil {
		return nil, opError(ReqGetDaemon, err)
	}
	slices.SortStableFunc(list, func(a, b Daemon) int { return cmp.Compare(a.State, b.State) })
	return list, nil
}

// Connections opens the connection table of the client's network namespace, to
// be read with a ConnScanner.
func (c *Client) Connections() (io.ReadCloser, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sock.openFile("ip_vs_conn")
}

// closedSocket is that of a closed Client.
type closedSocket struct{}

func (closedSocket) send([]byte) error                         { return os.ErrClosed }
func (closedSocket) receive(time.Duration) ([]datagram, error) { return nil, os.ErrClosed }
func (closedSocket) again() (socket, error)                    { return nil, os.ErrClosed }
func (closedSocket) openFile(string) (io.ReadCloser, error)    { return nil, os.ErrClosed }
func (closedSocket) receiveSpace(int) int                      { return 0 }
func (closedSocket) close()                                    {}
