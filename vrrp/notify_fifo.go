package vrrp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// FIFOEvents says what is written to a FIFO.
type FIFOEvents uint8

const (
	// AllEvents is everything (notify_fifo).
	AllEvents FIFOEvents = iota
	// RouterEvents are those of virtual routers (vrrp_notify_fifo).
	RouterEvents
	// ServerEvents are those of virtual servers (lvs_notify_fifo).
	ServerEvents
)

func (e FIFOEvents) String() string {
	switch e {
	case AllEvents:
		return "all"
	case RouterEvents:
		return "routers"
	case ServerEvents:
		return "servers"
	}
	return fmt.Sprintf("FIFOEvents(%d)", uint8(e))
}

// FIFOConfig is a named pipe that notifications are written to.
type FIFOConfig struct {
	Path string // "" for none
	// User and Group own it if it is made, "" for those we run as.
	User, Group string
	// Script reads it: it is started with the path as last argument, and again
	// when it ends. nil for none.
	Script *Command
	Events FIFOEvents
}

// fifo is an open FIFO and the program that reads it.
type fifo struct {
	config FIFOConfig
	file   *os.File
	made   bool // by us, so that we remove it
	log    *slog.Logger
	lost   uint64 // lines that could not be written
	said   bool   // that lines are being lost
	cancel context.CancelFunc
	ended  chan struct{}
}

// openFIFO makes the FIFO if there is none, and opens it. It is opened for reading
// as well, so that what is written before its reader comes waits for it; the
// kernel keeps 64 KiB.
//
// What is there already is taken only if it is a FIFO, no link, and belongs to
// root, to us or to the configured user: lines for somebody else's reader would
// tell him what we do, and a file or a link could be aimed at anything.
func openFIFO(c FIFOConfig, policy ScriptPolicy, log *slog.Logger) (*fifo, error) {
	f := &fifo{config: c, log: log}
	uid, gid, err := fifoOwner(c, policy)
	if err != nil {
		return nil, err
	}
	switch err := unix.Mkfifo(c.Path, 0o600); {
	case err == nil:
		f.made = true
	case !errors.Is(err, unix.EEXIST):
		return nil, fmt.Errorf("make FIFO %s: %w", c.Path, err)
	}
	fd, err := unix.Open(c.Path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, fmt.Errorf("open FIFO %s: %w", c.Path, err)
	}
	f.file = os.NewFile(uintptr(fd), c.Path)
	var st unix.Stat_t
	switch err := unix.Fstat(fd, &st); {
	case err != nil:
		err = fmt.Errorf("open FIFO %s: %w", c.Path, err)
		return nil, errors.Join(err, f.file.Close())
	case st.Mode&unix.S_IFMT != unix.S_IFIFO:
		f.file.Close()
		return nil, fmt.Errorf("%s is not a FIFO", c.Path)
	case st.Uid != 0 && st.Uid != uid && st.Uid != policy.UID, st.Nlink != 1:
		f.file.Close()
		return nil, fmt.Errorf("FIFO %s belongs to somebody else (user %d)", c.Path, st.Uid)
	}
	if f.made && (uid != policy.UID || gid != policy.GID) {
		if err := unix.Fchown(fd, int(uid), int(gid)); err != nil {
			log.Warn(fmt.Sprintf("give FIFO %s to %s: %v", c.Path, c.User, err))
		}
	}
	if c.Script != nil {
		f.startReader(policy)
	}
	return f, nil
}

// fifoOwner is who a FIFO belongs to.
func fifoOwner(c FIFOConfig, policy ScriptPolicy) (uid, gid uint32, err error) {
	if c.User == "" {
		return policy.UID, policy.GID, nil
	}
	who, err := policy.user(Command{User: c.User, Group: c.Group})
	return who.uid, who.gid, err
}

// write writes a line, or loses it: whoever does not read must not hold us up.
func (f *fifo) write(line string) {
	// Past the runtime's poller, which would wait.
	conn, err := f.file.SyscallConn()
	if err != nil {
		return
	}
	conn.Control(func(fd uintptr) { _, err = unix.Write(int(fd), []byte(line)) })
	if err == nil {
		if f.said {
			f.log.Warn(fmt.Sprintf("FIFO %s is read again; %d lines were lost so far", f.config.Path, f.lost))
		}
		f.said = false
		return
	}
	f.lost++
	if !f.said {
		f.log.Warn(fmt.Sprintf("write FIFO %s: %v; lines are lost until somebody reads", f.config.Path, err))
	}
	f.said = true
}

// readerPause is how long a reader that ended stays so.
const readerPause = time.Second

// startReader runs the program that reads the FIFO, again and again.
func (f *fifo) startReader(policy ScriptPolicy) {
	program, err := policy.Prepare(*f.config.Script)
	if err != nil {
		f.log.Warn("Disabling FIFO script: " + err.Error())
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	f.cancel, f.ended = cancel, make(chan struct{})
	go func() {
		defer close(f.ended)
		for ctx.Err() == nil {
			if r := policy.Run(ctx, *f.config.Script, f.config.Path); ctx.Err() == nil {
				f.log.Warn(fmt.Sprintf("FIFO script %v %v", program, r))
			}
			select {
			case <-ctx.Done():
			case <-time.After(readerPause):
			}
		}
	}()
}

// close ends the reader once it has read everything, or after the context, and
// removes a FIFO that we made.
func (f *fifo) close(ctx context.Context) {
	if f.cancel != nil {
		f.drain(ctx)
		f.cancel()
		<-f.ended
	}
	if f.made {
		os.Remove(f.config.Path)
	}
	f.file.Close()
}

// drain waits until nothing is left to read.
func (f *fifo) drain(ctx context.Context) {
	conn, err := f.file.SyscallConn()
	if err != nil {
		return
	}
	for ctx.Err() == nil {
		left := 0
		conn.Control(func(fd uintptr) { left, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
		if left == 0 {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}
