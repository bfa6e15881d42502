package keepalived

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
)

func includeTree() map[string]string {
	return map[string]string{
		"etc/inc/a.conf": "a", "etc/inc/b.conf": "b", "etc/inc/.hidden.conf": "hidden",
		"etc/inc/deep/c.conf": "include d.conf\nc", "etc/inc/deep/d.conf": "d${_PWD}",
		"etc/inc/deep2/c.conf": "c2", "etc/sub/x/1.conf": "x1", "etc/sub/y/1.conf": "y1",
	}
}

func TestInclude(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a file", "include inc/a.conf\nend", "a|end"},
		{"by its whole path", "include /etc/inc/a.conf", "a"},
		{"a pattern", "include inc/*.conf", "a|b"},
		{"a class", `include inc/[\!a].conf`, "b"},
		{"hidden files when asked for", "include inc/.h*", "hidden"},
		{"braces, in their order", "include inc/{b,a}.conf", "b|a"},
		{"braces within braces", "include inc/{deep/{c,d},a}.conf", "d/etc/inc/deep|c|d/etc/inc/deep|a"},
		{"braces of names that are not there", "include inc/{a,none}.conf", "a"},
		{"a pattern for directories", "include sub/*/1.conf", "x1|y1"},
		{"from its own directory", "include inc/deep/c.conf", "d/etc/inc/deep|c"},
		{"in quotes (keepalived does not)", `include "inc/a.conf"`, "a"},
		{"with a definition", "$F=inc/a.conf\ninclude $F", "a"},
		{"for this machine only", "@main include inc/a.conf\n@other include inc/b.conf", "a"},
		{"in a sequence", "~LST(F,a,b) include inc/${F}.conf", "a|b"},
		{"twice", "include inc/a.conf\ninclude inc/a.conf", "a|a"},
		{"within a block", "x {\ninclude inc/a.conf\n}", "x|{|a|}"},
		{"with a comment", "include inc/a.conf # yes", "a"},
		{"a directory is left out", "include inc/deep*", ""},
		{"nothing that matches", "include inc/no*", ""},
		{"what only looks like it", "included inc/a.conf", "included inc/a.conf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := includeTree()
			tree["etc/main.conf"] = c.text
			l := newLoader(context.Background(), Options{FS: mapFS(tree), ConfigID: "main"})
			l.reader.openMain("/etc/main.conf", Options{})
			var got []string
			for tok := l.reader.next(); tok.kind != tokenEnd; tok = l.reader.next() {
				got = append(got, map[tokenKind]string{tokenText: tok.text, tokenOpen: "{", tokenClose: "}"}[tok.kind])
			}
			if joined := strings.Join(got, "|"); joined != c.want {
				t.Errorf("%q gives %q, want %q", c.text, joined, c.want)
			}
			if ds := l.report.all(); ds.Worst() == Error {
				t.Errorf("%q is refused: %v", c.text, ds)
			}
		})
	}
}

func TestIncludeInsists(t *testing.T) {
	for _, c := range []struct {
		text string
		want Severity // the worst of KindFile
	}{
		{"include none.conf", Warning},
		{"include no*", Note},
		{"includer none.conf", Warning},
		{"includem none.conf", Error},
		{"includem no*", Note},
		{"includew no*", Error},
		{"includew inc/*.conf", Note},
		{"includeb inc/{a,none}.conf", Error},
		{"includeb inc/{a,b}.conf", Note},
		{"includea none.conf", Error},
		{"includea no*", Error},
		{"includea inc/a.conf", Note},
		{"include exe.conf", Warning},
		{"includer exe.conf", Error},
		{"global_defs {\ninclude_check\n}\ninclude none.conf", Error},
		{"global_defs {\ninclude_check match\n}\ninclude no*", Note},
		{"global_defs {\ninclude_check\ninclude_check -match\n}\ninclude none.conf", Warning},
		{"global_defs {\ninclude_check readable +match\n}\ninclude none.conf", Error},
		{"include checks.conf\ninclude none.conf", Warning}, // what an included file sets ends with it
	} {
		fs := mapFS(includeTree())
		fs["etc/main.conf"] = &fstest.MapFile{Data: []byte(c.text), Mode: 0o644}
		fs["etc/exe.conf"] = &fstest.MapFile{Data: []byte("x"), Mode: 0o755}
		fs["etc/checks.conf"] = &fstest.MapFile{Data: []byte("global_defs {\ninclude_check\n}\n"), Mode: 0o644}
		_, ds := Load(context.Background(), "/etc/main.conf", Options{FS: fs})
		worst := Note
		for _, d := range ds {
			if d.Kind == KindFile {
				worst = max(worst, d.Severity)
			}
		}
		if worst != c.want {
			t.Errorf("%q: %v (%v), want %v", c.text, worst, ds, c.want)
		}
	}
}

