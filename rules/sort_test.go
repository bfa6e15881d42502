package rules

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ipvsadm/ipvs"
)

// testdata/sort holds ten random tables as ipvsadm 1.31 listed them, in the
// kernel's order and in its own.
const sortVectors = "../testdata/sort"

func TestTablesAreSortedAsIpvsadmSortsThem(t *testing.T) {
	unsorted, err := filepath.Glob(filepath.Join(sortVectors, "*.nosort"))
	if err != nil || len(unsorted) != 10 {
		t.Fatalf("%d tables, %v", len(unsorted), err)
	}
	for _, name := range unsorted {
		t.Run(filepath.Base(name), func(t *testing.T) {
			table := readListing(t, name)
			want := readListing(t, strings.TrimSuffix(name, ".nosort")+".sorted")
			if got := listing(table, List{Numeric: true, NoSort: true}); got != unsignedMarks(t, name) {
				t.Errorf("the kernel's order is not kept:\n%s", got)
			}
			if sortTable(table); !slices.EqualFunc(table, want, sameNames) {
				t.Errorf("got\n%s\nwant\n%s", names(table), names(want))
			}
		})
	}
}

func sameNames(a, b ipvs.Entry) bool {
	return a.ServiceKey == b.ServiceKey && slices.EqualFunc(a.Destinations, b.Destinations,
		func(a, b ipvs.DestinationState) bool { return a.Addr == b.Addr })
}

func TestSortIsThatOfUnsignedDifferencesReadAsSigned(t *testing.T) {
	tests := []struct {
		name string
		in   []string
		want []string
	}{
		{"near numbers rise", []string{"10.0.0.2:1", "10.0.0.1:2", "10.0.0.1:1"}, []string{"10.0.0.1:1", "10.0.0.1:2", "10.0.0.2:1"}},
		{"far numbers fall", []string{"10.0.0.1:1", "192.168.0.1:1"}, []string{"192.168.0.1:1", "10.0.0.1:1"}},
		{"the broadcast address comes first", []string{"10.0.0.1:1", "255.255.255.255:1"}, []string{"255.255.255.255:1", "10.0.0.1:1"}},
		{"the words of IPv6 are compared one by one", []string{"[2001:db8::1]:1", "[2001:db8:ffff::]:1"}, []string{"[2001:db8:ffff::]:1", "[2001:db8::1]:1"}},
		{"equal ones keep their places", []string{"10.0.0.1:1", "[a00:1::]:1", "10.0.0.1:1"}, []string{"10.0.0.1:1", "[a00:1::]:1", "10.0.0.1:1"}},
	}
	for _, tt := range tests {
		var e ipvs.Entry
		for _, a := range tt.in {
			e.Destinations = append(e.Destinations, server(a))
		}
		table := []ipvs.Entry{e}
		sortTable(table)
		var got []string
		for _, d := range table[0].Destinations {
			got = append(got, d.Addr.String())
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func server(addr string) ipvs.DestinationState {
	return ipvs.DestinationState{Destination: ipvs.Destination{Addr: netip.MustParseAddrPort(addr)}}
}

func TestPermuteMovesWholeEntries(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 50 {
		list, keys, want := make([]int, n), make([]sortKey, n), make([]int, n)
		for i, from := range r.Perm(n) {
			list[i], keys[i].index = 1000+i, from
			want[i] = 1000 + from
		}
		if permute(list, keys); !slices.Equal(list, want) {
			t.Errorf("%v, want %v", list, want)
		}
	}
}

func BenchmarkSort(b *testing.B) {
	table := readListing(b, filepath.Join(sortVectors, "4.nosort"))
	tmp := make([]ipvs.Entry, len(table))
	b.ReportAllocs()
	for b.Loop() {
		copy(tmp, table)
		sortTable(tmp)
	}
}

// dump is a Kernel that has a table and nothing else.
type dump struct {
	Kernel
	table []ipvs.Entry
}

func (dump) Info() (ipvs.Info, error) {
	return ipvs.Info{Version: 0x010201, ConnTableSize: 4096}, nil
}

func (d dump) Table(ipvs.Query) ([]ipvs.Entry, error) { return d.table, nil }

// listing returns what -L prints of a table.
func listing(table []ipvs.Entry, l List) string {
	var out bytes.Buffer
	s := &session{kernel: dump{table: table}, out: bufio.NewWriter(&out), env: Env{Stderr: io.Discard}}
	s.list(l)
	s.out.Flush()
	return out.String()
}

// names shows what a table is sorted by.
func names(table []ipvs.Entry) string { return listing(table, List{Numeric: true, NoSort: true}) }

// unsignedMarks reads a listing of 1.31 and makes its marks those they stand for.
func unsignedMarks(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for i, line := range lines {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "FWM" {
			lines[i] = strings.Replace(line, words[1], strconv.Itoa(int(mark(t, words[1]))), 1)
		}
	}
	return strings.Join(lines, "")
}

func mark(t testing.TB, word string) uint32 {
	t.Helper()
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

// readListing reads a plain numeric listing back, but for its counters.
func readListing(t testing.TB, name string) []ipvs.Entry {
	t.Helper()
	var table []ipvs.Entry
	for i, line := range strings.Split(unsignedMarks(t, name), "\n") {
		words := strings.Fields(line)
		switch {
		case i < 3 || len(words) == 0: // titles
		case words[0] == "->":
			d := server(words[1])
			d.Forward = map[string]ipvs.Forward{"Masq": ipvs.Masq, "Tunnel": ipvs.Tunnel, "Route": ipvs.Route}[words[2]]
			weight, err := strconv.Atoi(words[3])
			if err != nil {
				t.Fatal(err)
			}
			d.Weight = uint32(weight)
			e := &table[len(table)-1]
			e.Destinations = append(e.Destinations, d)
		default:
			table = append(table, ipvs.Entry{ServiceState: ipvs.ServiceState{Service: ipvs.Service{
				ServiceKey: serviceKey(t, words), Scheduler: words[len(words)-1]}}})
		}
	}
	return table
}

// serviceKey reads the name of a service in a listing.
func serviceKey(t testing.TB, words []string) ipvs.ServiceKey {
	t.Helper()
	if words[0] == "FWM" {
		k := ipvs.ServiceKey{Family: ipvs.IPv4, FWMark: mark(t, words[1])}
		if words[2] == "IPv6" {
			k.Family = ipvs.IPv6
		}
		return k
	}
	addr := netip.MustParseAddrPort(words[1])
	return ipvs.ServiceKey{
		Family:   ipvs.FamilyOf(addr.Addr()),
		Protocol: map[string]ipvs.Protocol{"TCP": ipvs.TCP, "UDP": ipvs.UDP, "SCTP": ipvs.SCTP}[words[0]],
		Addr:     addr,
	}
}
