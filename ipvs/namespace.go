package ipvs

import (
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// openNamespace opens a socket in the network namespace at path, in that of the
// calling thread if path is "".
func openNamespace(path string) (*kernelSocket, error) {
	if path == "" {
		return openSocket(netns.None())
	}
	ns, err := netns.GetFromPath(path)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer ns.Close()
	return openSocket(ns)
}

// namespace returns the network namespace of the socket: by now the calling
// thread may be in another. The caller closes it.
func (k *kernelSocket) namespace() (netns.NsHandle, error) {
	fd, err := unix.IoctlRetInt(k.fd, unix.SIOCGSKNS)
	if err != nil {
		return netns.None(), fmt.Errorf("namespace of the socket: %w", err)
	}
	return netns.NsHandle(fd), nil
}

// again opens another socket in the same namespace. Only if this thread is in
// another one does that need CAP_SYS_ADMIN.
func (k *kernelSocket) again() (socket, error) {
	var s *kernelSocket
	err := k.within(func() (err error) {
		s, err = openSocket(netns.None())
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// openFile opens a file of /proc/net, which shows the namespace of the thread
// that opens it.
func (k *kernelSocket) openFile(name string) (f io.ReadCloser, err error) {
	err = k.within(func() (err error) {
		f, err = OpenProc("/proc/thread-self/net/" + name)
		return err
	})
	return f, err
}

// within calls f on a thread that is in the namespace of the socket.
func (k *kernelSocket) within(f func() error) error {
	ns, err := k.namespace()
	if err != nil {
		return err
	}
	defer ns.Close()

	runtime.LockOSThread()
	here, err := netns.Get()
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer here.Close()
	if !here.Equal(ns) {
		err = netns.Set(ns)
	}
	if err == nil {
		err = f()
	}
	// A thread that can't go back stays locked, so that nothing else runs on it.
	if here.Equal(ns) || netns.Set(here) == nil {
		runtime.UnlockOSThread()
	}
	return err
}
