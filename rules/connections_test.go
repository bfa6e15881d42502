package rules

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// procTitle begins the kernel's connection table.
const procTitle = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"

// listConns runs -L with -c on a connection table.
func listConns(table string, l List) (code int, stdout, stderr string) {
	s, out, errs := newSession(nil)
	s.env.Connections = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(table)), nil }
	l.Format = ListConnections
	code = s.run(l)
	s.out.Flush()
	return code, out.String(), errs.String()
}

func TestConnections(t *testing.T) {
	const title = connectionsTitle + "\n"
	const titlePE = connectionsTitle + connectionsTitlePE + "\n"
	tests := []struct {
		name, table, want, wantPE string
	}{
		{"no connection", "", "", ""},
		{"IPv4",
			"TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED     895\n",
			"TCP 14:55  ESTABLISHED 192.168.1.2:45000  192.168.1.100:80   192.168.2.2:80\n", ""},
		{"IPv6",
			"TCP 2001:0db8:0001:0000:0000:0000:0000:0002 AFC8 2001:0db8:0001:0000:0000:0000:0000:0100 0050 2001:0db8:0002:0000:0000:0000:0000:0002 0050 ESTABLISHED     895\n",
			"TCP 14:55  ESTABLISHED [2001:db8:1::2]:45000 [2001:db8:1::100]:80 [2001:db8:2::2]:80\n", ""},
		{"mixed families",
			"TCP C0A80102 AFC8 C0A80164 0050 2001:0db8:0001:0000:0000:0000:0000:0002 0050 ESTABLISHED 5\n",
			"TCP 00:05  ESTABLISHED 192.168.1.2:45000  192.168.1.100:80   [2001:db8:1::2]:80\n", ""},
		{"the longest times",
			"TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED  100000\n" +
				"TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED 4294967\n",
			"TCP 1666:40 ESTABLISHED 192.168.1.2:45000  192.168.1.100:80   192.168.2.2:80\n" +
				"TCP 71582:47 ESTABLISHED 192.168.1.2:45000  192.168.1.100:80   192.168.2.2:80\n", ""},
		{"other protocols",
			"SCTP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 C-WAIT 5\n" +
				"IP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 NONE 5\n" +
				"ICMP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 NONE 5\n",
			"SCTP 00:05  C-WAIT      192.168.1.2:45000  192.168.1.100:80   192.168.2.2:80\n" +
				"IP  00:05  NONE        192.168.1.2:45000  192.168.1.100:80   192.168.2.2:80\n" +
				"ICMP 00:05  NONE        192.168.1.2:45000  192.168.1.100:80   192.168.2.2:80\n", ""},
		{"usual notation", "TCP 0B000001 AFC8 0C000001 0050 1.2.3.4 0050 ESTABLISHED 5\n",
			"TCP 00:05  ESTABLISHED 11.0.0.1:45000     12.0.0.1:80        1.2.3.4:80\n", ""},
		{"persistence engine",
			"UDP C0A80102 0000 C0A80164 13C4 C0A80202 13C4 ASSURED          59 sip a84b4c76e66710@pc33.example.com\n",
			"UDP 00:59  ASSURED     192.168.1.2:0      192.168.1.100:5060 192.168.2.2:5060\n",
			"UDP 00:59  ASSURED     192.168.1.2:0      192.168.1.100:5060 192.168.2.2:5060 sip                a84b4c76e66710@pc33.example.com\n"},
		{"its data ends at a blank", "UDP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 UDP 5 sip call id with spaces\n",
			"UDP 00:05  UDP         192.168.1.2:45000  192.168.1.100:80   192.168.2.2:80\n",
			"UDP 00:05  UDP         192.168.1.2:45000  192.168.1.100:80   192.168.2.2:80   sip                call\n"},
		{"a name without data", "UDP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 UDP 5 sip\n",
			"UDP 00:05  UDP         192.168.1.2:45000  192.168.1.100:80   192.168.2.2:80\n", ""},
		{"a line 1.31 breaks at 255 bytes",
			"UDP 2001:0db8:0001:aaaa:bbbb:cccc:dddd:0002 AFC8 2001:0db8:0001:0000:0000:0000:0000:0100 0050 2001:0db8:0002:0000:0000:0000:0000:0002 0050 UDP 59 sip " + strings.Repeat("x", 300) + "\n",
			"UDP 00:59  UDP         [2001:db8:1:aaaa:bbbb:cccc:dddd:2]:45000 [2001:db8:1::100]:80 [2001:db8:2::2]:80\n",
			"UDP 00:59  UDP         [2001:db8:1:aaaa:bbbb:cccc:dddd:2]:45000 [2001:db8:1::100]:80 [2001:db8:2::2]:80 sip                " + strings.Repeat("x", 300) + "\n"},
	}
	for _, tt := range tests {
		if tt.wantPE == "" {
			tt.wantPE = tt.want
		}
		code, got, stderr := listConns(procTitle+tt.table, List{Numeric: true})
		if code != exitOK || got != title+tt.want || stderr != "" {
			t.Errorf("%s: exit code %d, stderr %q, got\n%s\nwant\n%s", tt.name, code, stderr, got, title+tt.want)
		}
		if _, got, _ = listConns(procTitle+tt.table, List{Numeric: true, Persistent: true}); got != titlePE+tt.wantPE {
			t.Errorf("%s, with engines: got\n%s\nwant\n%s", tt.name, got, titlePE+tt.wantPE)
		}
	}
}

