package failover

import (
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"

	"ipvsadm/testdata/lab/uml"
)

// network is two hosts on a switch, each with an interface eth0 that has
// 10.77.0.N/24.
type network struct {
	sw    *uml.NetNS
	hosts [2]*uml.NetNS
	dir   string
}

// newNetwork makes the network, with /run as a place of its own for the names.
func newNetwork() (n *network, err error) {
	if err := unix.Mount("run", "/run", "tmpfs", 0, ""); err != nil {
		return nil, fmt.Errorf("mount /run: %w", err)
	}
	n = &network{}
	if n.dir, err = os.MkdirTemp("", "failover"); err != nil {
		return nil, err
	}
	script := `
		netns add sw
		-n sw link add name br0 type bridge
		-n sw link set dev br0 up`
	for i := 1; i <= 2; i++ {
		script += strings.ReplaceAll(`
		netns add hN
		-n hN link set lo up
		-n hN link add name eth0 type veth peer name pN netns sw
		-n sw link set dev pN master br0 up
		-n hN addr add 10.77.0.N/24 dev eth0
		-n hN link set eth0 up`, "N", fmt.Sprint(i))
	}
	for line := range strings.Lines(strings.TrimSpace(script)) {
		if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ip %s: %w: %s", strings.TrimSpace(line), err, out)
		}
	}
	if n.sw, err = uml.OpenNetNS("sw"); err != nil {
		return nil, err
	}
	for i := range n.hosts {
		if n.hosts[i], err = uml.OpenNetNS(fmt.Sprintf("h%d", i+1)); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *network) close() { os.RemoveAll(n.dir) }

// clean takes away what crashed routers left behind. That there may be nothing is
// no error.
func (n *network) clean() {
	for i := range n.hosts {
		name := fmt.Sprintf("h%d", i+1)
		_ = exec.Command("ip", "-n", name, "addr", "flush", "to", "10.78.0.0/16").Run()
		_ = removeMacvlans(n.hosts[i])
	}
}

// setup is a configuration: so many instances, each with one virtual address.
type setup struct {
	instances int
	interval  string // seconds
	vmac      bool
}

// priorities are those of the two hosts.
var priorities = [2]uint8{150, 100}

// conf is the configuration of a host.
func (s setup) conf(host int) string {
	var b strings.Builder
	b.WriteString("global_defs {\n vrrp_version 3\n vrrp_garp_master_delay 1\n}\n")
	for i := 1; i <= s.instances; i++ {
		fmt.Fprintf(&b, "vrrp_instance VI_%d {\n state BACKUP\n interface eth0\n virtual_router_id %d\n priority %d\n advert_int %s\n",
			i, i, priorities[host], s.interval)
		if s.vmac {
			b.WriteString(" use_vmac\n")
		}
		fmt.Fprintf(&b, " virtual_ipaddress {\n  10.78.0.%d/32\n }\n}\n", i)
	}
	return b.String()
}
