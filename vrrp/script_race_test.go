package vrrp

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// nobody is a user and a group that own nothing else.
const nobody = 65534

// asNobody calls f in a thread that has no power but that of nobody. The thread ends
// with it.
func asNobody(t *testing.T, f func()) (ended chan struct{}) {
	t.Helper()
	ended = make(chan struct{})
	become := func() error {
		for _, call := range [][4]uintptr{
			{unix.SYS_SETGROUPS, 0, 0, 0}, {unix.SYS_SETRESGID, nobody, nobody, nobody}, {unix.SYS_SETRESUID, nobody, nobody, nobody},
		} {
			if _, _, code := unix.RawSyscall(call[0], call[1], call[2], call[3]); code != 0 {
				return code
			}
		}
		return nil
	}
	go func() {
		defer close(ended)
		runtime.LockOSThread() // and never unlocked
		if err := become(); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	return ended
}

// exchange has two names change places, as one step.
func exchange(a, b string) error {
	return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
}

// battlefield is a directory of root's, in which somebody else has some places, and
// a script of his that leaves a mark when it is run.
type battlefield struct {
	t         *testing.T
	dir, mark string
}

func newBattlefield(t *testing.T) *battlefield {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else as well")
	}
	b := &battlefield{t: t, dir: t.TempDir()}
	b.mark = b.at("mark")
	b.must(os.Chmod(filepath.Dir(b.dir), 0o755))
	b.must(os.Chmod(b.dir, 0o755))
	return b
}

func (b *battlefield) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *battlefield) at(name string) string { return filepath.Join(b.dir, name) }

func (b *battlefield) mkdir(name string, mode os.FileMode, owner int) {
	b.t.Helper()
	b.must(os.Mkdir(b.at(name), 0o755))
	b.must(os.Chown(b.at(name), owner, owner))
	b.must(os.Chmod(b.at(name), mode))
}

func (b *battlefield) good(name string) { script(b.t, b.at(name), "exit 0") }

func (b *battlefield) evil(name string) {
	b.t.Helper()
	script(b.t, b.at(name), "echo won >> "+b.mark)
	b.must(os.Chown(b.at(name), nobody, nobody))
}

func (b *battlefield) link(target, name string) {
	b.t.Helper()
	b.must(os.Symlink(target, b.at(name)))
	b.must(os.Lchown(b.at(name), nobody, nobody))
}

// won tells whether the script of somebody else has been run.
func (b *battlefield) won() bool {
	_, err := os.Stat(b.mark)
	return err == nil
}

// races are places where somebody else can have his script and one of root's change
// places: the two names that he exchanges, and the path of the script.
var races = []struct {
	name       string
	make       func(b *battlefield)
	path, a, b string
}{
	{"a directory that everybody may write", func(b *battlefield) {
		b.mkdir("open", 0o777, 0)
		b.good("open/x")
		b.evil("open/y")
	}, "open/x", "open/x", "open/y"},
	{"a link in a sticky directory", func(b *battlefield) {
		b.mkdir("sticky", os.ModeSticky|0o777, 0)
		b.good("good")
		b.link(b.at("good"), "sticky/x")
		b.evil("sticky/y")
	}, "sticky/x", "sticky/x", "sticky/y"},
	{"a directory of theirs that is a link at times", func(b *battlefield) {
		b.mkdir("safe", 0o755, 0)
		b.good("safe/x")
		b.mkdir("theirs", 0o755, nobody)
		b.mkdir("theirs/real", 0o755, nobody)
		b.evil("theirs/real/x")
		b.link(b.at("safe"), "theirs/turn")
	}, "theirs/turn/x", "theirs/turn", "theirs/real"},
	{"a link of root's to a link of theirs", func(b *battlefield) {
		b.good("good")
		b.mkdir("theirs", 0o755, nobody)
		b.link(b.at("good"), "theirs/x")
		b.evil("theirs/y")
		b.must(os.Symlink("theirs/x", b.at("x")))
	}, "x", "theirs/x", "theirs/y"},
	{"dots behind a link of theirs", func(b *battlefield) {
		b.mkdir("safe", 0o755, 0)
		b.mkdir("safe/sub", 0o755, 0)
		b.good("safe/x")
		b.mkdir("theirs", 0o755, nobody)
		b.mkdir("theirs/real", 0o755, nobody)
		b.evil("theirs/x")
		b.link(b.at("safe/sub"), "theirs/turn")
	}, "theirs/turn/../x", "theirs/turn", "theirs/real"},
}

