package ipvs

import (
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// fakeTable is a kernel that hands out a table in pieces, each made from what
// the table is at that moment, and goes on by counting rows, as Linux does.
type fakeTable struct {
	entries []Entry
	rows    int // in a piece
	// between is called after each piece of a list, /proc too.
	between func()
	// unlisted hides the table's /proc file.
	unlisted bool
	asked    map[Request]int
}

func (k *fakeTable) client() *Client {
	k.asked = map[Request]int{}
	c, f := fakeClient(k.answer)
	f.files = map[string]func() (io.ReadCloser, error){}
	if !k.unlisted {
		f.files["ip_vs"] = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(k.proc())), nil }
	}
	return c
}

func (k *fakeTable) changed() {
	if k.between != nil {
		k.between()
	}
}

func (k *fakeTable) find(key ServiceKey) *Entry {
	for i := range k.entries {
		if k.entries[i].ServiceKey == key {
			return &k.entries[i]
		}
	}
	return nil
}

func (k *fakeTable) answer(sent []message) []datagram {
	m := sent[0]
	req := Request(m.body[0])
	k.asked[req]++
	var key ServiceKey
	if len(m.body) > genlHeaderSize {
		s, err := decodeService(m.body[genlHeaderSize:], new(Service))
		if err != nil {
			return []datagram{refuse(m, syscall.EINVAL)}
		}
		key = s.ServiceKey
	}
	switch {
	case req == ReqGetService && m.flags&unix.NLM_F_DUMP == 0:
		e := k.find(key)
		if e == nil {
			return []datagram{refuse(m, syscall.ESRCH)}
		}
		return []datagram{fromKernel(dataMessage(m, ReqNewService, 0, encodeState(AddService{e.Service}, e.Stats)))}
	case req == ReqGetService:
		return k.pieces(m, ReqNewService, func(i int) []byte {
			if i >= len(k.entries) {
				return nil
			}
			return encodeState(AddService{k.entries[i].Service}, k.entries[i].Stats)
		})
	case req == ReqGetDest:
		return k.pieces(m, ReqNewDest, func(i int) []byte {
			e := k.find(key)
			if e == nil || i >= len(e.Destinations) {
				return nil
			}
			return encodeState(AddDestination{key, e.Destinations[i].Destination}, Stats{})
		})
	}
	return []datagram{refuse(m, syscall.EOPNOTSUPP)}
}

// encodeState encodes what an operation adds as an answer.
func encodeState(op Op, s Stats) []byte {
	b, err := appendOp(nil, op)
	if err != nil {
		panic(err)
	}
	if s != (Stats{}) {
		b = rewrite(b, func(typ uint16, value []byte) []byte {
			if typ == svcNetmask {
				return append(keep(typ, value), appendAttr(nil, svcStats64, appendAttr(nil, statsConns, fmt.Appendf(nil, "%08d", s.Conns)))...)
			}
			return keep(typ, value)
		})
	}
	return b
}

// pieces fills datagrams of the kernel's size with rows, which are padded so
// that k.rows of them fill one.
func (k *fakeTable) pieces(m message, reply Request, row func(i int) []byte) (out []datagram) {
	const room = 32448 // SKB_WITH_OVERHEAD(32768)
	for i := 0; ; {
		var piece []byte
		for {
			b := row(i)
			if b == nil {
				break
			}
			b = dataMessage(m, reply, unix.NLM_F_MULTI, b)
			if pad := (room/k.rows - len(b) - attrHeader) &^ 3; pad > 0 {
				b = appendAttr(b, 99, make([]byte, pad))
				endMessage(b, 0)
			}
			if len(piece)+len(b) > room {
				break
			}
			piece = append(piece, b...)
			i++
		}
		if len(piece) == 0 {
			return append(out, done(m))
		}
		out = append(out, fromKernel(piece))
		k.changed()
	}
}

// proc writes /proc/net/ip_vs, with as many services in a read as in a piece.
func (k *fakeTable) proc() string {
	var b strings.Builder
	b.WriteString("IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n" +
		"  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n")
	for i := 0; i < len(k.entries); i++ {
		writeProcEntry(&b, &k.entries[i])
		if (i+1)%k.rows == 0 {
			k.changed()
		}
	}
	return b.String()
}

