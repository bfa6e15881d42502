package schedule

import (
	"bufio"
	"io/fs"
	"path"
	"strings"

	"ipvsadm/sched"
)

// presence says whether a kernel has a scheduler.
type presence string

const (
	loaded    presence = "loaded"    // in the kernel now
	available presence = "available" // a module that the kernel loads when it is wanted
	absent    presence = "absent"    // neither
	unknown   presence = "unknown"   // there is no list of modules to look into
)

// presences finds out which schedulers the running kernel has, by reading only:
// what is loaded, what services use, and the lists of modules that are built in
// and that can be loaded.
func presences(root fs.FS) map[string]presence {
	dir := path.Join("lib/modules", firstLine(root, "proc/sys/kernel/osrelease"))
	here := map[string]bool{}
	eachLine(root, "proc/modules", func(line string) {
		name, _, _ := strings.Cut(line, " ")
		here[name] = true
	})
	eachLine(root, path.Join(dir, "modules.builtin"), func(line string) { here[moduleName(line)] = true })
	eachLine(root, "proc/net/ip_vs", func(line string) {
		if words := strings.Fields(line); len(words) > 2 && words[0] != "->" {
			here["ip_vs_"+words[2]] = true
		}
	})
	onDisk := map[string]bool{}
	listed := eachLine(root, path.Join(dir, "modules.dep"), func(line string) {
		file, _, _ := strings.Cut(line, ":")
		onDisk[moduleName(file)] = true
	})
	found := map[string]presence{}
	for _, s := range sched.All() {
		switch {
		case here[s.Module()]:
			found[s.Name] = loaded
		case onDisk[s.Module()]:
			found[s.Name] = available
		case listed:
			found[s.Name] = absent
		default:
			found[s.Name] = unknown
		}
	}
	return found
}

// moduleName makes kernel/net/netfilter/ipvs/ip_vs_rr.ko.xz ip_vs_rr.
func moduleName(file string) string {
	name, _, _ := strings.Cut(path.Base(strings.TrimSpace(file)), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

// kernelVersion returns the version of the running kernel. Debian's releases hide
// it, but the text of the version has it: "#1 SMP … Debian 6.1.192-1 (2026-…)".
func kernelVersion(root fs.FS) string {
	words := strings.Fields(firstLine(root, "proc/sys/kernel/version"))
	for i, word := range words[:max(0, len(words)-1)] {
		if word == "Debian" {
			return words[i+1]
		}
	}
	return firstLine(root, "proc/sys/kernel/osrelease")
}

// firstLine returns the first line of a file, "" if it cannot be read.
func firstLine(root fs.FS, name string) string {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return line
}

// eachLine calls f for every line of a file and reports whether there is one.
func eachLine(root fs.FS, name string, f func(line string)) bool {
	file, err := root.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		f(lines.Text())
	}
	return lines.Err() == nil
}
