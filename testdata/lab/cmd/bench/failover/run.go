package failover

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideVar tells the program that it runs in the namespaces.
const insideVar = "FAILOVER_INSIDE"

// Run measures and writes the table. It takes some seconds a round.
func Run(ours string, rounds int, w io.Writer) error {
	if os.Getenv(insideVar) == "" {
		return isolate()
	}
	b, err := newBench(ours, rounds)
	if err != nil {
		return err
	}
	defer b.close()
	for _, step := range []func() error{b.warmUp, b.handOvers, b.scale, b.virtualMACs, b.reloads} {
		if err := step(); err != nil {
			return err
		}
	}
	return b.print(w)
}

// isolate runs this program again, as root in namespaces of its own.
func isolate() error {
	args := []string{"--net", "--mount", "--pid", "--mount-proc", "--kill-child", "--fork"}
	if os.Getuid() != 0 {
		args = append(args, "--user", "--map-root-user")
	}
	if out, err := exec.Command("unshare", append(args, "true")...).CombinedOutput(); err != nil {
		return fmt.Errorf("no network namespace to measure in: %w: %s\nrun it as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1)", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command("unshare", append(append(args, "--", self), os.Args[1:]...)...)
	cmd.Env = append(os.Environ(), insideVar+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return errors.New("the part in the namespaces failed")
	}
	return err
}
