package probe

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/check"
)

// TestMain is the server of the benchmarks when it is told to be: what it costs is
// not to be counted with what a check costs.
func TestMain(m *testing.M) {
	if mode := os.Getenv("PROBE_BENCH_SERVER"); mode != "" {
		acceptAll(mode)
		return
	}
	os.Exit(m.Run())
}

// acceptAll serves until its standard input ends: it closes connections, or hangs,
// or answers with a body of 10 MB.
func acceptAll(mode string) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(l.Addr())
	go func() {
		os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}()
	for {
		c, err := l.Accept()
		switch {
		case err != nil:
		case mode == "hang":
			go hang(c)
		case mode == "body":
			go func() {
				script(ok + "\r\n" + strings.Repeat("0123456789", 1<<20))(c)
				c.Close()
			}()
		default:
			c.Close()
		}
	}
}

func benchServer(b *testing.B, mode string) netip.AddrPort {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PROBE_BENCH_SERVER="+mode)
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil {
		b.Fatal(err1, err2)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); cmd.Wait() })
	line := make([]byte, 100)
	n, err := out.Read(line)
	if err != nil {
		b.Fatal(err)
	}
	return netip.MustParseAddrPort(strings.TrimSpace(string(line[:n])))
}

// cpu is what this process has used of the processors.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkTCP is what a TCP_CHECK costs this process, beside what a program in C
// has to ask of the kernel for it and what package net makes of it. In paced there
// is one every millisecond, so that what it takes to wake up is in it.
func BenchmarkTCP(b *testing.B) {
	addr := benchServer(b, "close")
	e := check.Endpoint{Addr: addr, Timeout: 5 * time.Second}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c, err := New(check.TCPConfig{Endpoint: e}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	ours := func() error {
		if r := c.Check(ctx); r.Verdict != check.Pass {
			return fmt.Errorf("%v", r)
		}
		return nil
	}
	t := newTarget(e, unix.SOCK_STREAM, unix.IPPROTO_TCP, Options{})
	// As with a server that takes a moment to answer.
	waiting := func() error {
		fd, _, err := t.start()
		if err != nil {
			return err
		}
		c := newConn(ctx, fd, t)
		defer c.Close()
		return c.await()
	}
	d := net.Dialer{Timeout: e.Timeout, KeepAlive: -1}
	dialer := func() error {
		c, err := d.DialContext(ctx, "tcp4", addr.String())
		if err != nil {
			return err
		}
		return c.Close()
	}
	loop := newEpoll(b)
	epoll := func() error { return loop.check(sockaddr(t.Addr)) }
	for _, v := range []struct {
		name string
		f    func() error
	}{{"check", ours}, {"waiting", waiting}, {"epoll", epoll}, {"dialer", dialer}} {
		for _, paced := range []bool{false, true} {
			name := v.name
			if paced {
				name += "/paced"
			}
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				before := cpu(b)
				next := time.Now()
				for b.Loop() {
					if paced {
						next = next.Add(time.Millisecond)
						loop.sleep(time.Until(next), v.name == "epoll")
					}
					if err := v.f(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// epollLoop is what a program in C does, system call by system call: keepalived
// waits with epoll and a timerfd.
type epollLoop struct {
	epoll, timer int
	events       []unix.EpollEvent
}

func newEpoll(b *testing.B) *epollLoop {
	epoll, err1 := unix.EpollCreate1(0)
	timer, err2 := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK)
	if err1 != nil || err2 != nil {
		b.Fatal(err1, err2)
	}
	unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, timer, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(timer)})
	b.Cleanup(func() { unix.Close(epoll); unix.Close(timer) })
	return &epollLoop{epoll, timer, make([]unix.EpollEvent, 8)}
}

func (l *epollLoop) sleep(d time.Duration, inKernel bool) {
	switch {
	case d <= 0:
	case inKernel:
		unix.TimerfdSettime(l.timer, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}, nil)
		unix.EpollWait(l.epoll, l.events, -1)
		unix.Read(l.timer, make([]byte, 8))
	default:
		time.Sleep(d)
	}
}

func (l *epollLoop) check(to unix.Sockaddr) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_TCP)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	unix.Connect(fd, to)
	unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLOUT, Fd: int32(fd)})
	unix.TimerfdSettime(l.timer, 0, &unix.ItimerSpec{Value: unix.Timespec{Sec: 5}}, nil)
	unix.EpollWait(l.epoll, l.events, -1)
	if n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); err != nil || n != 0 {
		return fmt.Errorf("%d %w", n, err)
	}
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, fd, nil)
}

// BenchmarkMany does checks all at once: of servers that hang, of such that answer
// with 10 MB. It reports what each takes of memory at most, and how late a timer
// comes meanwhile that another goroutine waits for, as VRRP does.
func BenchmarkMany(b *testing.B) {
	for _, v := range []struct {
		name, mode string
		n          int
		page       check.URLConfig
		memory     bool // collecting garbage all the time makes timers late
	}{
		{"hanging", "hang", 1000, url(), false},
		{"hanging/memory", "hang", 1000, url(), true},
		{"body", "body", 100, url(), false},
		{"digest", "body", 100, url(digest("x")), false},
		{"regex", "body", 100, url(regex("[a-f]+nowhere")), false},
		{"regex/memory", "body", 100, url(regex("[a-f]+nowhere")), true},
	} {
		b.Run(v.name, func(b *testing.B) {
			addr := benchServer(b, v.mode)
			turns := newTurns(1, 1)
			for b.Loop() {
				ctx, cancel := context.WithCancel(context.Background())
				var all sync.WaitGroup
				verdicts := make(chan check.Result, v.n)
				held, late := int64(0), time.Duration(0)
				before := cpu(b)
				work := func() {
					for range v.n {
						c, err := New(check.HTTPConfig{Endpoint: endpoint(addr, 20*time.Second), URLs: []check.URLConfig{v.page}}, Options{Turns: turns})
						if err != nil {
							b.Error(err)
							return
						}
						all.Go(func() { verdicts <- c.Check(ctx) })
					}
					for end := time.Now().Add(time.Second); time.Now().Before(end) || v.mode == "body" && len(verdicts) < v.n; {
						begin := time.Now()
						time.Sleep(5 * time.Millisecond)
						late = max(late, time.Since(begin)-5*time.Millisecond)
					}
					cancel()
					all.Wait()
				}
				if v.memory {
					held = mostHeld(work)
				} else {
					work()
				}
				b.ReportMetric(float64(held)/float64(v.n), "B/check")
				b.ReportMetric(float64(late.Microseconds())/1000, "ms-late")
				b.ReportMetric(float64((cpu(b)-before).Milliseconds())/float64(v.n), "cpu-ms/check")
				cancel()
				b.Logf("%v", (<-verdicts).Reason)
			}
		})
	}
}
