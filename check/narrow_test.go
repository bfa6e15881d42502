package check

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ipvsadm/ipvs"
)

// TestNarrow plans for a service with and without the real servers that are the
// same in the kernel and in what is wanted.
func TestNarrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		destinations := func(name string, distinct bool) (list []ipvs.Destination) {
			for range rapid.IntRange(0, 8).Draw(t, name) {
				d := ipvs.Destination{Addr: addrOf(rapid.IntRange(0, 9).Draw(t, "address")), Weight: uint32(rapid.IntRange(0, 1).Draw(t, "weight"))}
				if !distinct || !slices.ContainsFunc(list, func(o ipvs.Destination) bool { return o.Addr == d.Addr }) {
					list = append(list, d)
				}
			}
			return list
		}
		service := serverOf(1).Service
		known := knownService{Entry: ipvs.Entry{ServiceState: ipvs.ServiceState{Service: service}}}
		for _, d := range destinations("have", true) {
			known.Destinations = append(known.Destinations, ipvs.DestinationState{Destination: d})
		}
		w := ipvs.Wanted{Service: service, Destinations: destinations("want", false)}
		want := ipvs.Ops(ipvs.Plan([]ipvs.Entry{known.Entry}, []ipvs.Wanted{w}, ipvs.OwnsAll))
		less := w
		less.Destinations = slices.Clone(w.Destinations)
		have := known.narrow(&less)
		if got := ipvs.Ops(ipvs.Plan([]ipvs.Entry{have}, []ipvs.Wanted{less}, ipvs.OwnsAll)); !slices.Equal(got, want) {
			t.Fatalf("have %v\nwant %v\nplan %v\nnot %v", known.Destinations, w.Destinations, got, want)
		}
	})
}
