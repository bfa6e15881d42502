package compat

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// modules takes IPVS out of a guest's kernel and puts it back.
type modules struct {
	loader   string   // what the kernel calls to load a module
	unloaded []string // what was taken out, ip_vs last
}

const loaderFile = "/proc/sys/kernel/modprobe"

// unload takes out IPVS and leaves the kernel no way to find it again. On a
// machine's own kernel that is none of a test's business.
func (m *modules) unload() error {
	if os.Getenv("UML_OWN_KERNEL") != "" {
		return ErrCannot
	}
	loader, err := os.ReadFile(loaderFile)
	if err != nil {
		return err
	}
	m.loader = strings.TrimSpace(string(loader))
	if err := os.WriteFile(loaderFile, []byte("/nonexistent"), 0); err != nil {
		return err
	}
	// Those that need others have to go first.
	for {
		loaded, err := ipvsModules()
		if err != nil || len(loaded) == 0 {
			return err
		}
		before := len(m.unloaded)
		for _, name := range loaded {
			if unix.DeleteModule(name, unix.O_NONBLOCK) == nil {
				m.unloaded = append(m.unloaded, name)
			}
		}
		if len(m.unloaded) == before {
			return fmt.Errorf("unload %v: in use", loaded)
		}
	}
}

func ipvsModules() ([]string, error) {
	text, err := os.ReadFile("/proc/modules")
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		if name, _, _ := strings.Cut(line, " "); strings.HasPrefix(name, "ip_vs") {
			names = append(names, name)
		}
	}
	return names, nil
}

// autoload lets the kernel find modules again.
func (m *modules) autoload() error {
	if m.loader == "" {
		return nil
	}
	return os.WriteFile(loaderFile, []byte(m.loader), 0)
}

// load puts back what was taken out.
func (m *modules) load() error {
	if err := m.autoload(); err != nil {
		return err
	}
	for _, name := range slices.Backward(m.unloaded) {
		if out, err := exec.Command(m.loader, name).CombinedOutput(); err != nil {
			return fmt.Errorf("load %s: %w: %s", name, err, out)
		}
	}
	m.unloaded = nil
	return nil
}
