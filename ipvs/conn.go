package ipvs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"
)

// Connection is an entry of the connection table, as /proc/net/ip_vs_conn shows
// it. The families of the three addresses may differ.
type Connection struct {
	// Protocol is a word of the kernel: TCP, UDP, SCTP, IP (a persistence
	// template of a firewall mark), AH, ESP …
	Protocol string
	Client   netip.AddrPort
	Virtual  netip.AddrPort
	// Destination is the real server.
	Destination netip.AddrPort
	// State is a word of the kernel. What there is depends on the protocol:
	// ESTABLISHED, UDP, and for persistence templates NONE and ASSURED.
	State string
	// Expires is the time until the entry is dropped if nothing happens, in
	// whole seconds.
	Expires time.Duration
	// PEName and PEData are set for connections of a persistence engine: its
	// name and what it binds clients by, such as the Call-ID of SIP.
	PEName, PEData string
}

// A LineError is a line of the connection table that is not a connection. Its
// cause is one of the errors below.
type LineError struct {
	Line int // counted from 1, which is the title
	Err  error
}

func (e *LineError) Error() string {
	return fmt.Sprintf("connection table, line %d: %v", e.Line, e.Err)
}

// Unwrap returns Err.
func (e *LineError) Unwrap() error { return e.Err }

var (
	// ErrNoTitle is an empty file: even an empty table has a title line.
	ErrNoTitle = errors.New("no title line")
	// ErrBlankLine is a line without a word.
	ErrBlankLine = errors.New("blank line")
	// ErrShortLine is a line that ends before the expiry time.
	ErrShortLine = errors.New("fields are missing")
	// ErrBadField is a line with an address, port or time that is none.
	ErrBadField = errors.New("field is not a number or an address")
	// ErrLongLine is a line of more than 64 KiB.
	ErrLongLine = errors.New("line too long")
)

// connBuffer is the longest line a ConnScanner takes.
const connBuffer = 64 << 10

// ConnScanner reads a connection table entry by entry, in constant memory:
//
//	s := ipvs.NewConnScanner(file)
//	for s.Scan() { use(s.Conn()) }
//	if err := s.Err(); err != nil { … }
//
// Scan also returns false at a line that is not a connection. Err is a
// *LineError then, Conn has the fields before the bad one, and Scan may be
// called again to go on with the line after it.
type ConnScanner struct {
	r     *bufio.Reader
	words words
	conn  Connection
	line  int
	err   error
}

// NewConnScanner returns a scanner of a connection table, such as
// Client.Connections opens or the file /proc/net/ip_vs_conn.
func NewConnScanner(r io.Reader) *ConnScanner {
	return &ConnScanner{r: bufio.NewReaderSize(r, connBuffer), words: words{}}
}

// Scan moves to the next entry. It returns false at the end and at an error.
func (s *ConnScanner) Scan() bool {
	if _, bad := s.err.(*LineError); s.err != nil && !bad {
		return false
	}
	s.err = nil
	if s.line == 0 {
		title, err := s.next()
		if err == io.EOF && len(title) == 0 {
			err = &LineError{1, ErrNoTitle}
		}
		if err != nil && err != io.EOF {
			s.err = err
			return false
		}
	}
	line, err := s.next()
	if err == io.EOF && len(line) > 0 {
		err = nil
	}
	if err == nil {
		if cause := s.parse(line); cause != nil {
			err = &LineError{s.line, cause}
		}
	}
	s.err = err
	return err == nil
}

// next reads a line. io.EOF comes with what the file has after its last newline.
func (s *ConnScanner) next() ([]byte, error) {
	line, err := s.r.ReadSlice('\n')
	if err == io.EOF && len(line) == 0 && s.line > 0 {
		return nil, io.EOF
	}
	s.line++
	if err != bufio.ErrBufferFull {
		return line, err
	}
	for err == bufio.ErrBufferFull {
		_, err = s.r.ReadSlice('\n')
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	s.conn = Connection{}
	return nil, &LineError{s.line, ErrLongLine}
}

// Conn returns the entry that Scan moved to.
func (s *ConnScanner) Conn() Connection { return s.conn }

// Line returns the number of the line that Scan moved to; the title is 1.
func (s *ConnScanner) Line() int { return s.line }

// Err returns what made Scan return false, nil at the end of the table.
func (s *ConnScanner) Err() error {
	if s.err == io.EOF {
		return nil
	}
	return s.err
}

// parse reads a line into s.conn, as far as it gets.
func (s *ConnScanner) parse(line []byte) error {
	s.conn = Connection{}
	c := &s.conn
	w, rest := word(line)
	if len(w) == 0 {
		return ErrBlankLine
	}
	c.Protocol = s.words.text(w)
	for _, end := range [...]*netip.AddrPort{&c.Client, &c.Virtual, &c.Destination} {
		var err error
		if *end, rest, err = parseEnd(rest); err != nil {
			return err
		}
	}
	if w, rest = word(rest); len(w) == 0 {
		return ErrShortLine
	}
	c.State = s.words.text(w)
	if w, rest = word(rest); len(w) == 0 {
		return ErrShortLine
	}
	seconds, ok := parseDecimal(w)
	if !ok {
		return ErrBadField
	}
	c.Expires = time.Duration(seconds) * time.Second
	if w, rest = word(rest); len(w) > 0 {
		c.PEName = s.words.text(w)
		c.PEData = string(bytes.TrimFunc(rest, func(r rune) bool { return r < 0x80 && isBlank(byte(r)) }))
	}
	return nil
}

// parseEnd reads an address and a port.
func parseEnd(line []byte) (end netip.AddrPort, rest []byte, err error) {
	a, rest := word(line)
	if len(a) == 0 {
		return end, rest, ErrShortLine
	}
	addr, ok := parseAddr(a)
	if !ok {
		return end, rest, ErrBadField
	}
	p, rest := word(rest)
	port, ok := parsePort(p)
	switch {
	case len(p) == 0:
		err = ErrShortLine
	case !ok:
		err = ErrBadField
	}
	return netip.AddrPortFrom(addr, port), rest, err
}

// words keeps strings that come again and again, to make each of them once.
type words map[string]string

// maxWords is more than the kernel has names of protocols, states and engines.
const maxWords = 128

func (w words) text(b []byte) string {
	s, ok := w[string(b)]
	if !ok {
		s = string(b)
		if len(w) < maxWords {
			w[s] = s
		}
	}
	return s
}
