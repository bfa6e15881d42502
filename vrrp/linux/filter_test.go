package linux_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"ipvsadm/vrrp"
	"ipvsadm/vrrp/linux"

	"golang.org/x/sys/unix"
)

// TestRefuse drops packets to some addresses and not to others, while their
// neighbours can find them, and leaves nothing behind.
func TestRefuse(t *testing.T) {
	inLab(t, func(t *testing.T) {
		l := newLab(t)
		for _, a := range []string{"10.77.0.100/32", "10.77.0.101/32", "fd77::100/128", "fd77::101/128"} {
			l.hosts[0].AddAddr(t, "eth0", a)
		}
		reach := func(addr string, want bool) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			// Nobody listens: an answer is a refusal.
			_, err := l.hosts[1].DialContext(ctx, "tcp", net.JoinHostPort(addr, "9"))
			if got := errors.Is(err, unix.ECONNREFUSED); got != want {
				t.Errorf("an answer of %s: %v (%v), want %v", addr, got, err, want)
			}
		}
		l.hosts[0].Do(func() {
			host, err := linux.NewHost()
			if err != nil {
				t.Fatal(err)
			}
			end := sync.OnceFunc(func() { host.Close() })
			defer end()
			apply := func(del bool, addrs ...string) {
				t.Helper()
				var all []vrrp.Change
				for _, a := range addrs {
					addr := netip.MustParseAddr(a)
					all = append(all, vrrp.Change{Delete: del, Refuse: &addr})
				}
				if errs := host.Apply(all); errs != nil {
					t.Fatal(errors.Join(errs...))
				}
			}
			reach("10.77.0.100", true)
			if inGuest() { // whose nftables know bridges only
				addr := netip.MustParseAddr("10.77.0.100")
				if errs := host.Apply([]vrrp.Change{{Refuse: &addr}}); !errors.Is(errors.Join(errs...), unix.EOPNOTSUPP) {
					t.Errorf("without nftables: %v", errs)
				}
				return
			}
			for range 2 {
				apply(false, "10.77.0.100", "fd77::100", "10.77.0.101", "fd77::101")
				apply(true, "10.77.0.101", "fd77::101")
				reach("10.77.0.100", false)
				reach("10.77.0.101", true)
				reach("fd77::100", false)
				reach("fd77::101", true)
				if n := l.shell(1, "ip", "neigh", "show", "fd77::100"); !strings.Contains(n, "lladdr") {
					t.Errorf("the neighbour does not find the address: %q", n)
				}
				apply(true, "10.77.0.100", "fd77::100")
				reach("10.77.0.100", true)
				reach("fd77::100", true)
			}
			// Another process on the machine has its own rules, and what the end of a
			// process leaves behind is nothing.
			apply(false, "10.77.0.100")
			other, err := linux.NewHost()
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			addr := netip.MustParseAddr("10.77.0.101")
			if errs := other.Apply([]vrrp.Change{{Refuse: &addr}}); errs != nil {
				t.Fatal(errors.Join(errs...))
			}
			reach("10.77.0.100", false)
			reach("10.77.0.101", false)
			end()
			reach("10.77.0.100", true)
			reach("10.77.0.101", false)
		})
	})
}
