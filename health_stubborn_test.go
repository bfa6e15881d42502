package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipvsadm/testdata/lab/uml"
)

// TestCheckStubborn has MISC_CHECKs whose programs, and what those start, take no
// notice of being told to end. Nothing is left of them when they have taken too long,
// when a reload removes them, and at the end of the daemon.
func TestCheckStubborn(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		const n = 3
		config := func(timeout int) string {
			var b strings.Builder
			for i := range n {
				// Once is enough: after a failure it is an hour until the next time.
				b.WriteString(strings.Replace(programServer(i+1, fmt.Sprintf(
					"MISC_CHECK {\nmisc_path \"DIR/stubborn DIR\"\nmisc_timeout %d\nretry 0\nwarmup 0\n}", timeout)),
					"delay_loop 1\n", "delay_loop 3600\n", 1))
			}
			return b.String()
		}
		const bare = "virtual_server 10.1.1.9 80 {\nlvs_sched rr\nlvs_method NAT\nprotocol TCP\nreal_server 10.5.0.9 80 {\n}\n}\n"
		p := launch(t, "check", bare)
		for name, text := range map[string]string{
			"stubborn": "trap '' TERM\n$1/child &\necho $$ >> $1/pids\nwhile :; do sleep 3456; done\n",
			"child":    "trap '' TERM\nsleep 3456 &\necho $$ >> ${0%/child}/pids\nwait\nwait\n",
		} {
			if err := os.WriteFile(p.at(name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		run := func(what string, timeout int) {
			t.Helper()
			os.Remove(p.at("pids"))
			p.configure(config(timeout))
			p.reload()
			eventually(t, "programs: "+what, func() bool {
				text, _ := os.ReadFile(p.at("pids"))
				return strings.Count(string(text), "\n") == 2*n
			})
		}
		gone := func(what string) {
			t.Helper()
			eventually(t, what, func() bool { return len(stubbornLeft(t, p)) == 0 })
		}
		run("that take too long", 5)
		p.await("timed out", n)
		gone("the end of programs that take too long")

		p.configure(bare)
		p.reload()
		run("that a reload removes", 3600)
		p.configure(bare)
		p.reload()
		gone("the end of programs that a reload removes")

		run("at the end", 3600)
		if left := stubbornLeft(t, p); len(left) < 2*n {
			t.Errorf("before the end there are %q only", left)
		}
		t.Logf("%v to end", p.stop())
		gone("the end of programs with the daemon")
	})
}

// stubbornLeft are the processes of stubborn programs, and those that have ended and
// that the daemon does not wait for.
func stubbornLeft(t *testing.T, p *process) (left []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		words := strings.ReplaceAll(string(line), "\x00", " ")
		_, rest, _ := strings.Cut(string(stat), ") ")
		if strings.Contains(words, "sleep 3456") || strings.Contains(words, p.at("stubborn")) || strings.Contains(words, p.at("child")) ||
			strings.HasPrefix(rest, fmt.Sprintf("Z %d ", p.cmd.Process.Pid)) {
			left = append(left, string(stat)+words)
		}
	}
	return left
}