func TestAllChecksIsForEveryInclude(t *testing.T) {
	fs := mapFS(map[string]string{"main.conf": "include no*\n"})
	if _, ds := Load(context.Background(), "main.conf", Options{FS: fs, AllChecks: true}); !ds.Has(Error, KindFile) {
		t.Errorf("got %v, want an error", ds)
	}
}

func TestIncludeRefusesCycles(t *testing.T) {
	fs := mapFS(map[string]string{"main.conf": "include a.conf\n", "a.conf": "\ninclude ./b.conf\n", "b.conf": "include a.conf\n"})
	c, ds := Load(context.Background(), "main.conf", Options{FS: fs})
	if c != nil || len(ds) != 1 || ds[0].String() != "b.conf:1: a.conf includes itself; take the include out" {
		t.Errorf("got %v", ds)
	}
}

// The host's files: nothing but a regular file is read, and nobody is waited for.
func TestLoadReadsRegularFilesOnly(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo.conf")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "zero.conf")
	if err := os.Symlink("/dev/zero", link); err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "exe.conf")
	if err := os.WriteFile(exe, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		fifo: "not a regular file", link: "not a regular file", dir: "directory", exe: "executable",
		filepath.Join(dir, "none.conf"): "no such file", "/proc/self/mem": "",
	} {
		c, ds := Load(context.Background(), name, Options{})
		if c != nil || !ds.Has(Error, KindFile) || !strings.Contains(ds[0].What, want) || ds[0].Position.File != name {
			t.Errorf("%s: got %v, want an error with %q", name, ds, want)
		}
	}
}

func TestLoadReadsRelativePaths(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.MkdirAll("conf/d", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"conf/main.conf": "include d/*.conf\nglobal_defs {\nrouter_id x\n}\n", "conf/d/a.conf": "instance ${_PWD}\n"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, ds := Load(context.Background(), "conf/main.conf", Options{})
	if c == nil || c.Global.RouterID != "x" || c.Global.Instance != filepath.Join(dir, "conf/d") {
		t.Errorf("got %+v, %v", c, ds)
	}
}

func TestPasswordsThatEverybodyCanReadAreNoted(t *testing.T) {
	text := "vrrp_instance V {\ninterface eth0\nvirtual_router_id 1\nauthentication {\nauth_type PASS\nauth_pass x\n}\nvirtual_ipaddress {\n10.0.0.1\n}\n}\nSSL {\npassword x\n}\n"
	for mode, want := range map[fs.FileMode]int{0o644: 1, 0o640: 0, 0o600: 0} {
		_, ds := Load(t.Context(), "f.conf", Options{FS: fstest.MapFS{"f.conf": {Data: []byte(text), Mode: mode}}})
		if len(ds) != want || ds.Worst() != Note {
			t.Errorf("mode %v: %v, want %d notes", mode, ds, want)
		}
	}
}

func TestExpandBraces(t *testing.T) {
	for pattern, want := range map[string][]string{
		"a": {"a"}, "{a}": {"a"}, "{}": {"{}"}, "{a,b}c": {"ac", "bc"}, "{a": {"{a"}, "a}": {"a}"},
		"{{a,b},c}": {"a", "b", "c"}, "{foo/{,cat,dog},bar}": {"foo/", "foo/cat", "foo/dog", "bar"},
	} {
		if got := expandBraces(pattern, 100); !slices.Equal(got, want) {
			t.Errorf("%q expands to %q, want %q", pattern, got, want)
		}
	}
	if got := expandBraces(strings.Repeat("{a,b}", 30), 100); len(got) > 100 {
		t.Errorf("%d patterns, want at most 100", len(got))
	}
}

var _ fs.StatFS = hostFS{}
