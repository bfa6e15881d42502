package main

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is the prefix of our own import paths.
const module = "ipvsadm/"

// TestTopLevel keeps the top of the tree as it is: packages go into the folders
// that are there.
func TestTopLevel(t *testing.T) {
	belongs := []string{
		"main.go", "ipvs", "rules", "sched", "vrrp", "check", "testdata", "go.mod", "go.sum", "README.md",
		"LICENSE", ".gitignore", ".git", ".ci",
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		built := name == "ipvsadm" || strings.HasSuffix(name, ".test") || strings.HasSuffix(name, ".out")
		if !slices.Contains(belongs, name) && !strings.HasSuffix(name, "_test.go") && !built {
			t.Errorf("%s does not belong at the top level: put it into one of %v", name, belongs[1:7])
		}
	}
}

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
		{pkg: "rules", ours: []string{"ipvs", "sched"}, why: "the language of the command works without the daemons"},
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

// TestHouse checks what can be checked of the rules of the house: a doc.go in
// every package, files of 600 lines and functions of 80 at most, no init, no end
// of the program outside main, and no printing in package ipvs.
func TestHouse(t *testing.T) {
	for path, p := range listPackages(t) {
		if !strings.HasPrefix(path, module) {
			continue
		}
		if !slices.Contains(p.GoFiles, "doc.go") {
			t.Errorf("%s has no doc.go", path)
		}
		for _, name := range p.GoFiles {
			checkFile(t, path, filepath.Join(p.Dir, name))
		}
	}
}

func checkFile(t *testing.T, pkg, name string) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n := fset.File(file.Pos()).LineCount(); n > 600 {
		t.Errorf("%s has %d lines: no file does one thing in more than 600", name, n)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if lines := fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1; lines > 80 {
				t.Errorf("%s: %s has %d lines, 80 is the most", fset.Position(n.Pos()), n.Name.Name, lines)
			}
			if n.Name.Name == "init" && n.Recv == nil {
				t.Errorf("%s: an init function works behind everybody's back", fset.Position(n.Pos()))
			}
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok {
				break
			}
			call := x.Name + "." + n.Sel.Name
			if call == "os.Exit" || strings.HasPrefix(call, "log.Fatal") {
				t.Errorf("%s: only main ends the program: %s", fset.Position(n.Pos()), call)
			}
			if within(pkg, "ipvsadm/ipvs") && (strings.HasPrefix(call, "fmt.Print") || strings.HasPrefix(call, "fmt.Fprint") && pkg == "ipvsadm/ipvs") {
				t.Errorf("%s: package ipvs prints nothing: %s", fset.Position(n.Pos()), call)
			}
		}
		return true
	})
}
