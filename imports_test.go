package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// module is the prefix of our own import paths.
const module = "ipvsadm/"

// mayImport says, for a package and those below it, which of our packages it
// may depend on, directly or not, and which modules it may import itself.
type mayImport struct {
	pkg     string // without the module
	ours    []string
	modules []string // nil for any
	why     string
}

// importRules are searched for the first that is the package or above it.
func importRules() []mayImport {
	return []mayImport{
		{pkg: "sched", modules: []string{}, why: "the models of the schedulers are plain data and arithmetic"},
		{pkg: "ipvs/ipvstest", ours: []string{"ipvs", "sched"}, why: "the kernel in memory takes operations of ipvs"},
		{pkg: "ipvs", modules: []string{
			"github.com/moby/ipvs", "github.com/vishvananda/netlink/nl",
			"github.com/vishvananda/netns", // whose handles nl takes
			"golang.org/x/sys",
		}, why: "the client of the kernel knows no text and nobody who uses it"},
		{pkg: "rules/keepalived", ours: []string{"rules", "ipvs", "sched", "vrrp", "check"},
			why: "it builds the configurations of the daemons"},
		{pkg: "rules/jsonform", ours: []string{"ipvs", "sched"}, modules: []string{}, why: "the JSON form is of values and knows no command"},
		{pkg: "rules/watch", ours: []string{"ipvs"}, modules: []string{"golang.org/x/sys", "golang.org/x/term"},
			why: "the live view is of values; its library costs the other commands nothing"},
		{pkg: "rules", ours: []string{"ipvs", "sched", "rules"}, why: "the language of the command works without the daemons"},
		{pkg: "vrrp", ours: []string{"vrrp"}, why: "failover works on a host without IPVS"},
		{pkg: "check", ours: []string{"ipvs", "check"}, why: "health must not depend on the VRRP role; main connects them"},
	}
}

// goPackage is what go list tells of a package.
type goPackage struct {
	ImportPath, Dir string
	Standard        bool
	GoFiles         []string
	Imports         []string
}

// TestImports proves who imports whom.
func TestImports(t *testing.T) {
	all := listPackages(t)
	for path, p := range all {
		name, ours := strings.CutPrefix(path, module)
		if !ours || p.Standard {
			continue
		}
		i := slices.IndexFunc(importRules(), func(r mayImport) bool { return within(name, r.pkg) })
		if i < 0 {
			t.Errorf("%s: no rule says what it may import; see importRules", path)
			continue
		}
		rule := importRules()[i]
		for _, chain := range ownDependencies(all, path) {
			last := strings.TrimPrefix(chain[len(chain)-1], module)
			if !slices.ContainsFunc(rule.ours, func(pkg string) bool { return within(last, pkg) }) {
				t.Errorf("%s: %s may depend only on %v of ours, because %s",
					strings.Join(chain, " imports "), rule.pkg, rule.ours, rule.why)
			}
		}
		for _, imported := range p.Imports {
			if rule.modules == nil || all[imported].Standard || strings.HasPrefix(imported, module) {
				continue
			}
			if !slices.ContainsFunc(rule.modules, func(m string) bool { return within(imported, m) }) {
				t.Errorf("%s imports %s: %s may import only %v, because %s", path, imported, rule.pkg, rule.modules, rule.why)
			}
		}
	}
}

// TestForbiddenImports keeps processes and text where they belong.
func TestForbiddenImports(t *testing.T) {
	runsScripts := []string{"ipvsadm/vrrp", "ipvsadm/check", "ipvsadm"}
	for path, p := range listPackages(t) {
		own := path == "ipvsadm" || strings.HasPrefix(path, module)
		for _, imported := range p.Imports {
			switch {
			case !own:
			case imported == "os/exec" && !slices.Contains(runsScripts, path):
				t.Errorf("%s imports os/exec: only %v run scripts", path, runsScripts)
			case strings.HasPrefix(imported, "text/") && within(path, "ipvsadm/ipvs"):
				t.Errorf("%s imports %s: package ipvs knows no text", path, imported)
			case strings.HasPrefix(imported, "ipvsadm/testdata/"), imported == "testing":
				t.Errorf("%s imports %s: that is for tests", path, imported)
			}
		}
	}
}

// within reports whether an import path is another or below it.
func within(path, parent string) bool {
	return path == parent || strings.HasPrefix(path, parent+"/")
}

// listPackages lists what the program and all our packages are made of, tests
// left out.
func listPackages(t *testing.T) map[string]goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,Standard,GoFiles,Imports", "./...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = errors.New(string(exit.Stderr))
		}
		t.Fatalf("go list: %v", err)
	}
	all := map[string]goPackage{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

// ownDependencies returns, for each of our packages that a package depends on,
// the shortest chain of imports that leads to it.
func ownDependencies(all map[string]goPackage, path string) [][]string {
	var found [][]string
	seen := map[string]bool{path: true}
	for chains := [][]string{{path}}; len(chains) > 0; chains = chains[1:] {
		chain := chains[0]
		for _, next := range all[chain[len(chain)-1]].Imports {
			if seen[next] || all[next].Standard {
				continue
			}
			seen[next] = true
			longer := append(slices.Clone(chain), next)
			chains = append(chains, longer)
			if strings.HasPrefix(next, module) {
				found = append(found, longer)
			}
		}
	}
	return found
}
