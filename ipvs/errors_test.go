package ipvs

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestErrorsSayWhatWasAsked(t *testing.T) {
	refused := &OpError{ReqNewService, syscall.EEXIST}
	if got := refused.Error(); got != "ipvs: add service: file exists" {
		t.Error(got)
	}
	silent := &OpError{ReqGetDest, transport(os.ErrDeadlineExceeded)}
	if got := silent.Error(); got != "ipvs: get destinations: no valid answer from the kernel: i/o timeout" || silent.Errno() != 0 {
		t.Error(got)
	}
	line := &LineError{3, ErrBlankLine}
	if got := line.Error(); got != "connection table, line 3: blank line" || !errors.Is(line, ErrBlankLine) {
		t.Error(got)
	}
	if opError(ReqFlush, nil) != nil {
		t.Error("success is an error")
	}
	names := map[string]bool{}
	for r := ReqNewService; r <= ReqFlush; r++ {
		names[r.String()] = true
	}
	if len(names) != 17 || names["unknown request"] || Request(0).String() != "unknown request" || Request(99).String() != "unknown request" {
		t.Errorf("%v", names)
	}
}

// TestTableFailsAsAWhole lets each request that a table takes fail, the first
// and every later one of its kind.
func TestTableFailsAsAWhole(t *testing.T) {
	for _, detail := range []Detail{Basic, Full} {
		for _, req := range []Request{ReqGetService, ReqGetDest} {
			for nth := range 4 {
				k := &fakeTable{entries: mixedTable(), rows: 5, unlisted: true}
				c := k.client()
				n := 0
				c.sock.(*fakeSocket).answer = func(sent []message) []datagram {
					if Request(sent[0].body[0]) == req {
						if n++; n > nth {
							return []datagram{refuse(sent[0], syscall.ENOMEM)}
						}
					}
					return k.answer(sent)
				}
				got, err := c.Table(Query{Detail: detail})
				if n <= nth {
					continue // it took no more of them
				}
				var op *OpError
				if got != nil || !errors.As(err, &op) || op.Request != req || op.Errno() != syscall.ENOMEM {
					t.Errorf("%s %d fails: %+v, %v", req, nth+1, got, err)
				}
			}
		}
	}
	for _, req := range []Request{ReqGetService, ReqGetDest} {
		k := &fakeTable{entries: mixedTable(), rows: 100}
		c := k.client()
		c.sock.(*fakeSocket).answer = func(sent []message) []datagram {
			if Request(sent[0].body[0]) == req {
				return []datagram{refuse(sent[0], syscall.ENOMEM)}
			}
			return k.answer(sent)
		}
		_, err := c.Table(Query{Service: k.entries[0].ServiceKey})
		if err == nil || !strings.HasPrefix(err.Error(), "ipvs: "+req.String()) {
			t.Errorf("%s of one service: %v", req, err)
		}
	}
}

// TestQuestionForAServiceFails has the question whether a service
// still exists fail in another way than "no".
func TestQuestionForAServiceFails(t *testing.T) {
	k := &fakeTable{entries: mixedTable(), rows: 3, unlisted: true}
	c := k.client()
	readings := 0
	c.sock.(*fakeSocket).answer = func(sent []message) []datagram {
		if m := sent[0]; Request(m.body[0]) == ReqGetService {
			if m.flags&unix.NLM_F_DUMP == 0 {
				return []datagram{refuse(m, syscall.ENOMEM)}
			}
			if readings++; readings == 2 {
				k.entries = k.entries[1:]
			}
		}
		return k.answer(sent)
	}
	_, err := c.Table(Query{})
	wantErrno(t, err, syscall.ENOMEM)
}
