package daemon_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"ipvsadm/rules/keepalived"
	"ipvsadm/vrrp/daemon"
)

// roleVar makes the test program a daemon, in a network namespace of its own.
const roleVar = "DAEMON_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVar) {
	case "":
		// Daemons wait, mostly: many of them run at once.
		flag.Parse()
		if err := flag.Set("test.parallel", "8"); err != nil {
			panic(err)
		}
		os.Exit(m.Run())
	case "peer":
		priority, _ := strconv.Atoi(os.Args[1])
		times, _ := strconv.Atoi(os.Args[2])
		if err := sendAdvertisements(uint8(priority), times); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		return
	case "planted":
		if err := ownTmp(); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(70)
		}
	}
	if err := makeLink(); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(70)
	}
	os.Exit(daemon.Main(daemon.Env{
		Stdout: os.Stdout, Stderr: os.Stderr, Args: os.Args, Environ: os.Environ(), Load: keepalived.LoadSetup,
	}, os.Args[1:]))
}

// makeLink makes a pair of interfaces with an address.
func makeLink() error {
	pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "va"}, PeerName: "vb"}
	if err := netlink.LinkAdd(pair); err != nil {
		return err
	}
	for _, name := range []string{"va", "vb"} {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return err
		}
		if name == "va" {
			addr, err := netlink.ParseAddr("10.9.9.1/24")
			if err != nil {
				return err
			}
			if err := netlink.AddrAdd(link, addr); err != nil {
				return err
			}
		}
	}
	time.Sleep(200 * time.Millisecond) // until the carrier is there
	return nil
}

// running is a daemon under test.
type running struct {
	t   *testing.T
	dir string
	cmd *exec.Cmd
	mu  sync.Mutex
	log bytes.Buffer
}

func (r *running) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(b)
}

func (r *running) logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

// start runs a daemon with a configuration, in which DIR is a directory of its
// own.
func start(t *testing.T, config string, args ...string) *running {
	t.Helper()
	r := prepare(t, config)
	r.begin("daemon", append([]string{"-f", r.at("k.conf"), "-p", r.at("pid"), "--socket", r.at("socket")}, args...)...)
	return r
}

// prepare writes the configuration of a daemon that does not run yet.
func prepare(t *testing.T, config string) *running {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can make network namespaces")
	}
	r := &running{t: t, dir: t.TempDir()}
	r.configure(config)
	return r
}

// begin runs the daemon, in a role.
func (r *running) begin(role string, args ...string) {
	t := r.t
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r.cmd = exec.Command(self, args...)
	r.cmd.Dir = r.dir
	r.cmd.Env = append(os.Environ(), roleVar+"="+role, "JOURNAL_STREAM=1:2")
	r.cmd.Stderr = r
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if r.cmd.ProcessState == nil {
			r.cmd.Process.Kill()
			r.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("the log:\n%s", r.logged())
		}
	})
}

func (r *running) at(name string) string { return filepath.Join(r.dir, name) }

