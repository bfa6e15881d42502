package ipvs

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

const connTitle = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"

// plain is what most of the lines below stand for.
var plain = Connection{Protocol: "TCP", Client: addrPort("192.168.1.2:45000"), Virtual: addrPort("192.168.1.100:80"),
	Destination: addrPort("192.168.2.2:80"), State: "ESTABLISHED", Expires: 5 * time.Second}

func changed(change func(*Connection)) Connection {
	c := plain
	change(&c)
	return c
}

func TestConnectionLines(t *testing.T) {
	for _, c := range []struct {
		name, line string
		want       Connection
	}{
		{"as the kernel pads it", "TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED       5\n", plain},
		{"trailing blanks", "TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 5  \t \n", plain},
		{"carriage return", "TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 5\r\n", plain},
		{"leading blanks", "  TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 5\n", plain},
		{"small letters", "TCP c0a80102 afc8 c0a80164 50 c0a80202 50 ESTABLISHED 5\n", plain},
		{"dotted", "TCP 192.168.1.2 AFC8 192.168.1.100 0050 192.168.2.2 0050 ESTABLISHED 5\n", plain},
		{"dotted only one", "TCP C0A80102 AFC8 C0A80164 0050 1.2.3.4 0050 ESTABLISHED 5\n",
			changed(func(c *Connection) { c.Destination = addrPort("1.2.3.4:80") })},
		{"no time left", "TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 0\n",
			changed(func(c *Connection) { c.Expires = 0 })},
		{"a month", "TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 2678400\n",
			changed(func(c *Connection) { c.Expires = 2678400 * time.Second })},
		{"the longest time", "TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 4294967295\n",
			changed(func(c *Connection) { c.Expires = 4294967295 * time.Second })},
		{"other protocol", "SCTP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 C-REPLIED 5\n",
			changed(func(c *Connection) { c.Protocol, c.State = "SCTP", "C-REPLIED" })},
		{"template of a firewall mark", "IP  C0A80100 0000 00000007 0000 C0A80202 0000 NONE        5\n",
			Connection{Protocol: "IP", Client: addrPort("192.168.1.0:0"), Virtual: addrPort("0.0.0.7:0"),
				Destination: addrPort("192.168.2.2:0"), State: "NONE", Expires: 5 * time.Second}},
		{"engine and data", "UDP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 UDP 5 sip 123@pc33.example.com\n",
			changed(func(c *Connection) {
				c.Protocol, c.State, c.PEName, c.PEData = "UDP", "UDP", "sip", "123@pc33.example.com"
			})},
		{"data with blanks", "UDP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 UDP 5 sip call id with spaces\n",
			changed(func(c *Connection) {
				c.Protocol, c.State, c.PEName, c.PEData = "UDP", "UDP", "sip", "call id with spaces"
			})},
		{"engine without data", "UDP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 UDP 5 sip\n",
			changed(func(c *Connection) { c.Protocol, c.State, c.PEName = "UDP", "UDP", "sip" })},
		{"IPv6 in full", "TCP 2001:0db8:0001:0000:0000:0000:0000:0002 AFC8 2001:0db8:0001:0000:0000:0000:0000:0100 0050 2001:0db8:0002:0000:0000:0000:0000:0002 0050 ESTABLISHED 5\n",
			changed(func(c *Connection) {
				c.Client, c.Virtual, c.Destination = addrPort("[2001:db8:1::2]:45000"), addrPort("[2001:db8:1::100]:80"), addrPort("[2001:db8:2::2]:80")
			})},
		{"IPv6 in short", "TCP 2001:db8:1::2 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 5\n",
			changed(func(c *Connection) { c.Client = addrPort("[2001:db8:1::2]:45000") })},
		{"IPv4-mapped IPv6", "TCP 0000:0000:0000:0000:0000:ffff:0a00:0001 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 5\n",
			changed(func(c *Connection) { c.Client = addrPort("[::ffff:10.0.0.1]:45000") })},
		{"IPv6 server of IPv4 clients", "TCP C0A80102 AFC8 C0A80164 0050 2001:0db8:0001:0000:0000:0000:0000:0002 0050 ESTABLISHED 5\n",
			changed(func(c *Connection) { c.Destination = addrPort("[2001:db8:1::2]:80") })},
		{"longer than 255 bytes", "UDP 2001:0db8:0001:aaaa:bbbb:cccc:dddd:0002 AFC8 2001:0db8:0001:0000:0000:0000:0000:0100 0050 " +
			"2001:0db8:0002:0000:0000:0000:0000:0002 0050 UDP              59 sip " + strings.Repeat("a", 255) + "\n",
			Connection{"UDP", addrPort("[2001:db8:1:aaaa:bbbb:cccc:dddd:2]:45000"), addrPort("[2001:db8:1::100]:80"),
				addrPort("[2001:db8:2::2]:80"), "UDP", 59 * time.Second, "sip", strings.Repeat("a", 255)}},
		{"without a newline at the end", "TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 5", plain},
	} {
		s := NewConnScanner(strings.NewReader(connTitle + c.line))
		if !s.Scan() || s.Conn() != c.want || s.Line() != 2 {
			t.Errorf("%s: %+v, %v", c.name, s.Conn(), s.Err())
		}
		if s.Scan() || s.Err() != nil {
			t.Errorf("%s: does not end: %+v, %v", c.name, s.Conn(), s.Err())
		}
	}
}

