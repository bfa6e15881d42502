package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// needKeepalived skips a test where there is no keepalived to compare with.
func needKeepalived(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("keepalived"); err != nil {
		if os.Getenv("UML_REQUIRED") == "1" {
			t.Fatal(err)
		}
		t.Skip("needs keepalived: install Debian package keepalived")
	}
}

func TestHAShowsThePost(t *testing.T) {
	needKeepalived(t)
	dir, tmp := scratch(t)
	out, err := runDemo(t, dir, "ha")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"nb_get_retry 3 #",
		"\n# The post's file, but for the braces in lines [40 50], which it forgets.\n",
		"\n# The post's file, but for the braces in lines [40 49 50], which it forgets.\n",
		"TCP  192.168.41.249:80 rr persistent 50\n  -> 192.168.41.31:80             Route   1 ",
		"\nOurs stayed within what the timers allow.\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for _, want := range []string{
		`ours +director1  .*Removing service \[192\.168\.41\.31\]:tcp:80 from VS \[192\.168\.41\.249\]:tcp:80`,
		`keepalived +director1  .*Removing service \[192\.168\.41\.31\]:tcp:80`,
		`ours +director2  \(VI_1\) Entering MASTER STATE`,
		`ours +director2  \(VI_1\) Entering BACKUP STATE`,
		`\n *\d+-\d+ +director1 +0 +\d+ +[1-9]\d* +director1 +0 +\d+ +[1-9]`, // rs1 is dead, requests are lost
		`\n *\d+-\d+ +director2 +[1-9]\d* +[1-9]\d* +0 `,
		`rs1's web server is killed +[1-9]\d* of \d+, in \d+\.\d s(, \d+ unclear)? +[1-9]\d* of \d+, in \d+\.\d s(, \d+ unclear)? +\d+\.\d s`,
		`director1 loses its power +[1-9]\d* of \d+, in \d+\.\d s(, \d+ unclear)? +[1-9]\d* of \d+, in \d+\.\d s(, \d+ unclear)? +\d+\.\d s`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	nothingLeft(t, tmp)
}

func TestHAFailsWithoutChecks(t *testing.T) {
	needKeepalived(t)
	dir, tmp := scratch(t)
	// An ipvsadm that fails over, but leaves the virtual servers out.
	if err := os.Rename(filepath.Join(dir, "ipvsadm"), filepath.Join(dir, "right")); err != nil {
		t.Fatal(err)
	}
	wrong := "#!/bin/sh\ncase $1 in vrrp) shift; exec " + dir + "/right vrrp -P \"$@\";; esac\nexec " + dir + "/right \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "ipvsadm"), []byte(wrong), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := runDemo(t, dir, "ha")
	const want = `demo: ours: director1 has [] in its table, want ["192.168.41.31:80" "192.168.41.33:80"]`
	if err == nil || !strings.Contains(out, want) {
		t.Errorf("%v, no %s in\n%s", err, want, out)
	}
	nothingLeft(t, tmp)
}
