package linux

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ipvsadm/vrrp"
)

// settings are sysctls and what they were before.
type settings struct{ old map[string]string }

func (s *settings) apply(c *vrrp.Change) error {
	path := c.Setting.Path
	if c.Delete {
		old, ok := s.old[path]
		if !ok {
			return nil
		}
		delete(s.old, path)
		return writeSysctl(path, old)
	}
	old, err := readSysctl(path)
	if err != nil || old == c.Setting.Value {
		return err
	}
	if err := writeSysctl(path, c.Setting.Value); err != nil {
		return err
	}
	if _, known := s.old[path]; !known {
		s.old[path] = old
	}
	return nil
}

func readSysctl(path string) (string, error) {
	b, err := os.ReadFile(filepath.Join("/proc/sys", path))
	return strings.TrimSpace(string(b)), err
}

// writeSysctl sets a value. That the interface is gone is no error: so is what
// was to be set.
func writeSysctl(path, value string) error {
	err := os.WriteFile(filepath.Join("/proc/sys", path), []byte(value), 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// setSysctl sets a value unless it has it already, so that a /proc/sys that
// cannot be written to does no harm when somebody else has set it.
func setSysctl(path, value string) error {
	old, err := readSysctl(path)
	if err == nil && old == value {
		return nil
	}
	return writeSysctl(path, value)
}
