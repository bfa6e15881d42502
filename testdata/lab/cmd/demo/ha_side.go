package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/ipvs"
	"ipvsadm/testdata/lab/uml"
)

// kind is who runs the directors.
type kind struct {
	name   string
	prefix string // of namespaces and interfaces
	// daemon is the command that runs a configuration; run is a directory of its
	// own.
	daemon func(file, run string) []string
}

var (
	ours = kind{"ours", "o-", func(file, run string) []string {
		return []string{"ipvsadm", "vrrp", "-D", "-f", file, "-p", run + "/pid", "--socket", run + "/socket"}
	}}
	reference = kind{"keepalived", "k-", func(file, run string) []string {
		return []string{"keepalived", "-n", "-l", "-D", "-f", file, "-p", run + "/pid", "-r", run + "/vrrp.pid", "-c", run + "/checkers.pid"}
	}}
)

// side is one of the two labs: a switch, and the machines on it.
type side struct {
	kind      kind
	show      *stage
	scratch   string
	directors [2]*director
	web       map[string]*exec.Cmd // by real server
	requests  *requests
}

// haBuild makes a switch and the machines that never die.
const haBuild = `set -e
P=%s
ip link add ${P}lan type bridge
ip link set ${P}lan up
` + haMachine + `
machine rs1 192.168.41.31 02:00:00:00:00:31
machine rs2 192.168.41.33 02:00:00:00:00:33
machine client 192.168.41.9 02:00:00:00:00:09
for rs in rs1 rs2; do
	ip netns exec $P$rs sh -ec '
	cd /proc/sys/net/ipv4/conf
	echo 1 >lo/arp_ignore; echo 2 >lo/arp_announce
	echo 1 >all/arp_ignore; echo 2 >all/arp_announce'
	ip -n $P$rs address add ` + haVIP + `/32 dev lo
done
ip netns exec ${P}client sh -c 'echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce'
ip -n ${P}client route add local 10.9.0.0/16 dev lo
`

const haMachine = `
machine() {
	ip netns add $P$1
	ip link add $P$1 type veth peer name eth0 address $3 netns $P$1
	ip link set $P$1 up master ${P}lan
	ip -n $P$1 link set lo up
	ip -n $P$1 link set eth0 up
	ip -n $P$1 address add $2/24 brd + dev eth0
	test $1 = client || ip -n $P$1 route add 10.9.0.0/16 via 192.168.41.9
}`

func newSide(k kind, show *stage, conf, scratch string) (*side, error) {
	s := &side{kind: k, show: show, scratch: scratch, web: map[string]*exec.Cmd{}}
	if err := shell(fmt.Sprintf(haBuild, k.prefix)); err != nil {
		return nil, fmt.Errorf("build the network: %w", err)
	}
	for i, name := range []string{"master", "backup"} {
		s.directors[i] = &director{
			side: s, name: fmt.Sprintf("director%d", i+1),
			address: fmt.Sprintf("192.168.41.2%d", i+1), mac: fmt.Sprintf("02:00:00:00:00:2%d", i+1),
			conf: filepath.Join(conf, name+".conf"),
		}
	}
	client, err := uml.OpenNetNS(k.prefix + "client")
	if err != nil {
		return nil, err
	}
	s.requests = newRequests(client, s.holder)
	return s, nil
}

// start switches the web servers and the directors on.
func (s *side) start() error {
	for _, rs := range []string{"rs1", "rs2"} {
		if err := s.startWeb(rs); err != nil {
			return err
		}
	}
	for _, d := range s.directors {
		if err := d.switchOn(); err != nil {
			return err
		}
	}
	return nil
}

// startWeb starts the web server of a real server, a process.
func (s *side) startWeb(rs string) error {
	cmd := exec.Command("ip", "netns", "exec", s.kind.prefix+rs, filepath.Join(s.scratch, "demo"), "-serve", rs)
	cmd.Stderr = os.Stderr
	s.web[rs] = cmd
	return cmd.Start()
}

// stopWeb kills the web server of a real server.
func (s *side) stopWeb(rs string) error {
	err := s.web[rs].Process.Kill() // ip has become the web server by exec
	s.web[rs].Wait()
	return err
}

// holder is the director that has the VIP: its name, "both" or "".
func (s *side) holder() string {
	name := ""
	for _, d := range s.directors {
		switch {
		case !d.holdsVIP():
		case name != "":
			return "both"
		default:
			name = d.name
		}
	}
	return name
}

