package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"ipvsadm/testdata/lab/uml"
)

// programsVar tells the second run of a kernel test where the first one built
// the program.
const programsVar = "IPVSADM_PROGRAMS"

func TestMain(m *testing.M) {
	uml.Init()
	code, err := withProgram(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// withProgram calls f while the environment variable IPVSADM_PROGRAMS names a
// directory with our program under each of its names.
func withProgram(f func() int) (int, error) {
	if os.Getenv(programsVar) != "" {
		return f(), nil
	}
	dir, err := os.MkdirTemp("", "ipvsadm-programs-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // for tests without privileges
		return 0, err
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "ipvsadm"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build the program: %w\n%s", err, out)
	}
	for _, name := range []string{"ipvsadm-save", "ipvsadm-restore"} {
		if err := os.Symlink("ipvsadm", filepath.Join(dir, name)); err != nil {
			return 0, err
		}
	}
	if err := os.Setenv(programsVar, dir); err != nil {
		return 0, err
	}
	return f(), nil
}
