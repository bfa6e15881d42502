package keepalived

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// checkFixpoint dumps a configuration, reads that, and wants the same
// configuration and the same text again.
func checkFixpoint(t testing.TB, name string, c *Config) {
	t.Helper()
	text := dump(c, true)
	again, ds := Load(context.Background(), "dump.conf", Options{FS: mapFS(map[string]string{"dump.conf": text})})
	if again == nil {
		t.Errorf("%s: what was dumped is refused: %v\n%s", name, ds, text)
		return
	}
	if second := dump(again, true); second != text {
		t.Errorf("%s: the second dump is another: %s", name, firstDifference(text, second))
	}
	a, b := *c, *again
	a.Commands, b.Commands = nil, nil // they know their lines
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%s: what was dumped reads as another configuration: %s", name, differs("", reflect.ValueOf(a), reflect.ValueOf(b)))
	}
}

// differs names the first field in which two values differ.
func differs(path string, a, b reflect.Value) string {
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			if d := differs(path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i)); d != "" {
				return d
			}
		}
		return ""
	case reflect.Slice:
		if a.Len() != b.Len() || a.IsNil() != b.IsNil() {
			return fmt.Sprintf("%s: %d and %d, nil %v and %v", path, a.Len(), b.Len(), a.IsNil(), b.IsNil())
		}
		for i := range a.Len() {
			if d := differs(fmt.Sprintf("%s[%d]", path, i), a.Index(i), b.Index(i)); d != "" {
				return d
			}
		}
		return ""
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() || a.Elem().Type() != b.Elem().Type() {
			if a.IsNil() && b.IsNil() {
				return ""
			}
			return fmt.Sprintf("%s: %v and %v", path, a, b)
		}
		return differs(path, a.Elem(), b.Elem())
	}
	if fmt.Sprintf("%#v", a) != fmt.Sprintf("%#v", b) {
		return fmt.Sprintf("%s: %#v and %#v", path, a, b)
	}
	return ""
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return "-" + x[i] + "\n+" + y[i]
		}
	}
	return "one goes on"
}

// Everything that keepalived accepts and we do reads back as the same.
func TestDumpIsAFixpoint(t *testing.T) {
	n := 0
	for _, c := range acceptCases(t) {
		if c.ours == "error" {
			continue
		}
		config, _ := Load(context.Background(), "/f.conf", Options{FS: mapFS(map[string]string{"f.conf": c.file()})})
		if config == nil {
			continue // another test complains
		}
		checkFixpoint(t, c.block+" { "+c.text+" }", config)
		n++
	}
	if n < 500 {
		t.Errorf("only %d configurations were dumped", n)
	}
}

// Whole configurations and what they mean, with every default written out.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		base := filepath.Base(file)
		fs := mapFS(map[string]string{base: read1(t, file)}) // whatever the mode of the file here
		c, ds := Load(context.Background(), base, Options{ConfigID: "main", FS: fs})
		var got strings.Builder
		for _, d := range ds {
			got.WriteString("! " + d.Severity.String() + ": " + d.String() + "\n")
		}
		if c != nil {
			got.WriteString(Dump(c))
			checkFixpoint(t, file, c)
		}
		want := strings.TrimSuffix(file, ".conf") + ".golden"
		if *update {
			if err := os.WriteFile(want, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		raw, err := os.ReadFile(want)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(raw) {
			t.Errorf("%s: %s", file, firstDifference(string(raw), got.String()))
		}
	}
}

// No password gets into a dump, a log or a message.
func TestPasswordsAreNotShown(t *testing.T) {
	const secret = "hunter22"
	text := "vrrp_instance V {\ninterface eth0\nvirtual_router_id 1\nauthentication {\nauth_type PASS\nauth_pass " + secret + "\nauth_pass " + secret + "xyz\n}\n" +
		"virtual_ipaddress {\n10.0.0.1\n}\n}\nSSL {\npassword " + secret + "\n}\n"
	c, ds := Load(context.Background(), "f.conf", Options{FS: mapFS(map[string]string{"f.conf": text})})
	if c == nil {
		t.Fatal(ds)
	}
	shown := Dump(c)
	for _, d := range ds {
		shown += d.String()
	}
	if strings.Contains(shown, secret) {
		t.Errorf("the password is shown in\n%s", shown)
	}
	if !strings.Contains(dump(c, true), secret) {
		t.Error("the password is not kept")
	}
}

// What a word means to the reader at the beginning of a line, it does not mean
// in a dump.
func TestDumpKeepsOddNames(t *testing.T) {
	names := []string{"@main", "~SEQ(A,1,2)", "$X", "include", "includem", "a b", "a#b", "a{b}", "a!b", `a\b`, "ünï", "}", "{", "'"}
	var scripts, items strings.Builder
	for _, n := range names {
		fmt.Fprintf(&scripts, "vrrp_script \"%s\" {\nscript /bin/x\n}\n", n)
		fmt.Fprintf(&items, "\"%s\"\n", n)
	}
	c, ds := loadText(scripts.String() + within("vrrp_instance", `track_script {\n`+items.String()+`\n}`))
	if c == nil {
		t.Fatal(ds)
	}
	if got := len(c.VRRP.Instances[0].Track.Scripts); got != len(names) {
		t.Errorf("%d scripts are tracked, want %d: %v", got, len(names), ds)
	}
	checkFixpoint(t, "odd names", c)
}

func TestDumpOfTimesThatAreNotWholeSeconds(t *testing.T) {
	c, ds := loadText(within("MISC_CHECK", `misc_path /bin/x\ndelay_loop 1.5`))
	if c == nil {
		t.Fatal(ds)
	}
	checkFixpoint(t, "MISC_CHECK", c)
}