// writeProcEntry writes an entry as ip_vs_info_seq_show does.
func writeProcEntry(b *strings.Builder, e *Entry) {
	end := func(a netip.AddrPort) string {
		raw := a.Addr().AsSlice()
		if len(raw) == 4 {
			return fmt.Sprintf("%08X:%04X", raw, a.Port())
		}
		var groups []string
		for i := 0; i < 16; i += 2 {
			groups = append(groups, fmt.Sprintf("%02x%02x", raw[i], raw[i+1]))
		}
		return fmt.Sprintf("[%s]:%04X", strings.Join(groups, ":"), a.Port())
	}
	ops := ""
	if e.Flags&OnePacket != 0 {
		ops = "ops "
	}
	switch proto := map[Protocol]string{TCP: "TCP", UDP: "UDP", SCTP: "SCTP"}[e.Protocol]; {
	case e.FWMark != 0:
		fmt.Fprintf(b, "FWM  %08X %s %s", e.FWMark, e.Scheduler, ops)
	case proto == "":
		fmt.Fprintf(b, "IP_%d  %s %s %s", e.Protocol, end(e.Addr), e.Scheduler, ops)
	default:
		fmt.Fprintf(b, "%s  %s %s %s", proto, end(e.Addr), e.Scheduler, ops)
	}
	if e.Flags&Persistent != 0 {
		fmt.Fprintf(b, "persistent %d %08X", int(e.Timeout.Seconds()*100), e.Netmask)
	}
	b.WriteString("\n")
	for _, d := range e.Destinations {
		forward := map[Forward]string{LocalNode: "Local", Tunnel: "Tunnel", Route: "Route"}[d.Forward]
		if forward == "" {
			forward = "Masq"
		}
		fmt.Fprintf(b, "  -> %s      %-7s %-6d %-10d %-10d\n", end(d.Addr), forward, d.Weight, d.Active, d.Inactive)
	}
}

func entry(s Service, dests ...Destination) Entry {
	e := Entry{ServiceState: ServiceState{Service: s}}
	for _, d := range dests {
		e.Destinations = append(e.Destinations, DestinationState{Destination: d})
	}
	return e
}

// mixedTable has every kind of entry.
func mixedTable() []Entry {
	sip := service(udp("10.0.0.1:5060"), "rr")
	sip.Flags, sip.PE, sip.Timeout = Persistent|OnePacket, "sip", 60e9
	limited := dest("10.0.0.3:80", Masq, 70000)
	limited.Upper, limited.Lower = 20, 10
	return []Entry{
		entry(service(tcp("10.0.0.1:80"), "rr"), dest("10.0.0.2:80", Route, 1), limited),
		entry(service(tcp("10.0.0.1:443"), "sh"), dest("10.0.0.2:443", LocalNode, 0)),
		entry(sip, dest("10.0.0.9:5060", Masq, 1)),
		entry(service(sctp("[2001:db8::1]:9"), "wlc"), dest("[2001:db8::2]:9", Route, 2147483647)),
		entry(service(tcp("[2001:db8::1]:80"), "wlc")),
		entry(service(tcp("10.0.0.4:80"), "mh"), tunnel("[2001:db8::7]:80", Encapsulation{GUE, 6080, TunnelCsum}), dest("10.0.0.6:80", Route, 1)),
		entry(service(key(47, "10.0.0.5:0"), "rr"), dest("10.0.0.2:0", Route, 1)),
		entry(service(key(50, "10.0.0.5:0"), "rr")),
		entry(service(fwmark(IPv4, 1), "wlc"), dest("10.0.0.2:0", Route, 1)),
		entry(service(fwmark(IPv4, 2), "wlc"), dest("10.0.0.3:0", Route, 1)),
		entry(service(fwmark(IPv6, 2), "wlc"), dest("[2001:db8::3]:0", Route, 1)),
		entry(service(fwmark(IPv6, 3000000000), "wlc"), dest("[2001:db8::4]:0", Route, 1)),
	}
}

// basic is what Basic may leave out.
func basic(entries []Entry) []Entry {
	out := slices.Clone(entries)
	for i := range out {
		out[i].Destinations = slices.Clone(out[i].Destinations)
		for j := range out[i].Destinations {
			d := &out[i].Destinations[j]
			d.Upper, d.Lower, d.Tunnel, d.Persistent, d.Stats = 0, 0, Encapsulation{}, 0, Stats{}
		}
	}
	return out
}

// sameTable compares, an empty list of servers being as good as none.
func sameTable(a, b []Entry) bool {
	return slices.EqualFunc(a, b, func(x, y Entry) bool {
		return x.ServiceState == y.ServiceState && slices.Equal(x.Destinations, y.Destinations)
	})
}

