package ipvs

import (
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// strict answers as the kernel does: to what fails and to what asks for it. It
// fails the operations whose running number is in fails.
type strict struct {
	fails map[int]syscall.Errno
	n     int
	ops   []Request // carried out, failed ones too
}

func (k *strict) answer(sent []message) (answers []datagram) {
	for _, m := range sent {
		errno := k.fails[k.n]
		k.n++
		k.ops = append(k.ops, Request(m.body[0]))
		if errno != 0 || m.flags&unix.NLM_F_ACK != 0 {
			answers = append(answers, refuse(m, errno))
		}
	}
	return answers
}

func flushes(n int) []Op {
	ops := make([]Op, n)
	for i := range ops {
		ops[i] = Flush{}
	}
	return ops
}

func checkErrors(t testing.TB, errs []error, n int, want map[int]syscall.Errno) {
	t.Helper()
	if len(want) == 0 {
		if errs != nil {
			t.Fatalf("%v, want nil", errs)
		}
		return
	}
	if len(errs) != n {
		t.Fatalf("%d errors for %d operations", len(errs), n)
	}
	for i, err := range errs {
		var op *OpError
		switch {
		case want[i] == 0 && err != nil:
			t.Fatalf("operation %d: %v, want success", i, err)
		case want[i] != 0 && (!errors.As(err, &op) || op.Errno() != want[i] || op.Request != ReqFlush):
			t.Fatalf("operation %d: %v, want %v", i, err, want[i])
		}
	}
}

func TestErrorsOfABatchAreExact(t *testing.T) {
	all := func(n int) map[int]syscall.Errno {
		m := map[int]syscall.Errno{}
		for i := range n {
			m[i] = syscall.Errno(1 + i%30)
		}
		delete(m, -1)
		return m
	}
	for _, c := range []struct {
		name  string
		n     int
		fails map[int]syscall.Errno
		sends int
	}{
		{"nothing to do", 0, nil, 0},
		{"one", 1, nil, 1},
		{"one that fails", 1, map[int]syscall.Errno{0: syscall.EEXIST}, 1},
		{"a full batch", 128, nil, 1},
		{"one more", 129, nil, 2},
		{"first of a batch", 200, map[int]syscall.Errno{0: syscall.EEXIST, 128: syscall.ESRCH}, 2},
		{"last of a batch", 200, map[int]syscall.Errno{127: syscall.EEXIST, 199: syscall.ESRCH}, 2},
		{"in the middle", 500, map[int]syscall.Errno{50: syscall.EEXIST, 51: syscall.ESRCH, 300: syscall.EPERM}, 4},
		{"all of them", 300, all(300), 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			delete(c.fails, 1) // ENOENT would be another story
			for i, errno := range c.fails {
				if errno == syscall.ENOENT {
					c.fails[i] = syscall.EIO
				}
			}
			k := &strict{fails: c.fails}
			client, f := fakeClient(k.answer)
			checkErrors(t, client.Do(flushes(c.n)...), c.n, c.fails)
			if f.sends != c.sends || k.n != c.n || len(f.queue) != 0 {
				t.Errorf("%d sends of %d operations, %d answers left; want %d sends", f.sends, k.n, len(f.queue), c.sends)
			}
		})
	}
}

func TestErrorsOfRandomBatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 400).Draw(t, "operations")
		k := &strict{fails: map[int]syscall.Errno{}}
		for range rapid.IntRange(0, 20).Draw(t, "failures") {
			if n > 0 {
				k.fails[rapid.IntRange(0, n-1).Draw(t, "place")] = rapid.SampledFrom([]syscall.Errno{
					syscall.EPERM, syscall.ESRCH, syscall.EEXIST, syscall.EINVAL, syscall.ERANGE}).Draw(t, "errno")
			}
		}
		client, _ := fakeClient(k.answer)
		client.limit = rapid.IntRange(0, 128).Draw(t, "limit")
		errs := client.Do(flushes(n)...)
		if len(k.fails) == 0 && errs != nil {
			t.Fatal(errs)
		}
		for i, err := range errs {
			if got := errnoOf(err); got != k.fails[i] {
				t.Fatalf("operation %d: %v, want %v", i, got, k.fails[i])
			}
		}
	})
}

