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
	frameRun    frameKind = 'r' // host to guest: a request
	frameInput  frameKind = 'i' // host to guest: bytes for the terminal
	frameResize frameKind = 'w' // host to guest: a Size
	frameOutput frameKind = 'o' // guest to host: bytes the command wrote
	frameExit   frameKind = 'x' // guest to host: a result
)

// maxFrame bounds a frame's payload in bytes, in either direction.
const maxFrame = 1 << 20

// request is the payload of frameRun.
type request struct {
	Command
	Terminal *Size `json:",omitempty"`
}

// result is the payload of frameExit.
type result struct {
	Code  int    // exit code of the command, 128 + signal if it was killed
	Error string `json:",omitempty"` // why it could not be run
}

// frames reads and writes frames on the line between host and guest. Writing is
// safe for concurrent use.
type frames struct {
	r  io.Reader
	mu sync.Mutex
	w  io.Writer
}

// write sends one frame: kind, length in four bytes, payload.
func (f *frames) write(kind frameKind, payload []byte) error {
	buf := make([]byte, 5, 5+len(payload))
	buf[0] = byte(kind)
	binary.BigEndian.PutUint32(buf[1:], uint32(len(payload)))
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err := f.w.Write(append(buf, payload...))
	return err
}

// writeJSON sends v as the payload of one frame.
func (f *frames) writeJSON(kind frameKind, v any) error {
	payload, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return f.write(kind, payload)
}

// read returns the next frame.
func (f *frames) read() (frameKind, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(f.r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxFrame {
		return 0, nil, fmt.Errorf("frame %q of %d bytes: the line is out of step", head[0], n)
	}
	payload := make([]byte, n)
	_, err := io.ReadFull(f.r, payload)
	return frameKind(head[0]), payload, err
}

// outputFrames is the writer that turns what a command writes into frames.
type outputFrames struct{ *frames }

func (o outputFrames) Write(p []byte) (int, error) {
	for n := 0; n < len(p); n += maxFrame {
		if err := o.write(frameOutput, p[n:min(len(p), n+maxFrame)]); err != nil {
			return n, err
		}
	}
	return len(p), nil
}
