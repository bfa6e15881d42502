package keepalived

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// iprouteNames resolves the names that ip(8) and keepalived know for routing
// tables and the like: those in /etc/iproute2, and where there is none, those
// that every such file has.
type iprouteNames struct {
	files *files
	read  map[string]map[string]uint64
}

// Files of iproute2.
const (
	namesTable    = "rt_tables"
	namesProtocol = "rt_protos"
	namesTOS      = "rt_dsfield"
	namesRealm    = "rt_realms"
	namesGroup    = "group"
)

// builtIn returns the names that need no file.
func builtIn(file string) map[string]uint64 {
	switch file {
	case namesTable:
		return map[string]uint64{"unspec": 0, "default": 253, "main": 254, "local": 255}
	case namesProtocol:
		return map[string]uint64{"unspec": 0, "redirect": 1, "kernel": 2, "boot": 3, "static": 4, "gated": 8, "ra": 9,
			"mrt": 10, "zebra": 11, "bird": 12, "dnrouted": 13, "xorp": 14, "ntk": 15, "dhcp": 16, "keepalived": 18,
			"babel": 42, "bgp": 186, "isis": 187, "ospf": 188, "rip": 189, "eigrp": 192}
	case namesTOS:
		return map[string]uint64{"default": 0}
	case namesRealm:
		return map[string]uint64{"cosmos": 0}
	case namesGroup:
		return map[string]uint64{"default": 0}
	}
	return nil
}

// find returns the number for a word, which is a number in any notation of C or
// a name, up to most.
func (n *iprouteNames) find(file, word string, most uint64) (uint64, bool) {
	if v, err := strconv.ParseUint(word, 0, 64); err == nil {
		return v, v <= most
	}
	if n.read == nil {
		n.read = make(map[string]map[string]uint64)
	}
	names, ok := n.read[file]
	if !ok {
		names = n.load(file)
		n.read[file] = names
	}
	v, ok := names[word]
	return v, ok && v <= most
}

// load reads the file of that name and those in its directory of additions.
func (n *iprouteNames) load(file string) map[string]uint64 {
	names := builtIn(file)
	for _, dir := range []string{"/usr/share/iproute2", "/usr/lib/iproute2", "/etc/iproute2"} {
		n.add(names, path.Join(dir, file))
		more, _ := fs.ReadDir(n.files.fs, n.files.fsName(path.Join(dir, file+".d")))
		for _, e := range more {
			if strings.HasSuffix(e.Name(), ".conf") {
				n.add(names, path.Join(dir, file+".d", e.Name()))
			}
		}
	}
	return names
}

// add takes the lines "NUMBER NAME" of a file in. A file that is not there adds
// nothing.
func (n *iprouteNames) add(names map[string]uint64, name string) {
	text, err := n.files.read(name)
	if err != nil {
		return
	}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		if v, err := strconv.ParseUint(words[0], 0, 64); err == nil {
			names[words[1]] = v
		}
	}
}
