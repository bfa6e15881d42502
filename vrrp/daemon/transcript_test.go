package daemon_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/vrrp"
)

// The log is an interface: people search it, and programs alert on it. Here the
// same things happen to keepalived and to us, each alone in a network namespace,
// and the lines of each instance, group and script must be the same ones in the
// same order.

// scenario is a configuration and what happens then.
type scenario struct {
	name, conf string
	steps      []step
	// except are lines that only one of us has, and why is in the comment there.
	except []string
}

// step is something that happens, and how long it has for its consequences.
type step struct {
	do   func(*actor)
	wait time.Duration
}

// actor is a daemon in a network namespace.
type actor struct {
	t   *testing.T
	dir string
	cmd *exec.Cmd
	mu  sync.Mutex
	log bytes.Buffer
}

func (a *actor) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.Write(b)
}

// settled is what consequences of a step take at most, with intervals of 100 ms.
const settled = 1200 * time.Millisecond

func after(wait time.Duration, do func(*actor)) step { return step{do, wait} }

func ip(words string) step {
	return after(settled, func(a *actor) { a.run("ip", strings.Fields(words)...) })
}

// script sets the exit status of the tracked script, which runs each second.
func script(status int) step {
	return after(2500*time.Millisecond, func(a *actor) { a.exit(status) })
}

// hear is an advertisement of VRID 51 from 10.9.9.2.
func hear(priority uint8) step {
	return after(settled, func(a *actor) { a.advertise(priority, 1) })
}

// obey is so many of them, one every 100 ms.
func obey(priority uint8, times int) step {
	return after(settled, func(a *actor) { a.advertise(priority, times) })
}

func transcriptConf(globals, instance, rest string) string {
	return "global_defs {\n script_user root\n enable_script_security\n vrrp_version 3\n vrrp_garp_master_delay 0\n vrrp_garp_lower_prio_repeat 0\n vrrp_garp_lower_prio_delay 0\n" + globals + "}\n" +
		"vrrp_script chk {\n script \"/bin/sh DIR/chk.sh\"\n interval 1\n}\n" +
		"vrrp_script heavy {\n script \"/bin/sh DIR/chk.sh\"\n interval 1\n weight -60\n}\n" +
		"vrrp_instance VI_1 {\n interface va\n virtual_router_id 51\n priority 150\n advert_int 0.1\n" +
		" virtual_ipaddress {\n  10.9.9.100/24\n  10.9.9.101/24\n }\n" + instance + "}\n" + rest
}

const (
	secondInstance = "vrrp_instance VI_2 {\n interface va\n virtual_router_id 52\n priority 150\n advert_int 0.1\n virtual_ipaddress {\n  10.9.9.200\n }\n}\n"
	group          = "vrrp_sync_group G1 {\n group {\n  VI_1\n  VI_2\n }\n}\n"
)

func scenarios() []scenario {
	tracks := func(script string) string { return " track_script {\n  " + script + "\n }\n" }
	everything := " virtual_ipaddress_excluded {\n  fd99::1\n }\n virtual_routes {\n  10.90.0.0/24 via 10.9.9.2 dev va\n }\n virtual_rules {\n  from 10.90.0.0/24 table 100 preference 1000\n }\n"
	return []scenario{
		{name: "alone", conf: transcriptConf("", everything, "")},
		{name: "a better one comes and goes", conf: transcriptConf("", "", ""), steps: []step{obey(200, 5), hear(0)}},
		{name: "a better one comes and dies", conf: transcriptConf("", "", ""), steps: []step{obey(200, 5)}},
		{name: "a worse one is there", conf: transcriptConf("", "", ""), steps: []step{hear(100)}},
		{name: "lower_prio_no_advert", conf: transcriptConf("", " lower_prio_no_advert\n", ""), steps: []step{hear(100)}},
		{name: "nopreempt", conf: transcriptConf("", " nopreempt\n", ""), steps: []step{obey(200, 3), obey(100, 5), hear(0)}},
		{name: "equal priority, greater address", conf: transcriptConf("", "", ""), steps: []step{hear(150)}},
		{name: "the owner", conf: transcriptConf("", " state MASTER\n", "") + strings.ReplaceAll(secondInstance, "priority 150", "priority 255\n state MASTER")},
		{name: "script fails and recovers", conf: transcriptConf("", tracks("chk"), ""), steps: []step{script(1), script(0)}},
		{name: "weighted script fails and recovers", conf: transcriptConf("", tracks("heavy"), ""), steps: []step{script(1), script(0)}},
		{name: "interface goes down and up", conf: transcriptConf("", "", ""), steps: []step{ip("link set va down"), ip("link set va up")}},
		{name: "group and script", conf: transcriptConf("", tracks("chk"), secondInstance+group), steps: []step{script(1), script(0)},
			// keepalived sends priority 0 for the member that failed only, so that
			// the other one's addresses are missed for a whole interval more.
			except: []string{"(VI_2) sent 0 priority"}},
		{name: "group yields", conf: transcriptConf("", "", secondInstance+group), steps: []step{obey(200, 5)}},
	}
}

