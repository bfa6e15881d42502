package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"ipvsadm/testdata/lab/compat"
	"ipvsadm/testdata/lab/differ"
	"ipvsadm/testdata/lab/uml"
)

const transcriptDir = "testdata/transcripts"

// referenceDir is where Debian's package ipvsadm puts its programs.
const referenceDir = "/usr/sbin"

func transcripts(t *testing.T) [][]compat.Entry {
	t.Helper()
	all, err := compat.ReadTranscripts(transcriptDir)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestTranscriptsInMemory plays what was recorded of ipvsadm 1.31 to package
// rules on the kernel in memory.
func TestTranscriptsInMemory(t *testing.T) {
	for _, entries := range transcripts(t) {
		t.Run(entries[0].File, func(t *testing.T) {
			compat.Play(compat.NewFake(), entries, judge(t, compat.Entry.Ours))
		})
	}
}

// fullVar makes the tests with real processes run all there are, not a choice.
const fullVar = "IPVSADM_FULL"

// TestTranscripts plays the same on a real kernel, to our program where the
// process is what matters and to package rules elsewhere.
func TestTranscripts(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		playInGuest(t, os.Getenv(programsVar), worthAProcess, compat.Entry.Ours)
	})
}

// worthAProcess selects all entries but those that try one value after the
// other, and of these some.
func worthAProcess(e compat.Entry) bool {
	switch e.File {
	case "01-cmdline-errors.txt", "02-value-errors.txt":
		return e.Line%16 == 0 || os.Getenv(fullVar) != ""
	}
	return true
}

// TestTranscriptsReference plays to ipvsadm 1.31 itself what our tool is to do
// differently, and much of the rest: every declared difference is one.
func TestTranscriptsReference(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		if _, err := os.Stat(referenceDir + "/ipvsadm"); err != nil {
			t.Skip("needs the original to compare with: install Debian package ipvsadm")
		}
		process := func(e compat.Entry) bool {
			return !e.Undefined && (worthAProcess(e) || len(e.Differences) > 0)
		}
		playInGuest(t, referenceDir, process, func(e compat.Entry) compat.Outcome {
			if e.Undefined {
				return e.Ours()
			}
			return e.Want
		})
	})
}

// playInGuest plays all transcripts in one network namespace, which is as the
// recording's was.
func playInGuest(t *testing.T, programs string, process func(compat.Entry) bool, want func(compat.Entry) compat.Outcome) {
	all := transcripts(t)
	ns := compat.RecordedNetNS(t, "play")
	var err error
	if ns.Do(func() { err = compat.AddInterface() }); err != nil {
		t.Fatal(err)
	}
	for _, entries := range all {
		t.Run(entries[0].File, func(t *testing.T) {
			ns.Do(func() {
				guest, err := compat.NewGuest(programs, t.TempDir(), process)
				if err != nil {
					t.Fatal(err)
				}
				defer guest.Close()
				compat.Play(guest, entries, judge(t, want))
			})
		})
	}
}

// judge returns what Play reports to: it fails t where an entry did not do what
// want says.
func judge(t *testing.T, want func(compat.Entry) compat.Outcome) func(compat.Entry, compat.Outcome, error) {
	return func(e compat.Entry, got compat.Outcome, err error) {
		t.Helper()
		switch {
		case errors.Is(err, compat.ErrCannot):
		case err != nil:
			t.Errorf("%s: %v", e, err)
		case !want(e).Same(got):
			t.Errorf("%s\n%s", e, compat.Diff("1.31", want(e), "ours", got))
		}
	}
}

// declaredDifferences are the names of a list that the README shows, each with its
// text.
func declaredDifferences(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]string{}
	for item := range strings.SplitSeq("\n"+string(text), "\n- **") {
		if name, reason, ok := strings.Cut(item, "**"); ok {
			list[name] = reason
		}
	}
	return list
}

// TestDeclaredDifferences keeps the list of differences true: nothing else may
// be declared anywhere, and everything on it happens.
func TestDeclaredDifferences(t *testing.T) {
	declared := declaredDifferences(t, transcriptDir+"/differences.md")
	// What takes a name server or a very old kernel to see.
	seen := map[string]bool{"silent-name-servers": true, "netlink-only": true}
	for _, entries := range transcripts(t) {
		for _, e := range entries {
			if len(e.Differences) > 0 && e.Want == e.Instead && !e.Undefined {
				t.Errorf("%s: %v, but our tool does what the original did", e, e.Differences)
			}
			for _, name := range e.Differences {
				seen[name] = true
			}
		}
	}
	for name := range seen {
		if declared[name] == "" {
			t.Errorf("%s is not declared in differences.md", name)
		}
	}
	for name := range declared {
		if !seen[name] {
			t.Errorf("%s is declared, but no transcript shows it", name)
		}
	}
	for _, name := range differ.Declared() {
		if declared[name] == "" {
			t.Errorf("the differential test allows %s, which is not declared", name)
		}
	}
}

// TestReadmeListsDifferences keeps the README's lists the same as the declared
// ones.
func TestReadmeListsDifferences(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{transcriptDir + "/differences.md", checkDifferences} {
		list, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(readme), string(list)) {
			t.Errorf("README.md does not contain %s word for word", file)
		}
	}
}
