package uml_test

import (
	"bytes"
	"encoding/json"
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

// sample is the package whose tests these tests run, seen from here.
const sample = "./testdata/sample"

// goTest runs go test on the sample, with $TMPDIR empty before, and checks that
// it is empty again afterwards and no process of the guest is left.
func goTest(t *testing.T, env []string, args ...string) string {
	t.Helper()
	uml.Need(t)
	tmp := t.TempDir()
	cmd := exec.Command("go", append([]string{"test", "-count=1", sample}, args...)...)
	cmd.Env = append(append(os.Environ(), "UML_REQUIRED=", "TMPDIR="+tmp), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		out.WriteString(err.Error())
	}
	nothingLeft(t, tmp)
	return out.String()
}

// nothingLeft checks that guests whose control directory was below tmp are gone.
func nothingLeft(t *testing.T, tmp string) {
	t.Helper()
	var left []string
	for range 150 {
		left, _ = filepath.Glob(filepath.Join(tmp, "uml-*"))
		left = append(left, processesWith(tmp)...)
		if len(left) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("left behind: %q", left)
}

// processesWith returns the command lines that contain s, of processes other
// than this one.
func processesWith(s string) (found []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		if line, err := os.ReadFile(f); err == nil && bytes.Contains(line, []byte(s)) {
			found = append(found, string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return found
}

// event is a line of go test -json.
type event struct{ Action, Test, Output, Key, Value string }

// events decodes the output of go test -json.
func events(t *testing.T, out string) (all []event) {
	t.Helper()
	for line := range strings.Lines(out) {
		var e event
		if json.Unmarshal([]byte(line), &e) == nil {
			all = append(all, e)
		}
	}
	return all
}

// verdicts returns how each test ended, in the order in which they did.
func verdicts(all []event) (v []string) {
	for _, e := range all {
		if e.Test != "" && slices.Contains([]string{"pass", "fail", "skip"}, e.Action) {
			v = append(v, e.Action+" "+e.Test)
		}
	}
	return v
}

// outputOf returns what a test wrote.
func outputOf(all []event, test string) string {
	var b strings.Builder
	for _, e := range all {
		if e.Test == test && e.Action == "output" {
			b.WriteString(e.Output)
		}
	}
	return b.String()
}

func TestResultsAreTheTestsOwn(t *testing.T) {
	out := goTest(t, nil, "-json", "-word=shibboleth", "-run=Pass|OnHost|Subtest|Fail|Skip|Exit|Twice|Leave|NoProcess")
	all := events(t, out)
	want := []string{
		"pass TestPass",
		"pass TestOnHost",
		"pass TestSubtests/a",
		"pass TestSubtests/b_c",
		"pass TestSubtests/b_c#01",
		"pass TestSubtests/d/e",
		"pass TestSubtests/parallel/1",
		"pass TestSubtests/parallel/2",
		"pass TestSubtests/parallel",
		"pass TestSubtests",
		"pass TestInSubtest/x_y",
		"pass TestInSubtest/z",
		"pass TestInSubtest",
		"pass TestFail/good",
		"fail TestFail/bad",
		"fail TestFail",
		"skip TestSkip",
		"fail TestExit",
		"fail TestTwice",
		"pass TestLeaveProcess",
		"pass TestNoProcessLeft",
	}
	if got := verdicts(all); !slices.Equal(got, want) {
		t.Errorf("verdicts\n %s\nwant\n %s\n%s", strings.Join(got, "\n "), strings.Join(want, "\n "), out)
	}
	for test, want := range map[string]string{
		"TestPass":                `    sample_test\.go:\d+: ran in the guest\n`,
		"TestSubtests":            `    no newline\n`,
		"TestSubtests/b_c#01":     `    sample_test\.go:\d+: word is shibboleth\n`,
		"TestSubtests/parallel/2": `    sample_test\.go:\d+: before 2\n.*    sample_test\.go:\d+: after 2\n`,
		"TestFail/bad":            `    sample_test\.go:\d+: wrong answer\n`,
		"TestSkip":                `    sample_test\.go:\d+: not today\n`,
		"TestExit":                `TestExit in the guest ended with code 7\n`,
		"TestTwice":               `a test may call uml.Run once; use subtests\n`,
	} {
		if got := outputOf(all, test); !regexp.MustCompile(`(?s)` + want).MatchString(got) {
			t.Errorf("%s wrote\n%s\nwant %s", test, got, want)
		}
	}
	if !slices.ContainsFunc(all, func(e event) bool {
		return e.Action == "attr" && e.Test == "TestInSubtest/z" && e.Key == "answer" && e.Value == "42"
	}) {
		t.Error("the attribute of TestInSubtest/z was lost")
	}
}

func TestNetworksOfEarlierTestsAreGone(t *testing.T) {
	out := goTest(t, nil, "-run=TestNetworkIsGoneAtOnce", "-count=4")
	if !strings.HasPrefix(out, "ok ") {
		t.Error(out)
	}
}

func TestFailureReadsAsEver(t *testing.T) {
	out := goTest(t, nil, "-run=TestFail")
	want := `^--- FAIL: TestFail \(\d+\.\d\ds\)
    --- FAIL: TestFail/bad \(\d+\.\d\ds\)
        sample_test\.go:\d+: wrong answer
FAIL
FAIL	ipvsadm/testdata/lab/uml/testdata/sample	`
	if !regexp.MustCompile(want).MatchString(out) {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}

func TestRunAndCountAndCover(t *testing.T) {
	out := goTest(t, nil, "-json", "-cover", "-count=2", "-run=^TestSubtests$/^b", "-skip=/#01$")
	want := []string{"pass TestSubtests/b_c", "pass TestSubtests", "pass TestSubtests/b_c", "pass TestSubtests"}
	if got := verdicts(events(t, out)); !slices.Equal(got, want) {
		t.Errorf("verdicts %q, want %q\n%s", got, want, out)
	}
	// The branch for the guest is covered by the guest only.
	out = goTest(t, nil, "-cover", "-run=TestPass|TestOnHost")
	if !strings.Contains(out, "coverage: 100.0% of statements") {
		t.Errorf("coverage of both halves is not 100 %%:\n%s", out)
	}
}

func TestMuchOutputArrives(t *testing.T) {
	out := goTest(t, nil, "-v", "-run=TestMuchOutput")
	line := strings.Repeat("0\x00\x80\r\xff", 200) + "\n"
	if n := strings.Count(out, line); n != 4000 {
		t.Errorf("%d of 4000 lines arrived whole", n)
	}
}

func TestPanicIsShown(t *testing.T) {
	out := goTest(t, nil, "-run=TestPanic")
	for _, want := range []string{"--- FAIL: TestPanic", "panic: out of coffee", "sample_test.go:"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestTimeoutShowsWhereTheGuestHangs(t *testing.T) {
	t.Parallel() // it mostly waits
	out := goTest(t, nil, "-run=TestHang", "-timeout=20s")
	for _, want := range []string{"panic: test timed out after", "running tests:\n", "TestHang", "sample.waitForGodot"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestSkipFailsWhereKernelTestsAreRequired(t *testing.T) {
	out := goTest(t, []string{"UML_REQUIRED=1"}, "-run=TestSkip")
	if !strings.Contains(out, "--- FAIL: TestSkip") || !strings.Contains(out, "a kernel test must not skip") {
		t.Error(out)
	}
}

// buildSample builds the sample's test binary where anybody may run it.
func buildSample(t *testing.T) (binary, dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	binary = filepath.Join(dir, "sample.test")
	if out, err := exec.Command("go", "test", "-c", "-o", binary, sample).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary, dir
}

func TestKilledAtAnyTimeNothingIsLeft(t *testing.T) {
	uml.Need(t)
	binary, _ := buildSample(t)
	for _, after := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, time.Second, 6 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel() // it mostly waits
			tmp := t.TempDir()
			cmd := exec.Command(binary, "-test.run=TestHang")
			cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(30 * time.Second); len(processesWith(tmp)) == 0; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(end) {
					t.Error("no guest was started")
					break
				}
			}
			time.Sleep(after)
			cmd.Process.Kill()
			cmd.Wait()
			nothingLeft(t, tmp)
		})
	}
}

func TestKilledWhileItsOutputIsStuckNothingIsLeft(t *testing.T) {
	t.Parallel() // it mostly waits
	uml.Need(t)
	binary, _ := buildSample(t)
	tmp := t.TempDir()
	stuck, full, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Close()
	cmd := exec.Command(binary, "-test.run=TestFlood", "-test.v")
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	cmd.Stdout = full
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	full.Close()
	time.Sleep(8 * time.Second)
	cmd.Process.Kill()
	cmd.Wait()
	nothingLeft(t, tmp)
}

func TestOrdinaryUser(t *testing.T) {
	uml.Need(t)
	if os.Getuid() != 0 {
		t.Log("every test of this run shows it: not root")
		return
	}
	binary, dir := buildSample(t)
	cmd := exec.Command(binary, "-test.run=TestPass", "-test.v")
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "HOME=/nonexistent", "UML_REQUIRED=1")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "ran in the guest") {
		t.Errorf("%v\n%s", err, out)
	}
	nothingLeft(t, dir)
}

func TestWithoutKernel(t *testing.T) {
	binary, dir := buildSample(t)
	broken := filepath.Join(dir, uml.Kernel)
	for _, c := range []struct{ name, path, env, want string }{
		{"missing", "/nonexistent", "", `install Debian package user-mode-linux(.|\n)*--- SKIP: TestPass(.|\n)*PASS`},
		{"missing and required", "/nonexistent", "UML_REQUIRED=1", `install Debian package user-mode-linux(.|\n)*--- FAIL: TestPass`},
		{"broken", dir, "", `did not boot(.|\n)*Kernel panic: no good(.|\n)*--- SKIP: TestPass`},
		{"broken and required", dir, "UML_REQUIRED=1", `did not boot(.|\n)*Kernel panic: no good(.|\n)*--- FAIL: TestPass`},
		{"own kernel without root or IPVS", dir, "UML_OWN_KERNEL=1", `UML_OWN_KERNEL=1: (.|\n)*--- FAIL: TestPass`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(broken, []byte("#!/bin/sh\necho Kernel panic: no good >&2\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(c.name, "own kernel") && os.Getuid() == 0 {
				if _, err := os.Stat("/proc/net/ip_vs"); err == nil {
					t.Log("this machine's kernel has IPVS")
					return
				}
			}
			cmd := exec.Command(binary, "-test.run=TestPass", "-test.v")
			cmd.Env = []string{"PATH=" + c.path, "HOME=/nonexistent", "TMPDIR=" + t.TempDir(), c.env}
			out, _ := cmd.CombinedOutput()
			if !regexp.MustCompile(c.want).Match(out) {
				t.Errorf("got\n%s\nwant %s", out, c.want)
			}
		})
	}
}
