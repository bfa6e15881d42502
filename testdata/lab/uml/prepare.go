package uml

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// moduleRoot is where the guest's modules are found below lib/modules: a
// distribution's kernel keeps its own in /lib/modules.
const moduleRoot = "/run/kernel"

// umlModules is where Debian's package puts the modules of linux.uml.
const umlModules = "/usr/lib/uml/modules"

// preload names the modules every guest starts with. IPv6 must be there before
// ip_vs; the others would load by themselves, more slowly.
const preload = `ipv6 ip_vs ip_vs_rr ip_vs_wrr ip_vs_lc ip_vs_wlc ip_vs_fo ip_vs_ovf ip_vs_lblc
	ip_vs_lblcr ip_vs_dh ip_vs_sh ip_vs_mh ip_vs_sed ip_vs_nq ip_vs_pe_sip ip_vs_ftp`

// prepare makes a bare kernel with the host's files a system that tests can use.
func prepare(dir string) error {
	for _, m := range []struct{ kind, target, options string }{
		{"proc", "/proc", ""},
		{"sysfs", "/sys", ""},
		{"devtmpfs", "/dev", ""},
		{"devpts", "/dev/pts", "mode=620,ptmxmode=666"},
		{"tmpfs", "/dev/shm", ""},
		{"tmpfs", "/run", ""},
	} {
		if strings.HasPrefix(m.target, "/dev/") {
			os.Mkdir(m.target, 0o755)
		}
		err := unix.Mount(m.kind, m.target, m.kind, 0, m.options)
		if err != nil && err != unix.EBUSY { // EBUSY: the kernel did it already
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	// What udev makes elsewhere: bash's <(...) needs it.
	for name, fd := range map[string]string{"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"} {
		if err := os.Symlink("/proc/self/fd"+fd, "/dev/"+name); err != nil && !os.IsExist(err) {
			return err
		}
	}
	for _, d := range []string{"/run/tmp", "/run/lock", moduleRoot + "/lib/modules"} {
		if err := os.MkdirAll(d, 0o1777); err != nil {
			return err
		}
	}
	unix.Sethostname([]byte("uml"))
	if err := prepareModules(); err != nil {
		return err
	}
	return linkUp("lo")
}

// prepareModules makes modprobe work, for programs and for the kernel itself,
// and loads what every test needs.
func prepareModules() error {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return err
	}
	release := unix.ByteSliceToString(u.Release[:])
	tree := filepath.Join(umlModules, release)
	if err := os.Symlink(tree, filepath.Join(moduleRoot, "lib/modules", release)); err != nil {
		return err
	}
	const wrapper = "/run/modprobe"
	script := fmt.Sprintf("#!/bin/sh\nPATH=/usr/sbin:/sbin:/usr/bin:/bin exec modprobe -d %s \"$@\"\n", moduleRoot)
	if err := os.WriteFile(wrapper, []byte(script), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile("/proc/sys/kernel/modprobe", []byte(wrapper), 0); err != nil {
		return err
	}
	return loadModules(tree, strings.Fields(preload))
}

// moduleFiles are the files a module is made of, its own first and then those
// it needs, each before those it needs itself.
type moduleFiles map[string][]string

// moduleDependencies reads modules.dep of a kernel's module tree.
func moduleDependencies(tree string) (moduleFiles, error) {
	f, err := os.Open(filepath.Join(tree, "modules.dep"))
	if err != nil {
		return nil, fmt.Errorf("the modules of %s: %w", Kernel, err)
	}
	defer f.Close()
	deps := moduleFiles{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		file, needs, _ := strings.Cut(lines.Text(), ":")
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		deps[strings.ReplaceAll(name, "-", "_")] = append([]string{file}, strings.Fields(needs)...)
	}
	return deps, lines.Err()
}

// loadModules loads modules and what they need, each once.
func loadModules(tree string, names []string) error {
	deps, err := moduleDependencies(tree)
	if err != nil {
		return err
	}
	loaded := map[string]bool{}
	for _, name := range names {
		files := deps[name]
		if files == nil {
			return fmt.Errorf("module %s is not in %s", name, tree)
		}
		for i := len(files) - 1; i >= 0; i-- {
			if loaded[files[i]] {
				continue
			}
			loaded[files[i]] = true
			if err := loadModule(filepath.Join(tree, files[i])); err != nil {
				return err
			}
		}
	}
	return nil
}

// loadModule loads the module in a file.
func loadModule(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && err != unix.EEXIST {
		return fmt.Errorf("load %s: %w", path, err)
	}
	return nil
}
