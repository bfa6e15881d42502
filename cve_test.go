package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestVulnerabilities looks for a test of each vulnerability of keepalived.
func TestVulnerabilities(t *testing.T) {
	// Those of keepalived that have a number, and the test that says in its comment why
	// they are none of ours.
	vulnerabilities := map[string]string{
		"CVE-2011-1784":  "TestPIDFile",        // a PID file that everybody may write
		"CVE-2018-19044": "TestNothingInTmp",   // a link in /tmp is followed
		"CVE-2018-19045": "TestNothingInTmp",   // files in /tmp that everybody may read and write
		"CVE-2018-19046": "TestPlantedRefused", // a file that is there already is taken
		"CVE-2018-19115": "TestStatusLineBomb", // a long status of HTTP is written beyond its place
		"CVE-2021-44225": "TestControlDenied",  // every user may change what it does
		"CVE-2024-41184": "TestEmptyArguments", // an empty name is read before its begin
	}
	number := regexp.MustCompile(`CVE-\d{4}-\d{4,}`)
	found := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(f.Name.Name, "Test") {
				continue
			}
			for _, cve := range number.FindAllString(f.Doc.Text(), -1) {
				if vulnerabilities[cve] == "" {
					t.Errorf("%s of %s is none of those that are listed", cve, f.Name.Name)
				}
				found[cve] = append(found[cve], f.Name.Name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for cve, name := range vulnerabilities {
		if !strings.Contains(" "+strings.Join(found[cve], " ")+" ", " "+name+" ") {
			t.Errorf("%s is to be named by %s; it is by %q", cve, name, found[cve])
		}
	}
}
