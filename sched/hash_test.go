package sched

import (
	"net/netip"
	"testing"
)

func TestFold(t *testing.T) {
	tests := []struct {
		ipv6    bool
		address string
		want    uint32
	}{
		{false, "192.0.2.1", 0xc0000201},
		{true, "2001:db8::1", 0x20010db8 ^ 1},
		{true, "1:2:3:4:5:6:7:8", 0x00010002 ^ 0x00030004 ^ 0x00050006 ^ 0x00070008},
		{true, "192.0.2.1", 0xc0000201},    // a tunnel's other family
		{false, "2001:db8::1", 0x20010db8}, // which reads one word only
	}
	for _, tt := range tests {
		if got := fold(tt.ipv6, netip.MustParseAddr(tt.address)); got != tt.want {
			t.Errorf("fold(%v, %s) = %#x, want %#x", tt.ipv6, tt.address, got, tt.want)
		}
	}
}

func TestHash32(t *testing.T) {
	for v, want := range map[uint32]int{0: 0, 1: 0x61, 0xc0000201: 0xc0000201 * 0x61c88647 % (1 << 32) >> 24, 1 << 31: 0x80} {
		if got := hash32(v, 8); got != want {
			t.Errorf("hash32(%#x, 8) = %#x, want %#x", v, got, want)
		}
	}
}

// TestMaglevMovesFew takes a server out of ten and counts the buckets of the
// others that move, for every size of the table.
func TestMaglevMovesFew(t *testing.T) {
	sizes := map[int]bool{}
	for index := 8; index <= 17; index++ {
		s := service(t, "mh", Options{TableIndex: index}, weights(1, 1, 1, 1, 1, 1, 1, 1, 1, 1)...)
		m := s.algorithm.(*maglev)
		sizes[len(m.buckets)] = true
		before := append([]*server(nil), m.buckets...)
		share := map[*server]int{}
		for _, one := range before {
			share[one]++
		}
		for one, n := range share {
			if most := len(before)/10 + 1; n > most {
				t.Errorf("table of %d: %s has %d buckets, want %d at most", len(before), one.Addr, n, most)
			}
		}
		if err := s.Remove(addr(4)); err != nil {
			t.Fatal(err)
		}
		moved := 0
		for i, one := range m.buckets {
			if one != before[i] && before[i].Addr != addr(4) {
				moved++
			}
		}
		if moved > len(before)/4 {
			t.Errorf("table of %d: %d buckets of other servers moved", len(before), moved)
		}
	}
	if len(sizes) != 10 || !sizes[251] || !sizes[4093] || !sizes[131071] {
		t.Errorf("sizes %v", sizes)
	}
}

// TestMaglevRemembersWeights drains a server: its buckets stay its own.
func TestMaglevRemembersWeights(t *testing.T) {
	s := service(t, "mh", Options{}, weights(2, 4)...)
	m := s.algorithm.(*maglev)
	before := append([]*server(nil), m.buckets...)
	if err := s.Update(Server{Addr: addr(2)}); err != nil {
		t.Fatal(err)
	}
	share := 0
	for i, one := range m.buckets {
		if one != before[i] {
			t.Fatalf("bucket %d moved to %s", i, one.Addr)
		}
		if one.Addr == addr(2) {
			share++
		}
	}
	if share < 2700 || share > 2760 { // two thirds of 4093
		t.Errorf("weight 4 of 6 has %d buckets of 4093", share)
	}
}

// TestGreatWeightsFitTheTable has turns of at most 64 buckets.
func TestGreatWeightsFitTheTable(t *testing.T) {
	s := service(t, "mh", Options{}, weights(1<<31-1, 1, 1<<30)...)
	share := map[netip.AddrPort]int{}
	for _, one := range s.algorithm.(*maglev).buckets {
		share[one.Addr]++
	}
	// 42 turns of 63, 1 and 32 buckets, and the 61 that are left to the first.
	if a, b, c := share[addr(1)], share[addr(2)], share[addr(3)]; a != 2707 || b != 42 || c != 1344 {
		t.Errorf("shares %d %d %d, want 2707 42 1344", a, b, c)
	}
}