func TestTable(t *testing.T) {
	k := &fakeTable{entries: mixedTable(), rows: 1000}
	c := k.client()
	for _, q := range []struct {
		detail Detail
		dests  int // GET_DEST requests that may be needed
	}{{Basic, 4}, {WithTunnels, 5}, {Full, len(k.entries)}} {
		clear(k.asked)
		got, err := c.Table(Query{Detail: q.detail})
		if err != nil {
			t.Fatal(err)
		}
		if q.detail == Full && !sameTable(got, k.entries) || !sameTable(basic(got), basic(k.entries)) {
			t.Errorf("detail %d: %+v\nwant %+v", q.detail, got, k.entries)
		}
		if q.detail == WithTunnels && got[5].Destinations[0].Tunnel != k.entries[5].Destinations[0].Tunnel {
			t.Errorf("tunnel %+v", got[5].Destinations[0])
		}
		if k.asked[ReqGetDest] != q.dests || k.asked[ReqGetService] != 1 {
			t.Errorf("detail %d: asked %v, want %d GET_DEST", q.detail, k.asked, q.dests)
		}
	}
}

func TestTableOfOneService(t *testing.T) {
	k := &fakeTable{entries: mixedTable(), rows: 1}
	k.entries[0].Stats.Conns = 12345
	c := k.client()
	for _, e := range k.entries {
		for _, d := range []Detail{Basic, WithTunnels, Full} {
			got, err := c.Table(Query{Service: e.ServiceKey, Detail: d})
			if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0].Service, e.Service) || len(got[0].Destinations) != len(e.Destinations) {
				t.Errorf("%+v: %+v, %v", e.ServiceKey, got, err)
			}
		}
	}
	_, err := c.Table(Query{Service: tcp("0.0.0.0:0")})
	wantErrno(t, err, syscall.ESRCH)
	_, err = c.Table(Query{Service: ServiceKey{Family: IPv6, Protocol: TCP, Addr: addrPort("10.0.0.1:80")}})
	wantErrno(t, err, syscall.EAFNOSUPPORT)
}

