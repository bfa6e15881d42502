package uml

import (
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// TestStay keeps two processes on one CPU each, and on one that they may use.
func TestStay(t *testing.T) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		cmd := exec.Command("sleep", "60")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		t.Cleanup(stay(cmd.Process.Pid))
		var got unix.CPUSet
		if err := unix.SchedGetaffinity(cmd.Process.Pid, &got); err != nil {
			t.Fatal(err)
		}
		if got.Count() != 1 {
			t.Errorf("it may run on %d CPUs", got.Count())
		}
		for cpu := range 64 * len(got) {
			if got.IsSet(cpu) && !allowed.IsSet(cpu) {
				t.Errorf("it is on CPU %d, which is not ours", cpu)
			}
		}
	}
}
