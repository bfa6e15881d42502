package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
)

// root is the top of the project, seen from here.
const root = "../../../.."

// scratch is what testdata/lab/demo prepares: a directory with the demo and
// ipvsadm, in a temporary directory that anybody may use.
func scratch(t *testing.T) (dir, tmp string) {
	t.Helper()
	uml.Need(t)
	tmp = t.TempDir()
	dir = filepath.Join(tmp, "demo")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, pkg := range map[string]string{"ipvsadm": root, "demo": "."} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), pkg).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	for _, d := range []string{dir, tmp, filepath.Dir(tmp)} {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return dir, tmp
}

// nothingLeft checks that the scratch directory in tmp and all processes that
// name it are gone.
func nothingLeft(t *testing.T, tmp string) {
	t.Helper()
	var left []string
	for range 100 {
		left, _ = filepath.Glob(filepath.Join(tmp, "*"))
		files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, f := range files {
			if line, err := os.ReadFile(f); err == nil && bytes.Contains(line, []byte(tmp)) {
				left = append(left, string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
			}
		}
		if len(left) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("left behind: %q", left)
}

// runDemo runs the demo in dir as an ordinary user, with the given word if any.
func runDemo(t *testing.T, dir string, word ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "demo"), append([]string{"-scratch", dir}, word...)...)
	cmd.Dir = "/"
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if err := os.Chown(dir, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestDemoShowsThePost(t *testing.T) {
	dir, tmp := scratch(t)
	out, err := runDemo(t, dir)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"\n[root@director ~]# ipvsadm -C\n" +
			"[root@director ~]# ipvsadm -A -t 192.168.40.17:80 -s rr -p 20\n" +
			"[root@director ~]# ipvsadm -a -t 192.168.40.17:80 -r 192.168.41.31:80 -g -w 10\n" +
			"[root@director ~]# ipvsadm -a -t 192.168.40.17:80 -r 192.168.41.33:80 -g -w 10\n",
		"\nTCP  192.168.40.17:80 rr persistent 20\n",
		"-m -w 10\n", "-i -w 10\n",
		" Route   10 ", " Masq    10 ", " Tunnel  10 ",
		"[root@director ~]# ipvsadm -L -n\nIP Virtual Server version ",
		"[root@director ~]# ipvsadm -L -n --stats\nIP Virtual Server version ",
		"[root@director ~]# ipvsadm -L -c -n | head -8\nIPVS connection entries\n",
		"\nDR   rs1 answered 50, rs2 answered 50, unanswered 0\n" +
			"NAT  rs1 answered 50, rs2 answered 50, unanswered 0\n" +
			"TUN  rs1 answered 50, rs2 answered 50, unanswered 0\n" +
			"Every request was answered, and rr shared them evenly.\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	// 5 packets a connection; a loaded machine makes TCP send one again.
	stats := regexp.MustCompile(`\nTCP  192\.168\.40\.17:80                  100      5\d\d        0 `)
	if !stats.MatchString(out) {
		t.Errorf("no %s in\n%s", stats, out)
	}
	nothingLeft(t, tmp)
}

func TestDemoFailsIfOneServerGetsAll(t *testing.T) {
	dir, tmp := scratch(t)
	// An ipvsadm that forgets the second server.
	if err := os.Rename(filepath.Join(dir, "ipvsadm"), filepath.Join(dir, "right")); err != nil {
		t.Fatal(err)
	}
	wrong := "#!/bin/sh\ncase \"$*\" in -a*41.33*) exit 0;; esac\nexec " + dir + "/right \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "ipvsadm"), []byte(wrong), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := runDemo(t, dir)
	want := regexp.MustCompile(`demo: DR: rs1 answered 100, rs2 answered 0, unanswered 0; want 50 and 50`)
	if err == nil || !want.MatchString(out) {
		t.Errorf("%v\n%s", err, out)
	}
	nothingLeft(t, tmp)
}

func TestServersField(t *testing.T) {
	const listing = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  192.168.40.17:80 rr
  -> 192.168.41.31:80             Route   10     0          150       
  -> 192.168.41.33:80             Masq    10     0          154       
`
	if got := serversField(listing, 2); !slices.Equal(got, []string{"Route", "Masq"}) {
		t.Errorf("got %q", got)
	}
}