func errnoOf(err error) syscall.Errno {
	var op *OpError
	if errors.As(err, &op) {
		return op.Errno()
	}
	return 0
}

func TestOrderOfABatch(t *testing.T) {
	web := tcp("10.0.0.1:80")
	ops := []Op{Flush{}, AddService{service(web, "rr")}, AddDestination{web, dest("10.0.0.2:80", Route, 1)},
		EditDestination{web, dest("10.0.0.2:80", Route, 2)}, Zero{web}, EditService{service(web, "wlc")},
		DeleteDestination{web, addrPort("10.0.0.2:80")}, DeleteService{web}, SetTimeouts{},
		StartDaemon{Daemon{State: Master}}, StopDaemon{Master}, Flush{}}
	want := []Request{ReqFlush, ReqNewService, ReqNewDest, ReqSetDest, ReqZero, ReqSetService, ReqDelDest, ReqDelService,
		ReqSetConfig, ReqNewDaemon, ReqDelDaemon, ReqFlush}
	k := &strict{}
	c, f := fakeClient(k.answer)
	if errs := c.Do(ops...); errs != nil {
		t.Error(errs)
	}
	if !slices.Equal(k.ops, want) || f.sends != 1 {
		t.Errorf("%v in %d sends, want %v", k.ops, f.sends, want)
	}
}

// TestOperationsThatAreNotSent fail on their own, wherever they stand.
func TestOperationsThatAreNotSent(t *testing.T) {
	bad := DeleteService{ServiceKey{Family: IPv4, Protocol: TCP}}
	for name, ops := range map[string][]Op{
		"first": {bad, Flush{}, Flush{}},
		"last":  {Flush{}, Flush{}, bad},
		"all":   {bad, bad},
		"only":  {bad},
		"many":  append(flushes(127), bad, bad, bad, Flush{}),
	} {
		k := &strict{}
		c, _ := fakeClient(k.answer)
		errs := c.Do(ops...)
		sent := 0
		for i, op := range ops {
			switch {
			case op == Op(bad):
				wantErrno(t, errs[i], syscall.EAFNOSUPPORT)
			case errs[i] != nil:
				t.Errorf("%s: operation %d: %v", name, i, errs[i])
			default:
				sent++
			}
		}
		if k.n != sent {
			t.Errorf("%s: %d sent, want %d", name, k.n, sent)
		}
	}
}

func TestBatchesFitTheReceiveBuffer(t *testing.T) {
	for space, most := range map[int]int{1: 1, refusalSpace: 1, 10*refusalSpace + 7: 10, 1 << 20: 128} {
		k := &strict{}
		c, f := fakeClient(k.answer)
		f.space = space
		checkErrors(t, c.Do(flushes(150)...), 150, nil)
		if slices.Max(f.sizes) != most {
			t.Errorf("room for %d bytes: %d in one send, want %d", space, slices.Max(f.sizes), most)
		}
	}
}

func TestBatchesFitTheSendBuffer(t *testing.T) {
	k := &strict{fails: map[int]syscall.Errno{3: syscall.ESRCH, 99: syscall.EEXIST}}
	c, f := fakeClient(k.answer)
	f.sendErr = func(b []byte) error {
		if len(b) > 30*(headerSize+genlHeaderSize) {
			return syscall.EMSGSIZE
		}
		return nil
	}
	checkErrors(t, c.Do(flushes(100)...), 100, k.fails)
	if k.n != 100 {
		t.Errorf("%d carried out", k.n)
	}

	c, f = fakeClient(k.answer)
	f.sendErr = func([]byte) error { return syscall.EMSGSIZE }
	for _, err := range c.Do(flushes(3)...) {
		wantTransport(t, err, syscall.EMSGSIZE)
	}
}