func TestLinesThatAreNoConnections(t *testing.T) {
	const good = "TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 5\n"
	for _, c := range []struct {
		name, line string
		want       error
		conn       Connection // what is read of it
	}{
		{"blank line", "\n", ErrBlankLine, Connection{}},
		{"line of blanks", " \t \r\n", ErrBlankLine, Connection{}},
		{"only a protocol", "TCP\n", ErrShortLine, Connection{Protocol: "TCP"}},
		{"no virtual port", "TCP C0A80102 AFC8 C0A80164\n", ErrShortLine,
			Connection{Protocol: "TCP", Client: addrPort("192.168.1.2:45000"), Virtual: addrPort("192.168.1.100:0")}},
		{"no server", "TCP C0A80102 AFC8 C0A80164 0050\n", ErrShortLine,
			Connection{Protocol: "TCP", Client: addrPort("192.168.1.2:45000"), Virtual: addrPort("192.168.1.100:80")}},
		{"no state", "TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050\n", ErrShortLine,
			changed(func(c *Connection) { c.State, c.Expires = "", 0 })},
		{"no time", "TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED\n", ErrShortLine,
			changed(func(c *Connection) { c.Expires = 0 })},
		{"time that is none", "TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 5s\n", ErrBadField,
			changed(func(c *Connection) { c.Expires = 0 })},
		{"time beyond 32 bits", "TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 4294967296\n", ErrBadField,
			changed(func(c *Connection) { c.Expires = 0 })},
		{"address that is none", "TCP C0A8010Z AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 5\n", ErrBadField, Connection{Protocol: "TCP"}},
		{"address with a zone", "TCP fe80::1%lo AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 5\n", ErrBadField, Connection{Protocol: "TCP"}},
		{"port beyond 16 bits", "TCP C0A80102 1AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 5\n", ErrBadField,
			Connection{Protocol: "TCP", Client: addrPort("192.168.1.2:0")}},
		{"longer than 64 KiB", "TCP " + strings.Repeat("x", 70<<10) + "\n", ErrLongLine, Connection{}},
	} {
		s := NewConnScanner(strings.NewReader(connTitle + good + c.line + good))
		if !s.Scan() || s.Conn() != plain {
			t.Fatalf("%s: %+v, %v", c.name, s.Conn(), s.Err())
		}
		var bad *LineError
		if s.Scan() || !errors.As(s.Err(), &bad) || bad.Line != 3 || !errors.Is(s.Err(), c.want) {
			t.Errorf("%s: %v, want %v in line 3", c.name, s.Err(), c.want)
		}
		if s.Conn() != c.conn {
			t.Errorf("%s: %+v is left, want %+v", c.name, s.Conn(), c.conn)
		}
		if !s.Scan() || s.Conn() != plain || s.Line() != 4 || s.Err() != nil {
			t.Errorf("%s: the line after it: %+v, %v", c.name, s.Conn(), s.Err())
		}
		if s.Scan() || s.Err() != nil {
			t.Errorf("%s: does not end", c.name)
		}
	}
}

