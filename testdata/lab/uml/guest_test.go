package uml_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
)

// boot boots a guest of the test's own, whose directory must be gone afterwards.
func boot(t *testing.T) *uml.Guest {
	t.Helper()
	uml.Need(t)
	tmp := t.TempDir()
	dir := filepath.Join(tmp, "uml-control")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	g, err := uml.Boot(uml.Options{Dir: dir, Memory: "512M"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.Close()
		nothingLeft(t, tmp)
	})
	return g
}

// sh is a command in the guest.
func sh(line string) uml.Command {
	return uml.Command{Args: []string{"/bin/sh", "-c", line}, Env: []string{"PATH=/usr/bin:/bin"}, Dir: "/"}
}

func TestCommandsOfAGuest(t *testing.T) {
	g := boot(t)
	for _, c := range []struct {
		name, line string
		code       int
		out        string
	}{
		{"both outputs in order", "echo one; echo two >&2; echo three", 0, "one\ntwo\nthree\n"},
		{"exit code", "exit 7", 7, ""},
		{"signal", "kill -9 $$", 137, ""},
		{"no input", "cat", 0, ""},
		{"directory", "pwd", 0, "/\n"},
		{"memory", "awk '/MemTotal/ {print ($2 > 300000 && $2 < 600000)}' /proc/meminfo", 0, "1\n"},
		{"hostname", "uname -n", 0, "uml\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			code, err := g.Run(t.Context(), sh(c.line), &out)
			if err != nil || code != c.code || out.String() != c.out {
				t.Errorf("code %d, %v, wrote %q; want %d, %q", code, err, out.String(), c.code, c.out)
			}
		})
	}
	t.Run("program that isn't there", func(t *testing.T) {
		if code, err := g.Run(t.Context(), uml.Command{Args: []string{"/no/such"}}, &bytes.Buffer{}); err == nil {
			t.Errorf("code %d and no error", code)
		}
	})
	t.Run("input from a pipe", func(t *testing.T) {
		text := strings.Repeat("0123456789abcdef\n", 10000)
		var out bytes.Buffer
		code, err := g.RunInteractive(t.Context(), sh("cat; exit 3"), nil, &out, func(in uml.Input) {
			in.Write([]byte(text))
			in.Close()
		})
		if err != nil || code != 3 || out.String() != text {
			t.Errorf("code %d, %v, %d of %d bytes", code, err, out.Len(), len(text))
		}
	})
	t.Run("much in the environment", func(t *testing.T) {
		c := sh("echo ${#LONG}")
		c.Env = append(c.Env, "LONG="+strings.Repeat("x", 100000))
		for range 3 {
			var out bytes.Buffer
			if code, err := g.Run(t.Context(), c, &out); err != nil || code != 0 || out.String() != "100000\n" {
				t.Errorf("code %d, %v, wrote %q", code, err, out.String())
			}
		}
	})
	t.Run("files of open descriptors", func(t *testing.T) {
		var out bytes.Buffer
		code, err := g.Run(t.Context(), sh("bash -c 'source <(echo echo read); echo written > /dev/stdout'"), &out)
		if err != nil || code != 0 || out.String() != "read\nwritten\n" {
			t.Errorf("code %d, %v, wrote %q", code, err, out.String())
		}
	})
	t.Run("terminal", func(t *testing.T) {
		var out bytes.Buffer
		code, err := g.RunInteractive(t.Context(), sh("tty; stty size; read x; echo got $x; cat"),
			&uml.Size{Rows: 33, Columns: 77}, &out, func(in uml.Input) {
				in.Write([]byte("worx\x7fd\n"))
				in.Close()
			})
		for _, want := range []string{"/dev/pts/", "33 77\r\n", "got word\r\n"} {
			if err != nil || code != 0 || !strings.Contains(out.String(), want) {
				t.Errorf("code %d, %v, no %q in %q", code, err, want, out.String())
			}
		}
	})
}

func TestGuestEndsWithTheContext(t *testing.T) {
	g := boot(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	// The command reads nothing, so the input piles up in the guest.
	_, err := g.RunInteractive(ctx, sh("sleep 1000"), &uml.Size{Rows: 24, Columns: 80}, &bytes.Buffer{}, func(in uml.Input) {
		in.Write(bytes.Repeat([]byte("x"), 200000))
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := g.Run(t.Context(), sh("true"), &bytes.Buffer{}); err == nil {
		t.Error("a lost guest still runs commands")
	}
}
