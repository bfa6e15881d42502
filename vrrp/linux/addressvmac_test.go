package linux_test

import (
	"strings"
	"testing"
	"time"

	"ipvsadm/vrrp"
)

// TestVMACOfAddress puts one address on a virtual MAC interface of its own, above
// another interface than that of the instance, which has none.
func TestVMACOfAddress(t *testing.T) {
	inLab(t, func(t *testing.T) {
		l := newLab(t)
		l.shell(0, "ip", "link", "add", "eth1", "type", "veth", "peer", "name", "other")
		for _, name := range []string{"eth1", "other"} {
			l.shell(0, "ip", "link", "set", name, "up")
		}
		v := variant{version: vrrp.V3, interval: 100 * time.Millisecond, instance: "virtual_ipaddress_excluded {\n  10.78.0.100/24 dev eth1 use_vmac\n }"}
		r := l.router(0, true, v.conf(0))
		r.start()
		show := func(device string) string { return l.shell(0, "ip", "-d", "addr", "show", "dev", device) }
		const vmac = "vrrp.51"
		await := func(want string) {
			t.Helper()
			for end := time.Now().Add(10 * time.Second); !strings.Contains(show(vmac), want); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("no %q in\n%s", want, show(vmac))
				}
			}
		}
		for _, want := range []string{vmac + "@eth1", "00:00:5e:00:01:33", "10.78.0.100/24"} {
			await(want)
		}
		if got := show("eth0"); !strings.Contains(got, "10.77.0.100") {
			t.Errorf("the other address is not on eth0:\n%s", got)
		}
		// Somebody deletes the interface: it comes back with the address.
		l.shell(0, "ip", "link", "del", vmac)
		await("10.78.0.100/24")
		r.stop()
		if got := l.shell(0, "ip", "-br", "addr"); strings.Contains(got, "vrrp") || strings.Contains(got, "10.78.0.100") {
			t.Errorf("left behind:\n%s", got)
		}
	})
}
