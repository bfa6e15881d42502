package checks

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"

	"ipvsadm/testdata/lab/uml"
)

// network makes the switch, the servers and the directors.
func (l *Lab) network() {
	t := l.t
	t.Helper()
	sw := uml.NewBridge(t, "switch")
	l.servers = uml.NewNetNS(t, "servers")
	must := func(ns *uml.NetNS, line string) {
		t.Helper()
		argv := strings.Fields(line)
		ns.Do(func() {
			if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", line, err, out)
			}
		})
	}
	set := func(ns *uml.NetNS, name, value string) {
		t.Helper()
		ns.Do(func() {
			if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil {
				t.Fatal(err)
			}
		})
	}
	// Every refusal counts here, so none may be held back.
	set(l.servers, "ipv4/icmp_ratelimit", "0")
	set(l.servers, "ipv6/icmp/ratelimit", "0")
	set(l.servers, "ipv6/ip_nonlocal_bind", "1") // for listeners on a whole network of addresses
	sw.Plug(t, l.servers, "eth0", "10.77.0.3/24", "fd77::3/64")
	must(l.servers, "ip route add local 10.78.0.0/16 dev lo")
	must(l.servers, "ip route add local fd78::/16 dev lo")
	for i, d := range l.sides {
		four, six := fmt.Sprintf("10.77.0.%d", i+1), fmt.Sprintf("fd77::%d", i+1)
		sw.Plug(t, d.NS, "eth0", four+"/24", six+"/64")
		must(d.NS, "ip route add 10.78.0.0/16 via 10.77.0.3")
		must(d.NS, "ip route add fd78::/16 via fd77::3")
		d.address = []netip.Addr{netip.MustParseAddr(four), netip.MustParseAddr(six)}
	}
}
