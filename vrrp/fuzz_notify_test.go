package vrrp

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// FuzzNotifyLine gives instances and groups any name. A line for FIFOs is one
// line, and a mail has no header that we did not write: who names an instance
// cannot forge the news of another.
func FuzzNotifyLine(f *testing.F) {
	f.Add("VI_1", "router", uint8(1), uint8(150), false)
	f.Add("VI\n INSTANCE \"x\" MASTER 1", "a\r\nBcc: x@y", uint8(2), uint8(0), true)
	f.Add("\"", "", uint8(3), uint8(255), true)
	f.Add("\x00\x7f\u2028", "\x1b[31m", uint8(0), uint8(1), false)
	f.Fuzz(func(t *testing.T, name, router string, state, priority uint8, group bool) {
		r := Report{Instance: name, Config: &NotifyConfig{Priorities: true, Mail: true}}
		if group {
			r.Instance, r.Group = "", name
		}
		n := Notify{Kind: NotifyKind(state >> 6), State: State(state % 4), Priority: priority}
		line := r.fifoLine(n)
		if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") || strings.ContainsFunc(line[:len(line)-1], func(c rune) bool { return c < ' ' }) {
			t.Errorf("line %q", line)
		}
		m, ok := r.mailFor(n, router, false)
		if !ok {
			return
		}
		c := MailConfig{From: "a@b", To: []string{"c@d"}}
		text, err := c.message(m, time.Unix(0, 0).UTC())
		if err != nil {
			return // refused
		}
		head, _, _ := strings.Cut(text, "\n\n")
		for i, want := range []string{"Date: ", "From: a@b", "Subject: [", "X-Mailer: ", "To: c@d"} {
			lines := strings.Split(head, "\n")
			if len(lines) != 5 || !strings.HasPrefix(lines[i], want) {
				t.Fatalf("the head of the mail is %q", head)
			}
		}
	})
}

// FuzzFIFOPath opens FIFOs of any name, some of which are something else already.
// What is opened is a FIFO; what was there before stays as it was.
func FuzzFIFOPath(f *testing.F) {
	for i, name := range []string{"fifo", "file", "link", "directory", "", ".", "\n", "\x00", strings.Repeat("x", 300), "a b", "\xff"} {
		f.Add(name, uint8(i))
	}
	f.Fuzz(func(t *testing.T, name string, there uint8) {
		dir := t.TempDir()
		path := filepath.Join(dir, strings.ReplaceAll(strings.ReplaceAll(name, "/", ""), "..", ""))
		secret := filepath.Join(dir, "secret-of-somebody-else")
		if path == secret {
			return
		}
		if err := os.WriteFile(secret, []byte("as it was"), 0o600); err != nil {
			t.Fatal(err)
		}
		switch there % 4 { // errors: then there is nothing
		case 1:
			_ = os.WriteFile(path, nil, 0o600)
		case 2:
			_ = os.Symlink(secret, path)
		case 3:
			_ = os.Mkdir(path, 0o700)
		}
		opened, err := openFIFO(FIFOConfig{Path: path}, ours(false), slog.New(slog.DiscardHandler))
		if err == nil {
			info, statErr := os.Lstat(path)
			if statErr != nil || info.Mode().Type() != os.ModeNamedPipe || info.Mode().Perm() != 0o600 || there%4 != 0 {
				t.Errorf("%q was opened and is %v, %v", path, info, statErr)
			}
			opened.write("line\n")
			var buf [16]byte
			if n, _ := unix.Read(int(opened.file.Fd()), buf[:]); string(buf[:n]) != "line\n" {
				t.Errorf("it says %q", buf[:n])
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			opened.close(ctx)
			if _, statErr := os.Lstat(path); statErr == nil {
				t.Errorf("%q is still there", path)
			}
		}
		if text, err := os.ReadFile(secret); err != nil || string(text) != "as it was" {
			t.Errorf("another file is now %q, %v", text, err)
		}
	})
}