// await waits until a step has had its effect, and says what it lacks.
func (s *side) await(step haStep, atMost time.Duration) error {
	for end := time.Now().Add(atMost); ; time.Sleep(500 * time.Millisecond) {
		err := s.lacks(step)
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

// lacks says what is not yet as it should be at the end of a step.
func (s *side) lacks(step haStep) error {
	holder := s.holder()
	if holder != step.holder {
		return fmt.Errorf("%s is held by %q, want %s", haVIP, holder, step.holder)
	}
	for _, d := range s.directors {
		got, err := d.servers()
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		if d.isOn() && !slices.Equal(got, step.servers) {
			return fmt.Errorf("%s has %q in its table, want %q", d.name, got, step.servers)
		}
	}
	return nil
}

// close ends all processes and removes the lab.
func (s *side) close() error {
	for _, cmd := range s.web {
		cmd.Process.Kill()
		cmd.Wait()
	}
	var errs []error
	for _, d := range s.directors {
		errs = append(errs, d.cutPower())
	}
	return errors.Join(errs...)
}

// director is a machine that runs one of the two configurations.
type director struct {
	side               *side
	name, address, mac string
	conf               string
	boots              int
	ended              chan struct{} // closed when the daemon has ended

	mu     sync.Mutex
	ns     *uml.NetNS // nil while it is switched off
	kernel *ipvs.Client
}

// namespace is the machine's name outside of the lab.
func (d *director) namespace() string { return d.side.kind.prefix + d.name }

// switchOn boots the machine: with nothing of its former life, it starts the
// daemon.
func (d *director) switchOn() error {
	d.boots++
	if err := shell(fmt.Sprintf("set -e\nP=%s\n%s\nmachine %s %s %s\n", d.side.kind.prefix, haMachine, d.name, d.address, d.mac)); err != nil {
		return err
	}
	ns, err := uml.OpenNetNS(d.namespace())
	if err != nil {
		return err
	}
	run := fmt.Sprintf("/run/%s.%d", d.namespace(), d.boots)
	if err := os.Mkdir(run, 0o700); err != nil {
		return err
	}
	argv := d.side.kind.daemon(d.conf, run)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = run
	log := d.side.show.log(d.side.kind.name, d.name)
	cmd.Stdout, cmd.Stderr = log, log
	// A process group of its own: stopped processes that lose their parent get
	// SIGHUP, and all of their group with them.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	kernel, err := ipvs.Open(ipvs.Options{Namespace: ns.Path()})
	if err != nil {
		return err
	}
	ns.Do(func() { err = cmd.Start() })
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ns, d.kernel, d.ended = ns, kernel, ended
	return nil
}

// cutPower takes the machine out of the network, kills all that runs on it, and
// forgets all it knew.
func (d *director) cutPower() error {
	d.mu.Lock()
	ns := d.ns
	d.ns = nil
	d.mu.Unlock()
	if ns == nil {
		return nil
	}
	d.signal(unix.SIGSTOP) // so that nobody sees the end coming
	err := shell("ip link delete " + d.namespace())
	for d.signal(unix.SIGKILL) > 0 {
		time.Sleep(10 * time.Millisecond)
	}
	<-d.ended
	return errors.Join(err, d.kernel.Close(), ns.Close(), shell("ip netns delete "+d.namespace()))
}

// signal sends a signal to all processes of the machine, and says how many there are.
func (d *director) signal(s unix.Signal) (processes int) {
	out, _ := exec.Command("ip", "netns", "pids", d.namespace()).Output()
	for pid := range strings.FieldsSeq(string(out)) {
		var n int
		if _, err := fmt.Sscan(pid, &n); err == nil && unix.Kill(n, s) == nil {
			processes++
		}
	}
	return processes
}

// holdsVIP says whether the machine has the VIP on its interface.
func (d *director) holdsVIP() (has bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ns == nil {
		return false
	}
	d.ns.Do(func() {
		addresses, _ := net.InterfaceAddrs()
		for _, a := range addresses {
			ip, _, _ := net.ParseCIDR(a.String())
			has = has || ip.String() == haVIP
		}
	})
	return has
}

func (d *director) isOn() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ns != nil
}

// table is what ipvsadm -L -n says on the machine: ours, whoever filled it.
func (d *director) table() string {
	if !d.isOn() {
		return "(switched off)\n"
	}
	cmd := exec.Command("ip", "netns", "exec", d.namespace(), filepath.Join(binDir, "ipvsadm"), "-L", "-n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%s%v\n", out, err)
	}
	return string(out)
}

// servers are the real servers in the machine's table, sorted.
func (d *director) servers() (found []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ns == nil {
		return nil, nil
	}
	table, err := d.kernel.Table(ipvs.Query{Detail: ipvs.Basic})
	for _, service := range table {
		for _, server := range service.Destinations {
			found = append(found, server.Addr.String())
		}
	}
	slices.Sort(found)
	return found, err
}

// shell runs lines of sh.
func shell(lines string) error {
	if out, err := exec.Command("sh", "-c", lines).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
