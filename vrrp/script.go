package vrrp

import (
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ScriptPolicy says which programs may be run, and as whom.
type ScriptPolicy struct {
	// Secure refuses a program that somebody other than root and the user it is
	// run as could change (enable_script_security).
	Secure bool
	// UID and GID are ours, the daemon's. A test of a configuration has those of
	// the daemon that it is for.
	UID, GID uint32
	// Env is our own environment, of which programs get a part, see Prepare.
	Env []string
}

// ScriptFault says why a program cannot be run.
type ScriptFault uint8

const (
	// ScriptMissing: there is no such program, or it cannot be executed.
	ScriptMissing ScriptFault = iota
	// ScriptInsecure: somebody else could change it.
	ScriptInsecure
	// ScriptUser: there is no such user or group, or we may not become it.
	ScriptUser
)

// ScriptError is why a program cannot be run.
type ScriptError struct {
	Fault ScriptFault
	What  string
}

func (e *ScriptError) Error() string { return e.What }

func scriptError(f ScriptFault, format string, args ...any) error {
	return &ScriptError{Fault: f, What: fmt.Sprintf(format, args...)}
}

// Program is a Command that was looked at and can be run.
type Program struct {
	path string
	argv []string
	env  []string
	cred *syscall.Credential // nil for ourselves
	weak string
}

// Path is the program's file.
func (p *Program) Path() string { return p.path }

// Weakness says who besides root and the program's user could change it, "" if
// nobody can. With a Secure policy it is always "".
func (p *Program) Weakness() string { return p.weak }

// String is the program and its arguments, as keepalived's log has them.
func (p *Program) String() string {
	words := make([]string, len(p.argv))
	for i, a := range p.argv {
		words[i] = "'" + a + "'"
	}
	return strings.Join(words, " ")
}

// Prepare looks at a program: who it is run as, where it is, and whether somebody
// else could change it. Errors are of type *ScriptError.
//
// It is run with no input, output thrown away, "/" as directory, and an
// environment of PATH, HOME, USER, LOGNAME, SHELL and what ours has of LANG,
// LC_…, LANGUAGE and TZ: nothing that could make the program load or run
// something else.
func (s ScriptPolicy) Prepare(c Command) (*Program, error) {
	if len(c.Argv) == 0 || c.Argv[0] == "" {
		return nil, scriptError(ScriptMissing, "no program is named")
	}
	who, err := s.user(c)
	if err != nil {
		return nil, err
	}
	p := &Program{argv: slices.Clone(c.Argv), env: s.environment(who)}
	if who.uid != s.UID || who.gid != s.GID {
		p.cred = &syscall.Credential{Uid: who.uid, Gid: who.gid}
	}
	name := c.Argv[0]
	if !strings.Contains(name, "/") {
		if name = s.search(name, who); name == "" {
			return nil, scriptError(ScriptMissing, "%s is in no directory of PATH", c.Argv[0])
		}
	}
	if !strings.HasPrefix(name, "/") {
		return nil, scriptError(ScriptMissing, "%s is not a path from the root", name)
	}
	walk := pathWalk{owner: who.uid}
	_, st, err := walk.follow(name)
	switch {
	case err != nil:
		return nil, scriptError(ScriptMissing, "%s: %v", name, err)
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, scriptError(ScriptMissing, "%s is not a file", name)
	case !executable(&st, who):
		return nil, scriptError(ScriptMissing, "%s cannot be executed by user %d", name, who.uid)
	case s.Secure && walk.weak != "":
		return nil, scriptError(ScriptInsecure, "%s", walk.weak)
	}
	p.path, p.weak = name, walk.weak
	return p, nil
}

// Without returns the configuration without the scripts that cannot be run here,
// and a line for the log about each. As with keepalived, instances that track them go on as if they did not.
func (s ScriptPolicy) Without(c Config) (usable Config, why []string) {
	bad := make(map[string]bool)
	c.Scripts = slices.DeleteFunc(slices.Clone(c.Scripts), func(script ScriptConfig) bool {
		_, err := s.Prepare(script.Command)
		if err != nil {
			bad[script.Name] = true
			why = append(why, "Disabling track script "+script.Name+": "+err.Error())
		}
		return err != nil
	})
	if len(bad) == 0 {
		return c, nil
	}
	cut := func(t *TrackConfig) {
		t.Scripts = slices.DeleteFunc(slices.Clone(t.Scripts), func(t TrackedConfig) bool { return bad[t.Name] })
	}
	c.Instances, c.Groups = slices.Clone(c.Instances), slices.Clone(c.Groups)
	for i := range c.Instances {
		cut(&c.Instances[i].Track)
	}
	for i := range c.Groups {
		cut(&c.Groups[i].Track)
	}
	return c, why
}

// identity is who a program is run as.
type identity struct {
	uid, gid   uint32
	name, home string
}

// user finds who the command is run as. Without a configured user that is
// keepalived_script if there is one. Otherwise it is ourselves, or with a Secure
// policy nobody, if we are root.
func (s ScriptPolicy) user(c Command) (identity, error) {
	u, err := s.account(c.User)
	if err != nil {
		return identity{}, err
	}
	who := identity{name: u.Username, home: u.HomeDir}
	group := u.Gid
	if c.Group != "" {
		if group, err = groupID(c.Group); err != nil {
			return identity{}, err
		}
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(group, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return identity{}, scriptError(ScriptUser, "user %s: %v", u.Username, err)
	}
	who.uid, who.gid = uint32(uid), uint32(gid)
	return who, nil
}

func (s ScriptPolicy) account(name string) (*user.User, error) {
	if name == "" {
		if u, err := user.Lookup("keepalived_script"); err == nil {
			return u, nil
		}
		if !s.Secure || s.UID != 0 {
			return s.ourselves(), nil
		}
		name = "nobody"
	}
	u, err := user.Lookup(name)
	if err != nil {
		if u, err = user.LookupId(name); err != nil {
			return nil, scriptError(ScriptUser, "there is no user %q", name)
		}
	}
	return u, nil
}

func (s ScriptPolicy) ourselves() *user.User {
	uid, gid := strconv.Itoa(int(s.UID)), strconv.Itoa(int(s.GID))
	if u, err := user.LookupId(uid); err == nil {
		u.Gid = gid
		return u
	}
	return &user.User{Uid: uid, Gid: gid, Username: uid, HomeDir: "/"}
}

func groupID(name string) (string, error) {
	if g, err := user.LookupGroup(name); err == nil {
		return g.Gid, nil
	}
	if g, err := user.LookupGroupId(name); err == nil {
		return g.Gid, nil
	}
	return "", scriptError(ScriptUser, "there is no group %q", name)
}

// executable tells whether the user may execute the file, as the kernel decides
// it: root may if anybody may.
func executable(st *unix.Stat_t, who identity) bool {
	switch {
	case who.uid == 0:
		return st.Mode&0o111 != 0
	case who.uid == st.Uid:
		return st.Mode&0o100 != 0
	case who.gid == st.Gid:
		return st.Mode&0o010 != 0
	}
	return st.Mode&0o001 != 0
}

// defaultPath is PATH when we have none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// search looks for a bare name in PATH. Directories that are not given from the
// root depend on where we were started, and are left out.
func (s ScriptPolicy) search(name string, who identity) string {
	for dir := range strings.SplitSeq(s.path(), ":") {
		if !strings.HasPrefix(dir, "/") {
			continue
		}
		file := strings.TrimSuffix(dir, "/") + "/" + name
		var st unix.Stat_t
		if unix.Stat(file, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && executable(&st, who) {
			return file
		}
	}
	return ""
}

func (s ScriptPolicy) path() string {
	for _, v := range s.Env {
		if path, ok := strings.CutPrefix(v, "PATH="); ok && path != "" {
			return path
		}
	}
	return defaultPath
}

// environment is what a program gets of ours.
func (s ScriptPolicy) environment(who identity) []string {
	env := []string{
		"PATH=" + s.path(), "HOME=" + who.home, "USER=" + who.name, "LOGNAME=" + who.name, "SHELL=/bin/sh",
	}
	for _, v := range s.Env {
		name, _, _ := strings.Cut(v, "=")
		if name == "LANG" || name == "LANGUAGE" || name == "TZ" || strings.HasPrefix(name, "LC_") {
			env = append(env, v)
		}
	}
	return env
}
