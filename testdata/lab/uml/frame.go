package uml

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// frameKind says what a frame carries.
type frameKind byte

const (
	frameReady  frameKind = 'b' // guest to host: the agent takes commands
	frameAck    frameKind = 'a' // guest to host: a frame was taken in
	frameOutput frameKind = 'o' // guest to host: bytes the command wrote
	frameExit   frameKind = 'x' // guest to host: a result
	framePart   frameKind = 'p' // host to guest: more of the next frame's payload
	frameRun    frameKind = 'r' // host to guest: a request
	frameInput  frameKind = 'i' // host to guest: input of the command; its end, if empty
	frameResize frameKind = 'w' // host to guest: a Size
)

const (
	// maxFrame bounds a frame's payload in bytes.
	maxFrame = 1 << 20
	// maxToGuest bounds it on the way to the guest, where one frame must be
	// taken in before the next is sent: if the 4 KB that a terminal holds
	// unread fill up, User-Mode Linux stops listening to the line for good.
	maxToGuest = 1 << 10
)

// request is the payload of frameRun.
type request struct {
	Command
	Input    bool  `json:",omitempty"` // it has input, not just an end of file
	Terminal *Size `json:",omitempty"` // the size of the terminal it runs on, if any
}

// result is the payload of frameExit.
type result struct {
	Code  int    // exit code of the command, 128 + signal if it was killed
	Error string `json:",omitempty"` // why it could not be run
}

// frame is what goes over the line between host and guest, in either direction.
type frame struct {
	kind    frameKind
	payload []byte
}

// writeFrame sends a frame: kind, length in four bytes, payload.
func writeFrame(w io.Writer, f frame) error {
	buf := make([]byte, 5, 5+len(f.payload))
	buf[0] = byte(f.kind)
	binary.BigEndian.PutUint32(buf[1:], uint32(len(f.payload)))
	_, err := w.Write(append(buf, f.payload...))
	return err
}

// readFrame returns the next frame.
func readFrame(r io.Reader) (frame, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxFrame {
		return frame{}, fmt.Errorf("frame %q of %d bytes: the line is out of step", head[0], n)
	}
	f := frame{frameKind(head[0]), make([]byte, n)}
	_, err := io.ReadFull(r, f.payload)
	return f, err
}

// guestLine is the guest's end of the line. Writing is safe for concurrent use.
type guestLine struct {
	tty io.ReadWriter
	mu  sync.Mutex
}

// read returns the next frame from the host, put together from its parts.
func (l *guestLine) read() (frame, error) {
	var parts []byte
	for {
		f, err := readFrame(l.tty)
		if err == nil {
			err = l.write(frame{kind: frameAck})
		}
		if err != nil {
			return frame{}, err
		}
		parts = append(parts, f.payload...)
		if f.kind != framePart {
			return frame{f.kind, parts}, nil
		}
	}
}

func (l *guestLine) write(f frame) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return writeFrame(l.tty, f)
}

// Write sends what a command wrote.
func (l *guestLine) Write(p []byte) (int, error) {
	for n := 0; n < len(p); n += maxFrame {
		if err := l.write(frame{frameOutput, p[n:min(len(p), n+maxFrame)]}); err != nil {
			return n, err
		}
	}
	return len(p), nil
}

// hostLine is the host's end of the line. Writing is safe for concurrent use.
type hostLine struct {
	w      io.Writer
	mu     sync.Mutex
	acks   chan struct{}
	events chan frame    // what came from the guest, without acks
	ended  chan struct{} // closed when nothing will come, for the reason in err
	err    error
}

// newHostLine returns the host's end of the line that is read from r and
// written to w. What arrives after quit is lost.
func newHostLine(r io.Reader, w io.Writer, quit <-chan struct{}) *hostLine {
	l := &hostLine{w: w, acks: make(chan struct{}, 1), events: make(chan frame), ended: make(chan struct{})}
	go func() {
		defer close(l.ended)
		for {
			f, err := readFrame(r)
			switch {
			case err != nil:
				l.err = err
				return
			case f.kind == frameAck:
				l.acks <- struct{}{}
			default:
				select {
				case l.events <- f:
				case <-quit:
				}
			}
		}
	}()
	return l
}

// write sends a frame, in parts, and returns when the guest has taken it in.
func (l *hostLine) write(f frame) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		part := frame{framePart, f.payload}
		if len(f.payload) <= maxToGuest {
			part.kind = f.kind
		} else {
			part.payload = f.payload[:maxToGuest]
		}
		if err := writeFrame(l.w, part); err != nil {
			return err
		}
		select {
		case <-l.acks:
		case <-l.ended:
			return l.err
		}
		if f.payload = f.payload[len(part.payload):]; part.kind == f.kind {
			return nil
		}
	}
}

// writeJSON sends v as the payload of a frame.
func (l *hostLine) writeJSON(kind frameKind, v any) error {
	payload, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return l.write(frame{kind, payload})
}