func TestEmptyTable(t *testing.T) {
	c := (&fakeTable{rows: 1}).client()
	for _, d := range []Detail{Basic, WithTunnels, Full} {
		if got, err := c.Table(Query{Detail: d}); err != nil || len(got) != 0 {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

func TestTableWithoutProc(t *testing.T) {
	for _, rows := range []int{1000, 3} {
		k := &fakeTable{entries: mixedTable(), rows: rows, unlisted: true}
		got, err := k.client().Table(Query{})
		if err != nil || !sameTable(got, k.entries) {
			t.Errorf("%d rows in a piece: %+v, %v", rows, got, err)
		}
	}
}

// TestTableInPieces: the list is read a second time, unless /proc has the same
// services.
func TestTableInPieces(t *testing.T) {
	var plain []Entry
	for i := range 20 {
		plain = append(plain, entry(service(tcp(fmt.Sprintf("10.0.0.1:%d", i+1)), "rr"), dest("10.0.0.2:80", Route, 1)))
	}
	for _, c := range []struct {
		name     string
		entries  []Entry
		detail   Detail
		unlisted bool
		readings int
	}{
		{"plain table", plain, Basic, false, 1},
		{"plain table, full", plain, Full, false, 1},
		{"plain table without /proc, full", plain, Full, true, 2},
		{"table that /proc shows in part", mixedTable(), Basic, false, 2},
	} {
		k := &fakeTable{entries: c.entries, rows: 3, unlisted: c.unlisted}
		got, err := k.client().Table(Query{Detail: c.detail})
		if err != nil || !sameTable(basic(got), basic(c.entries)) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
		if k.asked[ReqGetService] != c.readings {
			t.Errorf("%s: read %d times, want %d", c.name, k.asked[ReqGetService], c.readings)
		}
	}
}

func TestServerListInPieces(t *testing.T) {
	e := entry(service(tcp("10.0.0.1:80"), "rr"))
	for i := range 20 {
		e.Destinations = append(e.Destinations, DestinationState{Destination: dest(fmt.Sprintf("10.0.0.2:%d", i+1), Route, 1)})
	}
	k := &fakeTable{entries: []Entry{e}, rows: 6}
	got, err := k.client().Table(Query{Detail: Full})
	if err != nil || !sameTable(got, k.entries) || k.asked[ReqGetDest] != 2 {
		t.Errorf("%+v, %v, asked %v", got, err, k.asked)
	}
}

// TestTableWhileOthersWrite changes the table at random moments of a reading,
// twice at most. Rows that were not touched have to be there once and as they
// are, in their order; others once at most, as they were at some time.
func TestTableWhileOthersWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "services")
		k := &fakeTable{rows: rapid.IntRange(1, 10).Draw(t, "rows in a piece"), unlisted: rapid.Bool().Draw(t, "without /proc")}
		ever := map[ServiceKey]Entry{}
		add := func(at, port int) {
			e := entry(service(tcp(fmt.Sprintf("10.0.0.1:%d", port)), "rr"), dest(fmt.Sprintf("10.0.0.2:%d", port), Route, uint32(port)))
			ever[e.ServiceKey] = e
			k.entries = slices.Insert(k.entries, at, e)
		}
		for i := range n {
			add(i, i+1)
		}
		touched := map[ServiceKey]bool{}
		bursts := rapid.SliceOfN(rapid.IntRange(0, 40), 0, 2).Draw(t, "moments")
		moment, next := 0, n+1
		k.between = func() {
			if slices.Contains(bursts, moment) {
				for range rapid.IntRange(1, 20).Draw(t, "changes") {
					at := rapid.IntRange(0, max(0, len(k.entries)-1)).Draw(t, "place")
					if len(k.entries) > 0 && rapid.Bool().Draw(t, "delete") {
						touched[k.entries[at].ServiceKey] = true
						k.entries = slices.Delete(k.entries, at, at+1)
					} else {
						add(at, next)
						touched[k.entries[at].ServiceKey] = true
						next++
					}
				}
			}
			moment++
		}
		before := slices.Clone(k.entries)
		got, err := k.client().Table(Query{Detail: rapid.SampledFrom([]Detail{Basic, WithTunnels, Full}).Draw(t, "detail")})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[ServiceKey]int{}
		var order []ServiceKey
		for _, e := range got {
			seen[e.ServiceKey]++
			was, ok := ever[e.ServiceKey]
			if !ok || seen[e.ServiceKey] > 1 || e.ServiceState != was.ServiceState {
				t.Fatalf("%+v: %d times, was %+v", e, seen[e.ServiceKey], was)
			}
			if !touched[e.ServiceKey] {
				order = append(order, e.ServiceKey)
				if !slices.Equal(e.Destinations, was.Destinations) {
					t.Fatalf("%+v, want %+v", e, was)
				}
			}
		}
		var want []ServiceKey
		for _, e := range before {
			if !touched[e.ServiceKey] {
				want = append(want, e.ServiceKey)
			}
		}
		if !slices.Equal(order, want) {
			t.Fatalf("untouched: %v\nwant %v", order, want)
		}
	})
}

// TestServersWhileOthersWrite is the same for the servers of one service.
func TestServersWhileOthersWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := entry(service(tcp("10.0.0.1:80"), "rr"))
		for i := range rapid.IntRange(1, 60).Draw(t, "servers") {
			e.Destinations = append(e.Destinations, DestinationState{Destination: dest(fmt.Sprintf("10.0.0.2:%d", i+1), Route, 1)})
		}
		k := &fakeTable{entries: []Entry{e}, rows: rapid.IntRange(1, 10).Draw(t, "rows in a piece")}
		burst, moment := rapid.IntRange(0, 20).Draw(t, "moment"), 0
		gone := map[netip.AddrPort]bool{}
		k.between = func() {
			if moment++; moment != burst {
				return
			}
			list := &k.entries[0].Destinations
			for range rapid.IntRange(1, 20).Draw(t, "deletions") {
				if len(*list) > 0 {
					at := rapid.IntRange(0, len(*list)-1).Draw(t, "place")
					gone[(*list)[at].Addr] = true
					*list = slices.Delete(slices.Clone(*list), at, at+1)
				}
			}
		}
		got, err := k.client().Table(Query{Detail: Full})
		if err != nil {
			t.Fatal(err)
		}
		untouched := func(list []DestinationState) []DestinationState {
			return slices.DeleteFunc(slices.Clone(list), func(d DestinationState) bool { return gone[d.Addr] })
		}
		if !slices.Equal(untouched(got[0].Destinations), untouched(e.Destinations)) {
			t.Fatalf("%+v\nwant %+v", got[0].Destinations, untouched(e.Destinations))
		}
	})
}
