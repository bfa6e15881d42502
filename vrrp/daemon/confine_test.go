package daemon

import (
	"testing"

	"golang.org/x/sys/unix"

	"ipvsadm/vrrp"
)

// With a password in the configuration there is no core dump with it, and nobody
// but root can look into the process.
func TestHideSecrets(t *testing.T) {
	dumpable := func() int {
		n, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	was := dumpable()
	defer unix.Prctl(unix.PR_SET_DUMPABLE, uintptr(was), 0, 0, 0)
	c := vrrp.Config{Instances: make([]vrrp.InstanceConfig, 2)}
	if err := hideSecrets(&c); err != nil || dumpable() != was {
		t.Errorf("without secrets: dumpable %d, %v", dumpable(), err)
	}
	c.Instances[1].Auth = vrrp.AuthPass
	if err := hideSecrets(&c); err != nil || dumpable() != 0 {
		t.Errorf("with a password: dumpable %d, %v", dumpable(), err)
	}
}
