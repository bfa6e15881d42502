package ipvs

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// fakeFamily is the number of the IPVS family in tests without a kernel.
const fakeFamily = 28

// fakeSocket answers as its test wants.
type fakeSocket struct {
	// answer makes the datagrams with which one send is answered.
	answer func(sent []message) []datagram
	// files are those of /proc/net.
	files map[string]func() (io.ReadCloser, error)
	// sendErr fails sends, recvErr the next receive.
	sendErr func(b []byte) error
	recvErr error
	space   int // of the receive buffer; 0 for plenty

	queue  []datagram
	sends  int
	sizes  []int // messages in each send
	reborn int   // calls of again
	closed bool
}

func (f *fakeSocket) send(b []byte) error {
	if f.closed {
		return os.ErrClosed
	}
	if f.sendErr != nil {
		if err := f.sendErr(b); err != nil {
			return err
		}
	}
	f.sends++
	var sent []message
	for len(b) > 0 {
		m, rest, err := nextMessage(b)
		if err != nil {
			panic("malformed request")
		}
		sent, b = append(sent, m), rest
	}
	f.sizes = append(f.sizes, len(sent))
	f.queue = append(f.queue, f.answer(sent)...)
	return nil
}

func (f *fakeSocket) receive(wait time.Duration) ([]datagram, error) {
	switch n := min(2, len(f.queue)); {
	case f.recvErr != nil:
		err := f.recvErr
		f.recvErr = nil
		return nil, err
	case n == 0:
		return nil, os.ErrDeadlineExceeded
	default:
		got := f.queue[:n]
		f.queue = f.queue[n:]
		return got, nil
	}
}

func (f *fakeSocket) receiveSpace(want int) int {
	if f.space == 0 {
		return want
	}
	return f.space
}

// again empties the queue, as another socket has one of its own.
func (f *fakeSocket) again() (socket, error) {
	f.reborn++
	other := *f
	other.queue = nil
	return &other, nil
}

func (f *fakeSocket) openFile(name string) (io.ReadCloser, error) {
	if open := f.files[name]; open != nil {
		return open()
	}
	return nil, os.ErrNotExist
}

func (f *fakeSocket) close() { f.closed = true }

// fakeClient returns a client that knows the family, on a socket that answers
// with answer.
func fakeClient(answer func(sent []message) []datagram) (*Client, *fakeSocket) {
	f := &fakeSocket{answer: answer}
	c := newClient(f, Options{})
	c.family = fakeFamily
	return c, f
}

// fromKernel makes a datagram of messages.
func fromKernel(messages ...[]byte) datagram {
	var d datagram
	for _, m := range messages {
		d.data = append(d.data, m...)
	}
	d.sender = nl.PidKernel
	return d
}

// dataMessage answers with attributes.
func dataMessage(to message, cmd Request, flags uint16, attrs []byte) []byte {
	b, at := beginMessage(nil, fakeFamily, 0, to.seq, uint8(cmd), genlVersion)
	binary.NativeEndian.PutUint16(b[6:], flags)
	b = append(b, attrs...)
	endMessage(b, at)
	return b
}

// statusMessage is an NLMSG_ERROR or NLMSG_DONE.
func statusMessage(to message, typ uint16, errno syscall.Errno) []byte {
	b := make([]byte, headerSize, headerSize+4)
	binary.NativeEndian.PutUint16(b[4:], typ)
	binary.NativeEndian.PutUint32(b[8:], to.seq)
	b = binary.NativeEndian.AppendUint32(b, uint32(-int32(errno)))
	endMessage(b, 0)
	return b
}

func refuse(to message, errno syscall.Errno) datagram {
	return fromKernel(statusMessage(to, unix.NLMSG_ERROR, errno))
}

func done(to message) datagram { return fromKernel(statusMessage(to, unix.NLMSG_DONE, 0)) }

// infoAnswer answers ReqGetInfo with a version.
func infoAnswer(to message, version uint32) []byte {
	return dataMessage(to, ReqSetInfo, 0, appendU32(nil, infoVersion, version))
}

// familyAnswer answers the question for the family's number.
func familyAnswer(to message, family uint16) datagram {
	b, at := beginMessage(nil, nl.GENL_ID_CTRL, 0, to.seq, ctrlNewFamily, 2)
	b = appendU16(b, nl.GENL_CTRL_ATTR_FAMILY_ID, family)
	endMessage(b, at)
	return fromKernel(b)
}

func wantErrno(t *testing.T, err error, want syscall.Errno) {
	t.Helper()
	var op *OpError
	if !errors.As(err, &op) || op.Errno() != want || !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}

func wantTransport(t *testing.T, err error, cause error) {
	t.Helper()
	var op *OpError
	if !errors.As(err, &op) || op.Errno() != 0 || !errors.Is(err, ErrTransport) || !errors.Is(err, cause) {
		t.Errorf("%v, want %v", err, cause)
	}
}
