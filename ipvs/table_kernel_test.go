package ipvs

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
)

var dumps = flag.Int("dumps", 60, "how often TestReadingWhileOthersWrite reads the table")

func TestValuesComeBackFromTheKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		c := open(t, Options{})
		want := randomTable()
		must(t, c, opsOf(want)...)
		compareTable(t, c, want)

		// Every service and server becomes another.
		other := randomTable()
		slices.Reverse(other)
		var ops []Op
		for i := range want {
			e := &want[i]
			s := other[i].Service
			s.ServiceKey = e.ServiceKey
			if s.Netmask = HostMask(s.Family); s.Flags&Persistent == 0 {
				s.PE = ""
			}
			e.Service = s
			ops = append(ops, EditService{s})
			for j := range e.Destinations {
				d := &e.Destinations[j].Destination
				d.Weight, d.Upper, d.Lower = uint32(j), uint32(2*i), uint32(i)
				ops = append(ops, EditDestination{s.ServiceKey, *d})
			}
		}
		must(t, c, ops...)
		compareTable(t, c, want)

		for _, e := range want {
			for _, d := range []Detail{Basic, Full} {
				got := table(t, c, Query{Service: e.ServiceKey, Detail: d})
				if len(got) != 1 || got[0].Service.Scheduler != e.Service.Scheduler || len(got[0].Destinations) != len(e.Destinations) {
					t.Errorf("%+v: %+v", e.ServiceKey, got)
				}
			}
		}
	})
}

// manyServices has n services with d servers each.
func manyServices(n, d int) (ops []Op) {
	for i := range n {
		k := ServiceKey{Family: IPv4, Protocol: TCP, Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 80)}
		ops = append(ops, AddService{service(k, "rr")})
		for j := range d {
			ops = append(ops, AddDestination{k, Destination{Forward: Route, Weight: uint32(j),
				Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 2, byte(j >> 8), byte(j)}), 80)}})
		}
	}
	return ops
}

func checkMany(t testing.TB, got []Entry, n, d int) {
	t.Helper()
	if len(got) != n {
		t.Errorf("%d services, want %d", len(got), n)
	}
	seen := map[ServiceKey]bool{}
	for _, e := range got {
		if seen[e.ServiceKey] || len(e.Destinations) != d {
			t.Fatalf("%v: seen before %v, %d servers, want %d", e.Addr, seen[e.ServiceKey], len(e.Destinations), d)
		}
		seen[e.ServiceKey] = true
		for j, s := range e.Destinations {
			if want := uint32(d - 1 - j); s.Weight != want || s.Addr.Addr().As4()[3] != byte(want) {
				t.Fatalf("%v: server %+v in place %d", e.Addr, s, j)
			}
		}
	}
}

// TestLargeTables reads 100 000 servers of 10 000 services, and 5000 of one.
func TestLargeTables(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		c := open(t, Options{})
		for _, size := range []struct{ services, servers int }{{89, 1}, {90, 1}, {91, 1}, {2, 80}, {2, 81}, {1, 5000}, {10000, 10}} {
			must(t, c, manyServices(size.services, size.servers)...)
			for _, d := range []Detail{Basic, Full} {
				start := time.Now()
				got := table(t, c, Query{Detail: d})
				took := time.Since(start)
				checkMany(t, got, size.services, size.servers)
				if size.services == 10000 {
					t.Logf("%d services x %d, detail %d: %v, %d kB resident", size.services, size.servers, d, took.Round(time.Millisecond), resident(t))
				}
			}
			must(t, c, Flush{})
		}
		if kb := resident(t); kb > 256<<10 {
			t.Errorf("%d kB were resident", kb)
		}
	})
}

// resident returns the most memory the process ever had, in kB.
func resident(t testing.TB) int {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// meddling is a socket that changes the table before it receives: the worst
// that another writer can do, however the processes are scheduled.
type meddling struct {
	socket
	meddle func()
}

func (m *meddling) receive(wait time.Duration) ([]datagram, error) {
	m.meddle()
	return m.socket.receive(wait)
}

func (m *meddling) again() (socket, error) {
	s, err := m.socket.again()
	if err != nil {
		return nil, err
	}
	return &meddling{s, m.meddle}, nil
}

// TestReadingWhileOthersWrite reads a table of 1000 services, of which 500 come
// and go all the time. The other 500 have to be there, once and whole, in every
// reading.
func TestReadingWhileOthersWrite(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		c, writer := open(t, Options{}), open(t, Options{})
		keys := make([]ServiceKey, 1000)
		present := make([]bool, len(keys)) // of the odd ones, which are touched
		add := func(i int) []Op {
			return []Op{AddService{service(keys[i], "rr")}, AddDestination{keys[i], dest(fmt.Sprintf("10.2.0.1:%d", i+1), Route, 1)}}
		}
		for _, i := range r.Perm(len(keys)) {
			keys[i] = tcp(fmt.Sprintf("10.1.%d.%d:80", i/256, i%256))
			must(t, writer, add(i)...)
			present[i] = true
		}
		change := func() {
			i := 2*r.IntN(len(keys)/2) + 1
			if present[i] {
				must(t, writer, DeleteService{keys[i]})
			} else {
				must(t, writer, add(i)...)
			}
			present[i] = !present[i]
		}
		changes := 0
		c.sock = &meddling{c.sock, func() {
			if r.IntN(5) == 0 { // thousands in a second
				for range 1 + r.IntN(5) {
					change()
					changes++
				}
			}
		}}
		for n := range *dumps {
			detail := []Detail{Basic, Full, WithTunnels, Basic}[n%4]
			checkReading(t, keys, table(t, c, Query{Detail: detail}), detail)
		}
		t.Logf("%d changes while reading %d times", changes, *dumps)

		// And without help, by a writer in a thread of its own.
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					change()
				}
			}
		})
		other := open(t, Options{})
		for n := range *dumps / 4 {
			detail := []Detail{Basic, Full}[n%2]
			checkReading(t, keys, table(t, other, Query{Detail: detail}), detail)
		}
		close(stop)
		wg.Wait()
	})
}

func checkReading(t testing.TB, keys []ServiceKey, got []Entry, detail Detail) {
	t.Helper()
	seen := make(map[ServiceKey]Entry, len(got))
	for _, e := range got {
		if _, twice := seen[e.ServiceKey]; twice {
			t.Errorf("detail %d: %v is there twice", detail, e.Addr)
		}
		seen[e.ServiceKey] = e
	}
	for i, k := range keys {
		e, ok := seen[k]
		untouched := i%2 == 0
		if untouched && !ok {
			t.Errorf("detail %d: %v is missing among %d", detail, k.Addr, len(got))
		}
		wantPort := uint16(i + 1)
		for _, d := range e.Destinations {
			if d.Addr.Port() != wantPort || d.Weight != 1 || d.Forward != Route {
				t.Errorf("detail %d: %v has %+v", detail, k.Addr, d)
			}
		}
		if untouched && len(e.Destinations) != 1 {
			t.Errorf("detail %d: %v has %d servers", detail, k.Addr, len(e.Destinations))
		}
		delete(seen, k)
	}
	for k := range seen {
		t.Errorf("detail %d: %v was never there", detail, k)
	}
}