// TestTranscripts compares the logs.
func TestTranscripts(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make network namespaces")
	}
	if _, err := exec.LookPath("keepalived"); err != nil {
		t.Skip("needs Debian package keepalived")
	}
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			// A busy machine can make either of them late, and so something else
			// happen. A difference that is one is there each time.
			var wrong string
			for range 3 {
				if wrong = s.differs(t); wrong == "" {
					return
				}
			}
			t.Error(wrong)
		})
	}
}

// differs plays the scenario to both, and says what differs.
func (s scenario) differs(t *testing.T) (wrong string) {
	var logs [2]map[string][]string
	var raw [2]string
	var both sync.WaitGroup
	for i := range logs {
		both.Go(func() { logs[i], raw[i] = play(t, s, i == 0) })
	}
	both.Wait()
	ours, theirs := logs[0], logs[1]
	if len(theirs["(VI_1)"]) < 3 {
		return "keepalived said nothing:\n" + raw[1]
	}
	for who := range merged(ours, theirs) {
		if !slices.Equal(ours[who], theirs[who]) {
			wrong += fmt.Sprintf("ours\n\t%s\nkeepalived's\n\t%s\n", strings.Join(ours[who], "\n\t"), strings.Join(theirs[who], "\n\t"))
		}
	}
	if wrong != "" {
		wrong += fmt.Sprintf("all of ours\n%s\nall of keepalived's\n%s", raw[0], raw[1])
	}
	return wrong
}

func merged(a, b map[string][]string) map[string]bool {
	all := map[string]bool{}
	for _, m := range []map[string][]string{a, b} {
		for who := range m {
			all[who] = true
		}
	}
	return all
}

// play runs a scenario from the start of a daemon to its end. It returns the
// lines that are compared, by what they are about, and the whole log.
func play(t *testing.T, s scenario, ours bool) (map[string][]string, string) {
	a := &actor{t: t, dir: t.TempDir()}
	a.exit(0)
	a.write("k.conf", strings.ReplaceAll(s.conf, "DIR", a.dir))
	if err := a.start(ours); err != nil {
		return nil, err.Error()
	}
	time.Sleep(2*time.Second + settled)
	for _, x := range s.steps {
		x.do(a)
		time.Sleep(x.wait)
	}
	a.cmd.Process.Signal(syscall.SIGTERM)
	a.cmd.Wait()
	log := a.log.String()
	if strings.Contains(s.conf, "track_script") {
		// Our scripts may have ended before the instances start.
		log = strings.ReplaceAll(log, " (init)", "")
	}
	return linesOf(log, append(onlyOurs(), s.except...)), log
}

// start starts keepalived or us in a new network namespace.
func (a *actor) start(ours bool) error {
	at := func(name string) string { return filepath.Join(a.dir, name) }
	if ours {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		a.cmd = exec.Command(self, "-D", "-f", at("k.conf"), "-p", at("pid"), "--socket", at("socket"))
		a.cmd.Env = append(os.Environ(), roleVar+"=daemon", "JOURNAL_STREAM=1:2")
	} else {
		a.cmd = exec.Command("sh", "-c", "ip link add va type veth peer name vb && ip link set va up && ip link set vb up && ip addr add 10.9.9.1/24 dev va && sleep 0.2 && exec keepalived \"$@\"",
			"sh", "-D", "-n", "-l", "-P", "-f", at("k.conf"), "-p", at("pid"), "-r", at("vrrp.pid"))
	}
	a.cmd.Stderr = a
	a.cmd.Stdout = a
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGTERM}
	if err := a.cmd.Start(); err != nil {
		return err
	}
	a.t.Cleanup(func() {
		if a.cmd.ProcessState == nil {
			a.cmd.Process.Signal(syscall.SIGTERM)
			a.cmd.Wait()
		}
	})
	return nil
}

