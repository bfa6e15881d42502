package ipvs

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOnlyTheKernelIsBelieved(t *testing.T) {
	forged := func(d datagram, sender uint32) datagram { d.sender = sender; return d }
	c, _ := fakeClient(func(sent []message) []datagram {
		m := sent[0]
		return []datagram{
			forged(fromKernel(infoAnswer(m, 666)), 4711),
			forged(refuse(m, syscall.EPERM), 1),
			fromKernel(infoAnswer(m, 1)),
		}
	})
	if info, err := c.Info(); err != nil || info.Version != 1 {
		t.Errorf("%+v, %v", info, err)
	}

	c, _ = fakeClient(func(sent []message) []datagram {
		return []datagram{forged(fromKernel(infoAnswer(sent[0], 666)), 4711)}
	})
	info, err := c.Info()
	wantTransport(t, err, os.ErrDeadlineExceeded)
	if info != (Info{}) {
		t.Errorf("%+v from a stranger", info)
	}
}

func TestAnswersToOtherRequestsAreDropped(t *testing.T) {
	c, _ := fakeClient(func(sent []message) []datagram {
		m, late, early := sent[0], sent[0], sent[0]
		late.seq--
		early.seq++
		return []datagram{
			refuse(late, syscall.EPERM),
			fromKernel(infoAnswer(late, 666), infoAnswer(early, 666), infoAnswer(m, 1)),
		}
	})
	for range 3 {
		if info, err := c.Info(); err != nil || info.Version != 1 {
			t.Errorf("%+v, %v", info, err)
		}
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	with := func(typ uint16, cmd Request, body ...byte) func(m message) []datagram {
		return func(m message) []datagram {
			b, at := beginMessage(nil, typ, 0, m.seq, uint8(cmd), genlVersion)
			b = append(b, body...)
			endMessage(b, at)
			return []datagram{fromKernel(b)}
		}
	}
	raw := func(b ...byte) func(m message) []datagram {
		return func(message) []datagram { return []datagram{fromKernel(b)} }
	}
	for name, answer := range map[string]func(m message) []datagram{
		"of another family":         with(fakeFamily+1, ReqSetInfo),
		"to another command":        with(fakeFamily, ReqSetConfig),
		"with a cut attribute":      with(fakeFamily, ReqSetInfo, 8, 0, 1, 0, 1, 2),
		"with a short attribute":    with(fakeFamily, ReqSetInfo, 6, 0, 1, 0, 1, 2, 0, 0),
		"shorter than a header":     raw(1, 2, 3),
		"longer than the datagram":  raw(255, 0, 0, 0, 28, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0),
		"of length 0":               raw(0, 0, 0, 0, 28, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0),
		"an error without a number": raw(16, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0),
		"without a generic header":  raw(16, 0, 0, 0, fakeFamily, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0),
	} {
		t.Run(name, func(t *testing.T) {
			littleEndian(t)
			c, _ := fakeClient(func(sent []message) []datagram { return answer(sent[0]) })
			_, err := c.Info()
			wantTransport(t, err, errMalformed)
		})
	}
}

func TestEndsOfAnswers(t *testing.T) {
	daemon, _ := appendOp(nil, StartDaemon{Daemon{State: Backup, Interface: "lo"}})
	master, _ := appendOp(nil, StartDaemon{Daemon{State: Master, Interface: "lo"}})
	for _, c := range []struct {
		name   string
		answer func(m message) []datagram
		want   int
		err    error
	}{
		{"end without data", func(m message) []datagram { return []datagram{done(m)} }, 0, nil},
		{"end in the same datagram", func(m message) []datagram {
			return []datagram{fromKernel(dataMessage(m, ReqNewDaemon, unix.NLM_F_MULTI, daemon), statusMessage(m, unix.NLMSG_DONE, 0))}
		}, 1, nil},
		{"one by one", func(m message) []datagram {
			return []datagram{fromKernel(dataMessage(m, ReqNewDaemon, unix.NLM_F_MULTI, daemon)),
				fromKernel(dataMessage(m, ReqNewDaemon, unix.NLM_F_MULTI, master)), done(m)}
		}, 2, nil},
		{"nothing to do in between", func(m message) []datagram {
			return []datagram{fromKernel(statusMessage(m, unix.NLMSG_NOOP, 0)), done(m)}
		}, 0, nil},
		{"end without a word", func(m message) []datagram {
			b := statusMessage(m, unix.NLMSG_DONE, 0)[:headerSize]
			endMessage(b, 0)
			return []datagram{fromKernel(b)}
		}, 0, nil},
		{"end with an error", func(m message) []datagram {
			return []datagram{fromKernel(dataMessage(m, ReqNewDaemon, unix.NLM_F_MULTI, daemon), statusMessage(m, unix.NLMSG_DONE, syscall.ENOMEM))}
		}, 0, syscall.ENOMEM},
		{"refusal", func(m message) []datagram { return []datagram{refuse(m, syscall.EPERM)} }, 0, syscall.EPERM},
		{"acknowledgement", func(m message) []datagram { return []datagram{refuse(m, 0)} }, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, _ := fakeClient(func(sent []message) []datagram { return c.answer(sent[0]) })
			list, err := client.Daemons()
			if c.err != nil {
				wantErrno(t, err, c.err.(syscall.Errno))
			} else if err != nil {
				t.Error(err)
			}
			if len(list) != c.want {
				t.Errorf("%+v, want %d", list, c.want)
			}
			if len(list) == 2 && (list[0].State != Master || list[1].State != Backup) {
				t.Errorf("%+v, want the master first", list)
			}
		})
	}
}

