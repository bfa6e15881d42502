package daemon

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// askAs puts a question to a socket as somebody with no power, and returns what comes
// back.
func askAs(user uintptr, path, question string) (answer string, err error) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // and never unlocked: the thread ends with it
		for _, call := range [][4]uintptr{{unix.SYS_SETGROUPS}, {unix.SYS_SETRESGID, user, user, user}, {unix.SYS_SETRESUID, user, user, user}} {
			if _, _, code := unix.RawSyscall(call[0], call[1], call[2], call[3]); code != 0 {
				err = code
				return
			}
		}
		var fd int
		if fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return
		}
		file := os.NewFile(uintptr(fd), path)
		defer file.Close()
		if err = unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
			return
		}
		_, _ = io.WriteString(file, question+"\n") // it may have hung up already
		text, _ := io.ReadAll(file)
		answer = string(text)
	}()
	<-ended
	return answer, err
}

// TestControlDenied has other users ask. keepalived let every user of the machine set
// properties over D-Bus (CVE-2021-44225). Ours cannot connect; nor are they answered
// where somebody gave them the socket, and there is nothing to set.
func TestControlDenied(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else as well")
	}
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "socket")
	old := unix.Umask(0)
	c, err := listen(path, echo)
	unix.Umask(old)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if answer, err := askAs(65534, path, "status"); !errors.Is(err, unix.EACCES) {
		t.Errorf("nobody is told %q, %v", answer, err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if answer, err := askAs(65534, path, "status"); err != nil || answer != "" {
		t.Errorf("nobody is told %q (%v) at a socket for everybody", answer, err)
	}
	if answer, err := askAs(0, path, "status"); err != nil || !strings.HasPrefix(answer, "you said status") {
		t.Errorf("root is told %q, %v", answer, err)
	}
}
