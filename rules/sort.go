package rules

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"ipvsadm/ipvs"
)

// ipvsadm sorts with the C library's qsort, a merge sort, and a comparison that
// subtracts unsigned numbers and takes the difference, modulo 2^32, for a
// signed one. Numbers further apart than 2^31 so compare the wrong way round,
// the relation is not transitive, and the outcome depends on the order the
// kernel gave and on the shape of the merge sort. Scripts compare listings;
// hence the same comparison and the same merge sort here.

// sortKey is what an entry is sorted by: words compared in turn, the first
// that differ decide.
type sortKey struct {
	mark, family, protocol uint32
	addr                   [4]uint32 // an IPv4 address is the first word
	port                   uint32
	index                  int // where the entry was
}

func newSortKey(a netip.AddrPort) sortKey {
	k := sortKey{port: uint32(a.Port())}
	switch addr := a.Addr(); {
	case addr.Is4():
		w := addr.As4()
		k.family = uint32(ipvs.IPv4)
		k.addr[0] = binary.BigEndian.Uint32(w[:])
	case addr.Is6():
		w := addr.As16()
		k.family = uint32(ipvs.IPv6)
		for i := range k.addr {
			k.addr[i] = binary.BigEndian.Uint32(w[4*i:])
		}
	}
	return k
}

// compareServices orders services by mark, family, protocol, address, port.
func compareServices(a, b *sortKey) int32 {
	for _, d := range [...]uint32{a.mark - b.mark, a.family - b.family, a.protocol - b.protocol} {
		if d != 0 {
			return int32(d)
		}
	}
	return compareServers(a, b)
}

// compareServers orders real servers by address and port. The left one's family
// says how much of the addresses counts.
func compareServers(a, b *sortKey) int32 {
	words := 1
	if a.family == uint32(ipvs.IPv6) {
		words = len(a.addr)
	}
	for i := range words {
		if d := a.addr[i] - b.addr[i]; d != 0 {
			return int32(d)
		}
	}
	return int32(a.port - b.port)
}

// mergeSort sorts as the C library does: halves, the left the smaller, merged
// by taking from the left unless the right is smaller. tmp has room for half of
// k.
func mergeSort(k, tmp []sortKey, compare func(a, b *sortKey) int32) {
	half := len(k) / 2
	if half == 0 {
		return
	}
	mergeSort(k[:half], tmp, compare)
	mergeSort(k[half:], tmp, compare)
	left, right := tmp[:copy(tmp, k[:half])], k[half:]
	for i := 0; len(left) > 0; i++ {
		if len(right) > 0 && compare(&left[0], &right[0]) > 0 {
			k[i], right = right[0], right[1:]
		} else {
			k[i], left = left[0], left[1:]
		}
	}
}

// sortTable puts services and the servers of each into ipvsadm's order.
func sortTable(table []ipvs.Entry) {
	var s sorter
	for i := range table {
		s.servers(table[i].Destinations)
	}
	s.services(table)
}

// sorter keeps its memory from one list to the next.
type sorter struct{ keys, tmp []sortKey }

func (s *sorter) services(table []ipvs.Entry) {
	s.keys = slices.Grow(s.keys[:0], len(table))
	for i := range table {
		k := newSortKey(table[i].Addr)
		k.mark, k.family, k.protocol = table[i].FWMark, uint32(table[i].Family), uint32(table[i].Protocol)
		k.index = i
		s.keys = append(s.keys, k)
	}
	s.sort(compareServices)
	permute(table, s.keys)
}

func (s *sorter) servers(servers []ipvs.DestinationState) {
	if len(servers) < 2 {
		return
	}
	s.keys = slices.Grow(s.keys[:0], len(servers))
	for i := range servers {
		k := newSortKey(servers[i].Addr)
		k.index = i
		s.keys = append(s.keys, k)
	}
	s.sort(compareServers)
	permute(servers, s.keys)
}

func (s *sorter) sort(compare func(a, b *sortKey) int32) {
	if half := len(s.keys) / 2; len(s.tmp) < half {
		s.tmp = make([]sortKey, half)
	}
	mergeSort(s.keys, s.tmp, compare)
}

// permute brings list into the order of keys: keys[i].index moves to i. It
// follows the permutation's cycles and uses up the keys.
func permute[T any](list []T, keys []sortKey) {
	for i := range list {
		if keys[i].index == i {
			continue
		}
		first, at := list[i], i
		for keys[at].index != i {
			next := keys[at].index
			list[at], keys[at].index = list[next], at
			at = next
		}
		list[at], keys[at].index = first, at
	}
}
