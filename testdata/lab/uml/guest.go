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
	line *hostLine
	in   *os.File // what the guest writes
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
	select {
	case <-g.line.events: // frameReady
		return g, nil
	case <-g.line.ended:
		err = g.line.err
	case <-time.After(bootTime):
		err = fmt.Errorf("no answer for %v", bootTime)
	}
	g.kill()
	return nil, fmt.Errorf("%s did not boot: %w; its console:\n%s", kernel, err, g.log.String())
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
	g.in, g.out = in, out

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
	g.line = newHostLine(in, out, g.dead)
	leaveCPU := stay(g.cmd.Process.Pid)
	go func() {
		g.cmd.Wait()
		leaveCPU()
		os.RemoveAll(g.dir)
		close(g.dead)
	}()
	return nil
}

// Run runs a command in the guest, copies what it writes to both outputs to
// out, and returns its exit code. The error says that the guest, not the
// command, failed; then the guest is gone. If ctx ends, so does the guest.
func (g *Guest) Run(ctx context.Context, c Command, out io.Writer) (int, error) {
	return g.run(ctx, request{Command: c}, out, func() {})
}

// Input is the input of a command that runs in the guest.
type Input struct {
	g    *Guest
	over <-chan struct{} // closed when the command has ended
}

// Write adds to the input. On a terminal it types.
func (i Input) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return len(p), i.send(frame{frameInput, p})
}

// Close ends the input. On a terminal it types Ctrl-D.
func (i Input) Close() error { return i.send(frame{kind: frameInput}) }

// Resize changes the size of the terminal.
func (i Input) Resize(s Size) error {
	payload, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return i.send(frame{frameResize, payload})
}

func (i Input) send(f frame) error {
	select {
	case <-i.over:
		return os.ErrClosed
	default:
		return i.g.line.write(f)
	}
}

// RunInteractive runs a command like Run, but gives it input: a terminal of the
// given size, or a pipe if that is nil. It calls feed in a goroutine of its own
// to provide the input; what is written after the command has ended is lost.
func (g *Guest) RunInteractive(ctx context.Context, c Command, terminal *Size, out io.Writer, feed func(Input)) (int, error) {
	over := make(chan struct{})
	defer close(over)
	return g.run(ctx, request{Command: c, Input: true, Terminal: terminal}, out, func() { feed(Input{g, over}) })
}

// run carries out a request. It calls begun in a goroutine of its own once the
// guest has the request.
func (g *Guest) run(ctx context.Context, r request, out io.Writer, begun func()) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.line.writeJSON(frameRun, r); err != nil {
		return 0, g.lost(err)
	}
	go begun()
	for {
		var f frame
		select {
		case f = <-g.line.events:
		case <-g.line.ended:
			return 0, g.lost(g.line.err)
		case <-ctx.Done():
			return 0, g.lost(ctx.Err())
		}
		switch f.kind {
		case frameOutput:
			if _, err := out.Write(f.payload); err != nil {
				return 0, g.lost(err)
			}
		case frameExit:
			var x result
			if err := json.Unmarshal(f.payload, &x); err != nil {
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
