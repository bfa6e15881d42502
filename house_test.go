package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

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
