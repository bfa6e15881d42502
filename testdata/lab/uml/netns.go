package uml

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// NetNS is a network namespace with a name, beside the one a test runs in.
// `ip netns exec NAME` reaches it too.
type NetNS struct {
	// Name is the name given to NewNetNS.
	Name string
	file *os.File
	link *netlink.Handle // the namespace's links, addresses and routes
}

// NewNetNS makes a network namespace with lo up. It lasts as long as the test.
// It needs root and, for its name, the mount namespace that Run provides.
func NewNetNS(t testing.TB, name string) *NetNS {
	t.Helper()
	path := filepath.Join(netnsDir, name)
	err := os.WriteFile(path, nil, 0o444)
	if err == nil {
		err = onNewThread(func() error {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return err
			}
			if err := linkUp("lo"); err != nil {
				return err
			}
			return unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, "")
		})
	}
	var n *NetNS
	if err == nil {
		n, err = OpenNetNS(name)
	}
	if err != nil {
		t.Fatalf("new network namespace %s: %v", name, err)
	}
	t.Cleanup(func() {
		n.Close()
		unix.Unmount(path, unix.MNT_DETACH)
		os.Remove(path)
	})
	return n
}

// OpenNetNS returns a network namespace that `ip netns add` has made.
func OpenNetNS(name string) (*NetNS, error) {
	file, err := os.Open(filepath.Join(netnsDir, name))
	if err != nil {
		return nil, err
	}
	link, err := netlink.NewHandleAt(netns.NsHandle(file.Fd()), unix.NETLINK_ROUTE)
	if err != nil {
		file.Close()
		return nil, err
	}
	return &NetNS{Name: name, file: file, link: link}, nil
}

// Close lets go of the namespace, which goes on as long as it has a name.
func (n *NetNS) Close() error {
	n.link.Close()
	return n.file.Close()
}

// Path is a file that stands for the namespace, as setns(2) takes it.
func (n *NetNS) Path() string { return filepath.Join(netnsDir, n.Name) }

// Do calls f inside the namespace. Sockets opened and processes started by f
// itself belong to the namespace for good; goroutines started by f run outside
// of it.
func (n *NetNS) Do(f func()) {
	runtime.LockOSThread()
	back, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		panic(err)
	}
	defer back.Close()
	if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
		panic(fmt.Sprintf("enter network namespace %s: %v", n.Name, err))
	}
	defer func() {
		// A thread that can't go back is left locked, and ends with its goroutine.
		if unix.Setns(int(back.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
	}()
	f()
}

// Listen listens on an address of the namespace.
func (n *NetNS) Listen(network, address string) (l net.Listener, err error) {
	n.Do(func() { l, err = net.Listen(network, address) })
	return l, err
}

// DialContext connects from the namespace to a numeric address. It fits
// http.Transport.
func (n *NetNS) DialContext(ctx context.Context, network, address string) (c net.Conn, err error) {
	var d net.Dialer
	n.Do(func() { c, err = d.DialContext(ctx, network, address) })
	return c, err
}

// AddAddr gives an interface of the namespace an address like 10.0.0.1/24 or
// fd00::1/64. An IPv6 address is usable at once.
func (n *NetNS) AddAddr(t testing.TB, dev, address string) {
	t.Helper()
	l, err := n.link.LinkByName(dev)
	if err != nil {
		t.Fatalf("%s: %s: %v", n.Name, dev, err)
	}
	a, err := netlink.ParseAddr(address)
	if err != nil {
		t.Fatal(err)
	}
	if a.IP.To4() == nil {
		a.Flags = unix.IFA_F_NODAD
	}
	if err := n.link.AddrAdd(l, a); err != nil {
		t.Fatalf("%s: add %s to %s: %v", n.Name, address, dev, err)
	}
}

// Connect joins two namespaces with a cable, a veth pair whose ends are up.
func Connect(t testing.TB, a *NetNS, aDev string, b *NetNS, bDev string) {
	t.Helper()
	if err := connect(a, aDev, b, bDev); err != nil {
		t.Fatalf("connect %s %s with %s %s: %v", a.Name, aDev, b.Name, bDev, err)
	}
}

func connect(a *NetNS, aDev string, b *NetNS, bDev string) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = aDev
	err := a.link.LinkAdd(&netlink.Veth{
		LinkAttrs: attrs, PeerName: bDev, PeerNamespace: netlink.NsFd(b.file.Fd()),
	})
	if err != nil {
		return err
	}
	for _, end := range []struct {
		n   *NetNS
		dev string
	}{{a, aDev}, {b, bDev}} {
		l, err := end.n.link.LinkByName(end.dev)
		if err == nil {
			err = end.n.link.LinkSetUp(l)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Bridge is a switch that namespaces are plugged into. It is a namespace too.
type Bridge struct{ *NetNS }

// NewBridge makes a switch: a namespace of this name with a bridge in it.
func NewBridge(t testing.TB, name string) *Bridge {
	t.Helper()
	b := &Bridge{NewNetNS(t, name)}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	err := b.link.LinkAdd(&netlink.Bridge{LinkAttrs: attrs})
	var l netlink.Link
	if err == nil {
		l, err = b.link.LinkByName(name)
	}
	if err == nil {
		err = b.link.LinkSetUp(l)
	}
	if err != nil {
		t.Fatalf("bridge %s: %v", name, err)
	}
	return b
}

// Plug gives namespace n an interface dev that is plugged into the switch, with
// the given addresses.
func (b *Bridge) Plug(t testing.TB, n *NetNS, dev string, addresses ...string) {
	t.Helper()
	Connect(t, b.NetNS, n.Name, n, dev)
	port, err := b.link.LinkByName(n.Name)
	var br netlink.Link
	if err == nil {
		br, err = b.link.LinkByName(b.Name)
	}
	if err == nil {
		err = b.link.LinkSetMaster(port, br)
	}
	if err != nil {
		t.Fatalf("plug %s into %s: %v", n.Name, b.Name, err)
	}
	for _, a := range addresses {
		n.AddAddr(t, dev, a)
	}
}
