package ipvs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

func TestOpenProc(t *testing.T) {
	want := strings.Repeat("a line of a long table\n", 10000)
	name := filepath.Join(t.TempDir(), "table")
	if err := os.WriteFile(name, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := OpenProc(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(f, []byte(want)); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("reading a closed file: %v", err)
	}
	var missing *fs.PathError
	if _, err := OpenProc(name + "s"); !errors.As(err, &missing) || !errors.Is(err, fs.ErrNotExist) || missing.Path != name+"s" {
		t.Errorf("no file: %v", err)
	}
}
