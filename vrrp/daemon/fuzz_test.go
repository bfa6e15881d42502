package daemon

import (
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// FuzzControl asks a daemon anything at its control socket. It answers what it
// knows, and the rest with one line that says so, and hangs up.
func FuzzControl(f *testing.F) {
	questions := []string{"status", "status json", "check", "check json"}
	for _, q := range questions {
		f.Add([]byte(q + "\n"))
	}
	for _, q := range []string{"", "\n", "status", "status\r\n", "STATUS\n", "status\nstatus\n", "status  json\n", "\x00\n", "\xff\xfe\n",
		strings.Repeat("x", maxQuestion-1) + "\n", strings.Repeat("x", maxQuestion) + "\n", "error: \n"} {
		f.Add([]byte(q))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		if len(sent) > 4096 {
			return // more than the sockets hold
		}
		s := newService(Env{}, options{}, slog.New(slog.DiscardHandler))
		c := &control{answer: s.answer}
		ours, theirs := socketPair(t)
		defer ours.Close()
		if _, err := ours.Write(sent); err != nil {
			t.Fatal(err)
		}
		ours.CloseWrite()
		c.serve(theirs)
		theirs.Close()
		reply, err := io.ReadAll(ours)
		// Questions that were not read make the end a rude one.
		if err != nil && !strings.Contains(err.Error(), "reset") {
			t.Fatal(err)
		}
		line, _, ended := strings.Cut(string(sent[:min(len(sent), maxQuestion)]), "\n")
		known := slices.Contains(questions, strings.TrimSpace(line))
		text := string(reply)
		switch {
		case !ended && text != "":
			t.Errorf("%q, which is no question, is answered with %q", sent, text)
		case ended && !known && (!strings.HasPrefix(text, "error: ") || strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n")):
			t.Errorf("%q is answered with %q", sent, text)
		}
	})
}

// socketPair is two connected sockets.
func socketPair(t *testing.T) (a, b *net.UnixConn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var conns [2]*net.UnixConn
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "control")
		conn, err := net.FileConn(file)
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		conns[i] = conn.(*net.UnixConn)
	}
	return conns[0], conns[1]
}
