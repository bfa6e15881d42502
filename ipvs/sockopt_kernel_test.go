package ipvs

import (
	"net/netip"
	"os"
	"testing"

	"ipvsadm/testdata/lab/uml"
)

// TestSettingsOnTheKernel compares the fast way to read settings with the whole
// one, on tables of every kind of service, and of another namespace.
func TestSettingsOnTheKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		other := uml.NewNetNS(t, "other")
		for _, ns := range []string{"", other.Path()} {
			c := open(t, Options{Namespace: ns})
			for round := range 20 {
				want := randomTable()
				for i := range want {
					for j := range want[i].Destinations {
						d := &want[i].Destinations[j]
						d.Upper, d.Lower = uint32(7*i+j+round), uint32(j)
					}
				}
				must(t, c, append([]Op{Flush{}}, opsOf(want)...)...)
				compareSettings(t, c)
			}
			// Methods that /proc/net/ip_vs has no words for, and servers that are tunnels for a while.
			k := ServiceKey{Family: IPv4, FWMark: 9}
			d := Destination{Addr: netip.MustParseAddrPort("10.0.0.2:0"), Forward: 5, Weight: 3, Upper: 9, Lower: 2}
			must(t, c, Flush{}, AddService{service(k, "rr")}, AddDestination{k, d})
			compareSettings(t, c)
			d.Forward, d.Tunnel = Tunnel, Encapsulation{Type: GRE}
			must(t, c, EditDestination{k, d})
			compareSettings(t, c)
		}
	})
}

func compareSettings(t *testing.T, c *Client) {
	t.Helper()
	full, got := table(t, c, Query{Detail: Full}), table(t, c, Query{Detail: Settings})
	if len(full) == 0 || len(got) != len(full) {
		t.Fatalf("%d services, want %d", len(got), len(full))
	}
	for i := range full {
		if got[i].Service != full[i].Service || len(got[i].Destinations) != len(full[i].Destinations) {
			t.Fatalf("%+v\nwant %+v", got[i], full[i])
		}
		for j, w := range full[i].Destinations {
			g := got[i].Destinations[j]
			g.Stats, w.Stats = Stats{}, Stats{}
			if w.Forward != Tunnel { // of which nobody is to set an encapsulation
				g.Tunnel, w.Tunnel = Encapsulation{}, Encapsulation{}
			}
			if g != w {
				t.Errorf("%+v\nwant %+v", g, w)
			}
		}
	}
}

// TestSettingsThatChangeMeanwhile completes lists that are no longer true: each
// is refused, and left to the slow way.
func TestSettingsThatChangeMeanwhile(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		c := open(t, Options{})
		must(t, c, manyServices(1, 3)...)
		entry := table(t, c, Query{})[0]
		r := c.settings()
		defer r.close()
		if r.complete(&entry.ServiceKey, entry.Destinations) != wideWords {
			t.Fatal("a true list is refused")
		}
		longer := append(entry.Destinations[:3:3], DestinationState{Destination: Destination{Addr: netip.MustParseAddrPort("10.2.0.9:80")}})
		swapped := []DestinationState{entry.Destinations[1], entry.Destinations[0], entry.Destinations[2]}
		gone := entry.ServiceKey
		gone.Addr = netip.MustParseAddrPort("10.1.0.0:81")
		for name, ok := range map[string]bool{
			"a server too many": r.complete(&entry.ServiceKey, longer),
			"another order":     r.complete(&entry.ServiceKey, swapped),
			"no such service":   r.complete(&gone, entry.Destinations),
			"no reader":         (*settingsReader)(nil).complete(&entry.ServiceKey, entry.Destinations),
			"no socket":         (&settingsReader{fd: int(os.Stdin.Fd())}).complete(&entry.ServiceKey, entry.Destinations),
		} {
			if ok {
				t.Errorf("%s: taken for true", name)
			}
		}
	})
}
