package ipvs

import (
	"encoding/binary"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

type answer struct {
	kind string
	body []byte // from the attributes on
}

func recordedAnswers(t testing.TB) (list []answer) {
	t.Helper()
	text, err := os.ReadFile(answersFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		kind, hex, _ := strings.Cut(strings.TrimSpace(line), " ")
		if kind != "#" {
			list = append(list, answer{kind, unhex(t, hex)})
		}
	}
	return list
}

// decodeAny decodes an answer of any kind.
func decodeAny(kind string, b []byte) (any, error) {
	switch kind {
	case "service":
		return decodeService(b, new(Service))
	case "destination":
		return decodeDestination(b, IPv4)
	case "daemon":
		return decodeDaemon(b)
	case "timeouts":
		return decodeTimeouts(b)
	case "info":
		return decodeInfo(b)
	}
	panic(kind)
}

// the counters of the five connections that were made for the recording
var recordedStats = Stats{5, 30, 20, 1630, 1110, 1, 4, 2, 204, 139}

func TestRecordedAnswers(t *testing.T) {
	littleEndian(t)
	var services, destinations, others []any
	for _, a := range recordedAnswers(t) {
		v, err := decodeAny(a.kind, a.body)
		if err != nil {
			t.Errorf("%s: %v", a.kind, err)
		}
		switch a.kind {
		case "service":
			services = append(services, v.(ServiceState).Service)
		case "destination":
			destinations = append(destinations, v.(DestinationState).Destination)
		default:
			others = append(others, v)
		}
		if s, ok := v.(ServiceState); ok && s.ServiceKey == tcp("127.0.0.1:8080") && s.Stats != recordedStats {
			t.Errorf("service's counters %+v", s.Stats)
		}
		if d, ok := v.(DestinationState); ok && d.Addr == addrPort("127.0.0.1:8081") {
			if d.Stats != recordedStats || d.Inactive != 5 || d.Active != 0 || d.Persistent != 0 {
				t.Errorf("server's counters %+v", d)
			}
		}
	}

	// What was asked for is what is there, with Hashed.
	for _, op := range append(slices.Collect(mapValues(sameAsIpvsadm())),
		AddService{service(tcp("127.0.0.1:8080"), "wrr")}, AddDestination{tcp("127.0.0.1:8080"), dest("127.0.0.1:8081", Masq, 3)}) {
		switch op := op.(type) {
		case AddService:
			op.Service.Flags |= Hashed
			if !slices.Contains(services, any(op.Service)) {
				t.Errorf("no %+v in %+v", op.Service, services)
			}
		case AddDestination:
			if !slices.Contains(destinations, any(op.Destination)) {
				t.Errorf("no %+v in %+v", op.Destination, destinations)
			}
		}
	}
	want := []any{
		Info{Version: 0x010201, ConnTableSize: 4096},
		Timeouts{15 * time.Minute, 2 * time.Minute, 5 * time.Minute},
		Daemon{Master, "lo", 5, 1000, netip.MustParseAddr("224.0.0.81"), 9999, 4},
		Daemon{Backup, "lo", 7, 65487, netip.MustParseAddr("ff02::5"), 8848, 1},
	}
	if !reflect.DeepEqual(others, want) {
		t.Errorf("%+v, want\n%+v", others, want)
	}
}

func mapValues[K comparable, V any](m map[K]V) func(func(V) bool) {
	return func(yield func(V) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

// rewrite copies the attributes of an answer, those nested one deep too, with
// the changes that edit makes: it returns what to put in place of each.
func rewrite(b []byte, edit func(typ uint16, value []byte) []byte) []byte {
	var out []byte
	outer := attrs{rest: b}
	for outer.next() {
		var nest []byte
		inner := attrs{rest: outer.value}
		for inner.next() {
			nest = append(nest, edit(inner.typ, inner.value)...)
		}
		out = appendAttr(out, outer.typ, nest)
	}
	return out
}

func keep(typ uint16, value []byte) []byte { return appendAttr(nil, typ, value) }

func without(types ...uint16) func(uint16, []byte) []byte {
	return func(typ uint16, value []byte) []byte {
		if slices.Contains(types, typ) {
			return nil
		}
		return keep(typ, value)
	}
}

// TestOlderKernels reads answers from which is taken what they lack.
func TestOlderKernels(t *testing.T) {
	littleEndian(t)
	for _, a := range recordedAnswers(t) {
		switch a.kind {
		case "service":
			now, _ := decodeService(a.body, new(Service))
			old, err := decodeService(rewrite(a.body, without(svcStats64)), new(Service))
			if err != nil || old != now {
				t.Errorf("32-bit counters: %+v, %v, want %+v", old, err, now)
			}
		case "destination":
			now, _ := decodeDestination(a.body, IPv4)
			old, err := decodeDestination(rewrite(a.body, without(destStats64, destFamily)), FamilyOf(now.Addr.Addr()))
			if err != nil || old != now {
				t.Errorf("32-bit counters, no family: %+v, %v, want %+v", old, err, now)
			}
			old, err = decodeDestination(rewrite(a.body, without(destTunType, destTunPort, destTunFlags)), IPv4)
			now.Tunnel = Encapsulation{}
			if err != nil || old != now {
				t.Errorf("no tunnels: %+v, %v, want %+v", old, err, now)
			}
		case "daemon":
			now, _ := decodeDaemon(a.body)
			old, err := decodeDaemon(rewrite(a.body, without(daemonMaxLen, daemonGroup, daemonGroup6, daemonPort, daemonTTL)))
			if want := (Daemon{State: now.State, Interface: now.Interface, SyncID: now.SyncID}); err != nil || old != want {
				t.Errorf("%+v, %v, want %+v", old, err, want)
			}
		}
	}
}

// TestWideCountersWin, whichever comes first.
func TestWideCountersWin(t *testing.T) {
	wide, narrow := make([]byte, 0, 64), make([]byte, 0, 64)
	for typ := uint16(statsConns); typ <= statsOutBPS; typ++ {
		wide = appendAttr(wide, typ, binary.NativeEndian.AppendUint64(nil, 1<<40+uint64(typ)))
		narrow = appendU32(narrow, typ, uint32(typ))
	}
	const big = 1 << 40
	want := Stats{big + 1, big + 2, big + 3, big + 4, big + 5, big + 6, big + 7, big + 8, big + 9, big + 10}
	d := appendU16(nil, destFamily, uint16(IPv4))
	d = appendAddr(d, destAddr, netip.MustParseAddr("10.0.0.1"))
	for _, nest := range [][]byte{
		appendAttr(appendAttr(slices.Clone(d), destStats, narrow), destStats64, wide),
		appendAttr(appendAttr(slices.Clone(d), destStats64, wide), destStats, narrow),
	} {
		got, err := decodeDestination(appendAttr(nil, attrDest, nest), IPv4)
		if err != nil || got.Stats != want {
			t.Errorf("%+v, %v", got.Stats, err)
		}
	}
	got, err := decodeStats(narrow, nil)
	if want := (Stats{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestOddAnswers has what no kernel sends so far, and a careless reader would
// fall over.
func TestOddAnswers(t *testing.T) {
	littleEndian(t)
	for _, a := range recordedAnswers(t) {
		want, _ := decodeAny(a.kind, a.body)
		nested := a.kind != "timeouts" && a.kind != "info"

		odd := map[string][]byte{
			"unknown attributes": appendAttr(appendAttr(nil, 77, []byte("x")), 78, nil),
		}
		odd["unknown attributes"] = append(odd["unknown attributes"], a.body...)
		odd["everything twice"] = append(slices.Clone(a.body), a.body...)
		if nested {
			odd["nested flag"] = rewrite(a.body, func(typ uint16, value []byte) []byte { return keep(typ|attrNested, value) })
			odd["everything twice, inside"] = rewrite(a.body, func(typ uint16, value []byte) []byte {
				return append(keep(typ, value), keep(typ, value)...)
			})
			odd["unknown ones inside"] = rewrite(a.body, func(typ uint16, value []byte) []byte {
				return append(keep(99, []byte{1, 2, 3}), keep(typ, value)...)
			})
		}
		for name, b := range odd {
			if got, err := decodeAny(a.kind, b); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s: %+v, %v, want %+v", a.kind, name, got, err, want)
			}
		}
		if nested {
			bad := rewrite(a.body, func(typ uint16, value []byte) []byte {
				return append(keep(typ, make([]byte, len(value))), keep(typ, value)...)
			})
			if got, err := decodeAny(a.kind, bad); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s, the last of two counts: %+v, %v, want %+v", a.kind, got, err, want)
			}
		}
	}
}

// TestCutAnswers cuts every answer everywhere: what remains is an error or, at
// the end of an attribute, a value with less in it; never a panic.
func TestCutAnswers(t *testing.T) {
	littleEndian(t)
	for _, a := range recordedAnswers(t) {
		for n := range a.body {
			_, err := decodeAny(a.kind, a.body[:n])
			if err == nil && a.kind != "timeouts" && a.kind != "info" {
				t.Errorf("%s of %d bytes cut at %d is taken for whole", a.kind, len(a.body), n)
			}
		}
	}
	for _, c := range []struct {
		name, kind string
		body       []byte
	}{
		{"service without a nest", "service", nil},
		{"service without a family", "service", rewrite(firstAnswer(t, "service"), without(svcFamily))},
		{"service without an address", "service", rewrite(firstAnswer(t, "service"), without(svcAddr))},
		{"server without an address", "destination", rewrite(firstAnswer(t, "destination"), without(destAddr))},
		{"daemon without a state", "daemon", rewrite(firstAnswer(t, "daemon"), without(daemonState))},
	} {
		if v, err := decodeAny(c.kind, c.body); err != errMalformed {
			t.Errorf("%s: %+v, %v", c.name, v, err)
		}
	}
}

func firstAnswer(t testing.TB, kind string) []byte {
	for _, a := range recordedAnswers(t) {
		if a.kind == kind {
			return a.body
		}
	}
	t.Fatalf("no %s is recorded", kind)
	return nil
}

func TestStringsAreSharedBetweenServices(t *testing.T) {
	b := firstAnswer(t, "service")
	first, _ := decodeService(b, new(Service))
	if n := testing.AllocsPerRun(100, func() { decodeService(b, &first.Service) }); n != 0 {
		t.Errorf("%v allocations for a service like the one before", n)
	}
}
