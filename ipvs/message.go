package ipvs

import (
	"encoding/binary"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	headerSize     = unix.SizeofNlMsghdr
	genlHeaderSize = 4
)

// beginMessage starts a generic netlink request; endMessage, given what
// beginMessage returned, sets its length.
func beginMessage(b []byte, typ, flags uint16, seq uint32, cmd, version uint8) (_ []byte, at int) {
	at = len(b)
	b = binary.NativeEndian.AppendUint32(b, 0)
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST|flags)
	b = binary.NativeEndian.AppendUint32(b, seq)
	b = binary.NativeEndian.AppendUint32(b, 0) // port: ours is known to the kernel
	return append(b, cmd, version, 0, 0), at
}

func endMessage(b []byte, at int) {
	binary.NativeEndian.PutUint32(b[at:], uint32(len(b)-at))
}

// addFlags sets more flags in the message at at.
func addFlags(b []byte, at int, flags uint16) {
	f := b[at+6:]
	binary.NativeEndian.PutUint16(f, binary.NativeEndian.Uint16(f)|flags)
}

// message is one netlink message of an answer.
type message struct {
	typ, flags uint16
	seq        uint32
	body       []byte // without the netlink header
}

// nextMessage splits the first message from a datagram that has not ended.
func nextMessage(b []byte) (m message, rest []byte, err error) {
	if len(b) < headerSize {
		return m, nil, errMalformed
	}
	size := binary.NativeEndian.Uint32(b)
	if size < headerSize || uint64(size) > uint64(len(b)) {
		return m, nil, errMalformed
	}
	m = message{
		typ:   binary.NativeEndian.Uint16(b[4:]),
		flags: binary.NativeEndian.Uint16(b[6:]),
		seq:   binary.NativeEndian.Uint32(b[8:]),
		body:  b[headerSize:size],
	}
	return m, b[min((int(size)+3)&^3, len(b)):], nil
}

// status returns what NLMSG_ERROR and NLMSG_DONE say: nil or a syscall.Errno. The
// latter may come without a word, which is nil; the former has to have one.
func (m *message) status() error {
	switch {
	case len(m.body) >= 4:
		if code := int32(binary.NativeEndian.Uint32(m.body)); code != 0 {
			return syscall.Errno(-code)
		}
		return nil
	case m.typ == unix.NLMSG_DONE:
		return nil
	}
	return transport(errMalformed)
}

// answer checks that a message has the expected type and command and returns
// its attributes.
func (m *message) answer(typ uint16, cmd uint8) (attrs []byte, err error) {
	if m.typ != typ || len(m.body) < genlHeaderSize || m.body[0] != cmd {
		return nil, errMalformed
	}
	return m.body[genlHeaderSize:], nil
}