func TestConnectionsByName(t *testing.T) {
	table := procTitle +
		"TCP 0A000001 AFC8 0A000001 0050 C0A80015 01BB ESTABLISHED     895\n" +
		"IP  0A000001 0000 0A000002 0050 C0A80016 0000 NONE     895\n" +
		"TCP 2001:0db8:0000:0000:0000:0000:0000:0001 AFC8 2001:0db8:0000:0000:0000:0000:0000:0001 0050 C0A80017 01BB CLOSE 1\n"
	want := connectionsTitle + "\n" +
		"TCP 14:55  ESTABLISHED vip.example.org:45000 vip.example.org:http rs1:https\n" +
		"IP  14:55  NONE        vip.example.org:0  a-very-long-host-name-for-a-virtual-service.subdomain.examp real-server-number-two.example.com:0\n" +
		"TCP 00:01  CLOSE       [vip6.example.org]:45000 [vip6.example.org]:http this-is-an-extremely-long-real-server-host-name-that-exceed\n"
	if code, got, stderr := listConns(table, List{}); code != exitOK || got != want || stderr != "" {
		t.Errorf("exit code %d, stderr %q, got\n%s\nwant\n%s", code, stderr, got, want)
	}
}

func TestConnectionTableThatCannotBeRead(t *testing.T) {
	const row = "TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 CLOSE 5\n"
	const title = connectionsTitle + "\n"
	const shown = title + "TCP 00:05  CLOSE       192.168.1.2:45000  192.168.1.100:80   192.168.2.2:80\n"
	const complaint = "unexpected input from /proc/net/ip_vs_conn\n"
	tests := []struct{ name, table, stdout, stderr string }{
		{"empty file", "", "", complaint},
		{"blank line", procTitle + row + "\n" + row, shown, ""},
		{"short line", procTitle + row + "TCP C0A80102 AFC8 C0A80164\n" + row, shown, complaint},
		{"no number", procTitle + "TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 CLOSE soon\n", title, complaint},
	}
	for _, tt := range tests {
		code, stdout, stderr := listConns(tt.table, List{Numeric: true})
		if code != exitListing || stdout != tt.stdout || stderr != tt.stderr {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", tt.name, code, stdout, stderr)
		}
	}
	s, stdout, stderr := newSession(nil)
	s.env.Connections = func() (io.ReadCloser, error) { return nil, errors.New("no such file") }
	code := s.run(List{Format: ListConnections})
	if s.out.Flush(); code != exitListing || stdout.Len() > 0 || stderr.String() != "cannot open file /proc/net/ip_vs_conn\n" {
		t.Errorf("no file: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// manyConns is a table of n connections that is never whole in memory.
type manyConns struct{ n, done int }

func (m *manyConns) Read(p []byte) (int, error) {
	if m.done == 0 {
		m.done++
		return copy(p, procTitle), nil
	}
	if m.done > m.n {
		return 0, io.EOF
	}
	n := 0
	for ; m.done <= m.n && len(p)-n >= 128; m.done++ {
		n += len(fmt.Appendf(p[n:n], "TCP 0A%06X %04X C0A80164 0050 C0A80202 0050 ESTABLISHED %7d\n", m.done, m.done&0xffff, m.done&0x3ff))
	}
	return n, nil
}

func (*manyConns) Close() error { return nil }

func TestManyConnectionsNeedNoMoreMemoryThanFew(t *testing.T) {
	allocated := func(n int) uint64 {
		s, _, _ := newSession(nil)
		s.out.Reset(io.Discard)
		s.env.Connections = func() (io.ReadCloser, error) { return &manyConns{n: n}, nil }
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if code := s.run(List{Format: ListConnections, Numeric: true}); code != exitOK {
			t.Fatal(code)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	few, many := allocated(1000), allocated(20_000)
	// Making the table takes up to 32 bytes a row.
	if many > few+20_000*40 {
		t.Errorf("1000 connections take %d bytes in all, 20000 take %d", few, many)
	}
}

func BenchmarkListConnections(b *testing.B) {
	s, _, _ := newSession(nil)
	s.out.Reset(io.Discard)
	var table strings.Builder
	io.Copy(&table, &manyConns{n: 20_000})
	b.ReportAllocs()
	for b.Loop() {
		s.env.Connections = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(table.String())), nil }
		s.run(List{Format: ListConnections, Numeric: true})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20_000, "ns/conn")
}
