package differ

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"ipvsadm/ipvs"
)

// TestSameSeedSameInvocations is what makes a failure repeatable.
func TestSameSeedSameInvocations(t *testing.T) {
	table := []ipvs.Entry{{ServiceState: ipvs.ServiceState{Service: ipvs.Service{
		ServiceKey: ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.TCP, Addr: netip.MustParseAddrPort("10.0.0.1:80")}}}}}
	a, b, other := NewGenerator(7, 3), NewGenerator(7, 3), NewGenerator(7, 4)
	same := 0
	for range 500 {
		x, y, z := a.Next(table), b.Next(table), other.Next(table)
		if fmt.Sprint(x) != fmt.Sprint(y) {
			t.Fatalf("%s and %s", x, y)
		}
		if fmt.Sprint(x) == fmt.Sprint(z) {
			same++
		}
	}
	if same > 50 {
		t.Errorf("%d of 500 invocations of another session are the same", same)
	}
}

// TestGeneratorUsesEverything sees every option, as a letter and by its name,
// and every kind of invocation.
func TestGeneratorUsesEverything(t *testing.T) {
	g := NewGenerator(1, 1)
	seen := map[string]int{}
	for range 20000 {
		inv := g.Next(nil)
		seen[inv.Argv[0]]++
		if inv.Stdin != "" {
			seen["stream"]++
		}
		for _, k := range scan(g.options, inv.Argv[1:], false) {
			if k.opt != nil {
				seen[k.opt.long]++
			}
		}
	}
	kinds := []string{"ipvsadm", "/sbin/ipvsadm", "ipvsadm-save", "ipvsadm-restore", "stream"}
	for _, o := range options() {
		kinds = append(kinds, o.long)
	}
	for _, kind := range kinds {
		if seen[kind] < 20 {
			t.Errorf("%s: seen %d times", kind, seen[kind])
		}
	}
}

func TestShrink(t *testing.T) {
	var list []int
	for i := range 100 {
		list = append(list, i)
	}
	var least []int
	shrink(list, func(less []int) bool {
		if !slices.Contains(less, 17) || !slices.Contains(less, 83) {
			return false
		}
		least = less
		return true
	})
	if !slices.Equal(least, []int{17, 83}) {
		t.Errorf("got %v", least)
	}
}
