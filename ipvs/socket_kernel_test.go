package ipvs

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/testdata/lab/uml"
)

// portOf returns the netlink port of a client.
func portOf(t testing.TB, c *Client) uint32 {
	t.Helper()
	sa, err := unix.Getsockname(c.sock.(*kernelSocket).fd)
	if err != nil {
		t.Fatal(err)
	}
	return sa.(*unix.SockaddrNetlink).Pid
}

func TestDeadlineOfTheSocket(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		c := open(t, Options{Timeout: 200 * time.Millisecond})
		for wait, least := range map[time.Duration]time.Duration{0: 0, 200 * time.Millisecond: 200 * time.Millisecond} {
			start := time.Now()
			_, err := c.sock.receive(wait)
			if took := time.Since(start); err != os.ErrDeadlineExceeded || took < least || took > least+5*time.Second {
				t.Errorf("waiting %v: %v after %v", wait, err, took)
			}
		}
		// A request that is not answered: a message the kernel ignores.
		first := c.sock
		c.mu.Lock()
		c.out, _ = beginMessage(c.out[:0], unix.NLMSG_NOOP, 0, c.seq, 0, 0)
		endMessage(c.out, 0)
		start := time.Now()
		_, err := c.roundTrip(c.sock, c.family, 0, nil)
		c.mu.Unlock()
		if took := time.Since(start); took < 200*time.Millisecond {
			t.Errorf("gave up after %v", took)
		}
		wantTransport(t, opError(ReqGetInfo, err), os.ErrDeadlineExceeded)
		if c.sock == first {
			t.Error("the socket is still the same")
		}
		if _, err := c.Info(); err != nil {
			t.Error("afterwards:", err)
		}
		if _, err := first.receive(0); err != syscall.EBADF && err != os.ErrClosed {
			t.Errorf("the first socket is not closed: %v", err)
		}
	})
}

// TestForgedSenders has another process's socket flood the client's port with
// answers to come, of the right form and with every number.
func TestForgedSenders(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		c := open(t, Options{})
		must(t, c, AddService{service(tcp("10.0.0.1:80"), "rr")})
		forger, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_GENERIC)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(forger)
		to := &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: portOf(t, c)}
		var sent atomic.Int64
		forge := func(seq uint32) {
			m := message{seq: seq}
			wrong := infoAnswer(m, 666)
			wrong[4], wrong[5] = byte(c.family), byte(c.family>>8)
			for _, b := range [][]byte{wrong, statusMessage(m, unix.NLMSG_ERROR, syscall.EPERM), statusMessage(m, unix.NLMSG_DONE, 0),
				statusMessage(m, unix.NLMSG_ERROR, 0)} {
				if unix.Sendto(forger, b, unix.MSG_DONTWAIT, to) == nil {
					sent.Add(1)
				}
			}
		}
		for range 200 {
			for ahead := range uint32(4) {
				forge(c.seq + 1 + ahead)
			}
			if info, err := c.Info(); err != nil || info.Version != 0x010201 {
				t.Fatalf("forged: %+v, %v", info, err)
			}
			forge(c.seq + 1)
			if got := table(t, c, Query{}); len(got) != 1 {
				t.Fatalf("forged: %+v", got)
			}
			forge(c.seq + 1)
			if errs := c.Do(AddService{service(tcp("10.0.0.1:80"), "rr")}, Zero{}); len(errs) != 2 || errnoOf(errs[0]) != syscall.EEXIST || errs[1] != nil {
				t.Fatalf("forged: %v", errs)
			}
		}
		if sent.Load() < 1000 {
			t.Errorf("only %d forged messages were sent", sent.Load())
		}
	})
}

// TestBatchesOnTheKernel: errors at known places, and many in a row.
func TestBatchesOnTheKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		c := open(t, Options{})
		k := func(i int) ServiceKey { return tcp(fmt.Sprintf("10.1.0.1:%d", i+1)) }
		add := func(i int) Op { return AddService{service(k(i), "rr")} }
		var ops []Op
		want := map[int]syscall.Errno{}
		for i := range 500 {
			ops = append(ops, add(i))
			if i == 0 || i == 63 || i == 64 || i == 300 || i == 499 {
				ops = append(ops, add(i))
				want[len(ops)-1] = syscall.EEXIST
			}
			if i == 200 {
				ops = append(ops, AddService{service(k(2000), "nosuch")}, DeleteService{k(2001)}, EditDestination{k(3), dest("10.0.0.2:80", Route, 1)})
				want[len(ops)-3], want[len(ops)-2], want[len(ops)-1] = syscall.ENOENT, syscall.ESRCH, syscall.ENOENT
			}
		}
		check := func(errs []error) {
			t.Helper()
			if len(errs) != len(ops) {
				t.Fatalf("%d errors for %d operations", len(errs), len(ops))
			}
			for i, err := range errs {
				if errnoOf(err) != want[i] || err == nil && want[i] != 0 || err != nil && want[i] == 0 {
					t.Errorf("operation %d: %v, want %v", i, err, want[i])
				}
			}
		}
		check(c.Do(ops...))
		if n := len(table(t, c, Query{})); n != 500 {
			t.Errorf("%d services, want 500", n)
		}

		// 300 refusals in a row, between two that succeed.
		ops, want = []Op{DeleteService{k(1)}}, map[int]syscall.Errno{}
		for i := range 300 {
			ops = append(ops, add(2+i))
			want[1+i] = syscall.EEXIST
		}
		ops = append(ops, add(1))
		check(c.Do(ops...))

		// With buffers that are too small for a batch.
		fd := c.sock.(*kernelSocket).fd
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 4608); err != nil {
			t.Fatal(err)
		}
		check(c.Do(append([]Op{DeleteService{k(1)}}, ops[1:]...)...))
	})
}

// TestOverflowOnTheKernel lets refusals overflow the receive buffer, which the
// client otherwise sees to. What is reported has to be true.
func TestOverflowOnTheKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		c := open(t, Options{})
		var ops []Op
		for i := range 128 {
			ops = append(ops, AddService{service(tcp(fmt.Sprintf("10.1.0.1:%d", i/2+1)), "rr")}) // every second is refused
		}
		c.limit = maxBatch
		if err := unix.SetsockoptInt(c.sock.(*kernelSocket).fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 8192); err != nil {
			t.Fatal(err)
		}
		errs := c.Do(ops...)
		unknown := 0
		for i, err := range errs {
			switch errno := errnoOf(err); {
			case errno == syscall.EEXIST && i%2 == 1:
			case errno == 0 && err != nil:
				wantTransport(t, err, errLost)
				unknown++
			default:
				t.Errorf("operation %d: %v", i, err)
			}
		}
		if len(errs) != len(ops) || unknown < 64 {
			t.Errorf("%d errors, %d unknown", len(errs), unknown)
		}
		if n := len(table(t, c, Query{})); n != 64 {
			t.Errorf("%d services, want 64", n)
		}

		// Left to itself the client takes care: smaller batches, exact errors.
		must(t, c, Flush{})
		c.limit = 0
		for i, err := range c.Do(ops...) {
			if (err == nil) != (i%2 == 0) || i%2 == 1 && errnoOf(err) != syscall.EEXIST {
				t.Errorf("operation %d: %v", i, err)
			}
		}
	})
}