func (r *running) configure(config string) {
	r.t.Helper()
	if err := os.WriteFile(r.at("k.conf"), []byte(strings.ReplaceAll(config, "DIR", r.dir)), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// await waits until the log has a text so many times.
func (r *running) await(text string, times int) {
	r.t.Helper()
	for range 1000 {
		if strings.Count(r.logged(), text) >= times {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatalf("the log has no %q", text)
}

func (r *running) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// status asks the daemon.
func (r *running) status() (report struct {
	Instances []struct {
		Name, State string
		Priority    int
		Held        []string
	}
}) {
	r.t.Helper()
	var out, errs bytes.Buffer
	if status := daemon.Main(daemon.Env{Stdout: &out, Stderr: &errs}, []string{"status", "--json", "--socket", r.at("socket")}); status != 0 {
		r.t.Fatalf("status: %d, %s", status, errs.String())
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		r.t.Fatal(err)
	}
	return report
}

const pair = `
global_defs {
	enable_script_security
	script_user root
	vrrp_notify_fifo DIR/fifo
}
vrrp_script chk {
	script "/bin/sh DIR/chk.sh"
	interval 0.05
	timeout 30
}
vrrp_instance VI_1 {
	interface va
	virtual_router_id 7
	priority 200
	version 3
	advert_int 0.5
	virtual_ipaddress {
		10.9.9.100/24
	}
	track_script {
		chk
	}
	notify "/bin/sh DIR/notify.sh"
}
`

// TestLife runs a daemon on a real network through a whole life: start, failing
// script, broken and good configuration, signals, end.
func TestLife(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	config := strings.NewReplacer("DIR/chk", dir+"/chk", "DIR/notify", dir+"/notify").Replace(pair)
	write("chk.sh", "exit 0")
	write("notify.sh", `echo "$@" >> `+dir+"/told")
	r := start(t, config)
	r.await("<6>(VI_1) Entering MASTER STATE\n", 1)
	v := r.status().Instances[0]
	if v.Name != "VI_1" || v.State != "MASTER" || v.Priority != 200 || len(v.Held) != 1 || v.Held[0] != "10.9.9.100/24" {
		t.Errorf("status %+v", v)
	}

	write("chk.sh", "exit 7")
	r.await("<6>VRRP_Script(chk) failed (exited with status 7)\n", 1)
	r.await("<6>(VI_1) Entering FAULT STATE\n", 1)
	if v := r.status().Instances[0]; v.State != "FAULT" || len(v.Held) != 0 {
		t.Errorf("status with a script that fails %+v", v)
	}
	write("chk.sh", "exit 0")
	r.await("<6>(VI_1) Entering MASTER STATE\n", 2)

	r.configure(config + "vrrp_instance VI_2 {\n")
	r.signal(syscall.SIGHUP)
	r.await("is never closed", 1)
	r.await("go on with the old one", 1)
	// One that can be read and cannot be run here changes nothing either.
	r.configure(strings.Replace(config, "interface va", "interface nowhere", 1))
	r.signal(syscall.SIGHUP)
	r.await("go on with the old one: vrrp_instance VI_1: interface nowhere does not exist", 1)
	if v := r.status().Instances[0]; v.State != "MASTER" || v.Priority != 200 {
		t.Errorf("status after broken configurations %+v", v)
	}
	r.configure(strings.Replace(config, "priority 200", "priority 190", 1))
	r.signal(syscall.SIGHUP)
	r.await("Reload finished", 1)
	if v := r.status().Instances[0]; v.State != "MASTER" || v.Priority != 190 {
		t.Errorf("status after the reload %+v", v)
	}
	r.signal(syscall.SIGUSR1)
	r.await("VI_1: MASTER for ", 1)
	for _, s := range []syscall.Signal{syscall.SIGUSR2, 36, 63} { // of exporters for keepalived
		r.signal(s)
	}
	r.await("VI_1: MASTER for ", 2)
	r.await(`"name": "VI_1"`, 1)
	if n := strings.Count(r.logged(), "Entering MASTER STATE"); n != 2 {
		t.Errorf("it became master %d times: a reload must not be one", n)
	}

	r.signal(syscall.SIGTERM)
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
	for _, name := range []string{"pid", "socket", "fifo"} {
		if _, err := os.Lstat(r.at(name)); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
	told, err := os.ReadFile(filepath.Join(dir, "told"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"INSTANCE VI_1 MASTER 200\n", "INSTANCE VI_1 FAULT 200\n", "INSTANCE VI_1 STOP 190\n"} {
		if !strings.Contains(string(told), line) {
			t.Errorf("the notify script was not told %q", line)
		}
	}
}

// TestReloadAddsScript: a script that a reload adds does not throw the master out
// while it runs for the first time.
func TestReloadAddsScript(t *testing.T) {
	t.Parallel()
	without := strings.Replace(pair, "\ttrack_script {\n\t\tchk\n\t}\n", "", 1)
	r := start(t, without)
	if err := os.WriteFile(r.at("chk.sh"), []byte("sleep 1"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.await("Entering MASTER STATE", 1)
	states := strings.Count(r.logged(), " STATE")
	r.configure(strings.Replace(pair, "interval 0.05", "interval 2", 1))
	r.signal(syscall.SIGHUP)
	r.await("VRRP_Script(chk) succeeded", 1)
	if strings.Count(r.logged(), " STATE") != states {
		t.Errorf("it changed its state after it was master")
	}
}

// TestStartRefused ends with keepalived's status, and leaves nothing behind.
func TestStartRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config string
		status int
		said   string
	}{
		"a broken configuration": {"vrrp_instance V {\n", 2, "is never closed"},
		"a missing interface":    {strings.Replace(pair, "interface va", "interface nowhere", 1), 1, "interface nowhere does not exist"},
	} {
		r := start(t, test.config)
		err := r.cmd.Wait()
		if got := r.cmd.ProcessState.ExitCode(); got != test.status || !strings.Contains(r.logged(), test.said) {
			t.Errorf("%s: status %d (%v), logged\n%s", name, got, err, r.logged())
		}
		for _, file := range []string{"pid", "socket", "fifo"} {
			if _, err := os.Lstat(r.at(file)); err == nil {
				t.Errorf("%s: %s is still there", name, file)
			}
		}
	}
}