// TestScriptRace has somebody else exchange a script, or something on the way to it,
// for his own again and again, while it is looked at and run: with
// enable_script_security his is never run. Without, it is, so the race is a real one.
func TestScriptRace(t *testing.T) {
	const tries = 2_000 // for each of five
	for _, race := range races {
		t.Run(race.name, func(t *testing.T) {
			b := newBattlefield(t)
			race.make(b)
			// Not joined: that would take the dots away.
			command := Command{Argv: []string{b.dir + "/" + race.path}, User: me()}
			var exchanges atomic.Int64
			var enough atomic.Bool
			ended := asNobody(t, func() {
				for !enough.Load() && !t.Failed() {
					if err := exchange(b.at(race.a), b.at(race.b)); err != nil {
						t.Error(err)
					}
					exchanges.Add(1)
				}
			})
			defer func() {
				enough.Store(true)
				<-ended
			}()
			for n := 0; n < tries || exchanges.Load() < tries; n++ {
				r := ours(true).Run(t.Context(), command)
				// Insecure, or missing if what was a link is none any more.
				if _, refused := errors.AsType[*ScriptError](r.Err); !refused {
					t.Fatalf("try %d: %v", n, r)
				}
				if t.Failed() {
					return
				}
			}
			if b.won() {
				t.Errorf("the script of somebody else was run")
			}
			for n := 0; !b.won(); n++ {
				if n == tries {
					t.Fatal("it is not run without enable_script_security either: this is no race")
				}
				ours(false).Run(t.Context(), command)
			}
		})
	}
}

// TestScriptRaceLost has somebody else try to exchange scripts that only root can
// change: he cannot, and they are run.
func TestScriptRaceLost(t *testing.T) {
	b := newBattlefield(t)
	b.mkdir("sticky", os.ModeSticky|0o777, 0)
	b.good("sticky/x")
	b.evil("sticky/y")
	b.good("good")
	var enough atomic.Bool
	ended := asNobody(t, func() {
		for !enough.Load() {
			if exchange(b.at("sticky/x"), b.at("sticky/y")) == nil || exchange(b.at("good"), b.at("sticky/y")) == nil {
				t.Error("somebody else exchanged a script of root's")
				return
			}
		}
	})
	for range 10 {
		for _, name := range []string{"sticky/x", "good"} {
			if r := ours(true).Run(t.Context(), Command{Argv: []string{b.at(name)}, User: me()}); !r.OK() {
				t.Errorf("%s: %v", name, r)
			}
		}
	}
	enough.Store(true)
	<-ended
	if b.won() {
		t.Error("the script of somebody else was run")
	}
}

// TestScriptLookedAtAgain has a tracked script run for a while before its directory is
// opened to everybody, and somebody exchanges it: his is not run. It was not looked
// at for good when the configuration was read. Nor does a policy stay that a reload
// changes.
func TestScriptLookedAtAgain(t *testing.T) {
	b := newBattlefield(t)
	b.mkdir("open", 0o755, 0)
	b.good("open/x")
	b.evil("open/y")
	config := Config{
		Scripts: []ScriptConfig{{
			Name: "x", Command: Command{Argv: []string{b.at("open/x")}, User: me()},
			Interval: 20 * time.Millisecond, Timeout: 10 * time.Second, Rise: 1, Fall: 1,
		}},
		Instances: []InstanceConfig{{Name: "V", Track: TrackConfig{Scripts: []TrackedConfig{{Name: "x"}}}}},
	}
	var got standings
	w := NewWatcher(slog.New(slog.DiscardHandler), got.set)
	defer w.Close()
	w.Apply(&config, ours(true))
	up, down := Standing{Known: true, Up: true}, Standing{Known: true}
	got.await(t, CauseScript, "x", up)

	b.must(os.Chmod(b.at("open"), 0o777))
	got.await(t, CauseScript, "x", down)
	<-asNobody(t, func() {
		if err := exchange(b.at("open/x"), b.at("open/y")); err != nil {
			t.Error(err)
		}
	})
	time.Sleep(200 * time.Millisecond) // ten more runs
	if b.won() {
		t.Error("the script of somebody else was run")
	}

	w.Apply(&config, ours(false))
	got.await(t, CauseScript, "x", up)
	if !b.won() {
		t.Error("without enable_script_security it is not run")
	}
	w.Apply(&config, ours(true))
	b.must(os.Remove(b.mark))
	time.Sleep(200 * time.Millisecond)
	if b.won() {
		t.Error("a reload brought enable_script_security, and it is still run")
	}
}
