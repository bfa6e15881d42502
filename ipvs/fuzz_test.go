package ipvs

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
)

// FuzzAnswers decodes anything as each kind of answer. What can be decoded has
// to survive being written and read again.
func FuzzAnswers(f *testing.F) {
	for _, a := range recordedAnswers(f) {
		f.Add(a.body)
		f.Add(a.body[:len(a.body)/2])
		f.Add(append(bytes.Clone(a.body), a.body...))
		if a.kind == "service" || a.kind == "destination" || a.kind == "daemon" {
			f.Add(rewrite(a.body, func(typ uint16, value []byte) []byte {
				return append(keep(typ, value[:len(value)/2]), keep(typ, value)...)
			}))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		if s, err := decodeService(b, new(Service)); err == nil && s.Family == FamilyOf(s.Addr.Addr()) {
			s.Flags &^= Hashed
			again, err := appendOp(nil, AddService{s.Service})
			if err == nil && s.Scheduler != "" {
				got, err := decodeService(again, &s.Service)
				if err != nil || got.Service != s.Service {
					t.Errorf("%+v, %v, was %+v", got, err, s)
				}
			}
		}
		for _, family := range []Family{0, IPv4, IPv6} {
			d, err := decodeDestination(b, family)
			if err != nil {
				continue
			}
			again, err := appendOp(nil, AddDestination{fwmark(IPv4, 1), d.Destination})
			if err != nil {
				t.Fatalf("%+v: %v", d, err)
			}
			if got, err := decodeDestination(again, 0); err != nil || got.Destination != d.Destination {
				t.Errorf("%+v, %v, was %+v", got, err, d)
			}
		}
		if d, err := decodeDaemon(b); err == nil {
			if again, err := appendOp(nil, StartDaemon{d}); err == nil {
				if got, err := decodeDaemon(again); err != nil || got != d {
					t.Errorf("%+v, %v, was %+v", got, err, d)
				}
			}
		}
		if v, err := decodeTimeouts(b); err == nil {
			again, err := appendOp(nil, SetTimeouts{v})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := decodeTimeouts(again); err != nil || got != v {
				t.Errorf("%+v, %v, was %+v", got, err, v)
			}
		}
		decodeInfo(b)
		if !bytes.Equal(b, before) {
			t.Error("the message was changed")
		}
	})
}

// FuzzMessages answers a request with anything: the client must neither panic
// nor hang, and take nothing for granted.
func FuzzMessages(f *testing.F) {
	m := message{seq: 1}
	f.Add(infoAnswer(m, 1))
	f.Add(append(infoAnswer(m, 1), infoAnswer(m, 2)...))
	f.Add(statusMessage(m, 2, 17))
	f.Add(statusMessage(m, 3, 0)[:17])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, _ := fakeClient(func([]message) []datagram { return []datagram{fromKernel(bytes.Clone(b))} })
		c.options.Trace = io.Discard
		c.Info()
		c, _ = fakeClient(func([]message) []datagram { return []datagram{fromKernel(bytes.Clone(b)), fromKernel(bytes.Clone(b))} })
		c.Table(Query{Detail: Full})
		c, _ = fakeClient(func([]message) []datagram { return []datagram{fromKernel(bytes.Clone(b))} })
		errs := c.Do(Flush{}, Flush{}, Flush{})
		if errs == nil && !bytes.Contains(b, []byte{2, 0}) {
			t.Errorf("success by %x", b)
		}
	})
}

// FuzzConnections reads anything as a connection table. A line's error must not
// depend on the lines around it, and reading has to end.
func FuzzConnections(f *testing.F) {
	for _, line := range []string{
		"TCP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 ESTABLISHED       5",
		"UDP 2001:0db8:0001:aaaa:bbbb:cccc:dddd:0002 AFC8 2001:0db8:0001:0000:0000:0000:0000:0100 0050 2001:0db8:0002:0000:0000:0000:0000:0002 0050 UDP              59 sip abc@host",
		"TCP C0A80102 AFC8 C0A80164 0050 2001:0db8:0001:0000:0000:0000:0000:0002 0050 ESTABLISHED 5",
		"TCP 1.2.3.4 AFC8 ::1 0050 ::ffff:1.2.3.4 0050 NONE 4294967295",
		"TCP C0A80102 AFC8 C0A80164", "", " \t", "TCP C0A80102 1AFC8", "IP C0A80102 AFC8 C0A80164 0050 C0A80202 0050 NONE 99999999999",
	} {
		f.Add(connTitle + line + "\n")
		f.Add(connTitle + line)
		f.Add(connTitle + line + "\n" + line + "\n")
	}
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		s := NewConnScanner(strings.NewReader(text))
		lines := strings.Count(text, "\n") + 1
		for n := 0; ; n++ {
			ok := s.Scan()
			if !ok && s.Err() == nil {
				break
			}
			if n > lines || s.Line() > lines {
				t.Fatalf("line %d of %d", s.Line(), lines)
			}
			if !ok && s.Line() == 1 {
				continue
			}
			line, _, _ := strings.Cut(strings.SplitAfterN(text, "\n", s.Line())[s.Line()-1], "\n")
			if line == "" || len(line) >= connBuffer {
				continue
			}
			alone := NewConnScanner(strings.NewReader(connTitle + line))
			if alone.Scan() != ok || alone.Conn() != s.Conn() {
				t.Fatalf("%q: %+v, %v; alone %+v, %v", line, s.Conn(), s.Err(), alone.Conn(), alone.Err())
			}
			if c := s.Conn(); ok && (c.Protocol == "" || c.State == "" || !c.Client.IsValid() || !c.Virtual.IsValid() || !c.Destination.IsValid()) {
				t.Fatalf("%q: %+v", line, c)
			}
		}
	})
}

// FuzzProc reads anything as /proc/net/ip_vs. What is understood has to read
// the same when it is written again.
func FuzzProc(f *testing.F) {
	f.Add(procTitle)
	for _, e := range mixedTable() {
		var b strings.Builder
		b.WriteString(procTitle)
		writeProcEntry(&b, &e)
		f.Add(b.String())
		f.Add(b.String()[:b.Len()-9])
		f.Add(b.String() + "TCP  0A000001:0050 rr ops persistent 6000 FFFFFFFF\n")
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := readText(text, procKeys(text))
		if p == nil || p.twins {
			return
		}
		var again strings.Builder
		again.WriteString(procTitle)
		for i := range p.list {
			writeProcEntry(&again, &p.list[i])
		}
		q := readText(again.String(), procKeys(text))
		if q == nil || q.hits != p.hits {
			t.Fatalf("%s\nis not understood", again.String())
		}
		for i := range p.list {
			if !slices.Equal(p.list[i].Destinations, q.list[i].Destinations) {
				t.Fatalf("%+v, was %+v", q.list[i], p.list[i])
			}
		}
	})
}
