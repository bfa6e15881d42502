package rules

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

// rulesText returns a restore stream of n services with m servers each.
func rulesText(n, m int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "-A -t 10.%d.%d.1:80 -s rr\n", i>>8, i&255)
		for j := range m {
			fmt.Fprintf(&b, "-a -t 10.%d.%d.1:80 -r 192.168.%d.%d:80 -m -w 1\n", i>>8, i&255, j>>8, j&255)
		}
	}
	return b.String()
}

// sink is a Kernel that takes every change at no cost.
type sink struct{ Kernel }

func (sink) Do(...ipvs.Op) []error { return nil }

// BenchmarkRestore is the cost of reading and parsing a stream.
func BenchmarkRestore(b *testing.B) {
	text := rulesText(2000, 1)
	lines := float64(strings.Count(text, "\n"))
	s, _, stderr := newSession(sink{})
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if s.restore(strings.NewReader(text)); stderr.Len() > 0 {
			b.Fatal(stderr)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/lines, "ns/line")
}

// BenchmarkReplace is the cost of reading a stream and finding that the table is
// what it says.
func BenchmarkReplace(b *testing.B) {
	text := rulesText(2000, 1)
	k := ipvstest.New(ipvstest.Options{})
	ipvsadm(k, text, "ipvsadm", "-R")
	table, err := k.Table(ipvs.Query{Detail: ipvs.Settings})
	if err != nil || len(table) != 2000 {
		b.Fatal(len(table), err)
	}
	s, _, stderr := newSession(dump{table: table})
	b.ReportAllocs()
	for b.Loop() {
		if code := s.replace(strings.NewReader(text), Restore{Replace: ReplaceAll}); code != exitOK {
			b.Fatal(stderr)
		}
	}
}

// BenchmarkList is the cost of sorting and formatting a table.
func BenchmarkList(b *testing.B) {
	k := ipvstest.New(ipvstest.Options{})
	ipvsadm(k, rulesText(2000, 1), "ipvsadm", "-R")
	table, err := k.Table(ipvs.Query{Detail: ipvs.Full})
	if err != nil || len(table) != 2000 {
		b.Fatal(len(table), err)
	}
	for _, cmd := range []Command{
		List{Numeric: true}, List{Numeric: true, Format: ListStats}, Save{Numeric: true}, List{},
	} {
		b.Run(fmt.Sprintf("%T%+v", cmd, cmd), func(b *testing.B) {
			s, _, _ := newSession(dump{table: table})
			s.out = bufio.NewWriterSize(io.Discard, 32<<10)
			b.ReportAllocs()
			for b.Loop() {
				s.run(cmd)
			}
		})
	}
}
