package vrrp

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ours is the policy of a test: programs run as whoever runs the test.
func ours(secure bool) ScriptPolicy {
	return ScriptPolicy{Secure: secure, UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()), Env: os.Environ()}
}

// me is the user that runs the tests, in figures.
func me() string { return strconv.Itoa(os.Geteuid()) }

// script writes an executable shell script.
func script(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestScriptWeakness walks paths that somebody else could change in some way.
func TestScriptWeakness(t *testing.T) {
	dir := t.TempDir() // below a directory that is sticky: /tmp
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	sub := func(name string, mode os.FileMode) string {
		d := filepath.Join(dir, name)
		must(os.Mkdir(d, 0o755))
		must(os.Chmod(d, mode))
		return d
	}
	mode := func(path string, m os.FileMode) string {
		must(os.Chmod(path, m))
		return path
	}
	link := func(target, name string) string {
		l := filepath.Join(dir, name)
		must(os.Symlink(target, l))
		return l
	}
	good := script(t, filepath.Join(dir, "good"), "")
	open := sub("open", 0o777)
	inOpen := script(t, filepath.Join(open, "x"), "")
	sticky := sub("sticky", os.ModeSticky|0o777)
	group := sub("group", 0o775)
	other := mode(script(t, filepath.Join(dir, "writable"), ""), 0o777)
	tests := []struct {
		name, path, weak string // weak: how the complaint ends, "" for none
	}{
		{"a safe script", good, ""},
		{"a script that everybody may write", other, "writable can be written by everybody"},
		{"a directory that everybody may write", inOpen, "open can be written by everybody"},
		{"a sticky directory", script(t, filepath.Join(sticky, "x"), ""), ""},
		{"a link to a safe script", link("good", "l1"), ""},
		{"a link to an unsafe one", link(inOpen, "l2"), "open can be written by everybody"},
		{"a link through an unsafe directory", link("open/../good", "l3"), "open can be written by everybody"},
		{"dots through an unsafe directory", filepath.Join(dir, "open") + "/./../good", "open can be written by everybody"},
	}
	if os.Geteuid() == 0 {
		must(os.Chown(group, 0, 12345))
		theirs := script(t, filepath.Join(dir, "theirs"), "")
		must(os.Chown(theirs, 12345, 0))
		tests = append(tests, struct{ name, path, weak string }{
			"a directory that a group may write", script(t, filepath.Join(group, "x"), ""), "group can be written by group 12345",
		}, struct{ name, path, weak string }{
			"a script of somebody else", theirs, "theirs belongs to user 12345",
		})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			command := Command{Argv: []string{test.path}, User: me()}
			p, err := ours(false).Prepare(command)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Weakness(); (test.weak == "") != (got == "") || !strings.HasSuffix(got, test.weak) {
				t.Errorf("weakness %q, want ...%q", got, test.weak)
			}
			_, err = ours(true).Prepare(command)
			var refused *ScriptError
			if errors.As(err, &refused); (err != nil) != (test.weak != "") || err != nil && refused.Fault != ScriptInsecure {
				t.Errorf("with enable_script_security: %v", err)
			}
		})
	}
}