func TestLargeRequestsMakeSmallerBatches(t *testing.T) {
	s := service(tcp("10.0.0.1:80"), string(slices.Repeat([]byte{'x'}, 255)))
	s.PE = s.Scheduler
	ops := make([]Op, 256)
	for i := range ops {
		ops[i] = AddService{s}
	}
	k := &strict{}
	c, f := fakeClient(k.answer)
	longest := 0
	f.sendErr = func(b []byte) error { longest = max(longest, len(b)); return nil }
	if errs := c.Do(ops...); errs != nil || k.n != len(ops) || longest > maxBatchBytes {
		t.Errorf("%v, %d carried out, %d bytes in one send", errs, k.n, longest)
	}
}

// TestLostAnswers: what nobody knows is not reported as success.
func TestLostAnswers(t *testing.T) {
	failures := map[int]syscall.Errno{2: syscall.EEXIST, 5: syscall.ESRCH}
	for name, c := range map[string]struct {
		keep  []int // of the three answers: to 2, 5 and the last
		known []int
	}{
		"only the first found room": {[]int{0}, []int{2}},
		"the first was lost":        {[]int{1, 2}, []int{5, 7}},
		"none found room":           {nil, nil},
		"perhaps none was lost":     {[]int{0, 1, 2}, []int{2, 5, 7}},
	} {
		k := &strict{fails: failures}
		client, f := fakeClient(nil)
		f.answer = func(sent []message) (kept []datagram) {
			f.recvErr = syscall.ENOBUFS
			answers := k.answer(sent)
			for _, i := range c.keep {
				kept = append(kept, answers[i])
			}
			return kept
		}
		errs := client.Do(flushes(8)...)
		if len(errs) != 8 {
			t.Fatalf("%s: %d errors", name, len(errs))
		}
		for i, err := range errs {
			switch {
			case !slices.Contains(c.known, i):
				wantTransport(t, err, errLost)
			case errnoOf(err) != failures[i]:
				t.Errorf("%s: operation %d: %v, want %v", name, i, err, failures[i])
			}
		}
	}
}

func TestSilenceFailsTheWholeBatch(t *testing.T) {
	c, f := fakeClient(func(sent []message) []datagram { return []datagram{refuse(sent[1], syscall.EEXIST)} })
	errs := c.Do(flushes(3)...)
	wantTransport(t, errs[0], os.ErrDeadlineExceeded)
	wantErrno(t, errs[1], syscall.EEXIST)
	wantTransport(t, errs[2], os.ErrDeadlineExceeded)
	if f.reborn != 1 {
		t.Errorf("%d new sockets", f.reborn)
	}
}

func TestForgedRefusalsAreIgnored(t *testing.T) {
	k := &strict{}
	c, _ := fakeClient(func(sent []message) []datagram {
		forged := refuse(sent[0], syscall.EPERM)
		forged.sender = 99
		stale := sent[0]
		stale.seq -= 1000
		return append([]datagram{forged, refuse(stale, syscall.EPERM)}, k.answer(sent)...)
	})
	checkErrors(t, c.Do(flushes(10)...), 10, nil)
}

func TestMalformedAnswerToABatch(t *testing.T) {
	c, _ := fakeClient(func([]message) []datagram { return []datagram{fromKernel([]byte{0, 1})} })
	for _, err := range c.Do(flushes(2)...) {
		wantTransport(t, err, errMalformed)
	}
}

// TestStopWithoutAnAnswer: the kernel is silent about a daemon that it stopped
// before it ran, even if asked for an answer.
func TestStopWithoutAnAnswer(t *testing.T) {
	for _, ops := range [][]Op{{StopDaemon{Master}}, {Flush{}, StopDaemon{Backup}}} {
		k := &strict{}
		c, _ := fakeClient(func(sent []message) []datagram {
			if Request(sent[len(sent)-1].body[0]) == ReqDelDaemon {
				return nil
			}
			return k.answer(sent)
		})
		checkErrors(t, c.Do(ops...), len(ops), nil)
	}
	// One that fails says so.
	c, _ := fakeClient((&strict{fails: map[int]syscall.Errno{0: syscall.ESRCH}}).answer)
	errs := c.Do(StopDaemon{Master})
	if len(errs) != 1 {
		t.Fatal(errs)
	}
	wantErrno(t, errs[0], syscall.ESRCH)
}
