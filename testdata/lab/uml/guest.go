package uml

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Kernel is the program that is the guest's kernel.
const Kernel = "linux.uml"

// bootTime is how long a guest may take to answer; it takes two seconds on an
// idle machine.
const bootTime = 90 * time.Second

// Options says how to boot a guest.
type Options struct {
	// Memory of the guest in the kernel's notation, like 512M; 1G if empty. It
	// is taken from the host only as the guest touches it.
	Memory string
	// Dir is the guest's control directory, a new one if empty. It is removed
	// when the guest ends, with all it holds, even if the host's process was
	// killed. Its path has no blanks.
	Dir string
}

// Command is a command to run in the guest.
type Command struct {
	Args []string // the program, an absolute path, and its arguments
	Env  []string // its environment, "name=value"
	Dir  string   // its working directory
	// Isolate runs it in a network namespace and a mount namespace of its own,
	// with lo up.
	Isolate bool
}

// Size is the size of a terminal in characters.
type Size struct{ Rows, Columns uint16 }

// Guest is a running User-Mode Linux. One command runs at a time.
type Guest struct {
	cmd  *exec.Cmd
	dir  string // its control directory, removed at the end
	line *frames
	in   *os.File // what the guest writes; has deadlines
	out  *os.File // what the guest reads; its end ends the guest
	log  tail
	mu   sync.Mutex    // one command at a time
	dead chan struct{} // closed when the kernel has ended and dir is gone
}

// Boot starts a guest whose init is the program that calls it, which must begin
// with Init. It returns once the guest takes commands. The error holds what the
// guest's console said.
func Boot(o Options) (*Guest, error) {
	kernel, err := exec.LookPath(Kernel)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	g := &Guest{dir: o.Dir, dead: make(chan struct{})}
	if g.dir == "" {
		if g.dir, err = os.MkdirTemp("", "uml-"); err != nil {
			return nil, err
		}
	}
	// A link, since a path with a blank cannot go on a kernel's command line.
	if err = os.Symlink(self, filepath.Join(g.dir, "init")); err == nil {
		err = g.start(kernel, o)
	}
	if err != nil {
		os.RemoveAll(g.dir)
		return nil, err
	}
	g.in.SetReadDeadline(time.Now().Add(bootTime))
	if kind, _, err := g.line.read(); err != nil || kind != frameReady {
		g.kill()
		return nil, fmt.Errorf("%s did not boot: %w; its console:\n%s", kernel, err, g.log.String())
	}
	g.in.SetReadDeadline(time.Time{})
	return g, nil
}

// start runs the kernel with its first serial line on two pipes.
func (g *Guest) start(kernel string, o Options) error {
	guestIn, out, err := os.Pipe()
	if err != nil {
		return err
	}
	defer guestIn.Close()
	in, guestOut, err := os.Pipe()
	if err != nil {
		out.Close()
		return err
	}
	defer guestOut.Close()
	g.in, g.out, g.line = in, out, &frames{r: in, w: out}

	memory := o.Memory
	if memory == "" {
		memory = "1G"
	}
	g.cmd = exec.Command(kernel,
		"mem="+memory, "rootfstype=hostfs", "rootflags=/", "rw",
		"init="+filepath.Join(g.dir, "init"), guestVar+"="+g.dir,
		"con=null", "con0=null,fd:2", "ssl=null", "ssl0=fd:3,fd:4",
		"uml_dir="+g.dir, "umid=guest", "quiet", "panic=-1")
	g.cmd.Env = append(os.Environ(), "TMPDIR="+memoryDir())
	g.cmd.Stderr = &g.log
	g.cmd.ExtraFiles = []*os.File{guestIn, guestOut}
	// A group of its own: Ctrl-C is for us, and the guest follows our end. It
	// also lets kill reach the guest's processes, which are the kernel's children.
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := g.cmd.Start(); err != nil {
		in.Close()
		out.Close()
		return err
	}
	go func() {
		g.cmd.Wait()
		os.RemoveAll(g.dir)
		close(g.dead)
	}()
	return nil
}

// Run runs a command in the guest, copies what it writes to both outputs to
// out, and returns its exit code. The error says that the guest, not the
// command, failed; then the guest is gone. If ctx ends, so does the guest.
func (g *Guest) Run(ctx context.Context, c Command, out io.Writer) (int, error) {
	return g.run(ctx, request{Command: c}, out)
}

// Terminal is a command that runs in the guest on a terminal of its own.
type Terminal struct{ g *Guest }

// Write types p on the terminal.
func (t Terminal) Write(p []byte) (int, error) {
	return len(p), t.g.line.write(frameInput, p)
}

// Resize changes the size of the terminal.
func (t Terminal) Resize(s Size) error { return t.g.line.writeJSON(frameResize, s) }

// RunTerminal runs a command like Run, on a terminal of the given size. It calls
// ready, if that is not nil, with the terminal's other end before it waits for
// the command.
func (g *Guest) RunTerminal(ctx context.Context, c Command, s Size, out io.Writer, ready func(Terminal)) (int, error) {
	if ready != nil {
		ready(Terminal{g})
	}
	return g.run(ctx, request{Command: c, Terminal: &s}, out)
}

func (g *Guest) run(ctx context.Context, r request, out io.Writer) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { g.in.SetReadDeadline(time.Now()) })
	defer stop()
	if err := g.line.writeJSON(frameRun, r); err != nil {
		return 0, g.lost(err)
	}
	for {
		kind, payload, err := g.line.read()
		switch {
		case err != nil:
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return 0, g.lost(err)
		case kind == frameOutput:
			if _, err := out.Write(payload); err != nil {
				return 0, g.lost(err)
			}
		case kind == frameExit:
			var x result
			if err := json.Unmarshal(payload, &x); err != nil {
				return 0, g.lost(err)
			}
			if x.Error != "" {
				return 0, errors.New(x.Error)
			}
			return x.Code, nil
		}
	}
}

// lost ends a guest that no longer answers as it should.
func (g *Guest) lost(err error) error {
	g.kill()
	return fmt.Errorf("the guest is lost: %w; its console:\n%s", err, g.log.String())
}

// Close ends the guest and waits until nothing is left of it.
func (g *Guest) Close() error {
	g.out.Close() // the agent switches the guest off
	select {
	case <-g.dead:
	case <-time.After(10 * time.Second):
		g.kill()
	}
	return g.in.Close()
}

// kill ends a guest that does not end by itself.
func (g *Guest) kill() {
	g.out.Close()
	select {
	case <-g.dead:
	case <-time.After(time.Second):
		unix.Kill(-g.cmd.Process.Pid, unix.SIGKILL)
		<-g.dead
	}
}

// Console returns the last of what the guest's kernel said.
func (g *Guest) Console() string { return g.log.String() }

// memoryDir returns the directory for the file that is the guest's memory: one
// in RAM if there is one, and never one that forbids execution.
func memoryDir() string {
	for _, dir := range []string{"/dev/shm", os.TempDir(), "/var/tmp"} {
		var s unix.Statfs_t
		if unix.Statfs(dir, &s) == nil && s.Flags&unix.ST_NOEXEC == 0 &&
			s.Bavail*uint64(s.Bsize) > 2<<30 && unix.Access(dir, unix.W_OK) == nil {
			return dir
		}
	}
	return os.TempDir()
}

// tail keeps the last tailSize bytes written to it. It is safe for concurrent use.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailSize = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if n := len(t.buf) - tailSize; n > 0 {
		t.buf = append(t.buf[:0], t.buf[n:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.buf))
}
