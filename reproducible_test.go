package main

import (
	"crypto/sha256"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReproducible builds the program from two directories: the same source gives the
// same bytes, in which nothing is of the directory or the machine. It is static: it
// needs no library and no loader.
func TestReproducible(t *testing.T) {
	dir := t.TempDir()
	// Two copies: the source itself may be edited while the test runs.
	one, other := filepath.Join(dir, "one"), filepath.Join(dir, "another place")
	copyPackages(t, one)
	if err := os.CopyFS(other, os.DirFS(one)); err != nil {
		t.Fatal(err)
	}
	var sums [2][sha256.Size]byte
	for i, from := range []string{one, other} {
		file := filepath.Join(dir, "ipvsadm")
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", file, ".")
		cmd.Dir = from
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "PWD="+from)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		program, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = sha256.Sum256(program)
		static(t, file)
	}
	if sums[0] != sums[1] {
		t.Errorf("built from two directories the program is %x and %x", sums[0], sums[1])
	}
}

// copyPackages copies what the program is built of to a directory.
func copyPackages(t *testing.T, to string) {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	copied := func(dir, name string) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		path, err := filepath.Rel(here, filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(to, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	copied(here, "go.mod")
	copied(here, "go.sum")
	for path, p := range listPackages(t) {
		if path+"/" == module || strings.HasPrefix(path, module) {
			for _, name := range p.GoFiles {
				copied(p.Dir, name)
			}
		}
	}
}

// static says what a program needs to be loaded.
func static(t *testing.T, file string) {
	t.Helper()
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	libraries, err := f.ImportedLibraries()
	if err != nil || len(libraries) > 0 {
		t.Errorf("it needs %v (%v)", libraries, err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("it has a part %v, for a loader", p.Type)
		}
	}
}
