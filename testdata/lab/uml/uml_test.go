package uml_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
)

func TestMain(m *testing.M) {
	uml.Init()
	os.Exit(m.Run())
}

func TestGuestIsRootOnAFreshNetworkWithIPVS(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		if os.Getuid() != 0 {
			t.Error("not root")
		}
		if _, err := os.Stat("/proc/net/ip_vs"); err != nil {
			t.Error(err)
		}
		links, err := net.Interfaces()
		if err != nil || len(links) != 1 || links[0].Flags&net.FlagUp == 0 {
			t.Errorf("interfaces %v, %v; want lo, up", links, err)
		}
		if entries, err := os.ReadDir("/sys/class/net"); err != nil || len(entries) != 1 {
			t.Errorf("/sys/class/net has %v, %v; want lo", entries, err)
		}
		for _, program := range []string{"ip", "modprobe", "ipvsadm"} {
			if _, err := exec.LookPath(program); err != nil {
				t.Error(err)
			}
		}
	})
}

// command runs a command that must succeed, and returns what it wrote.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestEverySchedulerAndEngineIsThere(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		for _, s := range strings.Fields("rr wrr lc wlc fo ovf lblc lblcr dh sh mh sed nq") {
			command(t, "ipvsadm", "-A", "-t", "10.0.0.1:80", "-s", s)
			command(t, "ipvsadm", "-D", "-t", "10.0.0.1:80")
		}
		command(t, "ipvsadm", "-A", "-u", "10.0.0.1:5060", "-p", "60", "--pe", "sip")
		command(t, "ipvsadm", "-A", "-t", "[2001:db8::1]:80")
	})
}

func TestModulesLoadByThemselves(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		for _, kind := range strings.Fields("dummy bridge ipip gre sit vrf") {
			args := []string{"link", "add", "x0", "type", kind}
			switch kind {
			case "ipip", "gre", "sit":
				args = append(args, "local", "127.0.0.1", "remote", "127.0.0.2")
			case "vrf":
				args = append(args, "table", "7")
			}
			command(t, "ip", args...)
			command(t, "ip", "link", "del", "x0")
		}
		command(t, "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
		command(t, "ip", "link", "add", "link", "v0", "name", "m0", "type", "macvlan", "mode", "private")
		command(t, "tc", "qdisc", "add", "dev", "v0", "root", "netem", "loss", "10%")
		command(t, "modprobe", "fou")
		command(t, "ip", "fou", "add", "port", "5555", "ipproto", "4")
	})
}

func TestSchedulerLoadsByItselfAfterItWasRemoved(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		command(t, "rmmod", "ip_vs_mh")
		if strings.Contains(command(t, "cat", "/proc/modules"), "ip_vs_mh ") {
			t.Fatal("ip_vs_mh is still there")
		}
		command(t, "ipvsadm", "-A", "-t", "10.0.0.1:80", "-s", "mh")
	})
}

func TestNamesAreLookedUpInFilesOnly(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		command(t, "ipvsadm", "-A", "-t", "198.51.100.7:80")
		start := time.Now()
		if out := command(t, "ipvsadm", "-L"); !strings.Contains(out, "198.51.100.7:http") {
			t.Errorf("listing:\n%s", out)
		}
		if d := time.Since(start); d > 3*time.Second {
			t.Errorf("a listing with names took %v", d)
		}
	})
}

func TestTemporaryFilesAreTheGuestsOwn(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		dir := t.TempDir()
		if !strings.HasPrefix(dir, "/run/") {
			t.Errorf("TempDir is %s", dir)
		}
		l, err := net.Listen("unix", filepath.Join(dir, "socket"))
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	})
}

func TestTheMachinesOwnKernelCanBeUsed(t *testing.T) {
	// The guest is a machine whose own kernel has IPVS.
	uml.Need(t)
	binary := os.Getenv("UML_SAMPLE")
	if binary == "" {
		binary, _ = buildSample(t)
		t.Setenv("UML_SAMPLE", binary)
	}
	uml.Run(t, func(t *testing.T) {
		cmd := exec.Command(binary, "-test.v", "-test.run=TestPass|TestFail|TestTwoNetworks", "-test.timeout=1m")
		for _, e := range os.Environ() {
			if !strings.HasPrefix(e, "UML_BODY=") {
				cmd.Env = append(cmd.Env, e)
			}
		}
		cmd.Env = append(cmd.Env, "UML_OWN_KERNEL=1")
		out, err := cmd.CombinedOutput()
		for _, want := range []string{"ran in the guest\n--- PASS: TestPass", "--- PASS: TestFail/good", "--- FAIL: TestFail/bad", "--- PASS: TestTwoNetworks"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("no %q: %v\n%s", want, err, out)
			}
		}
	})
}