func TestScriptMissing(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		command Command
		fault   ScriptFault
		what    string
	}{
		{"nothing", Command{}, ScriptMissing, "no program is named"},
		{"an empty name", Command{Argv: []string{""}}, ScriptMissing, "no program is named"},
		{"not there", Command{Argv: []string{dir + "/none"}}, ScriptMissing, "none: no such file"},
		{"not executable", Command{Argv: []string{plain}}, ScriptMissing, "plain cannot be executed"},
		{"a directory", Command{Argv: []string{dir}}, ScriptMissing, "is not a file"},
		{"through a file", Command{Argv: []string{plain + "/x"}}, ScriptMissing, "not a directory"},
		{"an endless link", Command{Argv: []string{loop}}, ScriptMissing, "too many"},
		{"a relative path", Command{Argv: []string{"./x"}}, ScriptMissing, "not a path from the root"},
		{"not in PATH", Command{Argv: []string{"no-such-program"}}, ScriptMissing, "is in no directory of PATH"},
		{"no such user", Command{Argv: []string{"/bin/sh"}, User: "no-such-user"}, ScriptUser, `no user "no-such-user"`},
		{"no such group", Command{Argv: []string{"/bin/sh"}, User: me(), Group: "no-such-group"}, ScriptUser, `no group "no-such-group"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.command.User == "" {
				test.command.User = me()
			}
			_, err := ours(false).Prepare(test.command)
			var refused *ScriptError
			if !errors.As(err, &refused) || refused.Fault != test.fault || !strings.Contains(err.Error(), test.what) {
				t.Errorf("got %v, want something with %q", err, test.what)
			}
		})
	}
}

// TestScriptSearch takes a bare name from PATH, but not from a directory that
// depends on where we were started.
func TestScriptSearch(t *testing.T) {
	dir := t.TempDir()
	want := script(t, filepath.Join(dir, "findme"), "")
	policy := ours(false)
	for path, found := range map[string]bool{"/nowhere:" + dir: true, dir + "/": true, "": false, ".": false, "/nowhere": false} {
		policy.Env = []string{"PATH=" + path}
		p, err := policy.Prepare(Command{Argv: []string{"findme"}, User: me()})
		if (err == nil) != found || found && p.Path() != want {
			t.Errorf("PATH=%s: %v", path, err)
		}
	}
	t.Chdir(dir)
	policy.Env = []string{"PATH=.:"}
	if _, err := policy.Prepare(Command{Argv: []string{"findme"}, User: me()}); err == nil {
		t.Error("found in the working directory")
	}
}

// TestScriptEnvironment: nothing of ours gets through that could change what a
// program does.
func TestScriptEnvironment(t *testing.T) {
	out := filepath.Join(t.TempDir(), "env")
	policy := ours(false)
	policy.Env = []string{"PATH=/usr/bin:/bin", "LANG=C", "LC_ALL=C", "TZ=UTC", "LD_PRELOAD=/evil.so", "IFS=x", "ENV=/evil", "SECRET=1", "NOTIFY_SOCKET=/run/x"}
	p, err := policy.Prepare(Command{Argv: []string{"/bin/sh", "-c", `env > "$0"; pwd >> "$0"; exec 3<&0; readlink /proc/self/fd/0 >> "$0"`, out}, User: me()})
	if err != nil {
		t.Fatal(err)
	}
	if r := p.Run(t.Context()); !r.OK() {
		t.Fatal(r)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range lines[:len(lines)-2] {
		name, _, _ := strings.Cut(line, "=")
		names = append(names, name)
	}
	for _, own := range []string{"PWD", "SHLVL", "_", "OLDPWD"} { // the shell's own
		names = slices.DeleteFunc(names, func(n string) bool { return n == own })
	}
	slices.Sort(names)
	want := []string{"HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TZ", "USER"}
	if !slices.Equal(names, want) {
		t.Errorf("environment %v, want %v", names, want)
	}
	if got := lines[len(lines)-2:]; !slices.Equal(got, []string{"/", "/dev/null"}) {
		t.Errorf("directory and input are %v, want / and /dev/null", got)
	}
}

// TestScriptUser runs a program as somebody else.
func TestScriptUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can run programs as somebody else")
	}
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "id")
	for _, test := range []struct {
		name    string
		policy  ScriptPolicy
		command Command
		want    string
	}{
		{"user and group", ours(false), Command{User: "nobody", Group: "daemon"}, "nobody:daemon:daemon"},
		{"a user's own group", ours(false), Command{User: "daemon"}, "daemon:daemon:daemon"},
		{"ourselves", ours(false), Command{}, "root:root:root"},
		{"nobody, to be secure", ours(true), Command{}, "nobody:nogroup:nogroup"},
	} {
		t.Run(test.name, func(t *testing.T) {
			os.Remove(out)
			test.command.Argv = []string{"/bin/sh", "-c", `echo "$(id -un):$(id -gn):$(id -Gn)" > "$0"`, out}
			p, err := test.policy.Prepare(test.command)
			if err != nil {
				t.Fatal(err)
			}
			if r := p.Run(t.Context()); !r.OK() {
				t.Fatal(r)
			}
			text, err := os.ReadFile(out)
			if got := strings.TrimSpace(string(text)); err != nil || got != test.want {
				t.Errorf("ran as %s (%v), want %s", got, err, test.want)
			}
		})
	}
}

func TestScriptResult(t *testing.T) {
	for text, want := range map[string]string{
		"exit 0": "exited with status 0", "exit 3": "exited with status 3", "kill -9 $$": "exited due to signal 9",
	} {
		p, err := ours(false).Prepare(Command{Argv: []string{"/bin/sh", "-c", text}, User: me()})
		if err != nil {
			t.Fatal(err)
		}
		if r := p.Run(t.Context()); r.String() != want || r.OK() != (text == "exit 0") {
			t.Errorf("%s: %v, OK %v", text, r, r.OK())
		}
	}
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("neither a program nor a script"), 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := ours(false).Prepare(Command{Argv: []string{path}, User: me()})
	if err != nil {
		t.Fatal(err)
	}
	if r := p.Run(t.Context()); r.OK() || !strings.Contains(r.String(), "could not be run: ") {
		t.Errorf("a file that is no program: %v", r)
	}
}

// TestScriptKilled ends programs that take too long, and all they started, even
// those that take no notice of being told to end.
func TestScriptKilled(t *testing.T) {
	dir := t.TempDir()
	pids := filepath.Join(dir, "pids")
	for name, text := range map[string]string{
		"ends when told":     `sleep 60 & echo $! $$ > "$0"; wait`,
		"does not listen":    `trap "" TERM; (trap "" TERM; sleep 60; sleep 60) & echo $! $$ > "$0"; wait; sleep 60`,
		"leaves a child":     `(trap "" TERM; sleep 60; sleep 60) & echo $! $$ > "$0"; wait`,
		"child's child":      `sh -c 'sleep 60 & wait' & echo $! $$ > "$0"; wait`,
		"ended by the child": `sleep 60 & echo $! $$ > "$0"; exec sleep 60`,
	} {
		t.Run(name, func(t *testing.T) {
			os.Remove(pids)
			p, err := ours(false).Prepare(Command{Argv: []string{"/bin/sh", "-c", text, pids}, User: me()})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			begin := time.Now()
			r := p.Run(ctx)
			if !r.TimedOut || r.OK() || r.String() != "timed out" {
				t.Errorf("ended as %+v", r)
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			text, err := os.ReadFile(pids)
			if err != nil {
				t.Fatal(err)
			}
			for _, word := range strings.Fields(string(text)) {
				pid, err := strconv.Atoi(word)
				if err != nil {
					t.Fatal(err)
				}
				waitGone(t, pid)
			}
		})
	}
}

// stubborn is a shell's program that writes its number and a child's to the file $0,
// and that neither of them ends when told to.
const stubborn = `trap "" TERM; sleep 60 & echo $! $$ > "$0.new"; mv "$0.new" "$0"; while :; do sleep 60; done`

// awaitPIDs waits until a stubborn program has written its file.
func awaitPIDs(t *testing.T, file string) (pids []int) {
	t.Helper()
	for range 2000 {
		if text, err := os.ReadFile(file); err == nil {
			for _, word := range strings.Fields(string(text)) {
				pid, err := strconv.Atoi(word)
				if err != nil {
					t.Fatal(err)
				}
				pids = append(pids, pid)
			}
			return pids
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("nobody has written %s", file)
	return nil
}

// TestScriptUnwanted ends a program whose result nobody wants any more. When Run
// returns nothing of it is left, though it takes no notice of being told to end; and
// one that nobody wants from the beginning is not started.
func TestScriptUnwanted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	p, err := ours(false).Prepare(Command{Argv: []string{"/bin/sh", "-c", stubborn, file}, User: me()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan ScriptResult, 1)
	go func() { ended <- p.Run(ctx) }()
	pids := awaitPIDs(t, file)
	cancel()
	if r := <-ended; !r.TimedOut || r.OK() {
		t.Errorf("ended as %+v", r)
	}
	for _, pid := range pids {
		waitGone(t, pid)
	}
	os.Remove(file)
	if r := p.Run(ctx); !r.TimedOut || r.OK() {
		t.Errorf("one that nobody wants ended as %+v", r)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("one that nobody wants was started")
	}
}

// waitGone waits until a process has ended; one that nobody has waited for yet
// has ended too.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	for range 200 {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	unix.Kill(pid, unix.SIGKILL)
	t.Errorf("process %d still runs", pid)
}

func TestScriptWithout(t *testing.T) {
	bad := ScriptConfig{Name: "bad", Command: Command{Argv: []string{"/nonexistent"}, User: me()}}
	good := ScriptConfig{Name: "good", Command: Command{Argv: []string{"/bin/sh"}, User: me()}}
	both := []TrackedConfig{{Name: "bad"}, {Name: "good", Weight: 3}}
	c := Config{
		Scripts:   []ScriptConfig{bad, good},
		Instances: []InstanceConfig{{Track: TrackConfig{Scripts: both}}},
		Groups:    []GroupConfig{{Track: TrackConfig{Scripts: both}}},
	}
	got, why := ours(false).Without(c)
	if len(got.Scripts) != 1 || got.Scripts[0].Name != "good" {
		t.Errorf("scripts %v", got.Scripts)
	}
	for _, tracked := range [][]TrackedConfig{got.Instances[0].Track.Scripts, got.Groups[0].Track.Scripts} {
		if len(tracked) != 1 || tracked[0] != both[1] {
			t.Errorf("still tracked: %v", tracked)
		}
	}
	if len(why) != 1 || !strings.HasPrefix(why[0], "Disabling track script bad: /nonexistent: ") {
		t.Errorf("why: %q", why)
	}
	if len(c.Scripts) != 2 || len(c.Instances[0].Track.Scripts) != 2 || len(c.Groups[0].Track.Scripts) != 2 || both[0].Name != "bad" {
		t.Error("the configuration that was given has changed")
	}
}