func TestConnectionTablesWithoutLines(t *testing.T) {
	s := NewConnScanner(strings.NewReader(""))
	if s.Scan() || !errors.Is(s.Err(), ErrNoTitle) {
		t.Errorf("empty file: %v", s.Err())
	}
	for _, title := range []string{connTitle, strings.TrimSpace(connTitle), "\n"} {
		s = NewConnScanner(strings.NewReader(title))
		if s.Scan() || s.Err() != nil {
			t.Errorf("%q: %v", title, s.Err())
		}
		if s.Scan() {
			t.Errorf("%q: comes back after the end", title)
		}
	}
}

func TestConnectionTableThatCannotBeRead(t *testing.T) {
	broken := errors.New("broken")
	const good = "TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 5\n"
	for name, in := range map[string]string{"at once": "", "in the title": "Pro", "in a line": connTitle + good + "TCP C0A8",
		"in a long line": connTitle + strings.Repeat("x", 70<<10)} {
		s := NewConnScanner(io.MultiReader(strings.NewReader(in), iotest.ErrReader(broken)))
		for s.Scan() {
			if s.Conn() != plain {
				t.Errorf("%s: %+v", name, s.Conn())
			}
		}
		if s.Err() != broken {
			t.Errorf("%s: %v", name, s.Err())
		}
		if s.Scan() || s.Err() != broken {
			t.Errorf("%s: went on after the error", name)
		}
	}
}

// TestScannerTakesLittlePieces: /proc hands out parts of lines.
func TestScannerTakesLittlePieces(t *testing.T) {
	line := "TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 5\n"
	s := NewConnScanner(iotest.OneByteReader(strings.NewReader(connTitle + strings.Repeat(line, 3000))))
	n := 0
	for ; s.Scan(); n++ {
		if s.Conn() != plain {
			t.Fatalf("line %d: %+v", s.Line(), s.Conn())
		}
	}
	if n != 3000 || s.Err() != nil {
		t.Errorf("%d connections, %v", n, s.Err())
	}
}

// TestMemoryIsConstant: nothing is allocated for a connection as such.
func TestMemoryIsConstant(t *testing.T) {
	var table strings.Builder
	for range 1000 {
		table.WriteString("TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 5\n")
		table.WriteString("TCP 2001:0db8:0001:0000:0000:0000:0000:0002 AFC8 2001:0db8:0001:0000:0000:0000:0000:0100 0050 2001:0db8:0002:0000:0000:0000:0000:0002 0050 TIME_WAIT 5\n")
		table.WriteString("UDP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 UDP 5\n")
	}
	r := strings.NewReader(table.String())
	s := NewConnScanner(r)
	buffer := bufio.NewReaderSize(r, connBuffer)
	n := testing.AllocsPerRun(10, func() {
		r.Reset(table.String())
		buffer.Reset(r)
		s.r, s.line, s.err = buffer, 0, nil
		for s.Scan() {
		}
	})
	if n > 0 {
		t.Errorf("%v allocations for 3000 connections", n)
	}
}

func TestWordsAreBounded(t *testing.T) {
	w := words{}
	for i := range 1000 {
		word := strings.Repeat("x", i)
		if w.text([]byte(word)) != word {
			t.Fatal(i)
		}
	}
	if len(w) != maxWords {
		t.Errorf("%d words kept", len(w))
	}
}
