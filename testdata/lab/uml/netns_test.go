package uml_test

import (
	"io"
	"os/exec"
	"strings"
	"testing"

	"ipvsadm/testdata/lab/uml"
)

func TestNamespacesOnASwitch(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		lan := uml.NewBridge(t, "lan")
		a, b := uml.NewNetNS(t, "a"), uml.NewNetNS(t, "b")
		lan.Plug(t, a, "eth0", "10.1.0.1/24", "fd00::1/64")
		lan.Plug(t, b, "eth0", "10.1.0.2/24", "fd00::2/64")
		for _, address := range []string{"10.1.0.1:80", "[fd00::1]:80"} {
			t.Run(address, func(t *testing.T) {
				l, err := a.Listen("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				go func() {
					if c, err := l.Accept(); err == nil {
						io.WriteString(c, "hello from a")
						c.Close()
					}
				}()
				c, err := b.DialContext(t.Context(), "tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if got, err := io.ReadAll(c); err != nil || string(got) != "hello from a" {
					t.Errorf("read %q, %v", got, err)
				}
			})
		}
		out, err := exec.Command("ip", "netns", "exec", "a", "ip", "-br", "addr", "show", "eth0").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "10.1.0.1/24") {
			t.Errorf("ip netns exec: %v\n%s", err, out)
		}
		b.Do(func() {
			out, err := exec.Command("ip", "-br", "addr").CombinedOutput()
			if err != nil || !strings.Contains(string(out), "10.1.0.2/24") {
				t.Errorf("command in b: %v\n%s", err, out)
			}
		})
		if out, err := exec.Command("ip", "-br", "link").CombinedOutput(); err != nil || strings.Contains(string(out), "eth0") {
			t.Errorf("outside of the namespaces: %v\n%s", err, out)
		}
	})
}

func TestTableOfEachNamespaceIsItsOwn(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		a, b := uml.NewNetNS(t, "a"), uml.NewNetNS(t, "b")
		ipvsadm := func(n *uml.NetNS, args ...string) string {
			t.Helper()
			var out []byte
			var err error
			n.Do(func() { out, err = exec.Command("/usr/sbin/ipvsadm", args...).CombinedOutput() })
			if err != nil {
				t.Fatalf("ipvsadm %v: %v\n%s", args, err, out)
			}
			return string(out)
		}
		ipvsadm(a, "-A", "-t", "10.0.0.1:80", "-s", "rr")
		if got := ipvsadm(a, "-S", "-n"); got != "-A -t 10.0.0.1:80 -s rr\n" {
			t.Errorf("a has %q", got)
		}
		if got := ipvsadm(b, "-S", "-n"); got != "" {
			t.Errorf("b has %q", got)
		}
	})
}