func (a *actor) write(name, text string) {
	if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o644); err != nil {
		a.t.Error(err)
	}
}

func (a *actor) exit(status int) { a.write("chk.sh", fmt.Sprintf("exit %d\n", status)) }

// run runs a program in the namespace.
func (a *actor) run(name string, args ...string) {
	out, err := exec.Command("nsenter", append([]string{"--net", "-t", fmt.Sprint(a.cmd.Process.Pid), "--", name}, args...)...).CombinedOutput()
	if err != nil {
		a.t.Errorf("%s %v: %v, %s", name, args, err, out)
	}
}

// advertise sends advertisements into the other end of the pair of interfaces.
func (a *actor) advertise(priority uint8, times int) {
	self, err := os.Executable()
	if err != nil {
		a.t.Error(err)
	}
	cmd := exec.Command("nsenter", "--net", "-t", fmt.Sprint(a.cmd.Process.Pid), "--", self, fmt.Sprint(priority), fmt.Sprint(times))
	cmd.Env = append(os.Environ(), roleVar+"=peer")
	if out, err := cmd.CombinedOutput(); err != nil {
		a.t.Errorf("send advertisements: %v, %s", err, out)
	}
}

// sendAdvertisements is the other router.
func sendAdvertisements(priority uint8, times int) error {
	source := netip.MustParseAddr("10.9.9.2")
	packet, err := vrrp.AppendIPv4(nil, vrrp.IPv4{Source: source, Destination: vrrp.GroupIPv4(), ID: 1, TTL: vrrp.TTL, Checksum: vrrp.WithPseudoHeader}, vrrp.Advertisement{
		Version: vrrp.V3, VRID: 51, Priority: priority, MaxAdvertiseInterval: 100 * time.Millisecond,
		Addresses: []netip.Addr{netip.MustParseAddr("10.9.9.100"), netip.MustParseAddr("10.9.9.101")},
	})
	if err != nil {
		return err
	}
	link, err := net.InterfaceByName("vb")
	if err != nil {
		return err
	}
	frame := append([]byte{0x01, 0, 0x5e, 0, 0, 0x12}, link.HardwareAddr...)
	frame = append(binary.BigEndian.AppendUint16(frame, unix.ETH_P_IP), packet...)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for i := range times {
		if i > 0 {
			time.Sleep(100 * time.Millisecond)
		}
		if err := unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: link.Index}); err != nil {
			return err
		}
	}
	return nil
}

// onlyOurs are the lines that keepalived does not have: they say why.
func onlyOurs() []string { return []string{"entering FAULT state"} }

// linesOf are the lines about each instance, group and script. A line that comes
// several times in a row counts once: how often is a matter of time.
func linesOf(log string, except []string) map[string][]string {
	all := map[string][]string{}
	for line := range strings.SplitSeq(log, "\n") {
		if line = line[cut(line):]; slices.ContainsFunc(except, func(s string) bool { return strings.Contains(line, s) }) {
			continue
		}
		var who string
		switch {
		case strings.HasPrefix(line, "(VI_"):
			who, _, _ = strings.Cut(line, " ")
		case strings.HasPrefix(line, "VRRP_"), strings.HasPrefix(line, "Script `"):
			who, _, _ = strings.Cut(line, "(")
		case strings.HasPrefix(line, "Sending "):
			who = line
		case strings.HasPrefix(line, "Netlink reports"):
			who = "Netlink"
		default:
			continue
		}
		if said := all[who]; len(said) == 0 && strings.Contains(line, " removing ") {
			continue // what an earlier run may have left; keepalived does it twice
		} else if len(said) == 0 || said[len(said)-1] != line {
			all[who] = append(said, line)
		}
	}
	return all
}

// cut is where the text of a line begins, behind our level or keepalived's time.
func cut(line string) int {
	if i := strings.Index(line, ">"); strings.HasPrefix(line, "<") && i > 0 {
		return i + 1
	}
	if i := strings.Index(line, " 2"); i > 0 && strings.Contains(line[:min(len(line), 30)], ": ") {
		return strings.Index(line, ": ") + 2
	}
	return 0
}
