package ipvs

import (
	"encoding/binary"
	"errors"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink/nl"
)

// reloading is a kernel whose module gets another number at every load.
type reloading struct {
	family uint16
	asked  int
}

func (r *reloading) answer(sent []message) (answers []datagram) {
	for i, m := range sent {
		last := i == len(sent)-1
		switch {
		case m.typ == nl.GENL_ID_CTRL && r.family == 0:
			r.asked++
			answers = append(answers, refuse(m, syscall.ENOENT))
		case m.typ == nl.GENL_ID_CTRL:
			r.asked++
			answers = append(answers, familyAnswer(m, r.family))
		case m.typ != r.family:
			answers = append(answers, refuse(m, syscall.ENOENT))
		case Request(m.body[0]) == ReqGetInfo:
			b := infoAnswer(m, uint32(r.family))
			binary.NativeEndian.PutUint16(b[4:], r.family)
			answers = append(answers, fromKernel(b))
		case Request(m.body[0]) == ReqNewService: // its scheduler is unknown
			answers = append(answers, refuse(m, syscall.ENOENT))
		case last:
			answers = append(answers, refuse(m, 0))
		}
	}
	return answers
}

func TestFamilyIsAskedForAgainAfterAReload(t *testing.T) {
	r := &reloading{family: fakeFamily}
	c, _ := fakeClient(r.answer)
	if _, err := c.Info(); err != nil || r.asked != 0 {
		t.Fatal(err, r.asked)
	}
	r.family = 35
	if info, err := c.Info(); err != nil || info.Version != 35 || r.asked != 1 {
		t.Errorf("question after the reload: %+v, %v, asked %d times", info, err, r.asked)
	}
	r.family = 40
	unknown := AddService{service(tcp("10.0.0.1:80"), "nosuch")}
	errs := c.Do(Flush{}, unknown, Zero{})
	if errs[0] != nil || errs[2] != nil || r.asked != 2 {
		t.Errorf("operations after the reload: %v, asked %d times", errs, r.asked)
	}
	wantErrno(t, errs[1], syscall.ENOENT)
	if c.family != 40 {
		t.Errorf("family %d", c.family)
	}
}

func TestENOENTOfIPVSIsNotAReload(t *testing.T) {
	r := &reloading{family: fakeFamily}
	c, f := fakeClient(r.answer)
	unknown := AddService{service(tcp("10.0.0.1:80"), "nosuch")}
	errs := c.Do(unknown, Flush{}, unknown)
	wantErrno(t, errs[0], syscall.ENOENT)
	wantErrno(t, errs[2], syscall.ENOENT)
	if errs[1] != nil || r.asked != 1 || f.sends != 2 {
		t.Errorf("%v, asked %d times, %d sends", errs, r.asked, f.sends)
	}
}

func TestModuleThatStaysAway(t *testing.T) {
	r := &reloading{}
	c, _ := fakeClient(r.answer)
	_, err := c.Info()
	wantErrno(t, err, syscall.ENOENT)
	c.options.NoModprobe = true
	if err := c.probe(); err != syscall.ENOPROTOOPT && err != syscall.EPERM {
		t.Errorf("opening without a module: %v", err)
	}
}

func TestProbeReportsWhatTheKernelSays(t *testing.T) {
	c, _ := fakeClient(func(sent []message) []datagram {
		if m := sent[0]; m.typ == nl.GENL_ID_CTRL {
			return []datagram{familyAnswer(m, 31)}
		}
		return []datagram{refuse(sent[0], syscall.EPERM)}
	})
	c.options.NoModprobe = true
	if err := c.probe(); err != syscall.EPERM || c.family != 31 {
		t.Errorf("%v, family %d", err, c.family)
	}

	// A controller that answers without a number.
	c, _ = fakeClient(func(sent []message) []datagram {
		b, at := beginMessage(nil, nl.GENL_ID_CTRL, 0, sent[0].seq, ctrlNewFamily, 2)
		endMessage(b, at)
		return []datagram{fromKernel(b)}
	})
	if err := c.probe(); !errors.Is(err, ErrTransport) || !errors.Is(err, errMalformed) {
		t.Error(err)
	}
}
