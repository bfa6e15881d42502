package ipvs

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func BenchmarkEncodeService(b *testing.B) {
	op := Op(AddService{service(tcp("10.0.0.1:80"), "rr")})
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = appendOp(buf[:0], op)
	}
}

func BenchmarkDecodeService(b *testing.B) {
	body := firstAnswer(b, "service")
	last, _ := decodeService(body, new(Service))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeService(body, &last.Service); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeDestination(b *testing.B) {
	body := firstAnswer(b, "destination")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeDestination(body, IPv4); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDo is without the kernel's share.
func BenchmarkDo(b *testing.B) {
	ops := manyServices(1000, 1)
	k := &strict{}
	c, f := fakeClient(nil)
	f.answer = func(sent []message) []datagram { k.ops = k.ops[:0]; return k.answer(sent) }
	b.ReportAllocs()
	for b.Loop() {
		if errs := c.Do(ops...); errs != nil {
			b.Fatal(errs)
		}
		f.sizes = f.sizes[:0]
	}
}

func BenchmarkReadList(b *testing.B) {
	body := firstAnswer(b, "service")
	var piece []byte
	for range 90 {
		piece = append(piece, dataMessage(message{}, ReqNewService, unix.NLM_F_MULTI, body)...)
	}
	c, _ := fakeClient(nil)
	c.sock.(*fakeSocket).answer = func(sent []message) (out []datagram) {
		for rest := piece; len(rest) > 0; {
			rest[8], rest[9] = byte(sent[0].seq), byte(sent[0].seq>>8)
			rest[10], rest[11] = byte(sent[0].seq>>16), byte(sent[0].seq>>24)
			_, rest, _ = nextMessage(rest)
		}
		for range 22 {
			out = append(out, fromKernel(piece))
		}
		return append(out, done(sent[0]))
	}
	b.ReportAllocs()
	for b.Loop() {
		if list, _, err := c.services(c.sock); err != nil || len(list) != 22*90 {
			b.Fatal(len(list), err)
		}
	}
}

func BenchmarkProc(b *testing.B) {
	var text strings.Builder
	text.WriteString(procTitle)
	list := make([]Entry, 2000)
	for i := range list {
		list[i] = entry(service(tcp(fmt.Sprintf("10.0.0.1:%d", i+1)), "rr"), dest("10.0.0.2:80", Route, 1))
		writeProcEntry(&text, &list[i])
	}
	b.ReportAllocs()
	for b.Loop() {
		if p := newProcTable(list); !p.parse(strings.NewReader(text.String()), Basic) {
			b.Fatal("not understood")
		}
	}
}

func BenchmarkConnections(b *testing.B) {
	text := connTitle + strings.Repeat("TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED     895\n", 20000)
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		n := 0
		for s := NewConnScanner(io.Reader(strings.NewReader(text))); s.Scan(); n++ {
		}
		if n != 20000 {
			b.Fatal(n)
		}
	}
}
