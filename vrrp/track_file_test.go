package vrrp

import (
	"context"
	"encoding/binary"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseTrackFile(t *testing.T) {
	tests := map[string]int{
		"": 0, "5": 5, "5\n": 5, " \t-17 rest": -17, "+3": 3, "3x": 3, "x3": 0, "-": 0, "--3": 0, "0x10": 0,
		"99999999999999999999": math.MaxInt32, "-99999999999999999999": math.MinInt32, "3000000000": math.MaxInt32,
	}
	for text, want := range tests {
		if got := parseTrackFile([]byte(text)); got != want {
			t.Errorf("parseTrackFile(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestReadTrackFileOdd(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"missing": filepath.Join(dir, "none"), "a FIFO": fifo, "a directory": dir, "a device": "/dev/zero"} {
		if got, empty := readTrackFile(path); got != 0 || empty {
			t.Errorf("%s reads as %d, want 0", name, got)
		}
	}
}

func TestTrackFileInitialize(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file("target", "1"), link); err != nil {
		t.Fatal(err)
	}
	twice, pipe := filepath.Join(dir, "twice"), filepath.Join(dir, "pipe")
	if err := os.Link(file("first", "1"), twice); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(pipe, os.O_RDONLY|unix.O_NONBLOCK, 0) // so that it can be opened
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer unix.Umask(unix.Umask(0))
	tests := []struct {
		name   string
		config FileConfig
		want   int
		fails  bool
	}{
		{"no init_file", FileConfig{Path: file("a", "4"), InitValue: 9}, 4, false},
		{"a file that is there stays", FileConfig{Path: file("b", "4"), Init: true, InitValue: 9}, 4, false},
		{"a file that is missing is made", FileConfig{Path: filepath.Join(dir, "c"), Init: true, InitValue: -9}, -9, false},
		{"overwrite", FileConfig{Path: file("d", "4444"), Init: true, InitValue: 9, Overwrite: true}, 9, false},
		{"a symbolic link is not followed", FileConfig{Path: link, Init: true, InitValue: 9, Overwrite: true}, 1, true},
		{"nor a file with another name", FileConfig{Path: twice, Init: true, InitValue: 9, Overwrite: true}, 1, true},
		{"nor a FIFO", FileConfig{Path: pipe, Init: true, InitValue: 9, Overwrite: true}, 0, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := test.config.initialize(); (err != nil) != test.fails {
				t.Errorf("initialize: %v", err)
			}
			if got, _ := readTrackFile(test.config.Path); got != test.want {
				t.Errorf("the file says %d, want %d", got, test.want)
			}
			if info, err := os.Stat(test.config.Path); err != nil || info.Mode().IsRegular() && info.Mode() != 0o644 {
				t.Errorf("its mode is %v (%v)", info.Mode(), err)
			}
		})
	}
}

// TestFileWatch changes a file in every way it can change, and waits for each to
// be seen well before the watch would have looked by itself.
func TestFileWatch(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "value")
	values := make(chan int, 16)
	w := &fileWatch{
		files:  []FileConfig{{Name: "f", Path: path, Init: true, InitValue: 2}},
		report: func(_ string, v int) { values <- v }, log: slog.New(slog.DiscardHandler),
	}
	w.start()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); w.loop(ctx) }()
	defer func() { cancel(); <-ended }()

	expect := func(what string, want int) {
		t.Helper()
		select {
		case got := <-values:
			if got != want {
				t.Fatalf("%s: reported %d, want %d", what, got, want)
			}
		case <-time.After(fileRecheck - time.Second):
			t.Fatalf("%s: nothing was reported", what)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	expect("init_file", 2)
	must(os.WriteFile(path, []byte("40\n"), 0o644))
	expect("written", 40)

	// While a file is being written it says what it said before.
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	must(err)
	must(os.WriteFile(filepath.Join(dir, "other"), nil, 0o644))
	_, err = file.WriteString("50\n")
	must(err)
	must(file.Close())
	expect("closed", 50)

	must(os.WriteFile(path+".new", []byte("60"), 0o644))
	must(os.Rename(path+".new", path))
	expect("moved there", 60)
	must(os.Remove(path))
	expect("removed", 0)
}

// TestFileWatchBySelf looks without being told, and takes an empty file for one
// that is being written.
func TestFileWatchBySelf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "value")
	var got []int
	w := &fileWatch{files: []FileConfig{{Path: path}}, report: func(_ string, v int) { got = append(got, v) }}
	w.start()
	for _, text := range []string{"7", "", "8"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		w.check("")
	}
	if want := []int{0, 7, 8}; !slices.Equal(got, want) {
		t.Errorf("reported %v, want %v", got, want)
	}
}

// TestFileWatchReload leaves a file alone that was watched before.
func TestFileWatchReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "value")
	if err := os.WriteFile(path, []byte("7"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, old := range []bool{true, false} {
		w := &fileWatch{
			files: []FileConfig{{Name: "f", Path: path, Init: true, InitValue: 3, Overwrite: true}},
			old:   map[string]bool{"f": old}, report: func(string, int) {},
		}
		w.start()
		if want := map[bool]int{true: 7, false: 3}[old]; w.values[0] != want {
			t.Errorf("watched before: %v: the file says %d, want %d", old, w.values[0], want)
		}
	}
}

func TestEventNames(t *testing.T) {
	event := func(n uint32, name string) []byte {
		b := make([]byte, 12)
		b = binary.NativeEndian.AppendUint32(b, n)
		return append(b, name...)
	}
	tests := []struct {
		name string
		in   []byte
		want []string
	}{
		{"nothing", nil, nil},
		{"padded names", append(event(4, "a\x00\x00\x00"), event(4, "bcd\x00")...), []string{"a", "bcd"}},
		{"an event without a name", event(0, ""), []string{""}},
		{"half an event", event(0, "")[:15], nil},
		{"half a name", event(8, "abc"), nil},
	}
	for _, test := range tests {
		if got := slices.Collect(eventNames(test.in)); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
