package daemon

import "testing"

// The keyword instance keeps the files of several daemons apart, but for those
// that the command line names.
func TestInstanceNamesFiles(t *testing.T) {
	for _, c := range []struct {
		args        []string
		instance    string
		pid, socket string
	}{
		{nil, "", "/run/ipvsadm/vrrp.pid", "/run/ipvsadm/vrrp.sock"},
		{nil, "b", "/run/ipvsadm/vrrp_b.pid", "/run/ipvsadm/vrrp_b.sock"},
		{nil, "../x", "/run/ipvsadm/vrrp_.._x.pid", "/run/ipvsadm/vrrp_.._x.sock"},
		{[]string{"-p", "/run/my.pid"}, "b", "/run/my.pid", "/run/ipvsadm/vrrp_b.sock"},
		{[]string{"--socket", "/run/my.sock"}, "b", "/run/ipvsadm/vrrp_b.pid", "/run/my.sock"},
	} {
		line := ownLine()
		if err := line.parse(c.args); err != nil {
			t.Fatal(err)
		}
		line.opt.separate(c.instance)
		if line.opt.pidFile != c.pid || line.opt.socket != c.socket {
			t.Errorf("%q, instance %q: %s and %s", c.args, c.instance, line.opt.pidFile, line.opt.socket)
		}
	}
}