// TestRestOfABadListIsTakenOffTheSocket: half a dump left behind would make the
// next one fail with EBUSY.
func TestRestOfABadListIsTakenOffTheSocket(t *testing.T) {
	good, _ := appendOp(nil, StartDaemon{Daemon{State: Backup, Interface: "lo"}})
	c, f := fakeClient(func(sent []message) []datagram {
		m := sent[0]
		return []datagram{
			fromKernel(dataMessage(m, ReqNewDaemon, unix.NLM_F_MULTI, nil)),
			fromKernel(dataMessage(m, ReqNewDaemon, unix.NLM_F_MULTI, good)),
			fromKernel(dataMessage(m, ReqNewDaemon, unix.NLM_F_MULTI, good)), done(m)}
	})
	_, err := c.Daemons()
	wantTransport(t, err, errMalformed)
	if len(f.queue) != 0 || f.reborn != 0 {
		t.Errorf("%d datagrams left, %d new sockets", len(f.queue), f.reborn)
	}
}

func TestSocketIsReplacedAfterItFailed(t *testing.T) {
	for name, fault := range map[string]func(f *fakeSocket){
		"no answer":     func(f *fakeSocket) { f.answer = func([]message) []datagram { return nil } },
		"receive fails": func(f *fakeSocket) { f.recvErr = syscall.ENOBUFS },
		"send fails":    func(f *fakeSocket) { f.sendErr = func([]byte) error { return syscall.ENOBUFS } },
		"answer is cut": func(f *fakeSocket) {
			f.answer = func([]message) []datagram { return []datagram{fromKernel([]byte{1})} }
		},
		"no answer, list": func(f *fakeSocket) { f.answer = func([]message) []datagram { return nil } },
	} {
		t.Run(name, func(t *testing.T) {
			c, f := fakeClient(func([]message) []datagram { return nil })
			fault(f)
			var err error
			if strings.HasSuffix(name, "list") {
				_, err = c.Table(Query{})
			} else {
				_, err = c.Info()
			}
			wantTransport(t, err, ErrTransport)
			if f.reborn != 1 || !f.closed || c.sock == socket(f) {
				t.Errorf("not replaced: %d new sockets, closed %v", f.reborn, f.closed)
			}
			fresh := c.sock.(*fakeSocket)
			fresh.sendErr, fresh.recvErr = nil, nil
			fresh.answer = func(sent []message) []datagram { return []datagram{fromKernel(infoAnswer(sent[0], 1))} }
			if info, err := c.Info(); err != nil || info.Version != 1 {
				t.Errorf("afterwards: %+v, %v", info, err)
			}
		})
	}
}

func TestClosedClient(t *testing.T) {
	c, f := fakeClient(nil)
	if err := c.Close(); err != nil || !f.closed {
		t.Error(err, f.closed)
	}
	if err := c.Close(); err != nil {
		t.Error("closed twice:", err)
	}
	_, err := c.Info()
	wantTransport(t, err, os.ErrClosed)
	for i, err := range c.Do(Flush{}, Zero{}) {
		if err == nil {
			t.Errorf("operation %d went through", i)
		}
		wantTransport(t, err, os.ErrClosed)
	}
	if _, err := c.Connections(); err == nil {
		t.Error("connections of a closed client")
	}
}

func TestTrace(t *testing.T) {
	littleEndian(t)
	var trace strings.Builder
	f := &fakeSocket{answer: func(sent []message) []datagram {
		switch m := sent[0]; {
		case len(sent) == 2:
			return []datagram{refuse(sent[0], syscall.EEXIST), refuse(sent[1], 0)}
		case m.typ == fakeFamily:
			return []datagram{fromKernel(infoAnswer(m, 0x10201))}
		default:
			return []datagram{familyAnswer(m, fakeFamily)}
		}
	}}
	c := newClient(f, Options{Trace: &trace})
	if err := c.probe(); err != nil {
		t.Fatal(err)
	}
	c.Do(DeleteService{fwmark(IPv4, 1)}, Flush{})
	f.answer = func(sent []message) []datagram {
		return []datagram{fromKernel(statusMessage(sent[0], 77, 0), statusMessage(sent[0], unix.NLMSG_DONE, 0))}
	}
	c.Info()
	want := `ipvs: send 1 family 090002004950565300000000
ipvs: recv 1 family 060001001c000000
ipvs: send 2 get info 
ipvs: recv 2 set info 0800010001020100
ipvs: send 3 delete service 1400018006000100020000000800050001000000
ipvs: send 4 flush 
ipvs: recv 3 file exists 
ipvs: recv 4 done 
ipvs: send 5 get info 
ipvs: recv 5 message of type 77 
ipvs: recv 5 done 
`
	if trace.String() != want {
		t.Errorf("%s\nwant\n%s", trace.String(), want)
	}
}
